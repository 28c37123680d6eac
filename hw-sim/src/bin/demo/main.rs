//! `cargo demo`: a kitchen on one machine. Two simulated sensors, one agent, one cloud, as separate processes over a real
//! pty and real TLS; a live view of what happens; everything it started ends with it.

mod run;
mod view;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use hw_sim::bench::process::hidden_main;

/// Watch readings travel from a simulated sensor's serial console to the REST API.
#[derive(Debug, Parser)]
#[command(name = "cargo demo", version)]
struct Args {
    /// End with exit code 0 once this many different readings were read back through the API, or with 1 and a reason
    /// after 240 s; without it the demo runs until Ctrl-C
    #[arg(long, value_name = "READINGS")]
    until: Option<usize>,
}

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = hidden_main(&args) {
        return code;
    }
    let args = Args::parse_from(args);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run::demo(args.until)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            view::failed(&error);
            ExitCode::FAILURE
        }
    }
}
