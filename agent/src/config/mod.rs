//! The configuration: one TOML file, read and checked in full before any port or socket opens.
//!
//! It promises: every problem is reported at once, with file, line, key and caret, an unknown key with the nearest known
//! one; relative paths count from the file; a secret is never shown. It does not: read the environment, or change at
//! run time.

mod buffer;
pub mod error;
pub mod load;
pub mod reader;
pub mod sections;
pub mod sensor;

pub use error::ConfigError;
pub use load::{load, socket};
pub use sections::Config;

#[cfg(test)]
mod tests;
