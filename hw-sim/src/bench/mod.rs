//! The bench: sensors, agent and cloud as separate processes, over a real pty, real TLS and real files.
//!
//! `cargo demo` and the end-to-end tests stand on it. It starts its own executable again with a hidden subcommand
//! ([`process::hidden_main`]), so what runs is always what was just built.

pub mod api;

mod files;

pub mod layout;
pub mod process;
pub mod proxy;

pub use api::{ApiClient, ApiError};
pub use layout::{Layout, Plan, SensorPlan};
pub use process::{Process, Role};
