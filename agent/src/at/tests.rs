//! The grammar as a whole: bytes in, blocks out, under chunking, garbage, bit flips and interruption.

use std::time::Duration;

use kitchen_contract::fault::SensorFault;
use kitchen_contract::unit::{Celsius, MilliAmp};
use proptest::prelude::*;

use super::block::{Block, BlockCollector};
use super::digest::{Digested, LINE_BYTES_MAX, LineDigest};
use super::line::{Line, escaped};
use super::reply::ReplyCollector;
use crate::convert::{Scale, WARM_UP_ENOUGH, convert};
use crate::sampler::plausibility::Plausibility;
use crate::settings::{JUMP_DEFAULT, Transmitter};

/// The reply to a measurement, to the letter.
const REPLY: &str = "[24980]BAT:3.572 V\r\n[25000]IN1:0\r\n[25015]IN2:0\r\n[25030]GPIO_EXTI:0\r\n\
                     [25051]IDC_Input:9.216 mA\r\n[25079]VDC_Input:0.012 V\r\n\r\nOK\r\n\r\n";
/// What its line says.
const CURRENT: f64 = 9.216;

/// All lines of some bytes, fed in these chunks.
fn lines(chunks: &[&[u8]]) -> Vec<Digested> {
    let mut digest = LineDigest::default();
    let bytes = chunks.iter().flat_map(|chunk| chunk.iter());
    bytes.map(|byte| digest.push(*byte)).filter(|digested| *digested != Digested::Incomplete).collect()
}

/// All blocks of some bytes.
fn blocks(bytes: &[u8]) -> Vec<Block> {
    let mut collector = BlockCollector::default();
    lines(&[bytes])
        .into_iter()
        .filter_map(|digested| match digested {
            Digested::Line(line) => collector.take(&Line::classify(&line), Duration::ZERO),
            Digested::Overlong | Digested::Incomplete => collector.take(&Line::Text(Vec::new()), Duration::ZERO),
        })
        .collect()
}

fn check(text: &str, expected: &[f64]) {
    let found: Vec<f64> = blocks(text.as_bytes()).iter().map(|block| block.measurement.current.get()).collect();
    assert_eq!(found, expected, "{text}");
}

fn replaced(from: &str, to: &str) -> String {
    assert!(REPLY.contains(from), "{from}");
    REPLY.replace(from, to)
}

#[test]
fn a_clean_block_is_a_measurement() {
    check(REPLY, &[CURRENT]);
    check(&REPLY.repeat(3), &[CURRENT; 3]);
    check(&replaced("BAT:3.572 V", "remaining battery =3572 mv"), &[CURRENT]);
}

#[test]
fn the_order_does_not_matter() {
    let (battery, current) = ("BAT:3.572 V", "IDC_Input:9.216 mA");
    let turned = REPLY.replace(battery, "@").replace(current, battery).replace('@', current);
    check(&turned, &[CURRENT]);
}

#[test]
fn noise_at_every_line_boundary_is_put_aside() {
    for noise in ["AT+PWRM2\r\n", "AT\r\n", "RDY\r\n", "+QIND: SMS DONE\r\n", "SLEEP\r\n", "\r\n"] {
        for (place, _) in REPLY.match_indices('[') {
            let (before, after) = REPLY.split_at(place);
            check(&format!("{before}{noise}{after}"), &[CURRENT]);
        }
    }
}

#[test]
fn damage_between_the_first_and_the_last_line_drops_the_block() {
    for (from, to) in [
        ("BAT:3.572 V", "BAT:3.572"),
        ("IN1:0", "IN1:5"),
        ("IN2:0", "I2:0"),
        ("GPIO_EXTI:0", "\u{0}"),
        ("[25030]GPIO_EXTI:0", "AT+TDC=1500"),
        ("9.216 mA", "9.2 mA"),
        ("9.216 mA", "92.16 mA"),
        ("IDC_Input", "IDC Input"),
        ("mA\r\n[25079]VDC", "mA[25079]VDC"),
        ("[25051]", "[24051]"),
        ("[25079]", "[29079]"),
        ("[25051]", "25051]"),
        ("0.012 V", "0.012 W"),
        ("[25030]GPIO_EXTI:0", "DRAGINO NB bootloader v1.3"),
    ] {
        check(&replaced(from, to), &[]);
    }
    check(&format!("{}{REPLY}", replaced("IN2:0", "?")), &[CURRENT]);
}

