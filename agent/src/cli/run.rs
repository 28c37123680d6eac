//! `run`: the service.

use std::time::Duration;

use tokio::runtime::Builder;

use crate::config::Config;
use crate::log;
use crate::speed::Speed;
use crate::supervisor::{self, RunError};

/// Threads for tasks. The agent is idle nearly always, and the disk has threads of its own; but a port that is stuck in the
/// kernel while it is opened or closed must not stop the others.
const WORKERS: usize = 2;
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
    log::start(config.log);
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
