//! The simulator's own integration tests: golden transcripts and rules in virtual time, the port in real time.

mod port;
mod replay;
mod rules;
mod support;
