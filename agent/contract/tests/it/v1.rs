//! Pinned bytes of version 1. If a test here fails, the code is wrong: gateways in the field speak these bytes. This file
//! may go when no gateway speaks version 1 any more.

use kitchen_contract::VERSION;
use kitchen_contract::ack::{Ack, RefuseReason, RejectReason, Rejected};
use kitchen_contract::envelope::{Envelope, Opened, SealError};
use kitchen_contract::fault::SensorFault;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{
    Absence, Body, Calibration, Diagnostic, EpochEnd, Event, Gap, GapReason, Reading, Record, RecordError, Trigger,
};
use kitchen_contract::signature::DeviceKey;
use kitchen_contract::status::{OpenedStatus, STATUS_BYTES_MAX, Status, StatusCounters, StatusKind, StatusSensor};
use kitchen_contract::time::Clock;
use kitchen_contract::unit::{Celsius, CelsiusDifference, Dbm, Gain, MilliAmp, Volt};
use kitchen_contract::written::WrittenRecord;

/// A key made for these tests only; it opens nothing.
pub(crate) const KEY_PEM: &str = include_str!("test-key.pem");

pub(crate) fn key() -> DeviceKey {
    DeviceKey::from_pkcs8_pem(KEY_PEM).unwrap()
}

fn reading() -> Record {
    Record {
        seq: 2,
        timestamp: "2026-01-11T10:30:00.000Z".parse().unwrap(),
        clock: Clock::Synced,
        body: Body::Reading(Reading {
            device_id: "sensor-001".parse().unwrap(),
            value: Ok(Celsius::new(4.2).unwrap()),
            uncertainty: None,
            raw_ma: Some(MilliAmp::new(11.072).unwrap()),
            battery: Ok(Volt::new(3.52).unwrap()),
            signal: Ok(Dbm::new(-85.0).unwrap()),
            humidity: Err(Absence::NotConfigured),
            trigger: Trigger::Poll,
        }),
    }
}

fn fault() -> Record {
    Record {
        seq: 3,
        timestamp: "2026-01-11T10:35:00.000Z".parse().unwrap(),
        clock: Clock::Estimated { bound_ms: Some(1500) },
        body: Body::Reading(Reading {
            device_id: "sensor-001".parse().unwrap(),
            value: Err(SensorFault::LoopOpen),
            uncertainty: None,
            raw_ma: Some(MilliAmp::new(0.002).unwrap()),
            battery: Err(Absence::NotReported),
            signal: Err(Absence::NotReported),
            humidity: Err(Absence::NotConfigured),
            trigger: Trigger::Unsolicited,
        }),
    }
}

fn event(seq: u64, event: Event) -> Record {
    Record {
        seq,
        timestamp: "2026-01-11T10:29:59.001Z".parse().unwrap(),
        clock: Clock::Estimated { bound_ms: None },
        body: Body::Event(event),
    }
}

fn started() -> Record {
    let previous = EpochEnd { epoch: "cold".parse().unwrap(), last_seq: 41 };
    event(1, Event::AgentStarted { agent_version: "0.1.0".to_owned(), previous: Some(previous) })
}

fn gap() -> Record {
    Record {
        body: Body::Gap(Gap { epoch: "cold".parse().unwrap(), from: 7, to: 9, reason: GapReason::Evicted }),
        ..event(4, Event::Unknown)
    }
}

const STARTED: &str = r#"{"kind":"event","seq":1,"timestamp":"2026-01-11T10:29:59.001Z","clock":{"state":"estimated"},"event":{"type":"agentStarted","agentVersion":"0.1.0","previous":{"epoch":"cold","lastSeq":41}}}"#;
const READING: &str = r#"{"kind":"reading","seq":2,"timestamp":"2026-01-11T10:30:00.000Z","clock":{"state":"synced"},"deviceId":"sensor-001","temperature":4.2,"rawMa":11.072,"batteryVoltage":3.52,"signalStrength":-85.0,"missing":{"humidity":"not-configured"},"trigger":"poll"}"#;
const FAULT: &str = r#"{"kind":"reading","seq":3,"timestamp":"2026-01-11T10:35:00.000Z","clock":{"state":"estimated","boundMs":1500},"deviceId":"sensor-001","fault":"loop-open","rawMa":0.002,"missing":{"batteryVoltage":"not-reported","humidity":"not-configured","signalStrength":"not-reported"},"trigger":"unsolicited"}"#;
const GAP: &str = r#"{"kind":"gap","seq":4,"timestamp":"2026-01-11T10:29:59.001Z","clock":{"state":"estimated"},"epoch":"cold","from":7,"to":9,"reason":"evicted"}"#;

