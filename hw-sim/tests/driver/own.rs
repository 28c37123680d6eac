//! The driver's own commands: where the transcript's host sends one of them to the letter, the driver sends it as its own.

use std::time::Duration;

use kitchen_agent::at::block::Block;
use kitchen_agent::at::command::{Setting, Value};
use kitchen_agent::at::identity::{Imei, Model};
use kitchen_agent::at::report_interval::ReportInterval;
use kitchen_agent::at::report_on_change::ReportOnChange;
use kitchen_agent::at::warm_up::WarmUp;
use kitchen_agent::device::error::DeviceError;
use kitchen_agent::device::session::Session;
use tokio::io::DuplexStream;

use crate::reading;

/// The longest that a transmitter may be powered; the driver waits ten seconds more.
const WARM_UP: Duration = Duration::from_secs(180);
/// What is not believed: no such value, or one that cannot be.
const DAMAGED: &str = "damaged";
/// The device's error.
const REFUSED: &str = "refused";

/// A command of the driver's own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Own {
    Model,
    Imei,
    Interval,
    WarmUp,
    Change,
    SetInterval(ReportInterval),
    SetWarmUp(WarmUp),
    SetChange(ReportOnChange),
    Measure,
}

impl Own {
    /// The command that is this line to the letter, if there is one.
    pub(crate) fn of(host: &str) -> Option<Self> {
        let own = match host {
            "AT+MODEL=?" => Self::Model,
            "AT+DEUI=?" => Self::Imei,
            "AT+TDC=?" => Self::Interval,
            "AT+12VT=?" => Self::WarmUp,
            "AT+ROC=?" => Self::Change,
            "AT+ROC=0,0,0,0" => Self::SetChange(ReportOnChange::OFF),
            "AT+GETSENSORVALUE=0" => Self::Measure,
            _ => return Self::setting(host),
        };
        Some(own)
    }

    fn setting(host: &str) -> Option<Self> {
        let (name, value) = host.split_once('=')?;
        let numbers: Vec<u64> = value.split(',').map(|number| number.parse().ok()).collect::<Option<_>>()?;
        match (name, numbers.as_slice()) {
            ("AT+TDC", [seconds]) => ReportInterval::new(*seconds).ok().map(Self::SetInterval),
            ("AT+12VT", [milliseconds]) => WarmUp::new(*milliseconds).ok().map(Self::SetWarmUp),
            ("AT+ROC", [1, every, threshold, 0]) => ReportOnChange::on(*every, *threshold).ok().map(Self::SetChange),
            _ => None,
        }
    }

    /// Sends it; what came of it, in the words of [`Self::expected`].
    pub(crate) async fn send(&self, session: &mut Session<DuplexStream>) -> Result<String, DeviceError> {
        let sent = match self {
            Self::Model => session.get::<Model>().await.map(|model| model.as_str().to_owned()),
            Self::Imei => session.get::<Imei>().await.map(|imei| imei.as_str().to_owned()),
            Self::Interval => value::<ReportInterval>(session).await,
            Self::WarmUp => value::<WarmUp>(session).await,
            Self::Change => value::<ReportOnChange>(session).await,
            Self::SetInterval(setting) => done(session, setting).await,
            Self::SetWarmUp(setting) => done(session, setting).await,
            Self::SetChange(setting) => done(session, setting).await,
            Self::Measure => session.measure(WARM_UP).await.map(|block| measured(&block)),
        };
        match sent {
            Err(DeviceError::Damaged { .. }) => Ok(DAMAGED.to_owned()),
            Err(DeviceError::Refused { .. }) => Ok(REFUSED.to_owned()),
            _ => sent,
        }
    }

    /// What should come of it when the device answers so; none where it answers nothing that counts.
    pub(crate) fn expected(&self, lines: &[String], end: &str) -> Option<String> {
        let told = match (end, self, lines) {
            // A line that the modem got was damaged on its way: it is repeated, and then given up.
            ("ERROR", ..) => return None,
            ("AT_PARAM_ERROR", ..) => REFUSED.to_owned(),
            (_, Self::SetInterval(_) | Self::SetWarmUp(_) | Self::SetChange(_), _) => String::new(),
            (_, Self::Measure, _) => reading::measurement(lines).unwrap_or_else(|| DAMAGED.to_owned()),
            (_, _, [value]) if self.believes(value) => value.clone(),
            _ => DAMAGED.to_owned(),
        };
        Some(told)
    }

    /// The device also takes letters for an IMEI, which has none.
    fn believes(&self, value: &str) -> bool {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Imei => value.len() == 15 && digits(value),
            Self::Interval | Self::WarmUp => digits(value),
            Self::Change => value.split(',').all(digits),
            _ => value.contains(",v"),
        }
    }
}

async fn value<V: Value + ToString>(session: &mut Session<DuplexStream>) -> Result<String, DeviceError> {
    session.get::<V>().await.map(|value| value.to_string())
}

async fn done<S: Setting>(session: &mut Session<DuplexStream>, setting: &S) -> Result<String, DeviceError> {
    session.set(setting).await.map(|()| String::new())
}

fn measured(block: &Block) -> String {
    let measurement = &block.measurement;
    let battery = measurement.battery.as_ref().map(|battery| battery.get()).unwrap();
    format!("{battery:.3} V, {:.3} mA, {:.3} V", measurement.current.get(), measurement.input.get())
}
