//! The task of a sensor against a small device of our own, in paused time: what observations come of what happens.

use std::collections::VecDeque;
use std::time::Duration;

use kitchen_contract::fault::SensorFault;
use kitchen_contract::record::{Absence, Body, Diagnostic, Event, Trigger};

use super::bench::{BOOT, Bench, IMEI, OTHER_IMEI};
use crate::device::tests::peer::{BLOCK, PIN};
use crate::sampler::state::SensorState;
use crate::sampler::task::RecorderGone;

#[tokio::test(start_paused = true)]
async fn finds_sets_and_polls_on_the_grid() {
    let mut bench = Bench::new("report_on_change = { every = '5m', by = 2.0 }");
    let found = Event::SensorFound {
        device_id: "fridge-1".parse().unwrap(),
        imei: IMEI.to_owned(),
        model: "PS-NB,v1.1.2".to_owned(),
        calibration: None,
    };
    assert_eq!(bench.event().await, found);
    for _ in 0..4 {
        let reading = bench.reading().await;
        assert_eq!(reading.value.unwrap().get(), 3.6);
        assert_eq!((reading.raw_ma.unwrap().get(), reading.battery.unwrap().get()), (10.976, 3.572));
        assert_eq!(reading.trigger, Trigger::Poll);
    }
    assert_eq!(bench.start.elapsed().as_secs(), 120);
    assert_eq!(bench.shown.borrow().state, SensorState::Ready);
    let settings = bench.fake.lock().unwrap().settings.clone().map(|(_, value)| value);
    assert_eq!(settings[..3], ["6000", "1200", "1,300,320,0"]);
}

#[tokio::test(start_paused = true)]
async fn a_jump_is_measured_again_at_once_and_both_are_kept() {
    let mut bench = Bench::settled("").await;
    bench.set(|fake| fake.currents = VecDeque::from(["12.000", "12.016"]));
    assert_eq!((bench.temperature().await, bench.temperature().await), (10.0, 10.1));
    bench.set(|fake| fake.currents = VecDeque::from(["19.000", "12.016"]));
    assert_eq!(bench.fault().await, (SensorFault::DamagedReply, Some(19.0)));
    assert_eq!(bench.temperature().await, 10.1);
}

#[tokio::test(start_paused = true)]
async fn a_fault_band_is_measured_again_once_and_then_believed() {
    let mut bench = Bench::settled("").await;
    bench.set(|fake| fake.currents = VecDeque::from(["0.001"]));
    for _ in 0..4 {
        assert_eq!(bench.fault().await, (SensorFault::LoopOpen, Some(0.001)));
    }
    assert_eq!(bench.start.elapsed().as_secs(), 180);
    assert_eq!(bench.fake.lock().unwrap().measured, 6);
}

#[tokio::test(start_paused = true)]
async fn overheard_blocks_become_readings() {
    let mut bench = Bench::settled("").await;
    bench.set(|fake| fake.print = BLOCK.replace("9.216", "11.008"));
    let reading = bench.reading().await;
    assert_eq!((reading.value.unwrap().get(), reading.trigger), (3.8, Trigger::Unsolicited));
}

#[tokio::test(start_paused = true)]
async fn a_silent_sensor_is_lost_once_and_every_poll_says_so() {
    let mut bench = Bench::settled("").await;
    bench.set(|fake| fake.silent = true);
    let lost = Event::SensorLost { device_id: "fridge-1".parse().unwrap(), fault: SensorFault::NoAnswer };
    assert_eq!(bench.event().await, lost);
    for _ in 0..5 {
        assert_eq!(bench.fault().await, (SensorFault::NoAnswer, None));
    }
    assert!((300..=360).contains(&bench.start.elapsed().as_secs()), "{:?}", bench.start.elapsed());
    bench.set(|fake| fake.silent = false);
    while let Body::Reading(reading) = bench.next().await {
        assert_eq!(reading.value, Err(SensorFault::NoAnswer));
    }
    assert_eq!(bench.temperature().await, 3.6);
}

