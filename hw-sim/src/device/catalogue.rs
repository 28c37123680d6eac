//! Every command that any firmware of the line has: its name, our help text, and what kind of command it is (device
//! reference section 6). Which of them a firmware has, and in which order, is its profile's.

use serde::Deserialize;
use serde::de::Error;

use super::check::Check;

/// One command of a firmware's table.
#[derive(Debug, Clone, Copy)]
pub struct Entry(&'static Spec);

/// What there is to know about a command.
#[derive(Debug)]
pub(super) struct Spec {
    name: &'static str,
    help: &'static str,
    kind: Kind,
}

/// What kind of command it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value in flash: its check, and its default on every firmware that does not say otherwise.
    Stored(Check, &'static str),
    Restart,
    FactoryReset,
    FactoryResetKeepingPassword,
    Config,
    Debug,
    Model,
    LastData,
    Timestamp,
    Sleep,
    SensorValue,
    History,
    DataLogPages,
    DataLogLast,
    DataLogClear,
    Log,
    ModemSwitch,
    /// Answers OK, or that the device is busy while an upload runs.
    Update,
}

impl Entry {
    /// The name as it stands in the table.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Help text in our own words: the vendor's is not copied.
    pub(super) fn help(self) -> &'static str {
        self.0.help
    }

    pub(super) fn kind(self) -> Kind {
        self.0.kind
    }

    pub(super) fn find(name: &str) -> Option<Self> {
        CATALOGUE.iter().find(|spec| spec.name == name).map(Self)
    }

    /// Whether `AT+CFG` prints it.
    pub(super) fn is_in_config(self) -> bool {
        matches!(self.kind(), Kind::Stored(..) | Kind::Model | Kind::LastData | Kind::Timestamp | Kind::Sleep)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Entry {}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::find(&name).ok_or_else(|| D::Error::custom(format!("unknown command `{name}`")))
    }
}

const fn command(name: &'static str, help: &'static str, kind: Kind) -> Spec {
    Spec { name, help, kind }
}

const fn stored(name: &'static str, help: &'static str, check: Check, default: &'static str) -> Spec {
    Spec { name, help, kind: Kind::Stored(check, default) }
}

const TEXT: Check = Check::Text { max: 128 };
const SWITCH: Check = Check::Int { min: 0, max: 1 };

