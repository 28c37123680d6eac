//! The simulator's own integration tests: golden transcripts and rules in virtual time, the port in real time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod port;
mod replay;
mod rules;
mod support;
