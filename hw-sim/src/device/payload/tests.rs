//! The reference's examples to the byte, and what every payload has in common.

use proptest::prelude::*;

use super::super::history::Record;
use super::*;

const NB: JsonDialect = JsonDialect {
    keys: JsonKeys::Misspelt,
    time: JsonTime::Slashes,
    history: JsonHistory::Lists,
    battery: BatteryDecimals::Three,
    imsi_and_time: true,
    alarms: true,
    position: false,
};
const LAYOUTS: [(HexLayout, usize); 4] =
    [(HexLayout::Nb100, 27), (HexLayout::Nb105, 35), (HexLayout::Nb11, 37), (HexLayout::Cb112, 49)];

/// The payload of section 9's examples.
fn example() -> Payload {
    Payload {
        imei: "861234509876543".to_owned(),
        imsi: "901405550001234".to_owned(),
        model: "PS-NB".to_owned(),
        model_byte: 0x46,
        version_byte: 106,
        battery_mv: 3572,
        csq: 17,
        inputs: Inputs::default(),
        alarms: Alarms { idc: Some(Alarm::Increase), vdc: None },
        probe: Probe::default(),
        position: Position::default(),
        idc_printed: 9216,
        vdc_printed: 12,
        sample: Record { idc_ua: 9216, vdc_mv: 12, unix_s: 0x67cd_a5ed },
        history: vec![
            Record { idc_ua: 8704, vdc_mv: 12, unix_s: 0x67cd_a264 },
            Record { idc_ua: 8688, vdc_mv: 11, unix_s: 0x67cd_9ee0 },
        ],
    }
}

fn check(body: Body, payload: &Payload, expected: &str) {
    assert_eq!(body.text(payload), expected);
}

#[test]
fn hex_example_of_the_reference() {
    check(
        Body::Hex(HexLayout::Nb11),
        &example(),
        "f861234509876543f901405550001234466a0df41100000000010000002400000c67cda5ed2200000c67cda26421f0000b67cd9ee0",
    );
}

#[test]
fn json_example_of_the_reference() {
    check(
        Body::Json(NB),
        &example(),
        r#"{"IMEI":"861234509876543","IMSI":"901405550001234","Model":"PS-NB","idc_intput":9.216,"vdc_intput":0.012,"interrupt":0,"interrupt_level":0,"battery":3.572,"signal":17,"idc_alarm":"IDC_INC","vdc_alarm":"NULL","time":"2025/03/09 14:30:05","1":[8.704,0.012,"2025/03/09 14:15:00"],"2":[8.688,0.011,"2025/03/09 14:00:00"]}"#,
    );
}

#[test]
fn every_hex_field_has_its_place() {
    let inputs = Inputs { in1: true, in2: false, exti_level: true, exti_flag: true };
    let alarms = Alarms { idc: Some(Alarm::Low), vdc: Some(Alarm::High) };
    let position = Position { latitude_e6: 22_708_000, longitude_e6: -1, unix_s: 0x67cd_a5e0 };
    let payload = Payload { inputs, alarms, position, probe: Probe(0x010a), history: Vec::new(), ..example() };
    let texts = [
        "f861234509876543466a0df411010a010001012400000c67cda5ed",
        "f861234509876543f901405550001234466a0df411010a010001012400000c67cda5ed",
        "f861234509876543f901405550001234466a0df411010001010102010a2400000c67cda5ed",
        "f861234509876543f901405550001234466a0df411010001010102010a015a7f20ffffffff67cda5e02400000c67cda5ed",
    ];
    for ((layout, _), text) in LAYOUTS.into_iter().zip(texts) {
        check(Body::Hex(layout), &payload, text);
    }
}

#[test]
fn older_json_lacks_keys_and_its_history_is_none() {
    let dialect = JsonDialect {
        history: JsonHistory::Unquoted,
        battery: BatteryDecimals::Two,
        imsi_and_time: false,
        alarms: false,
        ..NB
    };
    check(
        Body::Json(dialect),
        &Payload { history: vec![Record::default()], ..example() },
        r#"{"IMEI":"861234509876543","Model":"PS-NB","idc_intput":9.216,"vdc_intput":0.012,"interrupt":0,"interrupt_level":0,"battery":3.57,"signal":17,"1":{0.000,0.000,1970/01/01 00:00:00}}"#,
    );
}

