//! The program from outside: its screens and its exit codes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod screens;
