//! Log lines, to stderr: readable alone, queryable by their fields.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Installs the process's log. A second call changes nothing.
pub fn install(config: &LogConfig) {
    let filter = EnvFilter::new(&config.level);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let colour = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let installed = match config.format {
        LogFormat::Text => lines.with_ansi(colour).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    if installed.is_err() {
        tracing::debug!("the log was installed already");
    }
}
