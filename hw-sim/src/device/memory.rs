//! What the firmware holds in RAM: everything a reset forgets.

use std::collections::VecDeque;
use std::time::Duration;

use super::calendar::DeviceClock;
use super::clock_log::{Beginning, ClockLog};
use super::login::Login;
use super::roc::References;
use super::settings::Protocol;
use super::step::Step;
use super::uplink::{Job, Request};
use crate::physics::Sample;

/// What a reset forgets.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) booted_at: Duration,
    pub(super) steps: VecDeque<Step>,
    pub(super) free_at: Duration,
    pub(super) login: Login,
    /// The processor has had nothing to do since then: it is in STOP mode.
    pub(super) idle_since: Option<Duration>,
    /// Time in STOP mode, in which the counter of `[n]` may stand still.
    pub(super) slept: Duration,
    pub(super) sample: Sample,
    pub(super) references: References,
    /// Protocol and payload type as they were at the start: a change takes a restart.
    pub(super) protocol: Protocol,
    pub(super) payload_type: i64,
    pub(super) job: Option<Job>,
    pub(super) modem_awake: bool,
    pub(super) uploads: u32,
    pub(super) wall: DeviceClock,
    /// The clock log as it was when it took effect, and when that was.
    pub(super) clock_log: Option<ClockLog>,
    pub(super) clock_log_begins: Beginning,
    pub(super) last_csq: u8,
    pub(super) last_data: String,
    pub(super) resolved: String,
    pub(super) cycles_without_signal: u32,
    pub(super) failed_attaches: u32,
    pub(super) timers: Timers,
    pub(super) uplink_requested: bool,
    pub(super) hit: Option<Request>,
    pub(super) debug: bool,
    /// Lines served one right after the other, and when the first of them was.
    pub(super) burst: (u32, Duration),
}

/// When what the firmware does on its own is due.
#[derive(Debug, Default)]
pub(super) struct Timers {
    pub(super) tdc: Option<Duration>,
    pub(super) roc: Option<Duration>,
    pub(super) clock_log: Option<Duration>,
    /// The Bluetooth module is switched off.
    pub(super) bluetooth: Option<Duration>,
    /// Nothing was uploaded for too long.
    pub(super) watchdog: Option<Duration>,
}

impl Timers {
    pub(super) fn next(&self) -> Option<Duration> {
        [self.tdc, self.roc, self.clock_log, self.bluetooth, self.watchdog].into_iter().flatten().min()
    }
}

impl Memory {
    pub(super) fn at_boot(booted_at: Duration, steps: VecDeque<Step>) -> Self {
        Self {
            booted_at,
            steps,
            free_at: booted_at,
            login: Login::default(),
            idle_since: None,
            slept: Duration::ZERO,
            sample: Sample { idc_ma: 0.0, vdc_v: 0.0, battery_v: 0.0 },
            references: References::default(),
            protocol: Protocol::Udp,
            payload_type: 0,
            job: None,
            modem_awake: false,
            uploads: 0,
            wall: DeviceClock::at_boot(0, booted_at),
            clock_log: None,
            clock_log_begins: Beginning::default(),
            last_csq: super::uplink::NO_SIGNAL,
            last_data: "NULL".to_owned(),
            resolved: String::new(),
            cycles_without_signal: 0,
            failed_attaches: 0,
            timers: Timers::default(),
            uplink_requested: false,
            hit: None,
            debug: false,
            burst: (0, booted_at),
        }
    }

    pub(super) fn uplink_is_wanted(&self) -> bool {
        self.uplink_requested || self.hit.is_some()
    }
}
