//! The device: hardware, flash, and the firmware's single super-loop in virtual time.
//!
//! The processor does one thing at a time. While steps are left it blocks in them; when none are left it looks at its
//! timers, then at the console, then at the modem's job. All times are `Duration`s since the first power-on.

use std::collections::VecDeque;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::command;
use super::console::Console;
use super::measurement;
use super::memory::Memory;
use super::parser::text_of;
use super::reply::Replier;
use super::settings::Settings;
use super::step::{Action, Cause, Purpose, Step};
use super::uplink::{Job, JobBuilder};
use crate::imei::Imei;
use crate::physics::{Board, BoardConfig, Change, Environment, ProbeFault};
use crate::profile::{Profile, is_pin};

/// What one device is made from. Everything random in it comes from the seed.
#[derive(Debug, Clone)]
pub struct DeviceConfig {
    /// Firmware behaviour.
    pub profile: Profile,
    /// Seed of identity, tolerances, noise and jitter.
    pub seed: u64,
    /// The IMEI; derived from the seed when none is given.
    pub imei: Option<Imei>,
    /// Where the probe hangs and what it is wired to.
    pub environment: Environment,
}

/// A sensor in virtual time, powered on at [`Duration::ZERO`].
#[derive(Debug)]
pub struct Device {
    pub(super) profile: Profile,
    pub(super) imei: Imei,
    pub(super) settings: Settings,
    pub(super) board: Board,
    pub(super) console: Console,
    pub(super) memory: Memory,
    pub(super) rng: StdRng,
    pub(super) clock: Duration,
}

impl Device {
    /// Applies power: the boot text begins.
    pub fn new(config: DeviceConfig) -> Self {
        let DeviceConfig { profile, seed, imei, environment } = config;
        let imei = imei.unwrap_or_else(|| Imei::from_seed(seed));
        let idc_clip = profile.idc_clip;
        let board = BoardConfig { environment, idc_clip, startup_current: true, negative_reads_high: true };
        let board = Board::new(board, seed);
        let mut device = Self {
            settings: Settings::factory(&profile, imei.as_str()),
            console: Console::new(profile.input_buffer_bytes),
            memory: Memory::at_boot(Duration::ZERO, VecDeque::new()),
            rng: StdRng::seed_from_u64(seed),
            clock: Duration::ZERO,
            profile,
            imei,
            board,
        };
        device.restart(Cause::PowerOn);
        device
    }

    /// The host sends bytes from `now` on, at 9600 baud. `now` never goes back, here and below.
    pub fn feed(&mut self, now: Duration, bytes: &[u8]) {
        self.advance(now);
        self.console.send(self.clock, bytes);
    }

    /// Lets everything happen that happens until `now`.
    pub fn advance(&mut self, now: Duration) {
        while let Some(at) = self.next_event().filter(|at| *at <= now) {
            self.clock = self.clock.max(at);
            self.turn();
        }
        self.clock = self.clock.max(now);
    }

    /// Removes the bytes that were completely sent by `until`, which may lie a little behind the device's time.
    pub fn take_output(&mut self, until: Duration) -> Vec<u8> {
        self.console.take_output(until.min(self.clock))
    }

    /// When something happens next: call [`Self::advance`] then. None: nothing ever, unless it is fed.
    pub fn next_wakeup(&self) -> Option<Duration> {
        [self.next_event(), self.console.next_output()].into_iter().flatten().min()
    }

    /// Bytes that were fed and are still on their way. A shell stops reading from its client while there are many.
    pub fn bytes_under_way(&self) -> usize {
        self.console.bytes_under_way()
    }

    /// Supply off and on again: output stops at this very byte, the settings in flash stay.
    pub fn power_cycle(&mut self, now: Duration) {
        self.advance(now);
        self.console.cut(self.clock);
        self.restart(Cause::PowerOn);
    }

    /// Gives the device another PIN, as if its label said so: 1 to 8 lower-case letters or digits, else false.
    pub fn set_pin(&mut self, pin: &str) -> bool {
        let valid = is_pin(pin);
        if valid {
            pin.clone_into(&mut self.settings.pin);
        }
        valid
    }

    /// The modem's IMEI.
    pub fn imei(&self) -> &Imei {
        &self.imei
    }

    /// Device time.
    pub fn now(&self) -> Duration {
        self.clock
    }

    /// What a thermometer without any error would show at the probe now, in °C.
    pub fn true_temperature(&mut self) -> f64 {
        self.board.true_temperature(self.clock)
    }

    /// Something happens now to what is around the sensor.
    pub fn environment(&mut self, now: Duration, change: &Change) {
        self.advance(now);
        self.board.change(self.clock, change);
    }

    /// What is wrong between probe and sensor, in the order it came.
    pub fn probe_faults(&mut self) -> Vec<ProbeFault> {
        self.board.faults(self.clock)
    }

