//! The line itself: what is wrong on it, and what is on its way.
//!
//! The owner passes every byte with the time at which its last bit was sent, in order, and tells which faults begin and
//! end; the line keeps no clock.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::exit::{CHARACTER, Exit};
use super::fault::{LineFault, LineFaultKind};
use super::reply::Reply;
use super::text::Editor;

/// The streams of chance of the two directions differ by this.
const OTHER_STREAM: u64 = 0x9E37_79B9_7F4A_7C15;

/// The wires between one host and one sensor.
#[derive(Debug)]
pub(crate) struct Line {
    pub(super) faults: Vec<Standing>,
    pub(super) reply: Reply,
    pub(super) editor: Editor,
    pub(super) exit: Exit,
    /// Bytes that come back, and when.
    pub(super) echoes: VecDeque<(Duration, u8)>,
    /// Bytes of the host that the sensor does not read.
    pub(super) held: VecDeque<u8>,
    /// When the host's last byte is at the sensor.
    pub(super) arrival: Duration,
    pub(super) reboot: Option<Reboot>,
    pub(super) to_host: StdRng,
    pub(super) to_sensor: StdRng,
}

/// The sensor has to start again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reboot {
    pub(crate) at: Duration,
    pub(crate) forgets: bool,
}

/// A fault, and how far it is.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) fault: LineFault,
    /// Lines of the host when it came.
    pub(super) line: u64,
    /// Bytes it has looked at.
    pub(super) count: u64,
    /// When it does something by itself.
    pub(super) next: Duration,
}

impl Line {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            faults: Vec::new(),
            reply: Reply::default(),
            editor: Editor::default(),
            exit: Exit::default(),
            echoes: VecDeque::new(),
            held: VecDeque::new(),
            arrival: Duration::ZERO,
            reboot: None,
            to_host: StdRng::seed_from_u64(seed),
            to_sensor: StdRng::seed_from_u64(seed ^ OTHER_STREAM),
        }
    }

    /// From now on that is wrong; instead of what was wrong of the same kind.
    pub(crate) fn begin(&mut self, now: Duration, fault: LineFault) {
        self.faults.retain(|standing| standing.fault.kind() != fault.kind());
        match &fault {
            LineFault::Baud { rate, direction } => {
                self.exit.resample(direction.is_to_host().then_some(*rate));
            }
            LineFault::Frozen => self.editor.thaw(),
            _ => {}
        }
        self.faults.push(Standing { fault, line: self.reply.number, count: 0, next: now });
    }

    /// That is mended; gives what was held back from the sensor.
    pub(crate) fn end(&mut self, now: Duration, kind: LineFaultKind) -> Vec<u8> {
        self.faults.retain(|standing| standing.fault.kind() != kind);
        match kind {
            LineFaultKind::Baud => self.exit.resample(None),
            LineFaultKind::Drip | LineFaultKind::Late | LineFaultKind::Endless => self.exit.rush(now),
            LineFaultKind::Reboot => self.reboot = None,
            LineFaultKind::Value | LineFaultKind::Swapped | LineFaultKind::Frozen => self.pass_on(now),
            LineFaultKind::NeverReads => {
                let held = Vec::from(std::mem::take(&mut self.held));
                return self.deliver_to_sensor(now, &held);
            }
            _ => {}
        }
        Vec::new()
    }

    /// What is wrong, in the order it came.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &LineFault> + '_ {
        self.faults.iter().map(|standing| &standing.fault)
    }

    /// When something comes to the host's end that the sensor does not send now.
    pub(crate) fn next_wakeup(&self) -> Option<Duration> {
        let endless = self.standing(LineFaultKind::Endless).map(|standing| standing.next + CHARACTER);
        let echo = self.echoes.front().map(|(at, _)| *at);
        [self.exit.next(), endless, echo].into_iter().flatten().min()
    }

    /// Removes what is completely out by `until`.
    pub(crate) fn take(&mut self, until: Duration) -> Vec<u8> {
        self.exit.take(until)
    }

    /// When the sensor has to start again; the owner does that then.
    pub(crate) fn reboot_due(&self) -> Option<Duration> {
        self.reboot.map(|reboot| reboot.at)
    }

    /// Whether the sensor may have to start again after any byte that it sends.
    pub(crate) fn counts_toward_reboot(&self) -> bool {
        self.reboot.is_none() && self.has(LineFaultKind::Reboot)
    }

    /// See [`Self::reboot_due`]; it happens once.
    pub(crate) fn take_reboot(&mut self) -> Option<Reboot> {
        self.faults.retain(|standing| self.reboot.is_none() || standing.fault.kind() != LineFaultKind::Reboot);
        self.reboot.take()
    }

    pub(super) fn standing(&self, kind: LineFaultKind) -> Option<&Standing> {
        self.faults.iter().find(|standing| standing.fault.kind() == kind)
    }

    pub(super) fn has(&self, kind: LineFaultKind) -> bool {
        self.standing(kind).is_some()
    }

    /// The byte as noise leaves it.
    pub(super) fn flipped(&mut self, byte: u8, toward_host: bool) -> u8 {
        let rng = if toward_host { &mut self.to_host } else { &mut self.to_sensor };
        for standing in &self.faults {
            if let LineFault::Noise { rate, direction } = standing.fault
                && if toward_host { direction.is_to_host() } else { direction.is_to_sensor() }
                && happens(rng, rate)
            {
                return byte ^ (1 << rng.random_range(0..8));
            }
        }
        byte
    }
}

/// Whether something of this probability happens now; what is no probability never does.
pub(super) fn happens(rng: &mut StdRng, probability: f64) -> bool {
    rng.random::<f64>() < probability
}
