//! The API as a client meets it: over a socket, with real tokens.

mod bench;
mod bodies;
mod data;
mod hostile;
mod isolation;
mod login;
mod tokens;
