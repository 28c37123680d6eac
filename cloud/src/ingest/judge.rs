//! Judging a reading of a measuring point where it was at the time. Pure.
//!
//! The rules are the contract's engine; here is what the engine does not know: that a measuring point can move to another
//! kitchen or customer, and that a gateway's clock can be ahead.
//!
//! | reading | what happens |
//! |---|---|
//! | where the point is now | the engine judges it |
//! | elsewhere, newer, with a value: it has moved | what is open is resolved there; from now on it is judged here |
//! | elsewhere, late or without a value | judged with that place's own memory: at most a historic excursion |
//!
//! A timestamp ahead of the sink by more than [`AHEAD_MAX_MS`] counts as that far ahead: otherwise one reading from the
//! future would make everything until then late, and late data wakes nobody.

use kitchen_contract::alarm::{AlarmState, Limits, Transition, Verdict, evaluate};
use kitchen_contract::fault::SensorFault;
use kitchen_contract::id::{CustomerId, KitchenId};
use kitchen_contract::time::Timestamp;
use kitchen_contract::unit::Celsius;
use serde::{Deserialize, Serialize};

/// How far ahead of the sink's clock a reading is still judged by its own time: two good clocks differ by less.
pub const AHEAD_MAX_MS: i64 = 60 * 1000;

/// A kitchen and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Site {
    /// Where.
    pub kitchen_id: KitchenId,
    /// Whose.
    pub customer_id: CustomerId,
}

/// What is remembered of a measuring point between two readings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// The engine's memory where the point is now.
    #[serde(flatten)]
    pub state: AlarmState,
    /// Where it is now; absent before the first reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
    /// The engine's memory of another place, of which late readings tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Elsewhere>,
}

/// The engine's memory of a place where the measuring point is no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Elsewhere {
    /// Which place.
    pub site: Site,
    /// What is remembered of it.
    pub state: AlarmState,
}

/// A reading to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Where the measuring point was.
    pub site: &'a Site,
    /// Its limits.
    pub limits: Option<&'a Limits>,
    /// When it was measured.
    pub timestamp: Timestamp,
    /// When the sink received it.
    pub received_at: Timestamp,
    /// What was measured.
    pub value: Result<Celsius, SensorFault>,
}

/// The outcome of judging one reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// What must be remembered.
    pub memory: Memory,
    /// What the reading is.
    pub verdict: Verdict,
    /// What changed for people, and where; at most three, in order.
    pub changes: Vec<(Site, Transition)>,
}

/// Judges one reading.
pub fn judge(memory: Memory, case: Case<'_>) -> Judgement {
    let at = case.timestamp.min(case.received_at.saturating_add_ms(AHEAD_MAX_MS));
    match memory.site.clone() {
        Some(before) if before != *case.site => {
            let late = memory.state.judged_until.is_some_and(|until| at < until);
            if late || case.value.is_err() {
                judge_elsewhere(memory, case, at)
            } else {
                moved(memory, before, case, at)
            }
        }
        Some(_) | None => judge_here(memory, case, at),
    }
}

fn judge_here(memory: Memory, case: Case<'_>, at: Timestamp) -> Judgement {
    let evaluation = evaluate(memory.state, case.limits, at, case.value);
    let changes = evaluation.transitions.into_iter().map(|transition| (case.site.clone(), transition)).collect();
    let memory = Memory { state: evaluation.state, site: Some(case.site.clone()), elsewhere: memory.elsewhere };
    Judgement { memory, verdict: evaluation.verdict, changes }
}

/// The first value from a new place ends what was open at the old one.
fn moved(memory: Memory, before: Site, case: Case<'_>, at: Timestamp) -> Judgement {
    let resolved = memory.state.open.map(|excursion| (before.clone(), Transition::Resolved { excursion, at }));
    let fresh = AlarmState { judged_until: memory.state.judged_until, ..AlarmState::default() };
    let left = AlarmState { open: None, ..memory.state };
    let memory = Memory { state: fresh, site: None, elsewhere: Some(Elsewhere { site: before, state: left }) };
    let mut judgement = judge_here(memory, case, at);
    judgement.changes.splice(0..0, resolved);
    judgement
}

fn judge_elsewhere(memory: Memory, case: Case<'_>, at: Timestamp) -> Judgement {
    let known = memory.elsewhere.filter(|elsewhere| elsewhere.site == *case.site);
    let state = known.map(|elsewhere| elsewhere.state).unwrap_or_default();
    // Everything that comes from there is late, whatever was heard from there before.
    let state = AlarmState { judged_until: memory.state.judged_until, ..state };
    let evaluation = evaluate(state, case.limits, at, case.value);
    let changes = evaluation.transitions.into_iter().map(|transition| (case.site.clone(), transition)).collect();
    let elsewhere = Some(Elsewhere { site: case.site.clone(), state: evaluation.state });
    Judgement { memory: Memory { elsewhere, ..memory }, verdict: evaluation.verdict, changes }
}
