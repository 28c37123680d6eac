//! Latency classes with seeded jitter (device reference section 5.3).

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

use super::console::CHARACTER;
use crate::profile::LatencyRange;

/// The firmware never answers quicker than this, however long the print takes.
const THINKING_MIN: Duration = Duration::from_millis(20);

/// A time out of the range.
pub(super) fn draw(rng: &mut StdRng, range: LatencyRange) -> Duration {
    let LatencyRange(lowest_ms, highest_ms) = range;
    Duration::from_micros(rng.random_range(lowest_ms * 1000..=highest_ms * 1000))
}

/// Time to wait before printing so many characters, so that the last one is out within the range.
pub(super) fn before_print(rng: &mut StdRng, range: LatencyRange, characters: usize) -> Duration {
    let printing = CHARACTER * u32::try_from(characters).unwrap_or(u32::MAX);
    draw(rng, range).saturating_sub(printing).max(THINKING_MIN)
}