#[test]
fn json_of_the_sibling_with_a_probe() {
    let dialect = JsonDialect { keys: JsonKeys::Correct, time: JsonTime::Iso, position: true, ..NB };
    let inputs = Inputs { exti_flag: true, ..Inputs::default() };
    let alarms = Alarms { idc: Some(Alarm::Low), vdc: Some(Alarm::Decrease) };
    let history = vec![Record::default()];
    check(
        Body::Json(dialect),
        &Payload { probe: Probe(0x000a), inputs, alarms, history, model: "PS-CB".to_owned(), ..example() },
        r#"{"IMEI":"861234509876543","IMSI":"901405550001234","Model":"PS-CB","idc_input":9.216,"vdc_input":0.012,"probe_model":"000a","water_deep_cm":326.00,"interrupt":1,"interrupt_level":0,"battery":3.572,"signal":17,"idc_alarm":"IDC_LOW","vdc_alarm":"VDC_DEC","latitude":0.000000,"longitude":0.000000,"gps_time":"1970-01-01T00:00:00Z","time":"2025-03-09T14:30:05Z","1":[0.000,0.000,"1970-01-01T00:00:00Z"]}"#,
    );
}

#[test]
fn thing_speak_gets_six_fields() {
    let inputs = Inputs { exti_flag: true, ..Inputs::default() };
    check(
        Body::ThingSpeak,
        &Payload { inputs, ..example() },
        "field1=9.216&field2=0.012&field3=3.572&field4=17&field5=1&field6=0",
    );
}

#[test]
fn signal_quality_as_a_power() {
    for (csq, expected) in [(0, Some(-113)), (1, Some(-111)), (17, Some(-79)), (30, Some(-53)), (31, Some(-51))] {
        assert_eq!(dbm(csq), expected);
    }
    assert_eq!([32, 98, 99, 255].map(dbm), [None; 4]);
}

#[test]
fn a_profile_names_layout_and_dialect() {
    let layouts: [HexLayout; 4] =
        ["nb-1.0.0", "nb-1.0.5", "nb-1.1", "cb-1.1.2"].map(|name| serde_json::from_value(name.into()).unwrap());
    assert_eq!(layouts, LAYOUTS.map(|(layout, _)| layout));
    let text = r#"
        keys = "misspelt"
        time = "slashes"
        history = "lists"
        battery = "three"
        imsi_and_time = true
        alarms = true
        position = false"#;
    assert_eq!(toml::from_str::<JsonDialect>(text).unwrap(), NB);
}

fn record() -> impl Strategy<Value = Record> {
    any::<(u16, u16, u32)>().prop_map(|(idc_ua, vdc_mv, unix_s)| Record { idc_ua, vdc_mv, unix_s })
}

fn payload() -> impl Strategy<Value = Payload> {
    let numbers = any::<(u16, u8, u16, i32, i32, u32)>();
    (record(), prop::collection::vec(record(), 0..=32), numbers).prop_map(|(sample, history, numbers)| {
        let (battery_mv, csq, probe, latitude_e6, longitude_e6, unix_s) = numbers;
        let position = Position { latitude_e6, longitude_e6, unix_s };
        let (idc_printed, vdc_printed) = (sample.idc_ua, sample.vdc_mv);
        Payload {
            idc_printed,
            vdc_printed,
            sample,
            history,
            battery_mv,
            csq,
            probe: Probe(probe),
            position,
            ..example()
        }
    })
}

proptest! {
    #[test]
    fn hex_has_its_fixed_length_and_eight_bytes_for_each_record(payload in payload()) {
        for (layout, fixed_bytes) in LAYOUTS {
            let text = Body::Hex(layout).text(&payload);
            prop_assert_eq!(text.len(), 2 * (fixed_bytes + 8 * payload.history.len()));
            prop_assert!(text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')));
        }
    }

    #[test]
    fn newer_json_is_json(payload in payload(), iso: bool, position: bool) {
        let time = if iso { JsonTime::Iso } else { JsonTime::Slashes };
        let dialect = JsonDialect { time, position, ..NB };
        let text = Body::Json(dialect).text(&payload);
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(parsed["signal"].as_u64(), Some(payload.csq.into()));
        let idc_ua = (parsed["idc_intput"].as_f64().unwrap() * 1000.0).round();
        prop_assert_eq!(idc_ua, f64::from(payload.idc_printed));
        prop_assert_eq!(parsed.get((payload.history.len() + 1).to_string()), None);
    }
}
