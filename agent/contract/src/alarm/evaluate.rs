//! Judging one reading: pure, by event time.
//!
//! | reading | nothing open | excursion open |
//! |---|---|---|
//! | in range | – | resolved |
//! | beyond a limit | opened | same limit: –; other limit: resolved, other opened |
//! | fault | – | – (no data never clears an alarm) |
//! | late (before `judged_until`), beyond a limit | historic, once per span | inside the open span: –; else historic |
//! | late, in range or fault | – | – |
//!
//! Without limits nothing opens; what is open is resolved by the next value, since nothing is beyond a limit any more.

use crate::alarm::rule::{AlertType, Limits};
use crate::alarm::state::{AlarmState, Excursion};
use crate::fault::SensorFault;
use crate::time::Timestamp;
use crate::unit::Celsius;

/// What a reading is, seen against the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A value, and no limit is exceeded.
    InRange,
    /// Beyond this limit.
    Beyond(AlertType),
    /// No value.
    Fault(SensorFault),
    /// A value, but no limits are set.
    NoLimits,
}

/// What changed for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// An excursion began.
    Opened {
        /// Which, since when.
        excursion: Excursion,
        /// The first temperature beyond the limit.
        temperature: Celsius,
        /// The limit.
        threshold: Celsius,
    },
    /// The open excursion ended.
    Resolved {
        /// Which, since when.
        excursion: Excursion,
        /// The time of the first reading in range again.
        at: Timestamp,
    },
    /// Late readings tell of an excursion in the past: for the record, not for the siren.
    Historic {
        /// Which, since when.
        excursion: Excursion,
        /// The first temperature beyond the limit.
        temperature: Celsius,
        /// The limit.
        threshold: Celsius,
    },
}

/// The outcome of judging one reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// What the engine must remember.
    pub state: AlarmState,
    /// What the reading is.
    pub verdict: Verdict,
    /// What changed, in order; at most two.
    pub transitions: Vec<Transition>,
}

/// Judges one reading of a measuring point. Judging the same reading twice in a row changes nothing the second time.
pub fn evaluate(
    state: AlarmState,
    limits: Option<&Limits>,
    timestamp: Timestamp,
    value: Result<Celsius, SensorFault>,
) -> Evaluation {
    let temperature = match value {
        Ok(temperature) => temperature,
        Err(fault) => return Evaluation { state, verdict: Verdict::Fault(fault), transitions: Vec::new() },
    };
    let exceeded = limits.and_then(|limits| limits.exceeded(temperature));
    let verdict = match (limits, exceeded) {
        (None, _) => Verdict::NoLimits,
        (Some(_), None) => Verdict::InRange,
        (Some(_), Some((alert_type, _))) => Verdict::Beyond(alert_type),
    };
    let beyond = exceeded.map(|(alert_type, threshold)| Beyond { alert_type, threshold, temperature });
    let late = state.judged_until.is_some_and(|until| timestamp < until);
    let (state, transitions) =
        if late { judge_late(state, timestamp, beyond) } else { judge_live(state, timestamp, beyond) };
    Evaluation { state, verdict, transitions }
}

/// A temperature beyond a limit.
#[derive(Clone, Copy)]
struct Beyond {
    alert_type: AlertType,
    threshold: Celsius,
    temperature: Celsius,
}

fn judge_live(mut state: AlarmState, timestamp: Timestamp, beyond: Option<Beyond>) -> (AlarmState, Vec<Transition>) {
    let mut transitions = Vec::new();
    state.judged_until = Some(timestamp);
    let wanted = beyond.map(|beyond| beyond.alert_type);
    if let Some(excursion) = state.open.filter(|open| Some(open.alert_type) != wanted) {
        transitions.push(Transition::Resolved { excursion, at: timestamp });
        state.open = None;
    }
    if let (None, Some(Beyond { alert_type, threshold, temperature })) = (state.open, beyond) {
        let excursion = Excursion { alert_type, since: timestamp };
        transitions.push(Transition::Opened { excursion, temperature, threshold });
        state.open = Some(excursion);
    }
    (state, transitions)
}

fn judge_late(mut state: AlarmState, timestamp: Timestamp, beyond: Option<Beyond>) -> (AlarmState, Vec<Transition>) {
    let Some(Beyond { alert_type, threshold, temperature }) = beyond else {
        state.late = None;
        return (state, Vec::new());
    };
    let told = |span: Excursion| span.alert_type == alert_type && span.since <= timestamp;
    if state.open.is_some_and(told) || state.late.is_some_and(told) {
        return (state, Vec::new());
    }
    let excursion = Excursion { alert_type, since: timestamp };
    state.late = Some(excursion);
    (state, vec![Transition::Historic { excursion, temperature, threshold }])
}
