//! From arguments to an exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::args::{Cli, Command, Gateway, Output, Pki};
use crate::cli::error::{BAD_ANSWER, COULD_NOT_ASK, CommandError};
use crate::cli::{acl, check, pki, seed, serve};
use crate::clock::Clock;
use crate::config::Config;
use crate::document::FileProblems;
use crate::report::{Report, complain, show};

/// Runs one command line.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(usage) => {
            let _ = usage.print();
            return ExitCode::from(if usage.use_stderr() { COULD_NOT_ASK } else { 0 });
        }
    };
    match Config::load(&cli.config) {
        Ok(config) => finish(execute(cli.command, &config)),
        Err(problems) => {
            complain(&problems);
            let checked = matches!((&cli.command, &problems), (Command::Check(_), FileProblems::Found { .. }));
            ExitCode::from(if checked { BAD_ANSWER } else { COULD_NOT_ASK })
        }
    }
}

fn execute(command: Command, config: &Config) -> Result<ExitCode, CommandError> {
    let now = Clock::system().now();
    match command {
        Command::Serve => {
            block_on(serve::serve(config))??;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check(output) => {
            let report = check::check(config, now);
            let code = if report.is_good() { ExitCode::SUCCESS } else { ExitCode::from(BAD_ANSWER) };
            answered(&report, output).map(|_| code)
        }
        Command::Pki(Pki::Init(output)) => answered(&pki::init(config, now)?, output),
        Command::Pki(Pki::Gateway { id, valid_for, output }) => {
            answered(&pki::gateway(config, &id, pki::validity(config, now, valid_for))?, output)
        }
        Command::Pki(Pki::List(output)) => answered(&pki::list(config, now)?, output),
        Command::Seed { file, output } => answered(&block_on(seed::seed(config, &file, now))??, output),
        Command::Gateway(Gateway::Acl(output)) => answered(&block_on(acl::acl(config))??, output),
    }
}

fn answered(report: &impl Report, output: Output) -> Result<ExitCode, CommandError> {
    show(report, output.form());
    Ok(ExitCode::SUCCESS)
}

fn finish(outcome: Result<ExitCode, CommandError>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::from(error.exit_code())
    })
}

fn block_on<T>(work: impl Future<Output = T>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CommandError::Runtime)?;
    Ok(runtime.block_on(work))
}
