//! The firmware's single super-loop in virtual time.
//!
//! The processor does one thing at a time. While steps are left it blocks in them; when none are left it looks at the
//! console, then at its timers, then at the modem's job. All times are `Duration`s since the first power-on.

use std::time::Duration;

use super::command::Known;
use super::measurement;
use super::owner::Device;
use super::parser::text_of;
use super::reply::Replier;
use super::step::{Action, Cause, Purpose, Step};
use super::uplink::Job;
use crate::profile::Quirk;

/// So many lines within [`BURST_WITHIN`] are too quick for old firmware: quirk Q19.
const BURST_LINES: u32 = 8;
/// See [`BURST_LINES`].
const BURST_WITHIN: Duration = Duration::from_secs(2);
/// A processor that was idle for so long is in STOP mode.
const STOP_AFTER: Duration = Duration::from_millis(100);

impl Device {
    pub(super) fn next_event(&self) -> Option<Duration> {
        let free_at = self.memory.free_at;
        let work =
            if self.memory.steps.is_empty() { self.idle_until().map(|at| at.max(free_at)) } else { Some(free_at) };
        let work = work.filter(|_| self.runs);
        [work, self.console.next_arrival()].into_iter().flatten().min()
    }

    /// When an idle processor finds something to do.
    fn idle_until(&self) -> Option<Duration> {
        let memory = &self.memory;
        let wanted = self.console.line_is_ready() || (memory.job.is_none() && memory.uplink_is_wanted());
        let job_due = memory.job.as_ref().and_then(Job::due);
        [wanted.then_some(self.clock), job_due, memory.timers.next(), self.lock_message_at()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Without a password nothing locks.
    fn lock_message_at(&self) -> Option<Duration> {
        let announced = self.profile.lock_message && self.settings.has_password();
        let locks_at = self.memory.login.locks_at().filter(|_| announced)?;
        Some(self.memory.booted_at + locks_at)
    }

    pub(super) fn turn(&mut self) {
        self.wake();
        self.console.receive(self.clock);
        if !self.runs || self.memory.free_at > self.clock {
            return;
        }
        match self.memory.steps.pop_front() {
            Some(step) => self.execute(step),
            None => self.look_around(),
        }
        if self.memory.steps.is_empty() && self.memory.job.is_none() {
            self.memory.idle_since = Some(self.clock);
        }
    }

    /// In STOP mode the counter stands still, and some receivers lose the character that wakes them.
    fn wake(&mut self) {
        let Some(since) = self.memory.idle_since.take() else { return };
        let idle = self.clock.saturating_sub(since);
        self.memory.slept += idle;
        if idle > STOP_AFTER && self.profile.has(Quirk::WakeLoss) {
            self.console.lose_one(self.clock);
        }
    }

    /// One round of the super-loop with nothing in hand.
    fn look_around(&mut self) {
        if self.lock_message_at().is_some() && self.memory.login.expire(self.uptime()) {
            self.block_in([Step::Event("Password timeout".to_owned()), Step::Print(b"\r\n".to_vec())]);
        } else if self.console.line_is_ready() {
            self.serve_line();
        } else if !self.look_at_timers() {
            self.look_at_job();
        }
    }

    /// Whether one was due.
    fn look_at_timers(&mut self) -> bool {
        let (now, timers) = (self.clock, &mut self.memory.timers);
        if take_due(&mut timers.bluetooth, now) {
            self.block_in([Step::Print(b"AT+PWRM2\r\n".to_vec())]);
        } else if is_due(timers.tdc, now) {
            timers.tdc = timers.tdc.map(|due| due + self.settings.tdc());
            self.memory.uplink_requested = !self.is_silent();
        } else if take_due(&mut timers.roc, now) {
            self.begin_check();
        } else if take_due(&mut timers.clock_log, now) {
            self.begin_clock_log();
        } else if take_due(&mut timers.watchdog, now) {
            self.restart(Cause::Software);
        } else {
            return false;
        }
        true
    }

    fn look_at_job(&mut self) {
        if is_due(self.memory.job.as_ref().and_then(Job::due), self.clock) {
            let phase = self.memory.job.as_mut().and_then(Job::take_phase);
            let Some(part) = phase.map(|phase| self.part(phase)) else { return };
            if let Some(job) = &mut self.memory.job {
                job.follow(part.pause, part.next);
            }
            self.block_in(part.steps);
            self.block_in([Step::Act(Action::EndPhase)]);
        } else if self.memory.job.is_none() {
            self.begin_wanted_uplink();
        }
    }

    fn serve_line(&mut self) {
        let line = text_of(&self.console.line());
        if self.is_a_burst() {
            return self.restart(Cause::Watchdog);
        }
        let open = self.console_is_open();
        let known = Known {
            profile: &self.profile,
            settings: &self.settings,
            last_data: &self.memory.last_data,
            resolved: &self.memory.resolved,
            clock: self.clock_text(),
            busy: self.memory.job.is_some(),
        };
        let replier = Replier { profile: &self.profile, settings: &self.settings, rng: &mut self.rng };
        let steps = if open { replier.reply(known.answer(&line), &line) } else { replier.password(&line) };
        self.block_in(steps);
    }

    fn is_a_burst(&mut self) -> bool {
        let (lines, since) = self.memory.burst;
        let goes_on = self.clock - since < BURST_WITHIN;
        self.memory.burst = if goes_on { (lines + 1, since) } else { (1, self.clock) };
        self.profile.has(Quirk::BurstReset) && self.memory.burst.0 > BURST_LINES
    }

    pub(super) fn console_is_open(&self) -> bool {
        !self.settings.has_password() || self.memory.login.is_unlocked(self.uptime())
    }

    /// The interval runs on during the check; expiries that pass meanwhile are one.
    fn begin_check(&mut self) {
        let roc = self.settings.roc();
        let Some(interval) = roc.interval() else { return };
        self.memory.timers.roc = Some(self.clock + interval);
        if roc.watches_idc() || roc.watches_vdc() {
            self.block_in(measurement::steps(&self.settings, Purpose::Check));
        }
    }

    /// A hit of report on change goes first: its values are already there.
    fn begin_wanted_uplink(&mut self) {
        let hit = self.memory.hit.take();
        if hit.is_some() || std::mem::take(&mut self.memory.uplink_requested) {
            self.memory.job = Some(self.cycle_job(hit.unwrap_or_default()));
        }
    }

    fn execute(&mut self, step: Step) {
        match step {
            Step::Wait(time) => self.memory.free_at = self.clock + time,
            Step::WaitForUptime(uptime) => self.memory.free_at = self.clock.max(self.memory.booted_at + uptime),
            Step::Print(bytes) => self.print(&bytes),
            Step::Event(text) => self.print_event(&text),
            Step::Act(action) => self.act(action),
        }
    }

    fn print(&mut self, bytes: &[u8]) {
        self.memory.free_at = self.console.print(self.clock, bytes);
    }

    fn print_event(&mut self, text: &str) {
        let line = format!("[{}]{text}\r\n", self.counter().as_millis());
        self.log.append(line.as_bytes());
        self.print(line.as_bytes());
    }

    /// What `[n]` counts.
    fn counter(&self) -> Duration {
        let slept = if self.profile.counter_sleeps { self.memory.slept } else { Duration::ZERO };
        self.uptime().saturating_sub(slept)
    }

    pub(super) fn block_in(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.memory.steps.extend(steps);
    }

    pub(super) fn put_first(&mut self, steps: impl IntoIterator<Item = Step, IntoIter: DoubleEndedIterator>) {
        steps.into_iter().rev().for_each(|step| self.memory.steps.push_front(step));
    }

    pub(super) fn uptime(&self) -> Duration {
        self.clock - self.memory.booted_at
    }
}

fn is_due(due: Option<Duration>, now: Duration) -> bool {
    due.is_some_and(|due| due <= now)
}

fn take_due(due: &mut Option<Duration>, now: Duration) -> bool {
    due.take_if(|due| *due <= now).is_some()
}
