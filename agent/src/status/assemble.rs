//! From what the tasks show to what is told. Pure.

use std::time::Duration;

use kitchen_contract::id::{DeviceId, GatewayId, KitchenId};
use kitchen_contract::time::{Clock as Trusted, Timestamp};

use super::document::{
    Buffer, Certificate, Clock, Disk, Document, LastReading, LinkFault, Mqtt, Sensor, Trouble, Trust, UnusedFiles,
    Watchdog, When,
};
use crate::buffer::capacity::hours_left;
use crate::buffer::{BufferState, Limits};
use crate::clock::wall::Stamp;
use crate::forwarder::LinkShown;
use crate::observation::Moment;
use crate::recorded::{self, Latest, Recorded};
use crate::sampler::SensorShown;
use crate::sampler::punctuality::Punctuality;
use crate::watchdog::Verdict;

/// What does not change while the agent runs.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// The gateway.
    pub gateway_id: GatewayId,
    /// The kitchen.
    pub kitchen_id: KitchenId,
    /// The cloud, as `host:port`, the preferred address first.
    pub addresses: Vec<String>,
    /// Of the buffer.
    pub limits: Limits,
    /// What the sensors take in a day if all goes well.
    pub readings_per_day: u64,
}

/// What the tasks show at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The moment.
    pub now: Moment,
    /// Its time.
    pub stamp: Stamp,
    /// The buffer.
    pub buffer: BufferState,
    /// Its oldest record.
    pub oldest: Oldest,
    /// What the recorder got onto the disk.
    pub recorded: Recorded,
    /// The connection.
    pub link: LinkShown,
    /// Whether every due round ends.
    pub watchdog: Verdict,
    /// The sensors.
    pub sensors: Vec<SensorSnapshot>,
}

/// What the buffer said of its oldest record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oldest {
    /// It happened then.
    At(Timestamp),
    /// There is none, or it waits for a clock, or it cannot be read now.
    Unknown,
    /// Nothing in time.
    NoAnswer,
}

/// What one sensor's task shows.
#[derive(Clone, Debug)]
pub struct SensorSnapshot {
    /// What is configured.
    pub configured: Configured,
    /// Where the task is.
    pub shown: SensorShown,
    /// Its polls.
    pub punctuality: Punctuality,
}

/// What is configured of a sensor and told.
#[derive(Clone, Debug)]
pub struct Configured {
    /// The measuring point.
    pub device_id: DeviceId,
    /// The port, if one is configured.
    pub port: Option<String>,
    /// The sensor, if one is configured.
    pub imei: Option<String>,
    /// Time between two polls.
    pub interval: Duration,
}

/// What is told.
pub fn assemble(fixed: &Fixed, snapshot: &Snapshot) -> Document {
    let Snapshot { now, stamp, buffer, link, sensors, .. } = snapshot;
    let time = Time { now: *now, stamp: *stamp };
    Document {
        gateway_id: fixed.gateway_id.clone(),
        kitchen_id: fixed.kitchen_id.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        epoch: buffer.epoch.clone(),
        started_at: time.at(Moment(Duration::ZERO)),
        uptime_s: now.0.as_secs(),
        clock: clock(*stamp),
        mqtt: mqtt(&fixed.addresses, link, time),
        buffer: buffered(fixed, snapshot, time),
        watchdog: watchdog(&snapshot.watchdog),
        sensors: sensors.iter().map(|sensor| told(sensor, &snapshot.recorded, time)).collect(),
    }
}

fn watchdog(verdict: &Verdict) -> Watchdog {
    let fed = *verdict == Verdict::Fed;
    Watchdog { fed, problem: (!fed).then(|| verdict.to_string()) }
}

/// From moments to what is told of them.
#[derive(Clone, Copy)]
struct Time {
    now: Moment,
    stamp: Stamp,
}

impl Time {
    fn when(self, moment: Moment) -> When {
        When { ago_s: self.since(moment).as_secs(), at: self.at(moment) }
    }

