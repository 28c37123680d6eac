//! The line by itself: what clearing a fault does to what is on its way.

use std::time::Duration;

use super::{Line, LineFault, LineFaultKind};
use crate::line::exit::CHARACTER;

fn fault(kind: LineFaultKind, pairs: &[(&str, &str)]) -> LineFault {
    LineFault::parse(kind, pairs).unwrap()
}

/// The sensor sends a text from a time on.
fn sent(from: Duration, text: &str) -> Vec<(Duration, u8)> {
    text.bytes().zip(1..).map(|(byte, number)| (from + CHARACTER * number, byte)).collect()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn what_was_late_comes_when_the_fault_is_cleared_and_is_not_overtaken() {
    let mut line = Line::new(1);
    line.begin(Duration::ZERO, fault(LineFaultKind::Late, &[("delay", "60")]));
    line.carry(seconds(1), sent(Duration::ZERO, "first"));
    assert_eq!(line.next_wakeup(), Some(seconds(60) + CHARACTER));
    line.end(seconds(2), LineFaultKind::Late);
    assert_eq!(line.next_wakeup(), Some(seconds(2) + CHARACTER));
    line.carry(seconds(3), sent(seconds(2), " second"));
    assert_eq!(line.take(seconds(3)), b"first second");
}

#[test]
fn a_line_that_was_kept_for_rewriting_is_passed_on_when_the_last_such_fault_goes() {
    let mut line = Line::new(1);
    line.begin(Duration::ZERO, fault(LineFaultKind::Swapped, &[]));
    line.begin(Duration::ZERO, fault(LineFaultKind::Frozen, &[]));
    line.carry(seconds(1), sent(Duration::ZERO, "Pass"));
    line.end(seconds(1), LineFaultKind::Swapped);
    assert_eq!(line.take(seconds(1)), b"");
    line.end(seconds(1), LineFaultKind::Frozen);
    line.carry(seconds(2), sent(seconds(1), "word"));
    assert_eq!(line.take(seconds(2)), b"Password");
}

#[test]
fn what_was_not_read_is_read_later_with_what_is_wrong_then() {
    let mut line = Line::new(1);
    line.begin(Duration::ZERO, fault(LineFaultKind::NeverReads, &[]));
    assert_eq!(line.deliver_to_sensor(Duration::ZERO, b"AT\r"), b"");
    assert_eq!(line.bytes_held(), 3);
    line.begin(Duration::ZERO, fault(LineFaultKind::Echo, &[]));
    assert_eq!(line.end(seconds(1), LineFaultKind::NeverReads), b"AT\r");
    assert_eq!(line.bytes_held(), 0);
    line.carry(seconds(2), Vec::new());
    assert_eq!(line.take(seconds(2)), b"AT\r");
}

#[test]
fn bytes_at_another_rate_are_announced_and_then_there() {
    for rate in ["300", "9600", "115200"] {
        let mut line = Line::new(1);
        line.begin(Duration::ZERO, fault(LineFaultKind::Baud, &[("rate", rate)]));
        line.carry(CHARACTER * 4, sent(Duration::ZERO, "\0\0\0\0"));
        let mut received = 0;
        while let Some(at) = line.next_wakeup() {
            line.carry(at, Vec::new());
            received += line.take(at).len();
            assert!(line.next_wakeup().is_none_or(|next| next > at), "{rate}");
            assert!(at < seconds(1), "{rate}");
        }
        assert!(received > 0, "{rate}");
    }
}

#[test]
fn the_right_rate_again_does_not_overtake_what_was_received_at_the_wrong_one() {
    let mut line = Line::new(1);
    line.begin(Duration::ZERO, fault(LineFaultKind::Baud, &[("rate", "300")]));
    line.carry(CHARACTER * 32, sent(Duration::ZERO, &"U".repeat(32)));
    line.end(CHARACTER * 32, LineFaultKind::Baud);
    line.carry(seconds(1), sent(CHARACTER * 32, "OK"));
    assert!(line.take(seconds(1)).ends_with(b"OK"));
}

#[test]
fn a_fault_of_the_same_kind_takes_the_place_of_the_one_before() {
    let mut line = Line::new(1);
    line.begin(Duration::ZERO, fault(LineFaultKind::Noise, &[("rate", "1")]));
    line.begin(Duration::ZERO, fault(LineFaultKind::Noise, &[("rate", "0")]));
    assert_eq!(line.faults().count(), 1);
    line.carry(seconds(1), sent(Duration::ZERO, "OK"));
    assert_eq!(line.take(seconds(1)), b"OK");
}