/// A record writes these bytes and these bytes read as the record; what is sent is their canonical form.
fn check(record: &Record, bytes: &str) {
    assert_eq!(serde_json::to_string(record).unwrap(), bytes);
    assert_eq!(&serde_json::from_str::<Record>(bytes).unwrap(), record);
    let canonical = serde_json_canonicalizer::pipe(bytes).unwrap();
    assert_eq!(written(record).json().get(), canonical);
}

fn written(record: &Record) -> WrittenRecord {
    record.try_into().unwrap()
}

#[test]
fn records() {
    check(&started(), STARTED);
    check(&reading(), READING);
    check(&fault(), FAULT);
    check(&gap(), GAP);
}

/// What an agent of version 1 may leave out.
#[test]
fn an_uncertainty_and_a_fault_that_is_newer() {
    let mut exact = reading();
    if let Body::Reading(reading) = &mut exact.body {
        reading.uncertainty = CelsiusDifference::new(0.42).ok();
    }
    check(&exact, &READING.replace(r#""rawMa""#, r#""uncertainty":0.42,"rawMa""#));
    let newer: Record = serde_json::from_str(&FAULT.replace("loop-open", "of-tomorrow")).unwrap();
    assert!(matches!(newer.body, Body::Reading(Reading { value: Err(SensorFault::Unknown), .. })));
}

#[test]
fn events() {
    let device_id = "sensor-001".parse().unwrap();
    let rows = [
        (
            Event::SensorFound {
                device_id,
                imei: "861234509876543".to_owned(),
                model: "PS-NB,v1.1.2".to_owned(),
                calibration: None,
            },
            r#"{"type":"sensorFound","deviceId":"sensor-001","imei":"861234509876543","model":"PS-NB,v1.1.2"}"#,
        ),
        (
            Event::SensorFound {
                device_id: "sensor-001".parse().unwrap(),
                imei: "861234509876543".to_owned(),
                model: "PS-NB,v1.1.2".to_owned(),
                calibration: Some(Calibration {
                    offset: CelsiusDifference::new(-0.3).unwrap(),
                    gain: Gain::new(1.002).unwrap(),
                    date: "2026-11-23".to_owned(),
                    by: "A. Person".to_owned(),
                }),
            },
            concat!(
                r#"{"type":"sensorFound","deviceId":"sensor-001","imei":"861234509876543","model":"PS-NB,v1.1.2","#,
                r#""calibration":{"offset":-0.3,"gain":1.002,"date":"2026-11-23","by":"A. Person"}}"#
            ),
        ),
        (
            Event::Diagnostic {
                device_id: "sensor-001".parse().unwrap(),
                diagnostic: Diagnostic::ProbeOutside,
                active: true,
            },
            r#"{"type":"diagnostic","deviceId":"sensor-001","diagnostic":"probe-outside","active":true}"#,
        ),
        (
            Event::SensorLost { device_id: "sensor-001".parse().unwrap(), fault: SensorFault::NoPort },
            r#"{"type":"sensorLost","deviceId":"sensor-001","fault":"no-port"}"#,
        ),
        (
            Event::SensorReset { device_id: "sensor-001".parse().unwrap() },
            r#"{"type":"sensorReset","deviceId":"sensor-001"}"#,
        ),
        (
            Event::SensorSwapped {
                device_id: "sensor-001".parse().unwrap(),
                expected: "861234509876543".to_owned(),
                found: "869999999999999".to_owned(),
            },
            r#"{"type":"sensorSwapped","deviceId":"sensor-001","expected":"861234509876543","found":"869999999999999"}"#,
        ),
        (
            Event::RecordsRejected {
                epoch: "cold".parse().unwrap(),
                from: 3,
                to: 9,
                reason: RejectReason::MalformedRecord,
            },
            r#"{"type":"recordsRejected","epoch":"cold","from":3,"to":9,"reason":"malformed-record"}"#,
        ),
        (Event::ClockStep { step_ms: -3600 }, r#"{"type":"clockStep","stepMs":-3600}"#),
    ];
    for (event, bytes) in rows {
        assert_eq!(serde_json::to_string(&event).unwrap(), bytes);
        assert_eq!(serde_json::from_str::<Event>(bytes).unwrap(), event);
    }
}

#[test]
fn every_fault_has_its_word() {
    use SensorFault::*;
    let words = [
        (LoopOpen, "loop-open"),
        (TransmitterFailLow, "transmitter-fail-low"),
        (UndefinedLow, "undefined-low"),
        (StartUpCurrent, "start-up-current"),
        (UndefinedHigh, "undefined-high"),
        (TransmitterFailHigh, "transmitter-fail-high"),
        (InputClipped, "input-clipped"),
        (NoPort, "no-port"),
        (NoAnswer, "no-answer"),
        (WrongPin, "wrong-pin"),
        (DamagedReply, "damaged-reply"),
        (WrongSensor, "wrong-sensor"),
    ];
    for (fault, word) in words {
        assert_eq!(serde_json::to_string(&fault).unwrap(), format!("\"{word}\""));
        assert_eq!(serde_json::from_str::<SensorFault>(&format!("\"{word}\"")).unwrap(), fault);
    }
}

fn envelope() -> Envelope {
    Envelope {
        gateway_id: "gw-001".parse().unwrap(),
        kitchen_id: "kitchen-001".parse().unwrap(),
        epoch: "cnew".parse().unwrap(),
        records: vec![written(&started()), written(&reading())],
    }
}

const ENVELOPE: &str = include_str!("v1-envelope.json");
const STATUS: &str = include_str!("v1-status.json");

#[test]
fn envelope_with_signature() {
    let sealed = String::from_utf8(envelope().seal(&key()).unwrap()).unwrap();
    // The first agents spelled whole numbers in two ways: what they sent is pinned, what is sent now is what is signed.
    assert_eq!(sealed, ENVELOPE.trim_end().replace("-85.0", "-85"));
    let opened = Opened::read(ENVELOPE.as_bytes()).unwrap();
    assert_eq!(opened.verify(&key().public()), Ok(()));
    let records: Vec<_> = opened.records().unwrap().into_iter().map(|received| received.record.unwrap()).collect();
    assert_eq!(records, [started(), reading()]);
}

#[test]
fn records_out_of_order_are_not_sealed() {
    for records in [vec![reading(), started()], vec![started(), started()], vec![Record { seq: 0, ..started() }]] {
        let records = records.iter().map(written).collect();
        assert!(matches!(Envelope { records, ..envelope() }.seal(&key()), Err(SealError::Sequence)));
    }
    assert!(matches!(Envelope { records: vec![], ..envelope() }.seal(&key()), Err(SealError::Empty)));
}

#[test]
fn status_with_signature() {
    let status = Status {
        v: VERSION,
        gateway_id: "gw-001".parse().unwrap(),
        epoch: "cnew".parse().unwrap(),
        kind: StatusKind::Birth,
        last_seq: 2,
        backlog: 2,
        timestamp: Some("2026-01-11T10:30:01.000Z".parse().unwrap()),
        agent_version: "0.1.0".to_owned(),
        config_hash: None,
        sensors: Vec::new(),
        counters: None,
        question: None,
    };
    assert_eq!(String::from_utf8(status.seal(&key()).unwrap()).unwrap(), STATUS.trim_end());
    let opened = OpenedStatus::read(STATUS.as_bytes()).unwrap();
    assert_eq!(opened.verified(&key().public()).unwrap(), status);
}

#[test]
fn ack() {
    let ack = Ack {
        v: VERSION,
        epoch: "cnew".parse().unwrap(),
        ranges: SeqRanges::from(vec![(1, 17), (19, 20)]),
        rejected: vec![Rejected { range: (18, 18), reason: RejectReason::MalformedRecord }],
        refused: Vec::new(),
        records_per_s: None,
        server_time: "2026-01-11T10:30:02.000Z".parse().unwrap(),
        answers: None,
        lease_until: Some("2026-01-11T10:35:02.000Z".parse().unwrap()),
    };
    let bytes = r#"{"v":1,"epoch":"cnew","ranges":[[1,17],[19,20]],"rejected":[{"range":[18,18],"reason":"malformed-record"}],"serverTime":"2026-01-11T10:30:02.000Z","leaseUntil":"2026-01-11T10:35:02.000Z"}"#;
    assert_eq!(serde_json::to_string(&ack).unwrap(), bytes);
    assert_eq!(serde_json::from_str::<Ack>(bytes).unwrap(), ack);
}

#[test]
fn an_answer_names_its_question() {
    let bytes =
        r#"{"v":1,"epoch":"cnew","ranges":[],"rejected":[],"serverTime":"2026-01-11T10:30:02.000Z","answers":7}"#;
    let ack: Ack = serde_json::from_str(bytes).unwrap();
    assert_eq!(ack.answers, Some(7));
    assert_eq!(serde_json::to_string(&ack).unwrap(), bytes);
    let asking = STATUS.replace("\"kind\"", "\"question\":7,\"kind\"");
    assert!(OpenedStatus::read(asking.as_bytes()).unwrap().verified(&key().public()).is_err(), "it is signed");
}

#[test]
fn what_is_not_taken_now_says_why_and_until_when() {
    let bytes = concat!(
        r#"{"v":1,"epoch":"cnew","ranges":[],"rejected":[],"refused":["#,
        r#"{"range":[1,500],"reason":"too-large"},{"range":[501,501],"reason":"quota","retryAfterS":60},"#,
        r#"{"range":[502,502],"reason":"not-authorised"}],"serverTime":"2026-01-11T10:30:02.000Z","recordsPerS":200}"#
    );
    let ack: Ack = serde_json::from_str(bytes).unwrap();
    let reasons = [RefuseReason::TooLarge, RefuseReason::Quota, RefuseReason::NotAuthorised];
    assert_eq!(ack.refused.iter().map(|refused| refused.reason).collect::<Vec<_>>(), reasons);
    assert_eq!((ack.refused[1].retry_after_s, ack.records_per_s), (Some(60), Some(200)));
    assert_eq!(serde_json::to_string(&ack).unwrap(), bytes);
    let newer: RefuseReason = serde_json::from_str("\"of-tomorrow\"").unwrap();
    assert_eq!(newer, RefuseReason::Unknown);
}

#[test]
fn a_birth_tells_of_sensors_configuration_and_counters() {
    let sensor = StatusSensor {
        device_id: "sensor-001".parse().unwrap(),
        imei: Some("861234509876543".to_owned()),
        ready: true,
    };
    let opened = OpenedStatus::read(STATUS.as_bytes()).unwrap().verified(&key().public()).unwrap();
    let told = Status {
        config_hash: Some("0123456789abcdef".to_owned()),
        sensors: vec![sensor],
        counters: Some(StatusCounters { evicted: 3, ..StatusCounters::default() }),
        ..opened
    };
    let sealed = told.seal(&key()).unwrap();
    let text = String::from_utf8(sealed.clone()).unwrap();
    for part in [
        r#""sensors":[{"deviceId":"sensor-001","imei":"861234509876543","ready":true}]"#,
        r#""configHash":"0123456789abcdef""#,
        r#""counters":{"connections":0,"damaged":0,"dropped":0,"evicted":3,"lost":0,"recovered":0,"refused":0,"rejected":0,"resent":0,"setAside":0}"#,
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(OpenedStatus::read(&sealed).unwrap().verified(&key().public()).unwrap(), told);
    let sensors =
        vec![StatusSensor { device_id: "a-name-of-25-characters-0".parse().unwrap(), ..told.sensors[0].clone() }; 32];
    let counters = StatusCounters { evicted: u64::MAX, dropped: u64::MAX, ..StatusCounters::default() };
    let largest = Status { sensors, counters: Some(counters), ..told }.seal(&key()).unwrap();
    assert!(largest.len() <= STATUS_BYTES_MAX, "{}", largest.len());
}

#[test]
fn unknown_fields_events_and_reasons_are_ignored() {
    let record = READING.replace("\"trigger\"", "\"colour\":\"blue\",\"trigger\"");
    assert_eq!(serde_json::from_str::<Record>(&record).unwrap(), reading());
    let event: Event = serde_json::from_str(r#"{"type":"fromTheFuture","size":3}"#).unwrap();
    assert_eq!(event, Event::Unknown);
    let trigger: Trigger = serde_json::from_str("\"telepathy\"").unwrap();
    assert_eq!(trigger, Trigger::Unknown);
}

#[test]
fn a_missing_value_carries_its_reason_or_is_refused() {
    let cases = [
        (READING.replace("\"temperature\":4.2,", ""), RecordError::ValueOrFault),
        (
            READING.replace("\"temperature\":4.2,", "\"temperature\":4.2,\"fault\":\"no-port\","),
            RecordError::ValueOrFault,
        ),
        (READING.replace("\"rawMa\":11.072,", ""), RecordError::TemperatureWithoutCurrent),
        (READING.replace("\"batteryVoltage\":3.52,", ""), RecordError::SideValue("batteryVoltage")),
        (READING.replace("\"seq\":2", "\"seq\":0"), RecordError::Seq),
    ];
    for (bytes, expected) in cases {
        let error = serde_json::from_str::<Record>(&bytes).unwrap_err().to_string();
        assert!(error.contains(&expected.to_string()), "{error}");
    }
}
