//! The HEX payload: big-endian fields as lower-case hexadecimal text (device reference section 9.1).

use std::fmt::Write;

use serde::Deserialize;

use super::super::history::Record;
use super::content::{Alarm, Payload, Position};

/// Which fields there are, and where the probe stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum HexLayout {
    /// PS-NB before v1.0.5: no IMSI, the probe before the inputs. 27 bytes and the history.
    #[serde(rename = "nb-1.0.0")]
    Nb100,
    /// PS-NB from v1.0.5: with the IMSI (O14). 35 bytes and the history.
    #[serde(rename = "nb-1.0.5")]
    Nb105,
    /// PS-NB with report on change: alarms, and the probe behind them. 37 bytes and the history.
    #[serde(rename = "nb-1.1")]
    Nb11,
    /// PS-CB from v1.1.2: with a position. 49 bytes and the history.
    #[serde(rename = "cb-1.1.2")]
    Cb112,
}

/// Writes the payload.
pub(crate) fn text(payload: &Payload, layout: HexLayout) -> String {
    let alarms = matches!(layout, HexLayout::Nb11 | HexLayout::Cb112);
    let mut fields = Fields(identity(payload, layout));
    fields.bytes(&[payload.model_byte, payload.version_byte]).word(payload.battery_mv).bytes(&[payload.csq]);
    if !alarms {
        fields.word(payload.probe.0);
    }
    let inputs = payload.inputs;
    fields.bytes(&[inputs.in1, inputs.in2, inputs.exti_level, inputs.exti_flag].map(u8::from));
    if alarms {
        fields.bytes(&[payload.alarms.idc, payload.alarms.vdc].map(Alarm::byte)).word(payload.probe.0);
    }
    if layout == HexLayout::Cb112 {
        fields.position(payload.position);
    }
    fields.record(payload.sample);
    payload.history.iter().for_each(|record| fields.record(*record));
    fields.0
}

/// An `f` fills up the 15 digits to 8 bytes.
fn identity(payload: &Payload, layout: HexLayout) -> String {
    match layout {
        HexLayout::Nb100 => format!("f{:0>15}", payload.imei),
        _ => format!("f{:0>15}f{:0>15}", payload.imei, payload.imsi),
    }
}

/// Hexadecimal text under construction.
struct Fields(String);

impl Fields {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for byte in bytes {
            write!(self.0, "{byte:02x}").expect("invariant: a String takes any text");
        }
        self
    }

    fn word(&mut self, word: u16) -> &mut Self {
        self.bytes(&word.to_be_bytes())
    }

    fn position(&mut self, position: Position) {
        self.bytes(&position.latitude_e6.to_be_bytes());
        self.bytes(&position.longitude_e6.to_be_bytes());
        self.bytes(&position.unix_s.to_be_bytes());
    }

    fn record(&mut self, record: Record) {
        self.word(record.idc_ua).word(record.vdc_mv).bytes(&record.unix_s.to_be_bytes());
    }
}
