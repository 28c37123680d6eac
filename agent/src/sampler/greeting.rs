//! From an open port to a sensor that can be measured: log in, identify, set. Tells the state as it goes.

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::plan::{Pin, Plan};
use super::state::SensorState;
use crate::device::error::DeviceError;
use crate::device::session::Session;
use crate::device::setup::{self, Applied, Identity};

/// A sensor that is ready.
pub(super) struct Greeting {
    /// Which one.
    pub(super) identity: Identity,
    /// How it is set.
    pub(super) applied: Applied,
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
    session.set_pin(read_pin(&plan.pin).await);
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
    let applied = setup::apply(session, &plan.wanted).await?;
    Ok(Greeting { identity, applied })
}

/// The PIN, if there is one to be had. A file that cannot be read is said so and is no PIN.
async fn read_pin(pin: &Pin) -> Option<SecretString> {
    let file = match pin {
        Pin::None => return None,
        Pin::Known(pin) => return Some(pin.clone()),
        Pin::File(file) => file,
    };
    match tokio::fs::read_to_string(file).await {
        Ok(text) => Some(text.trim_end().into()),
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "cannot read the PIN");
            None
        }
    }
}
