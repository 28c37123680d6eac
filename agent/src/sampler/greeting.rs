//! From an open port to a sensor that can be measured: log in, identify, set. Tells the state as it goes.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::plan::Plan;
use super::state::SensorState;
use crate::device::error::DeviceError;
use crate::device::session::Session;
use crate::device::setup::{self, Identity};

/// A sensor that is ready.
pub(super) struct Greeting {
    /// Which one.
    pub(super) identity: Identity,
    /// The settings that it did not take.
    pub(super) not_applied: Vec<DeviceError>,
}

/// Greets the device. A foreign one is left as it is.
pub(super) async fn greet<Io>(
    session: &mut Session<Io>,
    plan: &Plan,
    state: &watch::Sender<SensorState>,
) -> Result<Greeting, DeviceError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    session.login().await?;
    state.send_replace(SensorState::Configuring);
    let identity = setup::identify(session).await?;
    if let Some(expected) = plan.imei.as_ref().filter(|expected| **expected != identity.imei) {
        return Err(DeviceError::WrongSensor {
            port: plan.port.display().to_string(),
            expected: expected.as_str().to_owned(),
            found: identity.imei.as_str().to_owned(),
        });
    }
    let not_applied = setup::apply(session, &plan.wanted).await?;
    Ok(Greeting { identity, not_applied })
}