    /// The battery gives too little to run on.
    pub fn is_browned_out(&mut self) -> bool {
        self.board.is_browned_out(self.clock)
    }

    fn next_event(&self) -> Option<Duration> {
        let work = if self.memory.steps.is_empty() { self.idle_until() } else { Some(self.memory.free_at) };
        [work, self.console.next_arrival()].into_iter().flatten().min()
    }

    /// When an idle processor finds something to do.
    fn idle_until(&self) -> Option<Duration> {
        let memory = &self.memory;
        let wanted = self.console.line_is_ready() || (memory.job.is_none() && memory.uplink_is_wanted());
        let locks_at = memory.login.locks_at().filter(|_| self.profile.lock_message);
        let lock_message_at = locks_at.map(|uptime| memory.booted_at + uptime);
        let job_due = memory.job.as_ref().and_then(Job::due);
        [wanted.then_some(self.clock), job_due, memory.tdc_due, memory.roc_due, lock_message_at]
            .into_iter()
            .flatten()
            .min()
    }

    fn turn(&mut self) {
        self.console.receive(self.clock);
        if self.memory.free_at > self.clock {
            return;
        }
        match self.memory.steps.pop_front() {
            Some(step) => self.execute(step),
            None => self.look_around(),
        }
    }

    /// One round of the super-loop with nothing in hand.
    fn look_around(&mut self) {
        let uptime = self.uptime();
        if self.profile.lock_message && self.memory.login.expire(uptime) {
            self.block_in([Step::Event("Password timeout".to_owned()), Step::Print(b"\r\n".to_vec())]);
        } else if self.console.line_is_ready() {
            self.serve_line();
        } else if is_due(self.memory.tdc_due, self.clock) {
            self.memory.tdc_due = self.memory.tdc_due.map(|due| due + self.tdc());
            self.memory.uplink_requested = true;
        } else if is_due(self.memory.roc_due, self.clock) {
            self.begin_check();
        } else if is_due(self.memory.job.as_ref().and_then(Job::due), self.clock) {
            let steps = self.memory.job.as_mut().map(Job::next_part).unwrap_or_default();
            self.block_in(steps);
            self.block_in([Step::Act(Action::EndPart)]);
        } else if self.memory.job.is_none() {
            self.begin_wanted_uplink();
        }
    }

    fn serve_line(&mut self) {
        let line = text_of(&self.console.line());
        let unlocked = self.memory.login.is_unlocked(self.uptime());
        let replier = Replier { profile: &self.profile, settings: &self.settings, rng: &mut self.rng };
        let steps = if unlocked {
            replier.reply(command::answer(&line, &self.settings, &self.profile), &line)
        } else {
            replier.password(&line)
        };
        self.block_in(steps);
    }

    /// The interval runs on during the check; expiries that pass meanwhile are one.
    fn begin_check(&mut self) {
        let Some(interval) = self.settings.roc.interval() else {
            self.memory.roc_due = None;
            return;
        };
        self.memory.roc_due = Some(self.clock + interval);
        if self.settings.roc.watches_idc() || self.settings.roc.watches_vdc() {
            self.block_in(measurement::steps(&self.settings, Purpose::Check));
        }
    }

    /// A hit of report on change goes first: its values are already there.
    fn begin_wanted_uplink(&mut self) {
        let measured = self.memory.roc_hit.take();
        if measured.is_some() || std::mem::take(&mut self.memory.uplink_requested) {
            let job = self.job_builder().cycle(measured);
            self.memory.job = Some(job);
        }
    }

    fn execute(&mut self, step: Step) {
        match step {
            Step::Wait(time) => self.memory.free_at = self.clock + time,
            Step::WaitForUptime(uptime) => self.memory.free_at = self.clock.max(self.memory.booted_at + uptime),
            Step::Print(bytes) => self.print(&bytes),
            Step::Event(text) => self.print(format!("[{}]{text}\r\n", self.uptime().as_millis()).as_bytes()),
            Step::Act(action) => self.act(action),
        }
    }

    fn print(&mut self, bytes: &[u8]) {
        self.memory.free_at = self.console.print(self.clock, bytes);
    }

    pub(super) fn block_in(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.memory.steps.extend(steps);
    }

    pub(super) fn put_first(&mut self, steps: impl IntoIterator<Item = Step, IntoIter: DoubleEndedIterator>) {
        steps.into_iter().rev().for_each(|step| self.memory.steps.push_front(step));
    }

    pub(super) fn job_builder(&mut self) -> JobBuilder<'_> {
        JobBuilder { profile: &self.profile, rng: &mut self.rng, now: self.clock }
    }

    pub(super) fn uptime(&self) -> Duration {
        self.clock - self.memory.booted_at
    }

    pub(super) fn tdc(&self) -> Duration {
        Duration::from_secs(self.settings.tdc_s.into())
    }
}

fn is_due(due: Option<Duration>, now: Duration) -> bool {
    due.is_some_and(|due| due <= now)
}
