//! Which text an uplink becomes: the second field of `AT+PRO`, and what the firmware's generation makes of it.

use super::content::Payload;
use super::hex::{self, HexLayout};
use super::json::{self, JsonDialect};
use super::thing_speak;

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

impl Body {
    /// The text that is sent, and that `AT+LDATA=?` shows afterwards.
    pub(crate) fn text(&self, payload: &Payload) -> String {
        match self {
            Self::Hex(layout) => hex::text(payload, *layout),
            Self::Json(dialect) => json::text(payload, dialect),
            Self::ThingSpeak => thing_speak::text(payload),
        }
    }
}
