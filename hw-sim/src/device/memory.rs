//! What the firmware holds in RAM: everything a reset forgets.

use std::collections::VecDeque;
use std::time::Duration;

use super::login::Login;
use super::roc::References;
use super::step::Step;
use super::uplink::Job;
use crate::physics::Sample;

/// What a reset forgets.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) booted_at: Duration,
    pub(super) steps: VecDeque<Step>,
    pub(super) free_at: Duration,
    pub(super) login: Login,
    pub(super) sample: Sample,
    pub(super) references: References,
    pub(super) job: Option<Job>,
    pub(super) modem_awake: bool,
    pub(super) uploads: u32,
    pub(super) tdc_due: Option<Duration>,
    pub(super) roc_due: Option<Duration>,
    pub(super) uplink_requested: bool,
    pub(super) roc_hit: Option<Sample>,
}

impl Memory {
    pub(super) fn at_boot(booted_at: Duration, steps: VecDeque<Step>) -> Self {
        Self {
            booted_at,
            steps,
            free_at: booted_at,
            login: Login::default(),
            sample: Sample { idc_ma: 0.0, vdc_v: 0.0, battery_v: 0.0 },
            references: References::default(),
            job: None,
            modem_awake: false,
            uploads: 0,
            tdc_due: None,
            roc_due: None,
            uplink_requested: false,
            roc_hit: None,
        }
    }

    pub(super) fn uplink_is_wanted(&self) -> bool {
        self.uplink_requested || self.roc_hit.is_some()
    }
}