#[tokio::test(start_paused = true)]
async fn unplugged_and_plugged_in_again() {
    let mut bench = Bench::settled("").await;
    bench.set(|fake| fake.unplugged = true);
    let lost = Event::SensorLost { device_id: "fridge-1".parse().unwrap(), fault: SensorFault::NoPort };
    assert_eq!(bench.event().await, lost);
    assert_eq!(bench.fault().await, (SensorFault::NoPort, None));
    assert_eq!(bench.fault().await, (SensorFault::NoPort, None));
    let shown = bench.shown.borrow().clone();
    assert_eq!(shown.state, SensorState::WaitingForPort);
    assert!(shown.since.0 > Duration::ZERO && shown.since.0 < Duration::from_secs(60), "{:?}", shown.since);
    assert_eq!(shown.problem.unwrap().text, "no serial port at `/dev/ttyTest`");
    bench.set(|fake| fake.unplugged = false);
    assert!(matches!(bench.event().await, Event::SensorFound { .. }));
    assert_eq!(bench.temperature().await, 3.6);
    let shown = bench.shown.borrow().clone();
    assert_eq!((shown.state, shown.problem), (SensorState::Ready, None));
    let (imei, port) = shown.found.unwrap();
    assert_eq!((imei.as_str(), port.as_str()), (IMEI, "/dev/ttyTest"));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_pin_is_tried_again_slowly_and_never_given_up() {
    let mut bench = Bench::new("");
    bench.set(|fake| fake.pin = "111111");
    for _ in 0..10 {
        assert_eq!(bench.fault().await, (SensorFault::WrongPin, None));
    }
    assert_eq!(bench.shown.borrow().state, SensorState::WrongPin);
    bench.set(|fake| fake.pin = PIN);
    while let Body::Reading(reading) = bench.next().await {
        assert_eq!(reading.value, Err(SensorFault::WrongPin));
    }
    assert_eq!(bench.temperature().await, 3.6);
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_an_event_and_the_settings_are_applied_again() {
    let mut bench = Bench::settled("").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    bench.set(|fake| {
        fake.locked = true;
        fake.settings[0].1 = "500".to_owned();
        fake.print = BOOT.to_owned();
    });
    assert_eq!(bench.event().await, Event::SensorReset { device_id: "fridge-1".parse().unwrap() });
    assert_eq!(bench.temperature().await, 3.6);
    assert_eq!(bench.fake.lock().unwrap().settings[0].1, "6000");
}

#[tokio::test(start_paused = true)]
async fn a_sensor_that_keeps_restarting_is_failing_and_every_poll_says_so() {
    let mut bench = Bench::settled("").await;
    bench.set(|fake| fake.resetting = true);
    let (mut faults, mut resets) = (0, 0);
    while bench.start.elapsed() < Duration::from_secs(1200) {
        match bench.next().await {
            Body::Reading(reading) => faults += i32::from(reading.value == Err(SensorFault::NoAnswer)),
            Body::Event(Event::SensorReset { .. }) => resets += 1,
            _ => {}
        }
    }
    assert_eq!(faults, 19);
    assert!(resets < 60, "{resets}");
    bench.set(|fake| fake.resetting = false);
    while !matches!(bench.next().await, Body::Reading(reading) if reading.value.is_ok()) {}
}

#[tokio::test(start_paused = true)]
async fn a_block_that_was_polled_is_kept_when_an_overheard_one_cannot_be_measured_again() {
    let mut bench = Bench::settled("").await;
    bench.set(|fake| fake.preface = BLOCK.replace("9.216", "19.000") + "[1500]*****End of upload*****¶¶");
    let mut kept = Vec::new();
    while kept.len() < 2 {
        if let Body::Reading(reading) = bench.next().await {
            kept.push(reading.raw_ma.map(|current| current.get()));
        }
    }
    assert_eq!(kept, [Some(19.0), Some(10.976)]);
}

#[tokio::test(start_paused = true)]
async fn another_sensor_than_the_configured_one_is_never_a_temperature() {
    let mut bench = Bench::new(&format!("imei = '{OTHER_IMEI}'"));
    let swapped = Event::SensorSwapped {
        device_id: "fridge-1".parse().unwrap(),
        expected: OTHER_IMEI.to_owned(),
        found: IMEI.to_owned(),
    };
    assert_eq!(bench.event().await, swapped);
    bench.set(|fake| fake.print = BLOCK.to_owned());
    for _ in 0..10 {
        assert_eq!(bench.fault().await, (SensorFault::WrongSensor, None));
    }
    assert_eq!(bench.fake.lock().unwrap().settings[0].1, "500", "nothing is set on a foreign sensor");
    assert_eq!(bench.shown.borrow().state, SensorState::WrongSensor { found: IMEI.to_owned() });
}

#[tokio::test(start_paused = true)]
async fn a_swapped_sensor_is_named_and_its_first_temperature_measured_twice() {
    swapped_after(0).await;
}

/// At its ordinary time the lock says nothing of a restart: who answers behind it is asked.
#[tokio::test(start_paused = true)]
async fn a_sensor_swapped_when_its_console_locks_is_named() {
    swapped_after(5).await;
}

async fn swapped_after(polls: u32) {
    let mut bench = Bench::settled("").await;
    for _ in 0..polls {
        bench.temperature().await;
    }
    bench.set(|fake| {
        (fake.imei, fake.locked) = (OTHER_IMEI, true);
        fake.currents = VecDeque::from(["12.000"]);
    });
    let swapped = Event::SensorSwapped {
        device_id: "fridge-1".parse().unwrap(),
        expected: IMEI.to_owned(),
        found: OTHER_IMEI.to_owned(),
    };
    assert_eq!(bench.event().await, swapped);
    assert_eq!((bench.temperature().await, bench.temperature().await), (10.0, 10.0));
}

#[tokio::test(start_paused = true)]
async fn many_hours_with_locks_bring_every_reading() {
    let mut bench = Bench::settled("").await;
    for minute in 1..600 {
        if minute % 5 == 0 {
            bench.set(|fake| fake.locked = true);
        }
        let live = if minute % 2 == 0 { "10.976" } else { "10.977" };
        bench.set(|fake| fake.currents = [live].into());
        assert!((bench.temperature().await - 3.6).abs() < 0.01);
    }
    assert!((599 * 60..600 * 60).contains(&bench.start.elapsed().as_secs()));
    let punctuality = *bench.punctuality.borrow();
    assert!(punctuality.punctual >= 599, "{punctuality:?}");
    assert_eq!((punctuality.uplink.polls, punctuality.command.polls), (0, 0), "{punctuality:?}");
}

/// S21
#[tokio::test(start_paused = true)]
async fn a_value_that_never_moves_is_a_fault_after_hours() {
    let mut bench = Bench::settled("").await;
    let mut minutes = 0;
    let fault = loop {
        match bench.reading().await.value {
            Ok(_) => minutes += 1,
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault, SensorFault::FrozenValue);
    assert!((355..=361).contains(&minutes), "{minutes}");
    bench.set(|fake| fake.currents = ["10.980"].into());
    while bench.reading().await.value.is_err() {}
}

#[tokio::test(start_paused = true)]
async fn a_reading_says_how_exact_it_is_and_how_humid() {
    let mut bench = Bench::settled("humidity = { low = 0.0, high = 100.0 }").await;
    let reading = bench.reading().await;
    assert_eq!(reading.uncertainty.map(|uncertainty| uncertainty.get()), Some(0.356));
    assert_eq!(reading.humidity, Err(Absence::Invalid), "0.012 V is no humidity");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_pulled_out_is_said_beside_its_readings() {
    let mut bench = Bench::settled("").await;
    bench.set(|fake| fake.currents = ["14.080"].into());
    let said = loop {
        match bench.next().await {
            Body::Event(event) => break event,
            Body::Reading(reading) => assert_eq!(reading.value.unwrap().get(), 23.0),
            Body::Gap(_) => {}
        }
    };
    let device_id = "fridge-1".parse().unwrap();
    assert_eq!(said, Event::Diagnostic { device_id, diagnostic: Diagnostic::ProbeOutside, active: true });
}

#[tokio::test(start_paused = true)]
async fn ends_on_shutdown_and_when_the_recorder_is_gone() {
    let bench = Bench::settled("").await;
    bench.shutdown.cancel();
    assert_eq!(bench.task.await.unwrap(), Ok(()));
    let bench = Bench::settled("").await;
    drop(bench.observations);
    assert_eq!(bench.task.await.unwrap(), Err(RecorderGone));
}
