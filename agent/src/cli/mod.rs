//! The command line: one file per subcommand.

pub mod args;
pub mod check;
pub mod run;
pub mod sensor_plan;
pub mod status;
