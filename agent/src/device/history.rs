//! The sensor's clock and the history that it keeps by it: read, and set as configured.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::error::DeviceError;
use super::session::Session;
use super::setup;
use crate::at::command::{Command, Setting};
use crate::at::history::Row;
use crate::at::history_log::HistoryLog;
use crate::at::sensor_clock::SensorClock;
use crate::clock::shared::since;

/// So far the sensor's clock may be off before it is set; and as far a mobile network may have put it right in the meantime,
/// which nobody sees.
pub const CORRECTED_BY: Duration = Duration::from_secs(60);

/// What the sensor told of the time in which nobody asked it.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// What its clock said.
    pub clock: SensorClock,
    /// When it said so, since the agent's start.
    pub asked: Duration,
    /// What it measured.
    pub rows: Vec<Row>,
}

/// Reads clock and history. The history is read twice and only what is the same both times is believed: nothing else
/// guards a digit of it against the line.
///
/// # Errors
/// The device cannot be talked to, or does not know the commands.
pub async fn read<Io>(session: &mut Session<Io>) -> Result<History, DeviceError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let clock = session.get().await?;
    let asked = since(session.access.start);
    let (mut rows, again) = (rows(session).await?, rows(session).await?);
    rows.retain(|row| again.contains(row));
    Ok(History { clock, asked, rows })
}

async fn rows<Io>(session: &mut Session<Io>) -> Result<Vec<Row>, DeviceError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    Ok(session.exchange(&Command::history()).await?.rows())
}

/// Sets how often the sensor measures for its history, and its clock where it is off by more than [`CORRECTED_BY`], where
/// that makes a new setting take effect, or by `force`. `now` says what time it is, at any moment.
///
/// Rows that were dated by a clock that far off are deleted before it is set: afterwards nobody could tell them from others.
///
/// # Errors
/// The device cannot be talked to, or does not take it.
pub async fn set<Io, Now>(
    session: &mut Session<Io>,
    wanted: &HistoryLog,
    force: bool,
    now: Now,
) -> Result<(), DeviceError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    Now: Fn() -> SensorClock,
{
    let (found, problem) = setup::set(session, wanted).await?;
    let changed = problem.is_none() && !wanted.agrees(&found);
    let clock: SensorClock = session.get().await?;
    let off_ms = clock.0.ms_since(now().0).unsigned_abs();
    let off = u128::from(off_ms) > CORRECTED_BY.as_millis();
    if force || changed || off {
        session.hold_back().await?;
        if off && clock.is_set() {
            match session.exchange(&Command::forget_history()).await {
                // What keeps no history has nothing to delete.
                Ok(_) | Err(DeviceError::NotKnown { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        session.set(&now()).await?;
        let set: SensorClock = session.get().await?;
        if !now().agrees(&set) {
            return Err(DeviceError::NotApplied { port: session.port(), command: Command::set(&now()).to_string() });
        }
    }
    problem.map_or(Ok(()), Err)
}
