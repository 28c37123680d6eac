//! The buffer at its limits.

use std::collections::BTreeMap;

use kitchen_contract::alarm::Limits as Thresholds;
use kitchen_contract::fault::SensorFault;
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{Absence, Body, Gap, GapReason, Reading, Record, Trigger};
use kitchen_contract::unit::{Celsius, MilliAmp};

use super::entry::Draft;
use super::{ROOMY, epoch, held, round, stamp};
use crate::buffer::*;

/// A reading of 4 °C, of 9 °C, or a fault, by turns as `number` says.
fn reading(number: i64) -> Draft {
    let value = match number % 10 {
        0 => Err(SensorFault::LoopOpen),
        5 => Ok(9.0),
        _ => Ok(4.0),
    };
    let body = Body::Reading(Reading {
        device_id: "fridge".parse().unwrap(),
        value: value.map(|celsius| Celsius::new(celsius).unwrap()),
        uncertainty: None,
        raw_ma: MilliAmp::new(11.0).ok(),
        battery: Err(Absence::NotReported),
        signal: Err(Absence::NotReported),
        humidity: Err(Absence::NotConfigured),
        trigger: Trigger::Poll,
    });
    Draft::new(stamp(number), body)
}

fn readings(numbers: impl IntoIterator<Item = i64>) -> Round {
    Round { drafts: numbers.into_iter().map(reading).collect(), ..round([]) }
}

fn watching(dir: &std::path::Path, records_max: u64) -> Buffer {
    let mut buffer = Buffer::open(dir, Limits { records_max, ..ROOMY }, epoch(1)).unwrap();
    let limits = Thresholds::new(None, Celsius::new(8.0).ok()).unwrap();
    buffer.watch(BTreeMap::from([("fridge".parse().unwrap(), limits)]));
    buffer
}

/// What is held and what the gap records name is everything.
fn assert_accounted(buffer: &mut Buffer) -> Vec<Record> {
    let records = held(buffer).remove(&epoch(1)).unwrap();
    let mut accounted: SeqRanges = records.iter().map(|record| record.seq).collect();
    for record in &records {
        if let Body::Gap(Gap { from, to, reason: GapReason::Evicted, .. }) = &record.body {
            accounted.insert(*from, *to);
        }
    }
    assert_eq!(accounted.iter().collect::<Vec<_>>(), [(1, buffer.last_seq())]);
    records
}

#[test]
fn ordinary_readings_go_first_and_what_people_must_see_last() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = watching(dir.path(), 1_000);
    for number in 0..200 {
        buffer.append(&readings(number * 10..number * 10 + 10)).unwrap();
        assert!(buffer.contents().records <= 1_000);
        if number % 30 == 0 {
            buffer.pack().unwrap();
        }
    }
    let records = assert_accounted(&mut buffer);
    let seen = |wanted: fn(&Reading) -> bool| {
        records.iter().filter(|record| matches!(&record.body, Body::Reading(reading) if wanted(reading))).count()
    };
    assert_eq!(seen(|reading| reading.value.is_err()), 200, "no fault has gone");
    assert_eq!(seen(|reading| reading.value.is_ok_and(|value| value.get() > 8.0)), 200, "no excursion has gone");
    assert_eq!(buffer.counters().evicted_last, 0);
    let gaps = records.iter().filter(|record| matches!(record.body, Body::Gap(_))).count();
    assert!(gaps <= 10, "one gap record stands for many: {gaps}");
    let gone = buffer.counters().evicted;
    assert!(gone + buffer.contents().records >= 2_000 && gone >= 1_000, "{gone}");
}

#[test]
fn a_sensor_that_is_dead_for_long_does_not_push_out_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = watching(dir.path(), 1_000);
    for number in 0..3_000 {
        buffer.append(&readings([number * 10, number * 10 + 1])).unwrap();
    }
    let records = assert_accounted(&mut buffer);
    let good = records.iter().filter(|record| matches!(&record.body, Body::Reading(reading) if reading.value.is_ok()));
    assert!(good.count() > 200);
    assert!(buffer.counters().evicted_last > 2_000);
}

#[test]
fn what_has_been_told_of_is_told_of_again_if_the_word_of_it_must_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = watching(dir.path(), 1_000);
    for number in 0..10_000 {
        buffer.append(&readings([number * 10 + 1])).unwrap();
    }
    assert_accounted(&mut buffer);
}

#[test]
fn a_full_buffer_gives_up_the_oldest_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { records_max: 64, ..ROOMY };
    let mut buffer = Buffer::open(dir.path(), limits, epoch(1)).unwrap();
    for number in 0..500 {
        buffer.append(&round([number])).unwrap();
        assert!(buffer.contents().records <= 64, "{}", buffer.contents().records);
    }
    let records = held(&mut buffer).remove(&epoch(1)).unwrap();
    let mut accounted: SeqRanges = records.iter().map(|record| record.seq).collect();
    for record in &records {
        if let Body::Gap(Gap { from, to, reason: GapReason::Evicted, .. }) = &record.body {
            accounted.insert(*from, *to);
        }
    }
    assert_eq!(accounted.iter().collect::<Vec<_>>(), [(1, buffer.last_seq())]);
    assert!(buffer.counters().evicted > 400);
}
