//! The program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    kitchen_agent::main(std::env::args_os())
}
