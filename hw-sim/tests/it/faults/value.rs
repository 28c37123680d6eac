//! S16, S17 and S21: a reply that is well formed and says what is not so.

use std::time::Duration;

use super::Rig;
use crate::support::{current_ma, seconds};

/// One channel of a measurement, as printed.
fn printed(block: &str, label: &str) -> String {
    let value = block.split(label).nth(1).unwrap_or_else(|| panic!("no {label} in {block:?}"));
    value.lines().next().unwrap().to_owned()
}

#[test]
fn s16_every_current_of_the_row_is_measured() {
    let mut rig = Rig::new(1);
    for ma in [0.0, 3.59, 3.6, 3.61, 3.79, 3.8, 4.0, 20.0, 20.5, 20.99, 21.0, 22.0] {
        rig.tell(&format!("fault s16 ma={ma}"));
        let measured = current_ma(&rig.measure()).unwrap();
        // The input clips, and has its tolerance.
        let expected = f64::min(ma, 21.333);
        assert!((measured - expected).abs() <= 0.002 + expected * 0.005, "{ma}: {measured}");
        rig.recovers();
    }
}

#[test]
fn s16_every_text_of_the_row_is_printed_exactly() {
    let row = ["0", "3.59", "3.6", "3.61", "3.79", "3.8", "4", "20", "20.5", "20.99", "21", "22", "NaN", "-0.00"];
    let mut rig = Rig::new(1);
    for text in row.into_iter().chain(["", "inf", "3,59", "--"]) {
        rig.tell(&format!("fault s16 text=\"{text}\""));
        assert_eq!(printed(&rig.measure(), "IDC_Input:"), format!("{text} mA"));
        rig.tell(&format!("fault s16 channel=vdc text=\"{text}\""));
        assert_eq!(printed(&rig.measure(), "VDC_Input:"), format!("{text} V"));
        rig.recovers();
    }
}

#[test]
fn s16_a_value_holds_as_long_as_asked() {
    let mut rig = Rig::new(1);
    for (name, hold) in [("ma=3.59", 3.9), ("ma=3.59", 4.0), ("text=NaN", 4.1)] {
        rig.tell(&format!("fault s16 {name} for={hold}"));
        let before = Duration::from_secs_f64(hold) - Duration::from_millis(1);
        rig.pass(before);
        assert_eq!(rig.simulation.faults().len(), 1, "{name} {hold}");
        rig.pass(Duration::from_millis(1));
        assert!(rig.simulation.faults().is_empty(), "{name} {hold}");
    }
    rig.recovers();
}

#[test]
fn s17_the_channels_change_their_names_and_keep_their_units() {
    let mut rig = Rig::new(1);
    rig.tell("fault s17");
    let block = rig.measure();
    assert!(printed(&block, "VDC_Input:").ends_with(" mA"), "{block}");
    assert!(printed(&block, "IDC_Input:").ends_with(" V"), "{block}");
    rig.recovers();
    assert!(printed(&rig.measure(), "IDC_Input:").ends_with(" mA"));
}

#[test]
fn s21_a_frozen_value_is_the_same_for_six_hours() {
    let mut rig = Rig::new(1);
    rig.tell("fault s21");
    let first = rig.measure();
    for temperature in ["-30", "0", "45"] {
        rig.tell(&format!("set temperature {temperature}"));
        rig.pass(seconds(2 * 3600));
        rig.ask("");
        rig.log_in("604218");
        let block = rig.measure();
        assert_eq!(printed(&block, "IDC_Input:"), printed(&first, "IDC_Input:"));
        assert_eq!(printed(&block, "VDC_Input:"), printed(&first, "VDC_Input:"));
    }
    rig.recovers();
    rig.set("AT+12VT=6000");
    assert_ne!(printed(&rig.measure(), "IDC_Input:"), printed(&first, "IDC_Input:"));
}
