//! How lines make a measurement: the block.
//!
//! A block is whole with battery, current and voltage, each once, in whatever order, with their counters close together and
//! never backwards. Everything that looks like damage between its first and its last line drops it: an unknown line, a
//! malformed one, a key for the second time (another block has interrupted), a jump of the counter. Only lines that are
//! known to be noise may stand in between. The device itself never breaks a block (device reference 3, "Atomicity"), so a
//! clean line loses nothing by this, and a noisy one is asked again.
//!
//! What this cannot see is a digit that became another digit in an otherwise perfect block; see
//! [`crate::sampler::plausibility`].

use std::time::Duration;

use kitchen_contract::record::Absence;
use kitchen_contract::unit::{MilliAmp, Volt};

use super::line::{Event, Line};
use super::measurement::{Key, Measurement, Part};

/// The most that the device's counter may move from the first to the last line of a block; the lines come 16 to 30 ms
/// apart.
const SPAN_MS_MAX: u32 = 1_000;

/// A whole block, and when its value line arrived.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    /// What was measured.
    pub measurement: Measurement,
    /// When the line with the current arrived, on the caller's clock.
    pub arrived: Duration,
}

/// The block so far.
#[derive(Clone, Debug, Default)]
pub struct BlockCollector {
    state: State,
}

#[derive(Clone, Debug, Default)]
enum State {
    /// Between blocks.
    #[default]
    Idle,
    /// Some clean lines of a block.
    Partial(Partial),
    /// A block was damaged: what is left of it is ignored until something else than a line of a block comes.
    Damaged,
}

#[derive(Clone, Debug, Default)]
struct Partial {
    keys: Vec<Key>,
    first_ms: u32,
    last_ms: u32,
    current: Option<(MilliAmp, Duration)>,
    battery: Option<Result<Volt, Absence>>,
    input: Option<Volt>,
}

impl BlockCollector {
    /// Takes one line that arrived at `now`; the block, if this line made it whole.
    pub fn take(&mut self, line: &Line, now: Duration) -> Option<Block> {
        let part = match line {
            Line::Empty | Line::Noise | Line::Modem(_) => return None,
            Line::Event(event) => Part::parse(&event.text).map(|part| (event, part)),
            Line::Ok | Line::ParameterError | Line::ModemError | Line::Password(_) | Line::Boot | Line::Text(_) => None,
        };
        let state = std::mem::take(&mut self.state);
        self.state = match (state, part) {
            (State::Idle, Some((event, part))) => State::Partial(Partial::begin(event, part, now)),
            (State::Partial(partial), Some((event, part))) => partial.go_on(event, part, now),
            (State::Damaged, Some(_)) => State::Damaged,
            (State::Partial(_), None) if !is_end(line) => State::Damaged,
            (State::Idle | State::Damaged | State::Partial(_), None) => State::Idle,
        };
        self.whole()
    }

    fn whole(&mut self) -> Option<Block> {
        let State::Partial(Partial {
            current: Some((current, arrived)),
            battery: Some(battery),
            input: Some(input),
            ..
        }) = self.state
        else {
            return None;
        };
        self.state = State::Idle;
        Some(Block { measurement: Measurement { current, battery, input }, arrived })
    }
}

/// Whether a line ends the reply, and so whatever was left of a block.
fn is_end(line: &Line) -> bool {
    matches!(line, Line::Ok | Line::ParameterError | Line::ModemError | Line::Boot)
}

impl Partial {
    fn begin(event: &Event, part: Part, now: Duration) -> Self {
        let mut partial = Self { first_ms: event.counter_ms, last_ms: event.counter_ms, ..Self::default() };
        partial.add(part, now);
        partial
    }

    /// The block with one more line; a new block, if this line cannot belong to the old one.
    fn go_on(mut self, event: &Event, part: Part, now: Duration) -> State {
        let repeated = self.keys.contains(&part.key());
        let in_time = event.counter_ms >= self.last_ms && event.counter_ms - self.first_ms <= SPAN_MS_MAX;
        if repeated || !in_time {
            return State::Partial(Self::begin(event, part, now));
        }
        self.last_ms = event.counter_ms;
        self.add(part, now);
        State::Partial(self)
    }

    fn add(&mut self, part: Part, now: Duration) {
        self.keys.push(part.key());
        match part {
            Part::Battery(battery) => self.battery = Some(battery),
            Part::Digital(_) => {}
            Part::Current(current) => self.current = Some((current, now)),
            Part::Input(input) => self.input = Some(input),
        }
    }
}
