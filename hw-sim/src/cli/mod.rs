//! The program `hw-sim`: one file for each command, what they share in `program`, `device` and
//! `failure`; `screen` and `pacing` are the console's.

mod program;

mod console;
mod ctl;
mod record;
mod replay;
mod run;

mod device;
mod failure;
mod pacing;
mod screen;

pub use program::main;
