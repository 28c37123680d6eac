//! `run`: the service.

use std::time::Duration;

use tokio::runtime::Builder;

use crate::config::Config;
use crate::config::sections::{LogFormat, LogLevel, LogSection};
use crate::speed::Speed;
use crate::supervisor::{self, RunError};

/// Threads for tasks. The agent is idle nearly always; the disk has threads of its own.
const WORKERS: usize = 1;
/// Threads for what blocks: the buffer, name look-ups, serial ports that are opened.
const BLOCKING_MAX: usize = 8;
/// How long a thread that is stuck may hold up the end of the process.
const LAST_WAIT: Duration = Duration::from_millis(200);

/// Why the service did not start or did not end well.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ServiceError {
    /// No threads.
    #[error("cannot start the runtime")]
    #[diagnostic(code(agent::runtime))]
    Runtime(#[source] std::io::Error),
    /// It did not run.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Run(#[from] RunError),
}

/// Runs until a signal.
///
/// # Errors
/// No runtime, an unusable or locked buffer, or a task that ended early.
pub fn run(config: Config, speed: Speed) -> Result<(), ServiceError> {
    start_log(config.log);
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING_MAX)
        .enable_all()
        .build()
        .map_err(ServiceError::Runtime)?;
    let outcome = runtime.block_on(supervisor::run(config, speed));
    runtime.shutdown_timeout(LAST_WAIT);
    Ok(outcome?)
}

/// Our own events at the configured level, those of the crates below from warnings up; to stderr. What panics is logged too.
fn start_log(log: LogSection) {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::prelude::*;

    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let filter = Targets::new().with_target("kitchen_agent", level).with_default(level.min(LevelFilter::WARN));
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let colour = std::env::var_os("NO_COLOR").is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let layer = match log.format {
        LogFormat::Text => layer.with_ansi(colour).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    // A second service in the same process, which only a test makes, keeps the first one's log.
    drop(tracing_subscriber::registry().with(layer.with_filter(filter)).try_init());
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panicked")));
}
