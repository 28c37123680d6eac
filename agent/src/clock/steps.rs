//! Notices when somebody sets the system's clock. Pure.
//!
//! The system clock and the time since the agent's start run side by side; when they suddenly differ by more than before,
//! one of them was set, and that can only be the system clock. A time daemon that puts it right little by little is no step.

use std::time::Duration;

use kitchen_contract::time::Timestamp;

use crate::observation::Moment;

/// A smaller difference is no step: both clocks are not read at the same instant.
const STEP_MS: u64 = 1_000;
/// How fast a time daemon may move the clock, and the crystal may run off besides, in millionths.
const SLEW_PPM: u64 = 1_000;

/// The last look at both clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steps {
    last: Option<(Moment, Timestamp)>,
}

impl Steps {
    /// Looks at both clocks; by how many ms the system clock was set forward, or back, since the last look.
    pub fn look(&mut self, at: Moment, system: Option<Timestamp>) -> Option<i64> {
        let system = system?;
        let (last_at, last_system) = self.last.replace((at, system))?;
        let passed = at.0.saturating_sub(last_at.0);
        let step_ms = system.ms_since(last_system) - passed.as_millis() as i64;
        (step_ms.unsigned_abs() > STEP_MS + slewed_ms(passed)).then_some(step_ms)
    }
}

fn slewed_ms(passed: Duration) -> u64 {
    passed.as_millis() as u64 * SLEW_PPM / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_either_way_is_noticed_once_and_slewing_is_none() {
        let mut steps = Steps::default();
        let mut look = |seconds: u64, unix_ms: i64| {
            steps.look(Moment(Duration::from_secs(seconds)), Timestamp::from_unix_ms(unix_ms).ok())
        };
        assert_eq!(look(0, 9_000), None);
        assert_eq!(look(60, 69_900), None, "not at the same instant");
        assert_eq!(look(120, 1_793_491_200_000), Some(1_793_491_200_000 - 129_900), "1970 is over");
        assert_eq!(look(180, 1_793_491_260_000), None, "once");
        assert_eq!(look(3780, 1_793_491_260_000 + 3_600_000 + 3_600), None, "moved little by little");
        assert_eq!(look(3840, 1_793_491_260_000 + 60_000), Some(-3_603_600));
    }
}
