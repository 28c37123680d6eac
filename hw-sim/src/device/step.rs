//! What the processor does, as a list of steps: it blocks in each of them, and nothing else happens meanwhile.

use std::time::Duration;

use super::settings::Change;
use crate::physics::Sample;

/// One blocking step.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Nothing for that long.
    Wait(Duration),
    /// Nothing until that uptime.
    WaitForUptime(Duration),
    /// Bytes as they are.
    Print(Vec<u8>),
    /// A log line: `[n]`, the text, CR LF. The counter is read when the printing begins.
    Event(String),
    /// Something that takes no time of its own.
    Act(Action),
}

/// What a step changes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// The boot is over: the first modem work begins.
    EnterLoop,
    /// Input is stored from now on.
    ReceiverOn,
    /// End of a command: the buffer is wiped.
    ClearInput,
    /// The right password was typed.
    Unlock,
    /// Flash write done.
    Store(Change),
    /// 12 V on.
    PowerOn,
    /// 12 V off.
    PowerOff,
    /// Power up, convert, power down, with the settings as they are when it begins.
    Measure(Purpose),
    /// The conversions that end now.
    Convert(Purpose),
    /// A measurement taken earlier becomes the one to print.
    Recall(Sample),
    /// The boot's two measurement lines.
    PrintBootMeasurement,
    /// The six measurement lines.
    PrintMeasurement,
    /// The upload's first line, with its counter.
    UploadStart,
    /// A phase of the modem's job is done.
    EndPhase,
    /// The modem could not attach.
    AttachFailed,
    /// The modem answers from now on.
    ModemOn,
    /// The modem sleeps from now on.
    ModemOff,
    /// The modem's answer to a line.
    AskModem(String),
    /// An uplink as soon as none is running.
    RequestUplink,
    /// The processor starts again.
    Restart(Cause),
    /// Settings as from the factory; true keeps the password.
    FactoryReset(bool),
    /// Timers and modem stop until the device is woken.
    DeepSleep,
    /// Deep sleep is over in flash; a restart follows.
    WakeUp,
    /// The clock is set to this Unix second.
    SetClock(i64),
    /// The network told the time.
    SynchroniseClock,
    /// The server's name has an address.
    Resolved(String),
    /// The payload of the last measurement becomes the last payload.
    ComposePayload,
    ClearHistory,
    PrintHistory,
    ClearLog,
    PrintLog,
    ToggleDebug,
    ToggleModem,
    /// A refused value is in RAM all the same.
    Keep(Change),
}

/// What a measurement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The line of the boot text.
    Boot,
    /// TDC, or `AT+GETSENSORVALUE=0`.
    Regular,
    /// A check of report on change: watched channels only.
    Check,
    /// A record of the clock log.
    Record,
}

/// Why the processor started, as the boot text names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The supply came up.
    PowerOn,
    /// `ATZ`, a factory reset, the firmware's own wish.
    Software,
    /// The RESET button.
    Pin,
    /// The firmware hung.
    Watchdog,
    /// The battery was too weak.
    BrownOut,
}

impl Cause {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::PowerOn => "POR/PDR",
            Self::Software => "Software",
            Self::Pin => "NRST",
            Self::Watchdog => "Independent watchdog",
            Self::BrownOut => "BOR",
        }
    }
}

/// Steps that print a log line followed by an empty one.
pub(super) fn event_and_empty_line(text: String) -> [Step; 2] {
    [Step::Event(text), Step::Print(b"\r\n".to_vec())]
}