    fn at(self, moment: Moment) -> Option<Timestamp> {
        let Stamp::Settled { timestamp, .. } = self.stamp else { return None };
        let since_ms = i64::try_from(self.since(moment).as_millis()).ok()?;
        Some(timestamp.saturating_add_ms(-since_ms))
    }

    /// Of something whose time alone is known.
    fn when_at(self, at: Timestamp) -> Option<When> {
        let Stamp::Settled { timestamp, .. } = self.stamp else { return None };
        Some(When { ago_s: u64::try_from(timestamp.ms_since(at)).unwrap_or(0) / 1000, at: Some(at) })
    }

    fn certificate(self, ends: Timestamp) -> Certificate {
        let ends_in_s = match self.stamp {
            Stamp::Settled { timestamp, .. } => Some(ends.ms_since(timestamp) / 1000),
            Stamp::Unsettled { .. } => None,
        };
        Certificate { ends, ends_in_s }
    }

    fn since(self, moment: Moment) -> Duration {
        self.now.0.saturating_sub(moment.0)
    }
}

fn clock(stamp: Stamp) -> Clock {
    match stamp {
        Stamp::Settled { timestamp, clock: Trusted::Synced } => {
            Clock { trust: Trust::Synced, bound_ms: None, now: Some(timestamp) }
        }
        Stamp::Settled { timestamp, clock: Trusted::Estimated { bound_ms } } => {
            Clock { trust: Trust::Estimated, bound_ms, now: Some(timestamp) }
        }
        Stamp::Unsettled { .. } => Clock { trust: Trust::Unknown, bound_ms: None, now: None },
    }
}

fn mqtt(addresses: &[String], link: &LinkShown, time: Time) -> Mqtt {
    let fault = link.last_fault.as_ref().map(|(moment, fault)| LinkFault {
        when: time.when(*moment),
        kind: fault.state().to_owned(),
        text: fault.to_string(),
        hint: fault.hint().to_owned(),
    });
    Mqtt {
        address: addresses.get(link.address).cloned().unwrap_or_default(),
        refused: link.refused.map(|reason| reason.text().to_owned()),
        connected: link.state.is_connected(),
        state: link.state.word().to_owned(),
        since: time.when(link.since),
        unacknowledged: link.unacknowledged,
        passed_over: link.passed_over,
        last_ack: link.last_ack.map(|moment| time.when(moment)),
        last_answer: link.last_answer.map(|moment| time.when(moment)),
        last_fault: fault,
        certificate: link.certificate_ends.map(|ends| time.certificate(ends)),
        unused_files: link.unused.as_ref().map(|(moment, error)| UnusedFiles {
            when: time.when(*moment),
            text: error.to_string(),
            hint: error.hint().to_owned(),
        }),
    }
}

fn buffered(fixed: &Fixed, snapshot: &Snapshot, time: Time) -> Buffer {
    let limits = fixed.limits;
    let BufferState { records, bytes, unsettled, counters, .. } = &snapshot.buffer;
    let oldest = match snapshot.oldest {
        Oldest::At(at) => time.when_at(at),
        Oldest::Unknown | Oldest::NoAnswer => None,
    };
    Buffer {
        records: *records,
        records_max: limits.records_max,
        bytes: *bytes,
        bytes_max: limits.bytes_max,
        oldest,
        unsettled: *unsettled,
        hours_left: hours_left((*records, *bytes), limits, fixed.readings_per_day),
        evicted: counters.evicted,
        evicted_last: counters.evicted_last,
        damaged: counters.damaged,
        recovered: counters.recovered,
        lost: counters.lost,
        set_aside: counters.set_aside,
        disk: disk(&snapshot.recorded.disk, snapshot.oldest, time),
    }
}

