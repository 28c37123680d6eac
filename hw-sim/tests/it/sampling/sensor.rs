//! S8, S9, S16 to S18 and S21: the port, the values and the sensor itself.

use hw_sim::{DeviceConfig, Profile};
use kitchen_contract::fault::SensorFault;
use kitchen_contract::record::Event;

use super::gateway::{Gateway, INTERVAL, events, faults, readings};
use crate::support::seconds;

async fn settled(seed: u64, extra: &str) -> Gateway {
    let mut gateway = Gateway::start(seed, extra);
    gateway.pass(seconds(180)).await;
    gateway
}

#[tokio::test(start_paused = true)]
async fn s8_unplugged_is_a_fault_and_plugged_in_again_is_noticed() {
    let mut gateway = settled(8, "").await;
    gateway.plug(false);
    let during = gateway.pass(seconds(600)).await;
    assert_eq!(faults(during), [SensorFault::NoPort]);
    assert!(readings(during).count() as u64 >= 600 / INTERVAL.as_secs(), "every poll says so");
    gateway.plug(true);
    let after = gateway.pass(seconds(60)).await;
    assert!(readings(after).any(|(_, reading)| reading.value.is_ok()));
}

/// The loop's current against what becomes of it (NAMUR NE 43, device reference 13.2).
#[tokio::test(start_paused = true)]
async fn s16_every_current_has_its_meaning() {
    use SensorFault::*;
    let mut gateway = settled(16, "").await;
    for (current, meaning) in [
        ("0", Err(LoopOpen)),
        ("3.4", Err(TransmitterFailLow)),
        ("3.7", Err(UndefinedLow)),
        ("4", Ok(-40.0)),
        ("20", Ok(60.0)),
        ("20.75", Err(UndefinedHigh)),
        ("21.15", Err(TransmitterFailHigh)),
        ("23", Err(InputClipped)),
    ] {
        gateway.tell(&format!("fault current ma={current}"));
        gateway.pass(INTERVAL).await;
        let seen = gateway.pass(INTERVAL * 3).await;
        let last = readings(seen).next_back().unwrap().1;
        match (last.value, meaning) {
            (Ok(value), Ok(expected)) => assert!((value.get() - expected).abs() < 0.3, "{current} mA: {value:?}"),
            (value, meaning) => assert_eq!(value.err(), meaning.err(), "{current} mA"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s16_a_text_that_is_no_number_is_never_a_temperature() {
    for text in ["nan", "-0.00", "inf", "1e1", "10,976", "", "99.999", "10.97"] {
        let mut gateway = settled(16, "").await;
        gateway.tell(&format!("fault value text={text}"));
        gateway.pass(INTERVAL).await;
        let seen = gateway.pass(INTERVAL * 6).await;
        assert!(readings(seen).count() > 0 && readings(seen).all(|(_, reading)| reading.value.is_err()), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn s17_another_channels_value_is_never_a_temperature() {
    let mut gateway = settled(17, "").await;
    gateway.tell("fault swapped");
    gateway.pass(INTERVAL).await;
    let seen = gateway.pass(INTERVAL * 6).await;
    assert!(readings(seen).count() > 0 && readings(seen).all(|(_, reading)| reading.value.is_err()));
}

#[tokio::test(start_paused = true)]
async fn s18_another_sensor_is_named_and_a_foreign_one_never_believed() {
    let mut gateway = settled(18, "").await;
    gateway.tell("fault swap imei=861234509876550");
    let seen = gateway.pass(seconds(420)).await;
    let swapped = |event: &&Event| matches!(event, Event::SensorSwapped { found, .. } if found == "861234509876550");
    assert_eq!(events(seen).filter(swapped).count(), 1);
    let mut bound = settled(18, "imei = '861234509876543'").await;
    let seen = bound.pass(seconds(300)).await;
    assert_eq!(faults(seen), [SensorFault::WrongSensor]);
    assert!(readings(&bound.seen).all(|(_, reading)| reading.value.is_err()));
}

#[tokio::test(start_paused = true)]
async fn s21_a_value_that_stands_still_is_a_fault_after_hours() {
    let mut gateway = settled(21, "").await;
    gateway.tell("fault frozen");
    let seen = gateway.pass(seconds(6 * 3600 + 120)).await;
    assert_eq!(readings(seen).next_back().unwrap().1.value.err(), Some(SensorFault::FrozenValue));
    gateway.tell("clear frozen");
    let seen = gateway.pass(seconds(120)).await;
    assert!(readings(seen).next_back().unwrap().1.value.is_ok());
}

/// Every profile, the oldest without report on change, clock or history of its own.
#[tokio::test(start_paused = true)]
async fn every_firmware_is_measured() {
    let pins = [
        ("nb-1.0.0", "12345678"),
        ("nb-1.0.5", "604218"),
        ("nb-1.1", "604218"),
        ("cb-1.1.4", "604218"),
        ("cb-1.2.1", "604218"),
    ];
    for (profile, pin) in pins {
        let config = DeviceConfig::new(Profile::load(profile).unwrap(), 40);
        let change = "report_on_change = { every = '5m', by = 2.0 }";
        let mut gateway = Gateway::with(config, &format!("pin = '{pin}'\n{change}"));
        gateway.anchor();
        gateway.pass(seconds(600)).await;
        let seen = gateway.pass(seconds(1800)).await;
        let measured = readings(seen).filter(|(_, reading)| reading.value.is_ok()).count();
        assert!(measured >= 85, "{profile}: {measured} of 90 polls, {:?}", faults(seen));
    }
}
