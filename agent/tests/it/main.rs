//! The program from outside: its screens and its exit codes.

#![allow(clippy::unwrap_used)] // a test may panic

#[path = "../common/mod.rs"]
#[allow(dead_code)] // the suite of failing disks uses more of it
mod common;
mod kills;
mod screens;
mod service;
mod service_manager;
mod status;

/// The path of a file among the fixtures.
fn fixture(name: &str) -> String {
    format!("{}/tests/it/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}