fn disk(disk: &recorded::Disk, oldest: Oldest, time: Time) -> Disk {
    match disk {
        recorded::Disk::Refusing { since, tried, reason, waiting, dropped } => Disk::Refusing {
            since: time.when(*since),
            tried: time.when(*tried),
            reason: reason.clone(),
            waiting: *waiting,
            dropped: *dropped,
        },
        recorded::Disk::Taking if oldest == Oldest::NoAnswer => Disk::Stuck,
        recorded::Disk::Taking => Disk::Taking,
    }
}

fn told(sensor: &SensorSnapshot, recorded: &Recorded, time: Time) -> Sensor {
    let SensorSnapshot { configured, shown, punctuality } = sensor;
    let latest = recorded.sensors.get(&configured.device_id);
    let (imei, port) = shown.found.as_ref().map(|(imei, port)| (imei.as_str().to_owned(), port.clone())).unzip();
    let problem = shown.problem.as_ref();
    Sensor {
        device_id: configured.device_id.clone(),
        port: configured.port.clone().or(port),
        imei: imei.or_else(|| configured.imei.clone()),
        interval_s: configured.interval.as_secs(),
        ready: shown.state.is_ready(),
        state: shown.state.word().to_owned(),
        state_text: shown.state.to_string(),
        since: time.when(shown.since),
        problem: problem.map(|problem| Trouble { text: problem.text.clone(), hint: problem.hint.clone() }),
        last_reading: latest.map(|latest| last_reading(latest, time)),
        readings: latest.map_or(0, |latest| latest.readings),
        punctuality: *punctuality,
    }
}

