//! The task of a sensor against a small device of our own, in paused time: what observations come of what happens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kitchen_contract::fault::SensorFault;
use kitchen_contract::record::{Body, Event, Reading, Trigger};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::plan::Plan;
use super::state::SensorState;
use super::task::{Outlets, RecorderGone, run_on};
use crate::device::error::DeviceError;
use crate::device::pace::Pace;
use crate::device::tests::peer::{BLOCK, PIN};
use crate::observation::Observation;
use crate::settings::SensorSettings;
use crate::speed::Speed;

const IMEI: &str = "861234509876543";
const OTHER_IMEI: &str = "861234509876550";

/// A device that does what the reference says, as far as the task can tell.
struct Fake {
    imei: &'static str,
    pin: &'static str,
    locked: bool,
    silent: bool,
    unplugged: bool,
    /// Printed as soon as possible.
    print: String,
    /// What the next measurements read, in mA; the last one stays.
    currents: VecDeque<&'static str>,
    settings: [(&'static str, String); 3],
    measured: u32,
}

impl Fake {
    fn answer(&mut self, line: &str) -> String {
        if self.silent {
            return String::new();
        }
        if self.locked {
            self.locked = line != self.pin;
            return format!("[1]Password {}¶", if self.locked { "Incorrect" } else { "Correct" });
        }
        match line {
            "AT" => "¶OK¶¶".to_owned(),
            "AT+MODEL=?" => "PS-NB,v1.1.2¶¶OK¶¶".to_owned(),
            "AT+DEUI=?" => format!("{}¶¶OK¶¶", self.imei),
            "AT+GETSENSORVALUE=0" => format!("{}¶OK¶¶", self.block()),
            _ => self.setting(line.strip_prefix("AT+").unwrap()),
        }
    }

    fn setting(&mut self, line: &str) -> String {
        let (name, value) = line.split_once('=').unwrap();
        let setting = self.settings.iter_mut().find(|(known, _)| *known == name).unwrap();
        if value == "?" {
            return format!("{}¶¶OK¶¶", setting.1);
        }
        setting.1 = value.to_owned();
        "¶OK¶¶".to_owned()
    }

    fn block(&mut self) -> String {
        self.measured += 1;
        let current = if self.currents.len() > 1 { self.currents.pop_front() } else { self.currents.front().copied() };
        BLOCK.replace("9.216", current.unwrap())
    }
}

/// One sensor, its task and what comes out of it.
struct Bench {
    fake: Arc<Mutex<Fake>>,
    observations: mpsc::Receiver<Observation>,
    state: watch::Receiver<SensorState>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), RecorderGone>>,
    start: Instant,
}

impl Bench {
    fn new(extra: &str) -> Self {
        let fake = Arc::new(Mutex::new(Fake {
            imei: IMEI,
            pin: PIN,
            locked: true,
            silent: false,
            unplugged: false,
            print: String::new(),
            currents: VecDeque::from(["10.976"]),
            settings: [("12VT", "500".into()), ("TDC", "7200".into()), ("ROC", "0,0,0,0".into())],
            measured: 0,
        }));
        let (observed, observations) = mpsc::channel(64);
        let (shown, state) = watch::channel(SensorState::WaitingForPort);
        let (shutdown, start) = (CancellationToken::new(), Instant::now());
        let outlets = Outlets { observations: observed, state: shown, start, pace: Pace::new(Speed::REAL) };
        let device = Arc::clone(&fake);
        let open = move || open(&device);
        let task = tokio::spawn(run_on(open, plan(extra), outlets, shutdown.clone()));
        Self { fake, observations, state, shutdown, task, start }
    }

    fn set(&self, change: impl FnOnce(&mut Fake)) {
        change(&mut self.fake.lock().unwrap());
    }

    async fn next(&mut self) -> Body {
        tokio::time::timeout(Duration::from_secs(600), self.observations.recv()).await.unwrap().unwrap().body
    }

    async fn reading(&mut self) -> Reading {
        match self.next().await {
            Body::Reading(reading) => reading,
            other => panic!("expected a reading, not {other:?}"),
        }
    }

    async fn event(&mut self) -> Event {
        match self.next().await {
            Body::Event(event) => event,
            other => panic!("expected an event, not {other:?}"),
        }
    }

    /// Skips the beginning: found, and the first temperature measured twice.
    async fn settled(extra: &str) -> Self {
        let mut bench = Self::new(extra);
        assert!(matches!(bench.event().await, Event::SensorFound { .. }));
        for _ in 0..2 {
            assert_eq!(bench.temperature().await, 3.6);
        }
        bench
    }

    async fn temperature(&mut self) -> f64 {
        self.reading().await.value.unwrap().get()
    }

