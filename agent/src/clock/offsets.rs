//! What the clock that everything waits on does not count right: the system's sleep, and what a time daemon adds or takes
//! while it moves the system's clock little by little. Pure.
//!
//! That clock stands still while the system sleeps, and a daemon may let it run a twelfth faster or slower for a while; the
//! bound of a stamp knows only the crystal. So time is taken by the crystal: the kernel keeps a clock that no daemon touches.
//! Clocks are not read at the same instant, so small differences are left; they are part of every bound.

use std::time::Duration;

/// A difference up to this is left out, in ms; so it is unknown at both ends of any time.
pub const UNNOTICED_MS: u64 = 100;

/// The three clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// What everything waits on.
    pub monotonic: Duration,
    /// The same with the system's sleep.
    pub boot: Duration,
    /// The same as the first, by the crystal alone; none where there is none.
    pub raw: Option<Duration>,
}

/// By how much the monotonic clock is behind, in ms, since the first look at all clocks.
#[derive(Clone, Copy, Debug)]
pub struct Offsets {
    first: (i64, i64),
    /// For the system's sleep.
    pub slept_ms: i64,
    /// For what a daemon took from it; negative for what it added.
    pub slewed_ms: i64,
}

impl Offsets {
    /// The first look.
    pub fn new(clocks: Clocks) -> Self {
        Self { first: apart(clocks), slept_ms: 0, slewed_ms: 0 }
    }

    /// Another look. What has not moved noticeably stays exactly as it was.
    pub fn look(&mut self, clocks: Clocks) {
        let (slept_ms, slewed_ms) = apart(clocks);
        follow(&mut self.slept_ms, slept_ms - self.first.0);
        follow(&mut self.slewed_ms, slewed_ms - self.first.1);
    }

    /// The time since a moment of which the monotonic clock says so much.
    pub fn correct(&self, elapsed: Duration) -> Duration {
        let behind_ms = self.slept_ms + self.slewed_ms;
        let by = Duration::from_millis(behind_ms.unsigned_abs());
        if behind_ms < 0 { elapsed.saturating_sub(by) } else { elapsed + by }
    }
}

fn apart(Clocks { monotonic, boot, raw }: Clocks) -> (i64, i64) {
    let ms = |clock: Duration| clock.as_millis() as i64;
    (ms(boot) - ms(monotonic), raw.map_or(0, |raw| ms(raw) - ms(monotonic)))
}

fn follow(known: &mut i64, seen: i64) {
    if known.abs_diff(seen) > UNNOTICED_MS {
        *known = seen;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(monotonic: u64, boot: u64, raw: u64) -> Clocks {
        let ms = Duration::from_millis;
        Clocks { monotonic: ms(monotonic), boot: ms(boot), raw: Some(ms(raw)) }
    }

    fn elapsed(offsets: &Offsets, ms: u64) -> u64 {
        offsets.correct(Duration::from_millis(ms)).as_millis() as u64
    }

    #[test]
    fn sleep_counts_and_does_not_tremble() {
        let mut offsets = Offsets::new(clocks(1_000, 5_000, 900));
        offsets.look(clocks(61_000, 65_040, 60_950));
        assert_eq!(elapsed(&offsets, 60_000), 60_000, "not read at the same instant");
        offsets.look(clocks(62_000, 3_666_000, 61_900));
        assert_eq!((offsets.slept_ms, elapsed(&offsets, 61_000)), (3_600_000, 3_661_000));
        offsets.look(clocks(63_000, 3_667_003, 62_900));
        assert_eq!(offsets.slept_ms, 3_600_000);
    }

    #[test]
    fn a_daemon_that_works_off_four_seconds_either_way_moves_nothing() {
        for (slewed, shown) in [(4_000, 56_000), (-4_000, 64_000)] {
            let mut offsets = Offsets::new(clocks(0, 0, 0));
            let monotonic = (60_000 + slewed) as u64;
            offsets.look(clocks(monotonic, monotonic, 60_000));
            assert_eq!(elapsed(&offsets, monotonic), 60_000);
            assert_eq!(elapsed(&offsets, 60_000), shown);
        }
    }

    #[test]
    fn without_a_clock_of_the_crystal_the_other_is_believed() {
        let mut offsets = Offsets::new(Clocks { raw: None, ..clocks(0, 0, 0) });
        offsets.look(Clocks { raw: None, ..clocks(60_000, 60_000, 0) });
        assert_eq!(elapsed(&offsets, 60_000), 60_000);
    }
}
