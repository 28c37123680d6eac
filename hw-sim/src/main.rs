//! The program; everything is in the library.

fn main() -> std::process::ExitCode {
    hw_sim::main(std::env::args_os())
}
