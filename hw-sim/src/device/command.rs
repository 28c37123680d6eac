//! The command table and what each command answers (device reference section 6).
//!
//! Pure decision: settings and profile in, an [`Answer`] out; the reply module turns it into bytes and time.

use super::parser::{Form, Request, atoi};
use super::roc::Roc;
use super::settings::{Change, Settings};
use crate::profile::Profile;

/// Smallest `AT+TDC` in seconds.
const TDC_MIN: i64 = 60;
/// Largest `AT+TDC`: three bytes.
const TDC_MAX: i64 = 0xFF_FFFF;
/// Digits of `AT+DEUI`.
const DEUI_DIGITS: usize = 15;

/// The commands built so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Restart,
    Model,
    Deui,
    Tdc,
    TwelveVolt,
    Roc,
    GetSensorValue,
}

/// The order in which names are searched in a line.
pub(super) const TABLE: [Command; 7] = [
    Command::Restart,
    Command::Model,
    Command::Deui,
    Command::Tdc,
    Command::TwelveVolt,
    Command::Roc,
    Command::GetSensorValue,
];

/// What the firmware decides to do about a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// OK block.
    Done,
    /// Value line and OK block.
    Value(String),
    /// Help lines and OK block.
    Help(Vec<Command>),
    /// Flash write, then OK block.
    Store(Change),
    /// Parameter error block.
    ParamError,
    /// Measure, print six lines, OK block.
    Measure,
    /// OK block, and an uplink afterwards.
    Uplink,
    /// Reset without a word.
    Restart,
    /// The line goes to the modem.
    Modem,
}

impl Command {
    /// The name as it stands in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Restart => "ATZ",
            Self::Model => "AT+MODEL",
            Self::Deui => "AT+DEUI",
            Self::Tdc => "AT+TDC",
            Self::TwelveVolt => "AT+12VT",
            Self::Roc => "AT+ROC",
            Self::GetSensorValue => "AT+GETSENSORVALUE",
        }
    }

    /// Help text in our own words: the vendor's is not copied.
    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Restart => "restart the controller",
            Self::Model => "read model and firmware version",
            Self::Deui => "read or set the device id (IMEI)",
            Self::Tdc => "read or set the uplink interval in s",
            Self::TwelveVolt => "read or set the 12 V on-time in ms",
            Self::Roc => "read or set report on change",
            Self::GetSensorValue => "measure now, 0 print, 1 uplink",
        }
    }

    /// A function the command does not have means: the line goes to the modem.
    fn get(self, settings: &Settings, profile: &Profile) -> Answer {
        let value = match self {
            Self::Restart | Self::GetSensorValue => return Answer::Modem,
            Self::Model => format!("{},v{}", profile.model_name, profile.fw_version),
            Self::Deui => settings.deui.clone(),
            Self::Tdc => settings.tdc_s.to_string(),
            Self::TwelveVolt => settings.twelve_volt_ms.to_string(),
            Self::Roc => settings.roc.to_string(),
        };
        Answer::Value(value)
    }

    fn set(self, value: &str, profile: &Profile) -> Answer {
        let change = match self {
            Self::Restart | Self::Model => return Answer::Modem,
            Self::GetSensorValue => return get_sensor_value(value),
            Self::Deui => is_deui(value).then(|| Change::Deui(value.to_owned())),
            Self::Tdc => in_range(value, TDC_MIN, TDC_MAX).map(Change::Tdc),
            Self::TwelveVolt => in_range(value, 0, i64::from(profile.power_limit_ms)).map(Change::TwelveVolt),
            Self::Roc => Roc::parse(value).map(Change::Roc),
        };
        change.map_or(Answer::ParamError, Answer::Store)
    }

    /// The result of run is ignored: a command without one answers OK and does nothing.
    fn run(self) -> Answer {
        match self {
            Self::Restart => Answer::Restart,
            Self::Model | Self::Deui | Self::Tdc | Self::TwelveVolt | Self::Roc | Self::GetSensorValue => Answer::Done,
        }
    }
}

