//! What the firmware does about a line that was typed while unlocked (device reference sections 5 and 6).
//!
//! Pure decision: what is known in, an [`Answer`] out; the reply module turns it into bytes and time.

use super::calendar::parse_timestamp;
use super::catalogue::{Entry, Kind};
use super::check::Refusal;
use super::parser::{Form, Request, atoi};
use super::settings::{Change, Settings};
use crate::profile::{Profile, Quirk};

/// Said of a time before 2024; its line end is the wrong way round.
const TIMESTAMP_NOTICE: &str = "value needs to be greater than 1704067200\n\r";
/// Said while an upload runs.
const BUSY_NOTICE: &str = "The device is busy.\r\n";
/// What a secret looks like to a firmware without quirk Q22.
const MASK: &str = "********";
/// Settings that are secret.
const SECRETS: [&str; 3] = ["AT+PWORD", "AT+PWD", "AT+UNAME"];
/// Commands that third-party notes speak of and no firmware has.
const MISTAKEN: [&str; 2] = ["AT+SEND", "AT+PAYLOADTYPE"];

/// What the firmware decides to do about a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// OK block.
    Done,
    /// A notice line, then the OK block.
    Notice(&'static str),
    /// Value line and OK block.
    Value(String),
    /// Help lines and OK block.
    Help(Vec<Entry>),
    /// Notice, flash write, then OK block.
    Store(Option<&'static str>, Change),
    /// Notice, then the parameter error block.
    ParamError(Refusal, &'static str),
    /// All settings, one a line, and the OK block.
    Config(Vec<String>),
    /// Measure, print the lines, OK block.
    Measure,
    /// OK block, and an uplink afterwards.
    Uplink,
    /// The stored records, and the OK block.
    PrintHistory,
    ClearHistory,
    PrintLog,
    ClearLog,
    /// The clock is set to this Unix second.
    SetClock(i64),
    ToggleDebug,
    ToggleModem,
    /// Deep sleep begins.
    Sleep,
    /// Deep sleep ends with a reset, without a word.
    Wake,
    /// Reset without a word.
    Restart,
    /// Settings as from the factory, then a reset; true keeps the password.
    FactoryReset(bool),
    /// The line goes to the modem.
    Modem,
}

/// What an answer depends on.
pub(super) struct Known<'a> {
    pub(super) profile: &'a Profile,
    pub(super) settings: &'a Settings,
    /// Text of the last payload.
    pub(super) last_data: &'a str,
    /// The server's address if it was resolved: `(ip,port)`.
    pub(super) resolved: &'a str,
    /// The clock as `AT+TIMESTAMP` prints it.
    pub(super) clock: String,
    /// An uplink is under way.
    pub(super) busy: bool,
}

impl Known<'_> {
    /// What the firmware does about a line.
    pub(super) fn answer(&self, line: &str) -> Answer {
        match Request::parse(line, &self.profile.commands) {
            Request::Attention => Answer::Done,
            Request::List => Answer::Help(self.profile.commands.clone()),
            Request::Unknown if self.is_mistaken(line) => Answer::Done,
            Request::Unknown => self.modem(),
            Request::Command(entry, Form::Get) => self.get(entry).map_or_else(|| self.modem(), Answer::Value),
            Request::Command(entry, Form::Set(value)) => self.set(entry, &value),
            Request::Command(entry, Form::Help) if self.profile.has(Quirk::HelpNotQuery) => Answer::Help(vec![entry]),
            Request::Command(entry, Form::Help) => self.get(entry).map_or_else(|| self.modem(), Answer::Value),
            Request::Command(entry, Form::Run) => self.run(entry),
        }
    }

    fn is_mistaken(&self, line: &str) -> bool {
        self.profile.has(Quirk::MistakenNotes) && MISTAKEN.iter().any(|name| line.contains(name))
    }

    fn modem(&self) -> Answer {
        let stalls = self.profile.has(Quirk::ModemStall);
        if stalls { Answer::Modem } else { Answer::ParamError(Refusal::default(), "") }
    }

    /// A function the command does not have means: the line goes to the modem.
    fn get(&self, entry: Entry) -> Option<String> {
        let name = entry.name();
        let value = match entry.kind() {
            Kind::Stored(..) if SECRETS.contains(&name) && !self.profile.has(Quirk::SecretsInClear) => MASK.to_owned(),
            Kind::Stored(..) if name == "AT+SERVADDR" => {
                format!("{}\r\n{}", self.settings.text(name), self.resolved)
            }
            Kind::Stored(..) if name == "AT+TDC" && self.profile.has(Quirk::MistakenNotes) => {
                format!("{}000", self.settings.text(name))
            }
            Kind::Stored(..) => self.settings.text(name).to_owned(),
            Kind::Model => format!("{},v{}", self.profile.model_name, self.profile.fw_version),
            Kind::LastData => self.last_data.to_owned(),
            Kind::Timestamp => self.clock.clone(),
            Kind::Sleep => u8::from(self.settings.sleeps).to_string(),
            _ => return None,
        };
        Some(value)
    }

    fn set(&self, entry: Entry, value: &str) -> Answer {
        let refused = || Answer::ParamError(Refusal::default(), entry.name());
        match entry.kind() {
            Kind::Stored(check, _) => match check.read(value, self.profile) {
                Ok(value) => Answer::Store(check.notice(self.profile), Change { name: entry.name(), value }),
                Err(refusal) => Answer::ParamError(refusal, entry.name()),
            },
            Kind::SensorValue => match value.as_bytes().first() {
                Some(b'0') => Answer::Measure,
                Some(b'1') => Answer::Uplink,
                _ => refused(),
            },
            Kind::Timestamp => match parse_timestamp(value) {
                Some(unix_s) => Answer::SetClock(unix_s),
                None => Answer::ParamError(Refusal { notice: Some(TIMESTAMP_NOTICE), kept: None }, entry.name()),
            },
            Kind::Sleep => match atoi(value) {
                0 => Answer::Wake,
                1 => Answer::Sleep,
                _ => refused(),
            },
            Kind::History if atoi(value) == 0 && value.starts_with('0') => Answer::ClearHistory,
            Kind::DataLogPages | Kind::DataLogLast => Answer::PrintHistory,
            Kind::Log if value.starts_with('0') => Answer::ClearLog,
            // The log goes with the next uplink, whenever that is.
            Kind::Log if value.starts_with('1') && self.uploads_log() => Answer::Done,
            Kind::Log | Kind::History => refused(),
            _ => self.modem(),
        }
    }

    /// From stack 006 on, with the next uplink.
    fn uploads_log(&self) -> bool {
        self.profile.stack.ends_with("006")
    }

    /// The result of run is ignored: a command without one answers OK and does nothing.
    fn run(&self, entry: Entry) -> Answer {
        match entry.kind() {
            Kind::Restart => Answer::Restart,
            Kind::FactoryReset => Answer::FactoryReset(false),
            Kind::FactoryResetKeepingPassword => Answer::FactoryReset(true),
            Kind::Config => Answer::Config(self.config()),
            Kind::Debug => Answer::ToggleDebug,
            Kind::History => Answer::PrintHistory,
            Kind::DataLogClear => Answer::ClearHistory,
            Kind::Log => Answer::PrintLog,
            Kind::ModemSwitch => Answer::ToggleModem,
            Kind::Update if self.busy => Answer::Notice(BUSY_NOTICE),
            _ => Answer::Done,
        }
    }

    fn config(&self) -> Vec<String> {
        let shown = self.profile.commands.iter().filter(|entry| entry.is_in_config());
        shown.filter_map(|entry| Some(format!("{}={}", entry.name(), self.get(*entry)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(line: &str) -> Answer {
        answer_of("nb-1.1", line)
    }

    fn answer_of(profile: &str, line: &str) -> Answer {
        let profile = Profile::load(profile).unwrap();
        let settings = Settings::factory(&profile, "861234509876543");
        let clock = "2025-03-09 T14:30:05".to_owned();
        Known { profile: &profile, settings: &settings, last_data: "NULL", resolved: "", clock, busy: false }
            .answer(line)
    }

    #[test]
    fn get_prints_the_stored_value() {
        for (line, value) in [
            ("AT+MODEL=?", "PS-NB,v1.1.2"),
            ("AT+DEUI=?", "861234509876543"),
            ("AT+TDC=?", "7200"),
            ("AT+12VT=?", "500"),
            ("AT+ROC=?", "0,0,0,0"),
            ("AT+PWORD=?", "604218"),
            ("AT+SERVADDR=?", "NULL\r\n"),
            ("AT+TIMESTAMP=?", "2025-03-09 T14:30:05"),
            ("AT+SLEEP=?", "0"),
        ] {
            assert_eq!(answer(line), Answer::Value(value.to_owned()), "{line}");
        }
    }

    #[test]
    fn missing_functions_go_to_the_modem_but_a_missing_run_is_ok() {
        for line in ["AT+GETSENSORVALUE=?", "AT+MODEL=x", "ATZ=1", "ATZ=?", "AT+FOO", "604218", "AT+CDP=?", "AT+GDNS=?"]
        {
            assert_eq!(answer(line), Answer::Modem, "{line}");
        }
        for line in ["AT+TDC", "AT+MODEL", "AT+DEUI", "AT+ROC", "AT+12VT", "AT+GETSENSORVALUE"] {
            assert_eq!(answer(line), Answer::Done, "{line}");
        }
        assert_eq!(answer("ATZ"), Answer::Restart);
        assert_eq!(answer("AT+FDR"), Answer::FactoryReset(false));
        assert_eq!(answer("AT+FDR1"), Answer::FactoryReset(true));
        assert_eq!(answer_of("nb-1.0.0", "AT+FDR1"), Answer::FactoryReset(false));
    }

    #[test]
    fn get_sensor_value_looks_at_one_character() {
        assert_eq!(answer("AT+GETSENSORVALUE=0xyz"), Answer::Measure);
        assert_eq!(answer("AT+GETSENSORVALUE=1"), Answer::Uplink);
        for line in ["AT+GETSENSORVALUE=2", "AT+GETSENSORVALUE="] {
            assert!(matches!(answer(line), Answer::ParamError(..)), "{line}");
        }
    }

    #[test]
    fn a_question_mark_is_help_not_a_query() {
        assert_eq!(answer("AT+TDC?"), Answer::Help(vec![Entry::find("AT+TDC").unwrap()]));
        assert!(matches!(answer("AT?"), Answer::Help(all) if all.len() > 40));
    }

    #[test]
    fn probe_comes_before_pro_in_every_table() {
        for profile in Profile::built_in() {
            assert_eq!(answer_of(profile, "AT+PROBE=?"), Answer::Value("0000".to_owned()), "{profile}");
        }
    }
}
