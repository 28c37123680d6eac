//! Sensor, line and agenda on one clock.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::control::{Command, CommandError, FaultName};
use crate::device::{Device, DeviceConfig};
use crate::line::Line;

/// Answers of scheduled commands that nobody has taken; the oldest give way.
const EXECUTED_MAX: usize = 1024;
/// Commands that wait for their time; what is scheduled beyond is refused.
const SCHEDULED_MAX: usize = 10_000;
/// The line's stream of chance, apart from the device's.
const LINE_STREAM: u64 = 0x5DEE_CE66_D1CE_4E5B;

/// One sensor, the line to its host, and what is going to happen to both.
#[derive(Debug)]
pub struct Simulation {
    pub(super) device: Device,
    pub(super) line: Line,
    /// What is scheduled, the next first.
    pub(super) agenda: VecDeque<(Duration, Command)>,
    pub(super) executed: VecDeque<Executed>,
    /// Faults that end by themselves, and when.
    pub(super) ends: BTreeMap<FaultName, Duration>,
    pub(super) password: Option<Password>,
    /// When the supply comes back, while it is away.
    pub(super) supply_returns: Option<Duration>,
    pub(super) at_isp: bool,
    pub(super) seed: u64,
    /// Units that have been put in another's place.
    pub(super) swaps: u64,
}

/// A scheduled command that was carried out, or was not.
#[derive(Debug, Clone, PartialEq)]
pub struct Executed {
    /// When.
    pub at: Duration,
    /// What was told.
    pub command: Command,
    /// What came of it. [`CommandError::Adapter`]: the owner of the adapter has to do it.
    pub outcome: Result<String, CommandError>,
}

/// The standing part of a password fault.
#[derive(Debug)]
pub(super) struct Password {
    /// The PIN it gave, and the one before.
    pub(super) pins: Option<(String, String)>,
    pub(super) every: Option<Duration>,
    pub(super) next: Option<Duration>,
}

impl Simulation {
    /// Applies power: the boot text begins.
    pub fn new(config: DeviceConfig) -> Self {
        let seed = config.seed;
        Self::around(Device::new(config), seed)
    }

    /// A device that is there already, with a line of that seed.
    pub fn around(device: Device, seed: u64) -> Self {
        Self {
            device,
            line: Line::new(seed ^ LINE_STREAM),
            agenda: VecDeque::new(),
            executed: VecDeque::new(),
            ends: BTreeMap::new(),
            password: None,
            supply_returns: None,
            at_isp: false,
            seed,
            swaps: 0,
        }
    }

    /// The host sends bytes from `now` on, at 9600 baud. `now` never goes back, here and below.
    pub fn feed(&mut self, now: Duration, bytes: &[u8]) {
        self.advance(now);
        let received = self.line.deliver_to_sensor(now, bytes);
        self.pass_on(now, &received);
    }

    /// Lets everything happen that happens until `now`.
    pub fn advance(&mut self, now: Duration) {
        while let Some(at) = self.next_change().filter(|at| *at <= now) {
            self.carry(at);
            // A byte on the way may have brought something forward.
            if self.next_change().is_none_or(|next| next >= at) {
                self.change(at);
            }
        }
        self.carry(now);
        if self.line.reboot_due().is_some_and(|at| at <= now) {
            self.advance(now);
        }
    }

    /// Removes the bytes that were completely sent by `until`, which may lie a little behind the simulation's time.
    pub fn take_output(&mut self, until: Duration) -> Vec<u8> {
        self.line.take(until.min(self.device.now()))
    }

    /// When something happens next: call [`Self::advance`] then. None: nothing ever, unless it is fed or told.
    pub fn next_wakeup(&self) -> Option<Duration> {
        [self.device.next_wakeup(), self.line.next_wakeup(), self.next_change()].into_iter().flatten().min()
    }

    /// Bytes that were fed and are still on their way. A shell stops reading from its client while there are many.
    pub fn bytes_under_way(&self) -> usize {
        self.device.bytes_under_way() + self.line.bytes_held()
    }

    /// Carries out a command now. What is the adapter's is refused with [`CommandError::Adapter`].
    pub fn run(&mut self, now: Duration, command: &Command) -> Result<String, CommandError> {
        self.advance(now);
        let outcome = self.perform(now, command);
        // What lasts no time is over at once.
        self.advance(now);
        outcome
    }

    /// Commands for later: so long after now, in virtual time. Their outcomes wait in [`Self::take_executed`].
    pub fn schedule(&mut self, commands: Vec<(Duration, Command)>) -> Result<(), CommandError> {
        if self.agenda.len() + commands.len() > SCHEDULED_MAX {
            return Err(CommandError::Refused(format!("at most {SCHEDULED_MAX} commands can wait")));
        }
        let now = self.device.now();
        self.agenda.extend(commands.into_iter().map(|(after, command)| (now.saturating_add(after), command)));
        self.agenda.make_contiguous().sort_by_key(|(at, _)| *at);
        Ok(())
    }

    /// What came of the scheduled commands since the last time, in order.
    pub fn take_executed(&mut self) -> Vec<Executed> {
        self.executed.drain(..).collect()
    }

    /// The sensor itself.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The sensor itself. What it sends through other hands still comes out of [`Self::take_output`].
    pub fn device_mut(&mut self) -> &mut Device {
        &mut self.device
    }

    /// When something changes by itself that is not the sensor's doing.
    fn next_change(&self) -> Option<Duration> {
        let scheduled = self.agenda.front().map(|(at, _)| *at);
        let end = self.ends.values().min().copied();
        let lock = self.password.as_ref().and_then(|password| password.next);
        [scheduled, end, lock, self.supply_returns, self.line.reboot_due()].into_iter().flatten().min()
    }

    /// Everything that changes at `at`: what ends before what begins.
    fn change(&mut self, at: Duration) {
        let over: Vec<FaultName> = self.ends.iter().filter(|(_, end)| **end <= at).map(|(name, _)| *name).collect();
        over.into_iter().for_each(|name| self.clear(at, name));
        if self.supply_returns.take_if(|returns| *returns <= at).is_some() {
            self.set_power(at);
        }
        if self.line.reboot_due().is_some_and(|due| due <= at) {
            self.reboot(at);
        }
        self.lock_again(at);
        while let Some((_, command)) = self.agenda.pop_front_if(|(due, _)| *due <= at) {
            let outcome = self.perform(at, &command);
            self.executed.push_back(Executed { at, command, outcome });
            let excess = self.executed.len().saturating_sub(EXECUTED_MAX);
            self.executed.drain(..excess);
        }
    }

    /// Time passes up to `until` at the most: byte by byte while any byte may be the sensor's last.
    fn carry(&mut self, until: Duration) {
        while self.line.counts_toward_reboot()
            && let Some(next) = self.device.next_wakeup().filter(|next| *next < until)
        {
            self.carry_at_once(next.max(self.device.now()));
        }
        let until = self.line.reboot_due().map_or(until, |due| until.min(due)).max(self.device.now());
        self.carry_at_once(until);
    }

    fn carry_at_once(&mut self, until: Duration) {
        self.device.advance(until);
        let sent = self.device.take_sent(until);
        self.line.carry(until, sent);
    }

    pub(super) fn pass_on(&mut self, now: Duration, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.device.feed(now, bytes);
        }
    }
}