    async fn fault(&mut self) -> (SensorFault, Option<f64>) {
        let reading = self.reading().await;
        (reading.value.unwrap_err(), reading.raw_ma.map(|current| current.get()))
    }
}

fn plan(extra: &str) -> Plan {
    let text = format!(
        "device_id = 'fridge-1'\nport = '/dev/ttyTest'\npin = '{PIN}'\ninterval = '60s'\nreport_interval = '20m'\n\
         warm_up = '6s'\n{extra}\n[transmitter]\nlow = -40.0\nhigh = 60.0\n"
    );
    Plan::new(&toml::from_str::<SensorSettings>(&text).unwrap()).unwrap()
}

fn open(fake: &Arc<Mutex<Fake>>) -> Result<DuplexStream, DeviceError> {
    if fake.lock().unwrap().unplugged {
        return Err(DeviceError::PortMissing { port: "/dev/ttyTest".to_owned() });
    }
    let (ours, theirs) = duplex(4096);
    tokio::spawn(serve(Arc::clone(fake), theirs));
    Ok(ours)
}

async fn serve(fake: Arc<Mutex<Fake>>, mut io: DuplexStream) {
    let mut line = Vec::new();
    loop {
        let byte = tokio::select! {
            byte = io.read_u8() => match byte {
                Ok(byte) => Some(byte),
                Err(_) => return,
            },
            () = sleep(Duration::from_millis(100)) => None,
        };
        let answer = {
            let mut fake = fake.lock().unwrap();
            if fake.unplugged {
                return;
            }
            match byte {
                Some(b'\r') => fake.answer(&String::from_utf8(std::mem::take(&mut line)).unwrap()),
                Some(byte) => {
                    line.push(byte);
                    String::new()
                }
                None => std::mem::take(&mut fake.print),
            }
        };
        if io.write_all(answer.replace('¶', "\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn finds_sets_and_polls_on_the_grid() {
    let mut bench = Bench::new("report_on_change = { every = '5m', by = 2.0 }");
    let found = Event::SensorFound {
        device_id: "fridge-1".parse().unwrap(),
        imei: IMEI.to_owned(),
        model: "PS-NB,v1.1.2".to_owned(),
    };
    assert_eq!(bench.event().await, found);
    for _ in 0..4 {
        let reading = bench.reading().await;
        assert_eq!(reading.value.unwrap().get(), 3.6);
        assert_eq!((reading.raw_ma.unwrap().get(), reading.battery.unwrap().get()), (10.976, 3.572));
        assert_eq!(reading.trigger, Trigger::Poll);
    }
    assert_eq!(bench.start.elapsed().as_secs(), 120);
    assert_eq!(*bench.state.borrow(), SensorState::Ready);
    let settings = bench.fake.lock().unwrap().settings.clone().map(|(_, value)| value);
    assert_eq!(settings, ["6000", "1200", "1,300,320,0"]);
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
    assert_eq!(*bench.state.borrow(), SensorState::WaitingForPort);
    bench.set(|fake| fake.unplugged = false);
    assert!(matches!(bench.event().await, Event::SensorFound { .. }));
    assert_eq!(bench.temperature().await, 3.6);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_pin_is_tried_again_slowly_and_never_given_up() {
    let mut bench = Bench::new("");
    bench.set(|fake| fake.pin = "111111");
    for _ in 0..10 {
        assert_eq!(bench.fault().await, (SensorFault::WrongPin, None));
    }
    assert_eq!(*bench.state.borrow(), SensorState::WrongPin);
    bench.set(|fake| fake.pin = PIN);
    while let Body::Reading(reading) = bench.next().await {
        assert_eq!(reading.value, Err(SensorFault::WrongPin));
    }
    assert_eq!(bench.temperature().await, 3.6);
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_an_event_and_the_settings_are_applied_again() {
    let mut bench = Bench::settled("").await;
    bench.set(|fake| {
        fake.locked = true;
        fake.settings[0].1 = "500".to_owned();
        fake.print =
            "¶DRAGINO NB bootloader v1.3¶[616]reboot error:NRST!¶¶DRAGINO PS-NB NB-IoT Sensor Node¶".to_owned();
    });
    assert_eq!(bench.event().await, Event::SensorReset { device_id: "fridge-1".parse().unwrap() });
    assert_eq!(bench.temperature().await, 3.6);
    assert_eq!(bench.fake.lock().unwrap().settings[0].1, "6000");
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
    assert_eq!(*bench.state.borrow(), SensorState::WrongSensor { found: IMEI.to_owned() });
}

#[tokio::test(start_paused = true)]
async fn a_swapped_sensor_is_named_and_its_first_temperature_measured_twice() {
    let mut bench = Bench::settled("").await;
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
        assert_eq!(bench.temperature().await, 3.6);
    }
    assert!((599 * 60..600 * 60).contains(&bench.start.elapsed().as_secs()));
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
