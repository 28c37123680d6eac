//! From arguments to an exit code: answers on stdout, logs and errors on stderr.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use super::failure::{EXIT_COULD_NOT, Failure};
use super::{console, ctl, record, replay, run};

/// Simulates a Dragino PS-NB-GE temperature sensor on a virtual serial port, faithful to the byte.
#[derive(Debug, Parser)]
#[command(name = "hw-sim", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 fine, 1 refused or different, 2 could not start or go on.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs one sensor until Ctrl-C: 9600 baud, 8N1, no echo, PIN as in the profile.
    Run(run::RunArgs),
    /// Lets you talk to a sensor by hand: to a simulated one, or to whatever is at --port.
    Console(console::ConsoleArgs),
    /// Passes a dialogue through from a link to a port and back, and writes it down as a transcript.
    Record(record::RecordArgs),
    /// Plays the device's side of a transcript to a client, or the host's side to a device.
    Replay(replay::ReplayArgs),
    /// Tells a running simulator to do something: unplug, power-cut, another PIN…
    Ctl(ctl::CtlArgs),
}

/// Parses, runs, and maps the outcome to an exit code: 0 fine, 1 refused or different, 2 could not.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = match Cli::try_parse_from(args) {
        Ok(Cli { command }) => command,
        Err(error) => return explain_usage(&error),
    };
    start_log(command.default_log());
    match start(command) {
        Ok(code) => code,
        Err(failure) => {
            // Nothing can be told to a closed terminal.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn start(command: Command) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Run(args) => run::run(args).await,
            Command::Console(args) => console::run(args).await,
            Command::Record(args) => record::run(args).await,
            Command::Replay(args) => replay::run(args).await,
            Command::Ctl(args) => ctl::run(args).await,
        }
    })
}

impl Command {
    /// What is logged when `RUST_LOG` does not say: the others' screens belong to their dialogue.
    fn default_log(&self) -> &'static str {
        match self {
            Self::Run(_) => "info",
            _ => "warn",
        }
    }
}

/// `RUST_LOG` chooses what is logged; colour is left to terminals that want it.
fn start_log(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr);
    // What cannot be logged is lost: complaining about it to the same closed terminal would end the program. One that
    // embeds this one may have its own subscriber: then that one stays.
    let _ = log.log_internal_errors(false).try_init();
}

/// Help and version are answers, everything else is a usage error.
fn explain_usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_COULD_NOT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
