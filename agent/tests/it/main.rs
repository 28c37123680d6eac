//! The program from outside: its screens and its exit codes.

#![allow(clippy::unwrap_used)] // a test may panic

mod screens;
mod service;
mod service_manager;
mod status;

/// The path of a file among the fixtures.
fn fixture(name: &str) -> String {
    format!("{}/tests/it/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}
