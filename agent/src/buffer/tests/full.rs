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

/// Of 4,000 readings so many are held that a write gives up several entries.
#[test]
fn what_is_freed_of_entries_that_a_write_in_doubt_rewrites_stays_free() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = watching(dir.path(), 400);
    let mut number = 0;
    let refused = loop {
        let round = readings(number * 10..number * 10 + 10);
        let full = buffer.contents().records + 10 > 400;
        if full {
            buffer.disk.as_mut().unwrap().break_sync();
        }
        let appended = buffer.append(&round);
        number += 1;
        if full {
            assert!(appended.is_err());
            break round;
        }
        appended.unwrap();
    };
    assert!(!buffer.in_doubt.as_ref().unwrap().changes.written.is_empty());
    // Of every entry some, so that what is left of it lies under another index.
    let freed: SeqRanges = (1..=380).filter(|seq| seq % 10 < 4).collect();
    buffer.acknowledge(&epoch(1), &freed).unwrap();
    buffer.append(&refused).unwrap();
    let mut after = 0;
    let mut seen = Vec::new();
    while let Read::Batch(batch) = buffer.read(after, super::EVERYTHING).unwrap() {
        let seqs: Vec<_> = batch.records.iter().map(|record| record.seq()).collect();
        assert!(seqs.is_sorted_by(|one, next| one < next), "{seqs:?}");
        seen.extend(seqs);
        after = batch.last_index;
    }
    assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
    assert!(seen.iter().all(|seq| !freed.contains(*seq)), "{seen:?}");
    let known = buffer.counters();
    drop(buffer);
    let mut buffer = Buffer::open(dir.path(), ROOMY, epoch(2)).unwrap();
    let again: Vec<_> = held(&mut buffer)[&epoch(1)].iter().map(|record| record.seq).collect();
    assert_eq!((again, buffer.counters().lost, known.lost), (seen, 0, 0));
}

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

/// What was kept to the last lies scattered: more ranges than a statement has.
#[test]
fn what_was_given_up_is_not_taken_for_lost_when_the_store_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut buffer = watching(dir.path(), 2_000);
    for number in 0..800 {
        buffer.append(&readings(number * 10..number * 10 + 10)).unwrap();
    }
    assert!(buffer.contents().held.iter().count() > 300);
    let before = held(&mut buffer);
    drop(buffer);
    for run in 2..4 {
        let mut buffer = Buffer::open(dir.path(), Limits { records_max: 2_000, ..ROOMY }, epoch(run)).unwrap();
        assert_eq!(held(&mut buffer), before);
        assert_eq!(buffer.counters(), queue::Counters::default());
    }
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
