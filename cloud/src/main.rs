//! The binary `kitchen-cloud`; the program is [`kitchen_cloud::main`].

use std::process::ExitCode;

fn main() -> ExitCode {
    kitchen_cloud::main(std::env::args_os())
}
