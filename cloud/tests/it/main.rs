//! The program as its operator meets it: real processes, real files, real sockets.

#![allow(clippy::unwrap_used, reason = "a failing test may panic, its helpers too")]

mod bridge;
mod cli;
mod endpoint;
mod field;
mod ingest;
mod program;
mod serve;
mod tidy;
