//! Which text an uplink becomes: the second field of `AT+PRO`, and what the firmware's generation makes of it.

use super::content::Payload;
use super::hex::{self, HexLayout};
use super::json::{self, JsonDialect};
use super::thing_speak;

/// The end-of-file character that tells the modem where its input ends.
const SUBSTITUTE: char = '\u{1a}';

/// The payload's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    /// The text itself.
    pub(crate) body: Body,
    /// Whether the modem's end character stays in the text (quirk Q11: after an MQTT publish).
    pub(crate) trailing_substitute: bool,
}

/// The kinds of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// Hexadecimal digits.
    Hex(HexLayout),
    /// An object.
    Json(JsonDialect),
    /// Form fields for ThingSpeak.
    ThingSpeak,
}

impl Format {
    /// The text that is sent, and that `AT+LDATA=?` shows afterwards.
    pub(crate) fn text(&self, payload: &Payload) -> String {
        let mut text = match &self.body {
            Body::Hex(layout) => hex::text(payload, *layout),
            Body::Json(dialect) => json::text(payload, dialect),
            Body::ThingSpeak => thing_speak::text(payload),
        };
        if self.trailing_substitute {
            text.push(SUBSTITUTE);
        }
        text
    }
}
