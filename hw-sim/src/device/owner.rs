//! The device as its owner sees it: made, fed, asked, pressed, powered.

use std::collections::VecDeque;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::console::Console;
use super::history::History;
use super::log_pages::LogPages;
use super::memory::Memory;
use super::network::Network;
use super::settings::{Change, Settings};
use super::step::Cause;
use crate::imei::Imei;
use crate::physics::{Board, BoardConfig, Change as Surroundings, Environment, ProbeFault, Signal};
use crate::profile::{Profile, Quirk, is_pin};

/// 2025-03-09T14:00:00Z: the true time at the first power-on, so that a run is the same whenever it is made.
const STARTED_UNIX_S: i64 = 1_741_528_800;

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
    /// The true time at the first power-on, in Unix seconds: what a network tells.
    pub started_unix_s: i64,
}

impl DeviceConfig {
    /// A walk-in fridge, an IMEI of the seed.
    pub fn new(profile: Profile, seed: u64) -> Self {
        let environment = Environment::walk_in_fridge();
        Self { profile, seed, imei: None, environment, started_unix_s: STARTED_UNIX_S }
    }
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
    pub(super) history: History,
    pub(super) log: LogPages,
    /// Measurements printed on the console since the device was made, but for those of the boot text.
    pub(super) measurements: u64,
    /// Times the flash was written.
    pub(super) flash_writes: u64,
    pub(super) network: Network,
    pub(super) signal: Signal,
    pub(super) csq: Option<u8>,
    pub(super) rng: StdRng,
    pub(super) clock: Duration,
    pub(super) started_unix_s: i64,
    pub(super) supplied: bool,
    /// SW1 is at ISP.
    pub(super) at_isp: bool,
    /// Supply and switch: without the one or at ISP the processor does nothing.
    pub(super) runs: bool,
}

impl Device {
    /// Applies power: the boot text begins.
    pub fn new(config: DeviceConfig) -> Self {
        let DeviceConfig { profile, seed, imei, environment, started_unix_s } = config;
        let imei = imei.unwrap_or_else(|| Imei::from_seed(seed));
        let board = BoardConfig {
            environment,
            idc_clip: profile.idc_clip,
            startup_current: profile.has(Quirk::StartUpCurrent),
            negative_reads_high: profile.has(Quirk::NegativeReadsHigh),
        };
        let mut device = Self {
            settings: Settings::factory(&profile, imei.as_str()),
            console: Console::new(profile.input_buffer_bytes),
            memory: Memory::at_boot(Duration::ZERO, VecDeque::new()),
            history: History::default(),
            log: LogPages::default(),
            measurements: 0,
            flash_writes: 0,
            network: Network::default(),
            csq: None,
            rng: StdRng::seed_from_u64(seed),
            clock: Duration::ZERO,
            started_unix_s,
            supplied: true,
            at_isp: false,
            runs: true,
            signal: Signal::new(seed),
            board: Board::new(board, seed),
            profile,
            imei,
        };
        device.restart(Cause::PowerOn);
        device
    }

    /// Measurements printed on the console so far, but for those of the boot text.
    pub fn measurements(&self) -> u64 {
        self.measurements
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

    /// As [`Self::take_output`], each byte with the time at which it was sent.
    pub(crate) fn take_sent(&mut self, until: Duration) -> Vec<(Duration, u8)> {
        self.console.take_sent(until.min(self.clock))
    }

    /// When something happens next: call [`Self::advance`] then. None: nothing ever, unless it is fed.
    pub fn next_wakeup(&self) -> Option<Duration> {
        [self.next_event(), self.console.next_output()].into_iter().flatten().min()
    }

    /// Bytes that were fed and are still on their way. A shell stops reading from its client while there are many.
    pub fn bytes_under_way(&self) -> usize {
        self.console.bytes_under_way()
    }

    /// Gives the device another PIN, as if its label said so: 1 to 8 lower-case letters or digits, else false.
    pub fn set_pin(&mut self, pin: &str) -> bool {
        let valid = is_pin(pin);
        if valid {
            pin.clone_into(&mut self.profile.pin);
            self.settings.apply(Change { name: "AT+PWORD", value: pin.to_owned() });
            self.flash_writes += 1;
        }
        valid
    }

    /// The PIN that opens the console.
    pub(crate) fn pin(&self) -> &str {
        self.settings.password()
    }

    /// What the modem finds from now on.
    pub fn set_network(&mut self, network: Network) {
        self.network = network;
    }

    /// The signal strength from now on: 0 to 31, or 99; none lets it wander again.
    pub fn set_csq(&mut self, csq: Option<u8>) {
        self.csq = csq;
    }

    /// Something happens around the probe, or to it.
    pub fn environment(&mut self, now: Duration, change: &Surroundings) {
        self.advance(now);
        self.board.change(self.clock, change);
    }

    /// What is wrong with probe and loop now.
    pub fn probe_faults(&mut self) -> Vec<ProbeFault> {
        self.board.faults(self.clock)
    }

    /// The modem's IMEI.
    pub fn imei(&self) -> &Imei {
        &self.imei
    }

    /// The firmware's profile.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Device time.
    pub fn now(&self) -> Duration {
        self.clock
    }

    /// Whether commands are executed now.
    pub fn is_unlocked(&self) -> bool {
        self.console_is_open()
    }

    /// Whether the modem is awake now.
    pub fn modem_is_awake(&self) -> bool {
        self.memory.modem_awake
    }

    /// What a thermometer without any error would show at the probe now, in °C.
    pub fn true_temperature(&mut self) -> f64 {
        self.board.true_temperature(self.clock)
    }

    /// The current that the loop carries while 12 V is on and the transmitter has settled, in mA, without any noise.
    pub fn loop_ma(&mut self) -> f64 {
        self.board.loop_ma(self.clock)
    }
}
