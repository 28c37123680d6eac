//! Uplinks that are no measurement (device reference section 9.4).

use super::super::history::Record;
use super::json::{self, JsonDialect};

/// Whose uplink it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender<'a> {
    /// 15 digits.
    pub(crate) imei: &'a str,
    /// Up to 15 digits.
    pub(crate) imsi: &'a str,
}

/// The answer to the downlink `Event:status`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VersionPacket<'a> {
    /// 15 digits.
    pub(crate) imei: &'a str,
    /// As in the banner, with its `v`.
    pub(crate) image_version: &'a str,
    /// As in the banner.
    pub(crate) stack: &'a str,
    /// As in `AT+MODEL`.
    pub(crate) model: &'a str,
}

impl VersionPacket<'_> {
    /// Writes the packet.
    pub(crate) fn text(&self) -> String {
        let Self { imei, image_version, stack, model } = self;
        format!(r#"{{"IMEI":"{imei}","Image Version":"{image_version}","NB-IoT Stack":"{stack}","Model":"{model}"}}"#)
    }
}

/// The answer to a JSON downlink, spelt like this.
pub(crate) fn downlink_ack(imei: &str) -> String {
    format!(r#"{{"IMEI":"{imei}","Downklink_Ack":"success"}}"#)
}

/// The log pages as an uplink, with the firmware's blank behind the comma. Line ends and quotes are escaped.
pub(crate) fn log_upload(imei: &str, log: &[u8]) -> String {
    let log = serde_json::Value::from(String::from_utf8_lossy(log));
    format!(r#"{{"IMEI":"{imei}", "Log": {log}}}"#)
}

/// Records sent again after failed uplinks, as `AT+REDPT=1` does; newest first.
pub(crate) fn stored_records(sender: Sender<'_>, records: &[Record], dialect: &JsonDialect) -> String {
    let mut members = vec![
        format!(r#""IMEI":"{}""#, sender.imei),
        format!(r#""IMSI":"{}""#, sender.imsi),
        r#""Message_Type":"Datalog""#.to_owned(),
    ];
    members.extend(json::history(records, dialect));
    json::object(&members)
}
