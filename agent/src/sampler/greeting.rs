//! From an open port to a sensor that can be measured: log in, identify, set.

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::plan::{Pin, Plan};
use super::state::{self, SensorShown, SensorState};
use crate::device::error::DeviceError;
use crate::device::session::Session;
use crate::device::setup::{self, Applied, Identity};
use crate::settings::{PIN_LEN_MAX, is_pin};

/// A sensor that is ready.
pub(super) struct Greeting {
    /// Which one.
    pub(super) identity: Identity,
    /// How it is set.
    pub(super) applied: Applied,
}

/// Greets the device, and shows when it lets us in. A foreign one is left as it is.
pub(super) async fn greet<Io>(
    session: &mut Session<Io>,
    plan: &Plan,
    shown: &watch::Sender<SensorShown>,
) -> Result<Greeting, DeviceError>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    session.set_pin(read_pin(&plan.pin).await);
    session.login().await?;
    state::show(shown, &plan.device_id, |shown| shown.state = SensorState::Configuring);
    let identity = setup::identify(session).await?;
    if let Some(expected) = plan.imei.as_ref().filter(|expected| **expected != identity.imei) {
        return Err(DeviceError::WrongSensor {
            port: session.port(),
            expected: expected.as_str().to_owned(),
            found: identity.imei.as_str().to_owned(),
        });
    }
    let applied = setup::apply(session, &plan.wanted).await?;
    Ok(Greeting { identity, applied })
}

/// The PIN, if there is one to be had. A file that cannot be read, or holds something else, is said so and is no PIN.
async fn read_pin(pin: &Pin) -> Option<SecretString> {
    let file = match pin {
        Pin::None => return None,
        Pin::Known(pin) => return Some(pin.clone()),
        Pin::File(file) => file,
    };
    match tokio::fs::read_to_string(file).await {
        Ok(text) if is_pin(text.trim()) => Some(text.trim().into()),
        Ok(_) => {
            tracing::warn!(file = %file.display(), "no PIN in the file: it is 1 to {PIN_LEN_MAX} letters and digits");
            None
        }
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "cannot read the PIN");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[tokio::test]
    async fn a_file_with_something_else_is_no_pin() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pin");
        for (content, pin) in [("604218\n", Some("604218")), ("AT+PIN=604218", None), ("60\r4218", None), ("", None)] {
            std::fs::write(&file, content).unwrap();
            let read = read_pin(&Pin::File(file.clone())).await;
            assert_eq!(read.as_ref().map(|pin| pin.expose_secret()), pin, "{content:?}");
        }
    }
}