/// What the firmware does about a line that was typed while unlocked.
pub(super) fn answer(line: &str, settings: &Settings, profile: &Profile) -> Answer {
    match Request::parse(line) {
        Request::Attention => Answer::Done,
        Request::List => Answer::Help(TABLE.to_vec()),
        Request::Unknown => Answer::Modem,
        Request::Command(command, Form::Get) => command.get(settings, profile),
        Request::Command(command, Form::Set(value)) => command.set(&value, profile),
        Request::Command(command, Form::Help) => Answer::Help(vec![command]),
        Request::Command(command, Form::Run) => command.run(),
    }
}

/// Only the first character counts.
fn get_sensor_value(value: &str) -> Answer {
    match value.as_bytes().first() {
        Some(b'0') => Answer::Measure,
        Some(b'1') => Answer::Uplink,
        _ => Answer::ParamError,
    }
}

fn is_deui(value: &str) -> bool {
    value.len() == DEUI_DIGITS && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn in_range(value: &str, lowest: i64, highest: i64) -> Option<u32> {
    let number = atoi(value);
    (lowest..=highest).contains(&number).then(|| u32::try_from(number).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Answer) {
        let profile = Profile::load("nb-1.1").unwrap();
        let settings = Settings::factory(&profile, "861234509876543");
        assert_eq!(answer(line, &settings, &profile), expected, "{line}");
    }

    #[test]
    fn gets_print_the_value() {
        check("AT+MODEL=?", Answer::Value("PS-NB,v1.1.2".into()));
        check("AT+DEUI=?", Answer::Value("861234509876543".into()));
        check("AT+TDC=?", Answer::Value("7200".into()));
        check("AT+12VT=?", Answer::Value("500".into()));
        check("AT+ROC=?", Answer::Value("0,0,0,0".into()));
    }

    #[test]
    fn missing_functions_go_to_the_modem_but_a_missing_run_is_ok() {
        for line in ["AT+GETSENSORVALUE=?", "AT+MODEL=x", "ATZ=1", "ATZ=?", "AT+FOO", "604218"] {
            check(line, Answer::Modem);
        }
        for line in ["AT+TDC", "AT+MODEL", "AT+DEUI", "AT+ROC", "AT+12VT", "AT+GETSENSORVALUE"] {
            check(line, Answer::Done);
        }
        check("ATZ", Answer::Restart);
    }

    #[test]
    fn tdc_is_sixty_seconds_to_three_bytes() {
        for bad in ["59", "0", "-60", "abc", "", "16777216", "99999999999999999999"] {
            check(&format!("AT+TDC={bad}"), Answer::ParamError);
        }
        check("AT+TDC=60", Answer::Store(Change::Tdc(60)));
        check("AT+TDC=16777215xyz", Answer::Store(Change::Tdc(16_777_215)));
    }

    #[test]
    fn twelve_volt_time_ends_at_the_profile_limit() {
        check("AT+12VT=180000", Answer::Store(Change::TwelveVolt(180_000)));
        check("AT+12VT=180001", Answer::ParamError);
        check("AT+12VT=-1", Answer::ParamError);
        check("AT+12VT=soon", Answer::Store(Change::TwelveVolt(0)));
    }

    #[test]
    fn deui_takes_exactly_fifteen_hexadecimal_digits() {
        check("AT+DEUI=86123450987654a", Answer::Store(Change::Deui("86123450987654a".into())));
        check("AT+DEUI=86123450987654", Answer::ParamError);
        check("AT+DEUI=86123450987654g", Answer::ParamError);
    }

    #[test]
    fn get_sensor_value_looks_at_one_character() {
        check("AT+GETSENSORVALUE=0", Answer::Measure);
        check("AT+GETSENSORVALUE=0xyz", Answer::Measure);
        check("AT+GETSENSORVALUE=1", Answer::Uplink);
        check("AT+GETSENSORVALUE=2", Answer::ParamError);
        check("AT+GETSENSORVALUE=", Answer::ParamError);
    }

    #[test]
    fn a_question_mark_is_help_not_a_query() {
        check("AT+TDC?", Answer::Help(vec![Command::Tdc]));
        check("AT?", Answer::Help(TABLE.to_vec()));
    }
}
