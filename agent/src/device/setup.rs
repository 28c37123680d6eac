//! Who is there, and is it set as configured: identity, then `AT+12VT`, `AT+TDC`, `AT+ROC`.
//!
//! A setting is asked for first and written only when it differs, because each write wears the device's flash; then it is
//! read back and compared as a number. A setting that the device will not take is named and passed over: a sensor with a
//! wrong interval still measures.

use tokio::io::{AsyncRead, AsyncWrite};

use super::error::DeviceError;
use super::session::Session;
use crate::at::command::{Command, Setting};
use crate::at::identity::{Imei, Model};
use crate::at::report_interval::ReportInterval;
use crate::at::report_on_change::ReportOnChange;
use crate::at::warm_up::WarmUp;

/// How often a setting is written when it reads back wrong: the line may have been damaged on its way.
const WRITES_MAX: u32 = 2;

/// The sensor at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Which one.
    pub imei: Imei,
    /// What kind and firmware.
    pub model: Model,
}

/// What the device is to be set to; every number inside what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `AT+12VT`.
    pub warm_up: WarmUp,
    /// `AT+TDC`.
    pub report_interval: ReportInterval,
    /// `AT+ROC`.
    pub report_on_change: ReportOnChange,
}

/// What became of the settings.
#[derive(Debug)]
pub struct Applied {
    /// The warm-up that was found: what was measured up to now was measured with it.
    pub warm_up_before: WarmUp,
    /// The warm-up from now on.
    pub warm_up: WarmUp,
    /// The settings that the device did not take.
    pub not_taken: Vec<DeviceError>,
}

/// Asks the device who it is.
///
/// # Errors
/// No answer, or a damaged one.
pub async fn identify<Io>(session: &mut Session<Io>) -> Result<Identity, DeviceError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let model = session.get().await?;
    let imei = session.get().await?;
    Ok(Identity { imei, model })
}

/// Sets what differs.
///
/// # Errors
/// The device cannot be talked to.
pub async fn apply<Io>(session: &mut Session<Io>, wanted: &Wanted) -> Result<Applied, DeviceError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let (warm_up_before, warm_up_problem) = set(session, &wanted.warm_up).await?;
    let warm_up = if warm_up_problem.is_some() { session.get().await? } else { wanted.warm_up };
    let interval_problem = set_if_known(session, &wanted.report_interval).await?;
    let change_problem = set_if_known(session, &wanted.report_on_change).await?;
    let problems = [warm_up_problem, interval_problem, change_problem];
    Ok(Applied { warm_up_before, warm_up, not_taken: problems.into_iter().flatten().collect() })
}

/// Sets what measuring does not depend on: older firmware does not answer to it, or only its modem does.
async fn set_if_known<Io, S>(session: &mut Session<Io>, wanted: &S) -> Result<Option<DeviceError>, DeviceError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Setting,
{
    match set(session, wanted).await {
        Ok((_, problem)) => Ok(problem),
        Err(error) if error.is_about(&Command::get::<S>()) => Ok(Some(error)),
        Err(error) => Err(error),
    }
}

/// Sets one thing if it differs: what was found before, and why it is not as wanted now.
///
/// # Errors
/// The device cannot be talked to.
pub async fn set<Io, S>(session: &mut Session<Io>, wanted: &S) -> Result<(S, Option<DeviceError>), DeviceError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Setting,
{
    let found = session.get().await?;
    if wanted.agrees(&found) {
        return Ok((found, None));
    }
    session.hold_back().await?;
    let problem = passed_over(write(session, wanted).await)?;
    Ok((found, problem))
}

async fn write<Io, S>(session: &mut Session<Io>, wanted: &S) -> Result<(), DeviceError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Setting,
{
    for _ in 0..WRITES_MAX {
        session.set(wanted).await?;
        if wanted.agrees(&session.get().await?) {
            return Ok(());
        }
    }
    Err(DeviceError::NotApplied { port: session.port(), command: Command::set(wanted).to_string() })
}

/// A setting that the device does not take is no reason to stop talking to it.
fn passed_over(outcome: Result<(), DeviceError>) -> Result<Option<DeviceError>, DeviceError> {
    match outcome {
        Ok(()) => Ok(None),
        Err(error @ (DeviceError::Refused { .. } | DeviceError::NotApplied { .. })) => Ok(Some(error)),
        Err(error) => Err(error),
    }
}
