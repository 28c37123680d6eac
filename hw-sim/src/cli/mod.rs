//! The program `hw-sim`: one file for each command, what they share in `program`, `device` and `failure`.

mod program;

mod ctl;
mod run;

mod device;
mod failure;

pub use program::main;
