//! What can be wrong on the line.

use std::time::Duration;

/// Something wrong on the line.
#[derive(Debug, Clone, PartialEq)]
pub enum LineFault {
    /// S1: each byte has one bit flipped with this probability.
    Noise {
        /// 0 to 1.
        rate: f64,
        /// Which way.
        direction: Direction,
    },
    /// S2: after so many bytes of a reply nothing more comes.
    Truncated {
        /// Bytes of the reply that still come.
        bytes: u32,
        /// The next reply only; else silence until cleared.
        once: bool,
    },
    /// S3: bytes from the host come back.
    Echo {
        /// All, none, or some.
        mode: EchoMode,
        /// With [`EchoMode::Partial`]: the probability of each byte.
        part: f64,
        /// Begins only after so many more bytes of the host.
        after: u32,
        /// Ends again after so many echoed bytes.
        bytes: Option<u32>,
    },
    /// S4: a line that nobody asked for, inside a reply.
    Unsolicited {
        /// Without its line end.
        text: String,
        /// Line ends of the reply before it; 0: before its first byte.
        after: u32,
        /// In the next reply only.
        once: bool,
    },
    /// S5: what the sensor says comes that much later.
    Late {
        /// How much.
        delay: Duration,
        /// The next reply only.
        once: bool,
    },
    /// S6: the sensor starts again in the middle of the next command.
    Reboot {
        /// Bytes of the reply that still come; 0: when the command has arrived.
        bytes: u32,
        /// Settings as from the factory afterwards.
        forgets: bool,
    },
    /// S10: the host listens and talks at another rate than 9600 baud.
    Baud {
        /// Bits a second.
        rate: u32,
        /// Which way.
        direction: Direction,
    },
    /// S11: takes everything, never says anything.
    Stuck,
    /// S12: takes nothing.
    NeverReads,
    /// S13: the same byte for ever.
    Endless {
        /// Which.
        byte: u8,
        /// So many, then all is well again; none: until cleared.
        bytes: Option<u64>,
    },
    /// S14: one byte each so often.
    Drip {
        /// How often.
        every: Duration,
    },
    /// S16: a measured value is printed as this text.
    Value {
        /// In the place of the number.
        text: String,
        /// Which value.
        channel: Channel,
    },
    /// S17: current printed as voltage, and voltage as current.
    Swapped,
    /// S20: bytes that are no text between those that are.
    Junk {
        /// Which.
        kind: JunkKind,
        /// Probability in front of each byte, 0 to 1.
        rate: f64,
    },
    /// S21: the first value printed is printed for ever.
    Frozen,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Host to sensor and sensor to host.
    Both,
    /// Sensor to host.
    ToHost,
    /// Host to sensor.
    ToSensor,
}

/// How much is echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoMode {
    /// Every byte.
    On,
    /// No byte.
    Off,
    /// Some bytes.
    Partial,
}

/// A measured value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// The loop current.
    Idc,
    /// The voltage.
    Vdc,
}

/// Bytes that are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JunkKind {
    /// Any of the others.
    All,
    /// Sequences that are no UTF-8.
    Utf8,
    /// NUL.
    Nul,
    /// Escape sequences of terminals.
    Ansi,
}

/// A fault without its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LineFaultKind {
    /// See [`LineFault::Noise`].
    Noise,
    /// See [`LineFault::Truncated`].
    Truncated,
    /// See [`LineFault::Echo`].
    Echo,
    /// See [`LineFault::Unsolicited`].
    Unsolicited,
    /// See [`LineFault::Late`].
    Late,
    /// See [`LineFault::Reboot`].
    Reboot,
    /// See [`LineFault::Baud`].
    Baud,
    /// See [`LineFault::Stuck`].
    Stuck,
    /// See [`LineFault::NeverReads`].
    NeverReads,
    /// See [`LineFault::Endless`].
    Endless,
    /// See [`LineFault::Drip`].
    Drip,
    /// See [`LineFault::Value`].
    Value,
    /// See [`LineFault::Swapped`].
    Swapped,
    /// See [`LineFault::Junk`].
    Junk,
    /// See [`LineFault::Frozen`].
    Frozen,
}

impl Direction {
    pub(super) fn is_to_host(self) -> bool {
        self != Self::ToSensor
    }

    pub(super) fn is_to_sensor(self) -> bool {
        self != Self::ToHost
    }
}

impl LineFaultKind {
    /// Every kind, its row in the fault matrix and its name.
    const TABLE: [(Self, &'static str, &'static str); 15] = [
        (Self::Noise, "s1", "noise"),
        (Self::Truncated, "s2", "truncated"),
        (Self::Echo, "s3", "echo"),
        (Self::Unsolicited, "s4", "unsolicited"),
        (Self::Late, "s5", "late"),
        (Self::Reboot, "s6", "reboot"),
        (Self::Baud, "s10", "baud"),
        (Self::Stuck, "s11", "stuck"),
        (Self::NeverReads, "s12", "never-reads"),
        (Self::Endless, "s13", "endless"),
        (Self::Drip, "s14", "drip"),
        (Self::Value, "s16", "value"),
        (Self::Swapped, "s17", "swapped"),
        (Self::Junk, "s20", "junk"),
        (Self::Frozen, "s21", "frozen"),
    ];

    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::TABLE.into_iter().map(|(kind, ..)| kind)
    }

    /// The kind with this name or row.
    pub fn find(text: &str) -> Option<Self> {
        Self::TABLE.into_iter().find(|(_, id, name)| *id == text || *name == text).map(|(kind, ..)| kind)
    }

    /// The kind's name in commands and files.
    pub fn name(self) -> &'static str {
        Self::TABLE.into_iter().find(|(kind, ..)| *kind == self).map_or("", |(.., name)| name)
    }

    /// The kind's row in the fault matrix: `s1`.
    pub fn id(self) -> &'static str {
        Self::TABLE.into_iter().find(|(kind, ..)| *kind == self).map_or("", |(_, id, _)| id)
    }
}

impl LineFault {
    /// The fault without its keys.
    pub fn kind(&self) -> LineFaultKind {
        match self {
            Self::Noise { .. } => LineFaultKind::Noise,
            Self::Truncated { .. } => LineFaultKind::Truncated,
            Self::Echo { .. } => LineFaultKind::Echo,
            Self::Unsolicited { .. } => LineFaultKind::Unsolicited,
            Self::Late { .. } => LineFaultKind::Late,
            Self::Reboot { .. } => LineFaultKind::Reboot,
            Self::Baud { .. } => LineFaultKind::Baud,
            Self::Stuck => LineFaultKind::Stuck,
            Self::NeverReads => LineFaultKind::NeverReads,
            Self::Endless { .. } => LineFaultKind::Endless,
            Self::Drip { .. } => LineFaultKind::Drip,
            Self::Value { .. } => LineFaultKind::Value,
            Self::Swapped => LineFaultKind::Swapped,
            Self::Junk { .. } => LineFaultKind::Junk,
            Self::Frozen => LineFaultKind::Frozen,
        }
    }

    /// Over when the next reply is.
    pub(super) fn is_for_one_reply(&self) -> bool {
        match self {
            Self::Truncated { once, .. } | Self::Unsolicited { once, .. } | Self::Late { once, .. } => *once,
            _ => false,
        }
    }
}
