//! `serve`: the cloud, until SIGTERM or Ctrl-C.

use crate::cli::error::CommandError;
use crate::config::Config;
use crate::supervisor;

/// `serve`.
///
/// # Errors
/// It cannot be started, or a part of it failed.
pub async fn serve(config: &Config) -> Result<(), CommandError> {
    crate::log::install(&config.log);
    let stop = supervisor::stop_signal().map_err(supervisor::ServeError::Signals)?;
    Ok(supervisor::serve(config, stop).await?)
}
