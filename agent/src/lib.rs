//! The agent on the kitchen's gateway: reads the sensors, writes every reading to disk, forwards it, frees it only when the
//! sink says that it is stored and judged.
//!
//! | module | on the path of a reading |
//! |---|---|
//! | [`sampler`] | when is which sensor measured |
//! | [`device`] | the dialogue over its serial line |
//! | [`at`] | the console's grammar |
//! | [`convert`] | mA → °C or a named fault |
//! | [`observation`], [`history_mark`] | what a sensor's task hands on; until when its history is of no more use |
//! | [`recorder`], [`recorded`] | stamps it and has it written; what is on disk |
//! | [`clock`] | what time it was |
//! | [`buffer`] | on disk, until acknowledged |
//! | [`forwarder`] | over MQTT/TLS to the sink |
//! | [`supervisor`], [`watchdog`] | starts and ends them all; sees that none is stuck |
//! | [`status`] | how all that is, on a Unix socket |
//! | [`config`], [`settings`] | what is configured |
//! | [`cli`], [`report`], [`words`], [`log`] | the command line, the log |

pub mod at;
pub mod buffer;
pub mod cli;
pub mod clock;
pub mod config;
pub mod convert;
pub mod device;
pub mod forwarder;
pub mod history_mark;
pub mod humidity;
pub mod log;
pub mod observation;
pub mod recorded;
pub mod recorder;
pub mod repeats;
pub mod report;
pub mod sampler;
pub mod settings;
pub mod speed;
pub mod status;
pub mod supervisor;
pub mod uncertainty;
pub mod watchdog;
pub mod words;

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use kitchen_contract::id::DeviceId;

use crate::buffer::BufferError;
use crate::cli::args::{Args, Command, Sensor};
use crate::cli::run::ServiceError;
use crate::config::{Config, ConfigError};
use crate::report::Form;
use crate::speed::Speed;
use crate::supervisor::RunError;

/// Asked, and the answer is bad.
const FAILED: u8 = 1;
/// Could not ask: usage, configuration, locked buffer.
const UNUSABLE: u8 = 2;

/// The whole program: parses `args` (the first is the program's name), does what they say, and returns the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    // Fails only if a provider is installed already, as in a process that holds several of our programs.
    drop(rustls::crypto::ring::default_provider().install_default());
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            report::usage(&error);
            return ExitCode::from(if error.use_stderr() { UNUSABLE } else { 0 });
        }
    };
    let file = &args.config;
    match args.command {
        Command::Run => configured(file, run),
        Command::Check { json } => configured(file, |config| {
            report::answer(&cli::check::check(&config), form(json));
            ExitCode::SUCCESS
        }),
        Command::Status { json } => status(file, form(json)),
        Command::Sensor(Sensor::Plan { device_id, json }) => {
            configured(file, |config| sensor_plan(&config, device_id.as_ref(), form(json)))
        }
    }
}

/// What has a sense only with a configuration without fault.
fn configured(file: &Path, act: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match config::load(file) {
        Ok(config) => act(config),
        Err(error) => unusable(&error),
    }
}

fn unusable(error: &ConfigError) -> ExitCode {
    report::config_error(error);
    ExitCode::from(UNUSABLE)
}

fn form(json: bool) -> Form {
    if json { Form::Json } else { Form::Text }
}

fn sensor_plan(config: &Config, device_id: Option<&DeviceId>, form: Form) -> ExitCode {
    match cli::sensor_plan::plans(config, device_id) {
        Ok(plans) => {
            report::answer(&plans, form);
            ExitCode::SUCCESS
        }
        Err(error) => {
            report::error(&error);
            ExitCode::from(UNUSABLE)
        }
    }
}

/// Asks whatever agent runs, even if the configuration has been spoilt since it began.
fn status(file: &Path, form: Form) -> ExitCode {
    let socket = match config::socket(file) {
        Ok(socket) => socket,
        Err(error) => return unusable(&error),
    };
    match status::client::ask(&socket).map(cli::status::Status::from) {
        Ok(status) => {
            report::answer(&status, form);
            if status.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
        }
        Err(error) => {
            report::error(&error);
            ExitCode::from(UNUSABLE)
        }
    }
}

fn run(config: Config) -> ExitCode {
    let speed = match Speed::parse(env::var(speed::VARIABLE).ok().as_deref()) {
        Ok(speed) => speed,
        Err(error) => {
            report::error(&error);
            return ExitCode::from(UNUSABLE);
        }
    };
    let Err(error) = cli::run::run(config, speed) else { return ExitCode::SUCCESS };
    report::error(&error);
    match error {
        ServiceError::Run(
            RunError::Buffer(BufferError::Locked { .. } | BufferError::DataDir { .. }) | RunError::Socket(_),
        ) => ExitCode::from(UNUSABLE),
        ServiceError::Run(_) | ServiceError::Runtime(_) => ExitCode::from(FAILED),
    }
}
