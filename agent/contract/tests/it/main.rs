//! The contract's tests from outside: pinned bytes per version, round trips, hostile input.

mod hostile;
mod topics;
mod v1;
