//! Live control: what a running simulator is told to do, and how it is told.
//!
//! `command` is the grammar that the socket, the console, fault files and transcripts share, `fault` its part that
//! breaks something, `grammar` and `words` how they are read; `scenario` reads commands with their times from a file,
//! `socket` one a line from whoever may connect.

mod words;

mod command;
mod fault;
mod grammar;
mod scenario;

pub(crate) mod socket;

#[cfg(test)]
mod tests;

pub use command::{Command, CommandError};
pub use fault::{Fault, FaultName, PasswordFault};
pub use scenario::{Scenario, ScenarioError, ScenarioProblem};
