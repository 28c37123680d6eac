//! The contract's tests from outside: pinned bytes per version, round trips, hostile input.

#![allow(clippy::unwrap_used)] // a test may panic

mod hostile;
mod topics;
mod v1;
