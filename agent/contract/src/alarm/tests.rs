use proptest::prelude::*;

use crate::alarm::{AlarmState, Excursion, Limits, Transition, Verdict, evaluate};
use crate::fault::SensorFault;
use crate::time::Timestamp;
use crate::unit::Celsius;

fn celsius(number: f64) -> Celsius {
    Celsius::new(number).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_768_127_400_000 + second * 1000).unwrap()
}

fn limits() -> Limits {
    Limits::new(Some(celsius(0.0)), Some(celsius(8.0))).unwrap()
}

/// Judges `(second, °C)` in order and tells the transitions as text; NaN stands for a fault.
fn check(readings: &[(i64, f64)], expected: &[&str]) {
    let mut state = AlarmState::default();
    let mut seen = Vec::new();
    for (second, number) in readings {
        let value = Celsius::new(*number).map_err(|_| SensorFault::LoopOpen);
        let evaluation = evaluate(state, Some(&limits()), at(*second), value);
        state = evaluation.state;
        seen.extend(evaluation.transitions.iter().map(|transition| match transition {
            Transition::Opened { excursion, .. } => format!("{second} opened {}", excursion.alert_type.as_str()),
            Transition::Resolved { excursion, .. } => format!("{second} resolved {}", excursion.alert_type.as_str()),
            Transition::Historic { excursion, .. } => format!("{second} historic {}", excursion.alert_type.as_str()),
        }));
    }
    assert_eq!(seen, expected);
}

#[test]
fn a_value_on_the_limit_is_in_range() {
    check(&[(1, 8.0), (2, 0.0)], &[]);
}

#[test]
fn an_excursion_opens_once_and_resolves_when_back_in_range() {
    check(&[(1, 4.0), (2, 8.001), (3, 12.0), (4, 8.0)], &["2 opened HIGH_TEMP", "4 resolved HIGH_TEMP"]);
}

#[test]
fn from_one_limit_to_the_other_is_two_excursions() {
    check(&[(1, 9.0), (2, -1.0)], &["1 opened HIGH_TEMP", "2 resolved HIGH_TEMP", "2 opened LOW_TEMP"]);
}

#[test]
fn a_fault_never_clears_an_alarm() {
    check(&[(1, 9.0), (2, f64::NAN), (3, f64::NAN), (4, 9.0)], &["1 opened HIGH_TEMP"]);
}

#[test]
fn late_data_makes_one_historic_excursion_and_no_siren() {
    check(&[(10, 4.0), (5, 9.0), (6, 9.5), (7, 4.0), (8, 9.0)], &["5 historic HIGH_TEMP", "8 historic HIGH_TEMP"]);
}

#[test]
fn late_data_inside_the_open_excursion_changes_nothing() {
    check(&[(10, 9.0), (20, 9.0), (15, 9.0), (16, 4.0)], &["10 opened HIGH_TEMP"]);
}

#[test]
fn without_limits_nothing_opens_and_what_is_open_ends() {
    let first = evaluate(AlarmState::default(), Some(&limits()), at(1), Ok(celsius(9.0)));
    let second = evaluate(first.state, None, at(2), Ok(celsius(9.0)));
    assert_eq!(second.verdict, Verdict::NoLimits);
    assert!(matches!(second.transitions[..], [Transition::Resolved { .. }]));
}

proptest! {
    #[test]
    fn judging_again_changes_nothing(numbers in prop::collection::vec(-5.0f64..15.0, 1..40)) {
        let mut state = AlarmState::default();
        for (second, number) in numbers.iter().enumerate() {
            let value = Ok(celsius(*number));
            let first = evaluate(state, Some(&limits()), at(second as i64), value);
            let again = evaluate(first.state.clone(), Some(&limits()), at(second as i64), value);
            prop_assert_eq!(&again.state, &first.state);
            prop_assert!(again.transitions.is_empty());
            state = first.state;
        }
    }

    #[test]
    fn in_order_every_opening_is_resolved_before_the_next(numbers in prop::collection::vec(-5.0f64..15.0, 1..60)) {
        let mut state = AlarmState::default();
        let mut open: Option<Excursion> = None;
        for (second, number) in numbers.iter().enumerate() {
            let evaluation = evaluate(state, Some(&limits()), at(second as i64), Ok(celsius(*number)));
            for transition in evaluation.transitions {
                match transition {
                    Transition::Opened { excursion, .. } => {
                        prop_assert!(open.is_none());
                        open = Some(excursion);
                    }
                    Transition::Resolved { excursion, .. } => prop_assert_eq!(open.take(), Some(excursion)),
                    Transition::Historic { .. } => prop_assert!(false, "nothing is late here"),
                }
            }
            prop_assert_eq!(evaluation.state.open, open);
            state = evaluation.state;
        }
    }
}