/// A reading is on disk within moments of being taken, so its age is counted from there: no step of a clock can touch it.
fn last_reading(latest: &Latest, time: Time) -> LastReading {
    let Latest { reading, stamp, recorded, .. } = latest;
    let when = match stamp {
        Stamp::Settled { timestamp, .. } => When { at: Some(*timestamp), ..time.when(*recorded) },
        Stamp::Unsettled { at } => time.when(*at),
    };
    let fault = reading.value.err();
    LastReading {
        when,
        temperature: reading.value.ok(),
        uncertainty: reading.uncertainty,
        fault,
        fault_text: fault.map(|fault| fault.text().to_owned()),
        raw_ma: reading.raw_ma,
        battery_voltage: reading.battery.ok(),
        humidity: reading.humidity.ok(),
        trigger: reading.trigger,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use insta::assert_json_snapshot;
    use kitchen_contract::fault::SensorFault;
    use kitchen_contract::id::Epoch;
    use kitchen_contract::record::{Absence, Reading, Trigger};
    use kitchen_contract::unit::{Celsius, MilliAmp, Volt};

    use super::*;
    use crate::at::command::Value;
    use crate::at::identity::Imei;
    use crate::forwarder::certificate::IdentityError;
    use crate::forwarder::fault;
    use crate::forwarder::shown::LinkState;
    use crate::sampler::SensorState;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    fn settled(text: &str) -> Stamp {
        Stamp::Settled { timestamp: text.parse().unwrap(), clock: Trusted::Synced }
    }

    fn fixed() -> Fixed {
        Fixed {
            gateway_id: "gateway-1".parse().unwrap(),
            kitchen_id: "kitchen-1".parse().unwrap(),
            addresses: vec!["cloud.example:8883".to_owned()],
            limits: Limits { records_max: 1000, bytes_max: 1_000_000, free_bytes_min: 0 },
            readings_per_day: 1_440,
        }
    }

    fn reading(value: Result<f64, SensorFault>) -> Reading {
        Reading {
            device_id: "fridge-1".parse().unwrap(),
            value: value.map(|celsius| Celsius::new(celsius).unwrap()),
            uncertainty: None,
            raw_ma: MilliAmp::new(10.976).ok(),
            battery: Volt::new(3.55).map_err(|_| Absence::Invalid),
            signal: Err(Absence::NotReported),
            humidity: Err(Absence::NotConfigured),
            trigger: Trigger::Poll,
        }
    }

    /// An agent that has been running for 1000 s.
    fn snapshot() -> Snapshot {
        let imei = Imei::parse("861234509876543").unwrap();
        let shown = SensorShown {
            state: SensorState::Ready,
            since: at(40),
            found: Some((imei, "/dev/ttyUSB0".to_owned())),
            ..SensorShown::new()
        };
        let interval = Duration::from_secs(60);
        let configured = Configured { device_id: "fridge-1".parse().unwrap(), port: None, imei: None, interval };
        let stamp = settled("2026-12-01T10:16:28.250Z");
        let latest = Latest { reading: reading(Ok(3.6)), stamp, recorded: at(989), readings: 17 };
        let fault = fault::LinkFault::Unreachable("no route".to_owned());
        Snapshot {
            watchdog: Verdict::Fed,
            now: at(1000),
            stamp: settled("2026-12-01T10:16:40.000Z"),
            buffer: BufferState {
                epoch: Epoch::from_entropy([1; 15]),
                last_seq: 20,
                newest: 20,
                records: 3,
                bytes: 700,
                unsettled: 0,
                counters: Default::default(),
                failing: None,
            },
            oldest: Oldest::At("2026-12-01T10:15:00.000Z".parse().unwrap()),
            recorded: Recorded {
                taking_since: None,
                dropped: 0,
                sensors: BTreeMap::from([("fridge-1".parse().unwrap(), latest)]),
                disk: recorded::Disk::Taking,
            },
            link: LinkShown {
                state: LinkState::Live,
                since: at(20),
                last_ack: Some(at(990)),
                last_answer: Some(at(995)),
                last_fault: Some((at(15), fault)),
                certificate_ends: Some("2027-12-01T10:16:40.000Z".parse().unwrap()),
                unused: Some((at(400), IdentityError::Mismatch)),
                ..LinkShown::new()
            },
            sensors: vec![SensorSnapshot { configured, shown, punctuality: Punctuality::default() }],
        }
    }

    #[test]
    fn what_is_told_of_an_agent_that_is_well() {
        assert_json_snapshot!(assemble(&fixed(), &snapshot()), { ".version" => "V" });
    }

    #[test]
    fn without_a_clock_ages_are_told_and_no_times() {
        let mut snapshot = snapshot();
        snapshot.stamp = Stamp::Unsettled { at: snapshot.now };
        let latest = snapshot.recorded.sensors.values_mut().next().unwrap();
        (latest.stamp, latest.reading) = (Stamp::Unsettled { at: at(960) }, reading(Err(SensorFault::LoopOpen)));
        let Document { clock, mqtt, buffer, sensors, started_at, .. } = assemble(&fixed(), &snapshot);
        assert_eq!((clock.trust, clock.now, started_at, buffer.oldest), (Trust::Unknown, None, None, None));
        assert_eq!(mqtt.since, When { ago_s: 980, at: None });
        assert_eq!(mqtt.certificate.unwrap().ends_in_s, None);
        let last = sensors[0].last_reading.as_ref().unwrap();
        assert_eq!((last.when, last.temperature), (When { ago_s: 40, at: None }, None));
        assert_eq!(last.fault_text.as_deref(), Some(SensorFault::LoopOpen.text()));
    }

    #[test]
    fn a_disk_that_refuses_says_since_when_and_what_is_at_stake() {
        let mut snapshot = snapshot();
        snapshot.recorded.refused(at(900), "full".to_owned(), (1, 0));
        snapshot.recorded.refused(at(995), "full".to_owned(), (7, 2));
        let Disk::Refusing { since, tried, reason, waiting, dropped } = assemble(&fixed(), &snapshot).buffer.disk
        else {
            panic!()
        };
        assert_eq!((since.ago_s, tried.ago_s, reason.as_str(), waiting, dropped), (100, 5, "full", 7, 2));
    }
}