#[test]
fn a_block_that_another_interrupts_is_dropped() {
    let other = REPLY.replace("9.216", "9.300").replace("[2", "[3");
    for (place, _) in REPLY.match_indices('[').skip(1) {
        let (before, after) = REPLY.split_at(place);
        check(&format!("{before}{other}{after}"), &[9.3]);
    }
}

#[test]
fn every_truncation_is_none() {
    let value_ends = REPLY.find("0.012 V\r\n").unwrap() + "0.012 V\r\n".len();
    for length in 0..value_ends {
        check(&REPLY[..length], &[]);
    }
}

/// −40 to +60 °C.
fn celsius(current: MilliAmp) -> Result<Celsius, SensorFault> {
    let transmitter = Transmitter::new(Celsius::new(-40.0).unwrap(), Celsius::new(60.0).unwrap());
    convert(current, &Scale { transmitter, calibration: None }, WARM_UP_ENOUGH)
}

/// What the sampler would call the values of some bytes, after a past of clean ones and with a clean second measurement.
fn judged(bytes: &[u8]) -> Vec<Result<Celsius, SensorFault>> {
    let clean = celsius(MilliAmp::new(CURRENT).unwrap());
    let mut plausibility = Plausibility::new(JUMP_DEFAULT);
    plausibility.believe(clean);
    let judge = |block: Block| {
        let first = celsius(block.measurement.current);
        if plausibility.surprises(first) { plausibility.compare(first, Some(clean)).0 } else { first }
    };
    blocks(bytes).into_iter().map(judge).collect()
}

/// The place of the digits of the value in [`REPLY`].
fn value() -> std::ops::Range<usize> {
    let start = REPLY.find("9.216").unwrap();
    start..start + "9.216".len()
}

#[test]
fn a_single_flipped_bit_never_moves_a_temperature_further_than_a_surprise() {
    let truth = celsius(MilliAmp::new(CURRENT).unwrap()).unwrap();
    for place in 0..REPLY.len() {
        for bit in 0..8 {
            let mut bytes = REPLY.as_bytes().to_vec();
            bytes[place] ^= 1 << bit;
            for temperature in judged(&bytes).into_iter().flatten() {
                let off = (temperature.get() - truth.get()).abs();
                let limit = if value().contains(&place) { JUMP_DEFAULT } else { 0.0 };
                assert!(off <= limit, "{} moved it by {off}", escaped(&bytes));
            }
        }
    }
}

proptest! {
    #[test]
    fn chunks_do_not_matter(bytes in proptest::collection::vec(any::<u8>(), 0..2000), cuts in proptest::collection::vec(0..2000usize, 0..20)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut from = 0;
        for cut in cuts {
            chunks.push(&bytes[from..cut]);
            from = cut;
        }
        chunks.push(&bytes[from..]);
        prop_assert_eq!(lines(&chunks), lines(&[&bytes]));
    }

    #[test]
    fn garbage_is_never_a_value_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4000)) {
        let mut replies = ReplyCollector::default();
        for digested in lines(&[&bytes]) {
            if let Digested::Line(line) = digested {
                prop_assert!(line.len() <= LINE_BYTES_MAX + 1);
                prop_assert!(escaped(&line).bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                replies.take(&Line::classify(&line));
            }
        }
        prop_assert!(blocks(&bytes).is_empty());
    }

    /// Bytes lost, doubled, changed and inserted, anywhere: what is still believed is near the truth.
    #[test]
    fn a_temperature_never_comes_from_a_damaged_line(
        damage in proptest::collection::vec((0..REPLY.len(), 0..4u8, any::<u8>()), 1..12)
    ) {
        let mut bytes = REPLY.as_bytes().to_vec();
        let mut touched_value = false;
        for (place, kind, byte) in damage {
            let place = place.min(bytes.len() - 1);
            touched_value |= value().contains(&place) || bytes.len() != REPLY.len();
            match kind {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                2 => bytes.insert(place, bytes[place]),
                _ => { bytes.remove(place); }
            }
        }
        let truth = celsius(MilliAmp::new(CURRENT).unwrap()).unwrap();
        for temperature in judged(&bytes).into_iter().flatten() {
            let off = (temperature.get() - truth.get()).abs();
            prop_assert!(off <= if touched_value { JUMP_DEFAULT } else { 0.0 }, "{} moved it by {off}", escaped(&bytes));
        }
    }
}
