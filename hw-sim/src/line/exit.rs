//! The end of the line at the host: every byte with the time at which it is out.

use std::collections::VecDeque;
use std::time::Duration;

use super::resample::Resampler;

/// One character at 9600 baud 8N1: no byte follows another sooner.
pub(super) const CHARACTER: Duration = Duration::from_nanos(CHARACTER_NS);
/// See [`CHARACTER`].
pub(super) const CHARACTER_NS: u64 = 1_041_667;
/// Bytes nobody has taken yet; the oldest give way. As many as the sensor itself keeps.
pub(super) const BYTES_MAX: usize = 1_048_576;

/// Bytes on their way to the host.
#[derive(Debug, Default)]
pub(super) struct Exit {
    queue: VecDeque<(Duration, u8)>,
    last: Option<Duration>,
    resampler: Option<Resampler>,
}

impl Exit {
    /// A byte that could be out at `at`, and comes `spacing` behind the one before at the earliest.
    pub(super) fn push(&mut self, at: Duration, spacing: Duration, byte: u8) {
        let out = self.last.map_or(at, |last| at.max(last.saturating_add(spacing)));
        self.last = Some(out);
        match &mut self.resampler {
            Some(resampler) => resampler.push(out, byte),
            None => self.queue.push_back((out, byte)),
        }
        let excess = self.queue.len().saturating_sub(BYTES_MAX);
        self.queue.drain(..excess);
    }

    /// The line has been watched until `now`: what a receiver at another rate made of it is known.
    pub(super) fn settle(&mut self, now: Duration) {
        if let Some(resampler) = &mut self.resampler {
            self.queue.extend(resampler.take(now));
        }
    }

    /// Received at another rate from now on, or as it was sent.
    pub(super) fn resample(&mut self, rate: Option<u32>) {
        // What comes behind does not overtake what was received at the rate before.
        self.last = self.last.max(self.queue.back().map(|(at, _)| *at));
        self.resampler = rate.map(|rate| Resampler::new(super::resample::SENSOR_BAUD, rate));
    }

    /// What is kept back comes now, as fast as the line allows.
    pub(super) fn rush(&mut self, now: Duration) {
        let out = self.queue.partition_point(|(at, _)| *at <= now);
        let mut last = now;
        for (at, _) in self.queue.range_mut(out..) {
            last = (last + CHARACTER).min(*at);
            *at = last;
        }
        self.last = self.last.map(|at| at.min(last));
    }

    pub(super) fn next(&self) -> Option<Duration> {
        let received = self.resampler.as_ref().and_then(Resampler::next);
        [self.queue.front().map(|(at, _)| *at), received].into_iter().flatten().min()
    }

    pub(super) fn take(&mut self, until: Duration) -> Vec<u8> {
        let out = self.queue.partition_point(|(at, _)| *at <= until);
        self.queue.drain(..out).map(|(_, byte)| byte).collect()
    }
}