static CATALOGUE: [Spec; 64] = [
    command("ATZ", "restart the controller", Kind::Restart),
    command("AT+FDR1", "restore all settings but the password", Kind::FactoryResetKeepingPassword),
    command("AT+FDR", "restore all settings", Kind::FactoryReset),
    command("AT+CFG", "print all settings", Kind::Config),
    command("AT+DEBUG", "toggle extra prints", Kind::Debug),
    command("AT+MODEL", "read model and firmware version", Kind::Model),
    stored("AT+DEUI", "read or set the device id (IMEI)", Check::Deui, ""),
    command("AT+SLEEP", "read or set deep sleep", Kind::Sleep),
    stored("AT+PWORD", "read or set the password", Check::Password, ""),
    stored("AT+SERVADDR", "read or set the server's address", Check::ServerAddress, "NULL"),
    stored("AT+CLIENT", "read or set the MQTT client id", TEXT, "NULL"),
    stored("AT+UNAME", "read or set the MQTT user", TEXT, "NULL"),
    stored("AT+PWD", "read or set the MQTT password", Check::Text { max: 200 }, "NULL"),
    stored("AT+PUBTOPIC", "read or set the publish topic", TEXT, "NULL"),
    stored("AT+SUBTOPIC", "read or set the subscribe topic", TEXT, "NULL"),
    stored("AT+TDC", "read or set the uplink interval in s", Check::Tdc, "7200"),
    stored("AT+APN", "read or set the access point", Check::TextWithoutBlanks { max: 40 }, "NULL"),
    stored("AT+3V3T", "read or set the 3.3 V on-time in ms", Check::Power, "0"),
    stored("AT+5VT", "read or set the 5 V on-time in ms", Check::Power, "0"),
    stored("AT+12VT", "read or set the 12 V on-time in ms", Check::Power, "500"),
    stored("AT+PROBE", "read or set the probe's type", Check::Probe, "0000"),
    stored("AT+PRO", "read or set protocol and payload", Check::Protocol, "2,0"),
    stored("AT+RXDL", "read or set extra receive time in ms", Check::Int16, "0"),
    command("AT+LDATA", "read the last payload", Kind::LastData),
    stored("AT+DNSCFG", "read or set the name servers", Check::Text { max: 40 }, "\"8.8.8.8\",\"8.8.4.4\""),
    stored("AT+CSQTIME", "read or set the attach time in minutes", Check::Int { min: 1, max: 10 }, "5"),
    stored("AT+BKDNS", "read or set the stored server address", Check::BackupDns, "1,0,NULL"),
    stored("AT+DNSTIME", "read or set the time between resolutions in h", Check::Int { min: 0, max: 56 }, "0"),
    stored("AT+GDNS", "read or set who resolves names", SWITCH, "0"),
    stored("AT+TLSMOD", "read or set TLS", Check::TlsMode, "0,0"),
    stored("AT+MQOS", "read or set MQTT quality of service", Check::Int { min: 0, max: 2 }, "0"),
    stored("AT+SNI", "read or set TLS server name", SWITCH, "0"),
    stored("AT+IPTYPE", "read or set the IP version", Check::Int { min: 1, max: 2 }, "1"),
    stored("AT+URI1", "read or set CoAP option 1", TEXT, "NULL"),
    stored("AT+URI2", "read or set CoAP option 2", TEXT, "NULL"),
    stored("AT+URI3", "read or set CoAP option 3", TEXT, "NULL"),
    stored("AT+URI4", "read or set CoAP option 4", TEXT, "NULL"),
    stored("AT+URI5", "read or set CoAP option 5", TEXT, "NULL"),
    stored("AT+INTMOD", "read or set the interrupt's edge", Check::InterruptMode, "0"),
    stored("AT+STDC", "read or set sampling between uplinks", Check::SamplingBetween, "0,0,0"),
    stored("AT+TR", "read or set the time between stored records in s", Check::Int { min: 180, max: 65_535 }, "1800"),
    stored("AT+NOUD", "read or set how many records an uplink carries", Check::Int { min: 0, max: 32 }, "8"),
    stored("AT+CLOCKLOG", "read or set the clock log", Check::ClockLog, "1,65535,15,8"),
    command("AT+TIMESTAMP", "read or set the clock", Kind::Timestamp),
    stored("AT+DOWNTE", "read or set what is shown of downlinks", Check::Pair, "0,0"),
    stored("AT+GNSST", "read or set the time to find a position in s", Check::Int16, "30"),
    stored("AT+GPS", "read or set the position receiver", SWITCH, "0"),
    stored("AT+GTDC", "read or set the time between positions in h", Check::Int16, "24"),
    stored("AT+QBAND", "read or set the bands", TEXT, "0x100002000000000f0e189f,0x10004200000000090e189f"),
    stored("AT+IOTMOD", "read or set the access technology", Check::Int { min: 0, max: 2 }, "0"),
    stored("AT+ROC", "read or set report on change", Check::Roc, "0,0,0,0"),
    stored("AT+REDPT", "read or set retransmission", SWITCH, "0"),
    stored("AT+NTP", "read or set the time server", TEXT, "NULL"),
    stored("AT+QCOPS", "read or set the operator", Check::Text { max: 16 }, "NULL"),
    command("AT+QSW", "toggle the modem's power", Kind::ModemSwitch),
    command("AT+GETSENSORVALUE", "measure now, 0 print, 1 uplink", Kind::SensorValue),
    command("AT+CDP", "print the stored records, 0 clears them", Kind::History),
    command("AT+PDTA", "print pages of the data log", Kind::DataLogPages),
    command("AT+PLDTA", "print the last records of the data log", Kind::DataLogLast),
    command("AT+CLRDTA", "clear the data log", Kind::DataLogClear),
    command("AT+GETLOG", "print the log, 0 clears it", Kind::Log),
    command("AT+UPGRADE", "update over the network", Kind::Update),
    stored("AT+OTASER", "read or set the update server", TEXT, "NULL"),
    command("AT+CERTMOD", "write a certificate", Kind::Update),
];
