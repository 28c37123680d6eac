//! For tests: one sensor's task, and the small device it talks to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kitchen_contract::fault::SensorFault;
use kitchen_contract::record::{Body, Event, Reading};
use kitchen_contract::time::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::at::command::Value;
use crate::at::identity::Imei;
use crate::clock::shared::SharedClock;
use crate::device::directory::Source;
use crate::device::error::DeviceError;
use crate::device::pace::Pace;
use crate::device::tests::peer::{BLOCK, PIN};
use crate::history_mark::HistoryMark;
use crate::observation::Observation;
use crate::sampler::plan::Plan;
use crate::sampler::punctuality::Punctuality;
use crate::sampler::state::SensorShown;
use crate::sampler::task::{Outlets, RecorderGone, run};
use crate::settings::SensorSettings;
use crate::speed::Speed;

pub(super) const IMEI: &str = "861234509876543";
pub(super) const BOOT: &str = "¶DRAGINO NB bootloader v1.3¶[616]reboot error:NRST!¶¶DRAGINO PS-NB NB-IoT Sensor Node¶";
/// Until when earlier runs have all of [`IMEI`].
pub(super) const RECORDED_UNTIL: &str = "2026-12-01T08:00:00.000Z";
pub(super) const OTHER_IMEI: &str = "861234509876550";

/// A device that does what the reference says, as far as the task can tell.
pub(super) struct Fake {
    pub(super) imei: &'static str,
    pub(super) pin: &'static str,
    pub(super) locked: bool,
    pub(super) silent: bool,
    pub(super) unplugged: bool,
    /// Printed before the next measurement, after which it falls silent.
    pub(super) preface: String,
    /// Starts again instead of measuring.
    pub(super) resetting: bool,
    /// Printed as soon as possible.
    pub(super) print: String,
    /// What the next measurements read, in mA; the last one stays.
    pub(super) currents: VecDeque<&'static str>,
    pub(super) settings: [(&'static str, String); 4],
    /// What its clock said, and when; and the rows of its history.
    pub(super) clock: (Timestamp, Instant),
    pub(super) history: Vec<&'static str>,
    /// Lines that its firmware does not know.
    pub(super) unknown: &'static str,
    pub(super) asked: Vec<String>,
    pub(super) measured: u32,
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
        self.asked.push(line.to_owned());
        match line {
            _ if line.contains(self.unknown) => "ERROR¶".to_owned(),
            "AT+CDP=0" => "OK¶¶".into(),
            "AT+CDP" => format!("{}¶OK¶¶", self.history.iter().map(|row| format!("{row}¶")).collect::<String>()),
            "AT+TIMESTAMP=?" => {
                let now = self.clock.0.saturating_add_ms(self.clock.1.elapsed().as_millis() as i64).to_string();
                format!("{} {}¶¶OK¶¶", &now[..10], &now[10..19])
            }
            "AT" => "¶OK¶¶".to_owned(),
            "AT+MODEL=?" => "PS-NB,v1.1.2¶¶OK¶¶".to_owned(),
            "AT+DEUI=?" => format!("{}¶¶OK¶¶", self.imei),
            "AT+GETSENSORVALUE=0" if self.resetting => {
                self.locked = true;
                BOOT.to_owned()
            }
            "AT+GETSENSORVALUE=0" => {
                self.silent = !self.preface.is_empty();
                format!("{}{}¶OK¶¶", std::mem::take(&mut self.preface), self.block())
            }
            _ => self.setting(line.strip_prefix("AT+").unwrap()),
        }
    }

    fn setting(&mut self, line: &str) -> String {
        let (name, value) = line.split_once('=').unwrap();
        if name == "TIMESTAMP" {
            let seconds: i64 = value.parse().unwrap();
            self.clock = (Timestamp::from_unix_ms(seconds * 1000).unwrap(), Instant::now());
            return "¶OK¶¶".to_owned();
        }
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
pub(super) struct Bench {
    pub(super) fake: Arc<Mutex<Fake>>,
    pub(super) observations: mpsc::Receiver<Observation>,
    pub(super) shown: watch::Receiver<SensorShown>,
    pub(super) punctuality: watch::Receiver<Punctuality>,
    pub(super) shutdown: CancellationToken,
    pub(super) task: JoinHandle<Result<(), RecorderGone>>,
    pub(super) start: Instant,
    pub(super) clock: SharedClock,
}

impl Bench {
    pub(super) fn new(extra: &str) -> Self {
        let fake = Arc::new(Mutex::new(Fake {
            imei: IMEI,
            pin: PIN,
            locked: true,
            silent: false,
            unplugged: false,
            preface: String::new(),
            resetting: false,
            print: String::new(),
            currents: VecDeque::from(["10.976"]),
            settings: [
                ("12VT", "500".into()),
                ("TDC", "7200".into()),
                ("ROC", "0,0,0,0".into()),
                ("CLOCKLOG", "1,65535,15,8".into()),
            ],
            clock: (Timestamp::from_unix_ms(0).unwrap(), Instant::now()),
            history: Vec::new(),
            unknown: "nothing",
            asked: Vec::new(),
            measured: 0,
        }));
        let (observed, observations) = mpsc::channel(64);
        let (showing, shown) = watch::channel(SensorShown::new());
        let (shutdown, start) = (CancellationToken::new(), Instant::now());
        let (counted, punctuality) = watch::channel(Punctuality::default());
        let pace = Pace::new(Speed::REAL);
        let clock = SharedClock::new(start);
        let plan = plan(extra);
        let (imei, until) = (Imei::parse(IMEI).unwrap(), Some(RECORDED_UNTIL.parse().unwrap()));
        let marks = vec![HistoryMark { imei, device_id: plan.device_id.clone(), until }];
        let outlets = Outlets {
            observations: observed,
            shown: showing,
            punctuality: counted,
            start,
            pace,
            clock: clock.clone(),
            marks,
        };
        let device = Arc::clone(&fake);
        let task = tokio::spawn(run(Line(device), plan, outlets, shutdown.clone()));
        Self { fake, observations, shown, punctuality, shutdown, task, start, clock }
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Fake)) {
        change(&mut self.fake.lock().unwrap());
    }

    pub(super) async fn next(&mut self) -> Body {
        tokio::time::timeout(Duration::from_secs(600), self.observations.recv()).await.unwrap().unwrap().body
    }

    pub(super) async fn reading(&mut self) -> Reading {
        match self.next().await {
            Body::Reading(reading) => reading,
            other => panic!("expected a reading, not {other:?}"),
        }
    }

    pub(super) async fn event(&mut self) -> Event {
        match self.next().await {
            Body::Event(event) => event,
            other => panic!("expected an event, not {other:?}"),
        }
    }

    /// Skips the beginning: found, and the first temperature measured twice.
    pub(super) async fn settled(extra: &str) -> Self {
        let mut bench = Self::new(extra);
        assert!(matches!(bench.event().await, Event::SensorFound { .. }));
        for _ in 0..2 {
            assert_eq!(bench.temperature().await, 3.6);
        }
        bench
    }

    pub(super) async fn temperature(&mut self) -> f64 {
        self.reading().await.value.unwrap().get()
    }

    pub(super) async fn fault(&mut self) -> (SensorFault, Option<f64>) {
        let reading = self.reading().await;
        (reading.value.unwrap_err(), reading.raw_ma.map(|current| current.get()))
    }
}

pub(crate) fn plan(extra: &str) -> Plan {
    let text = format!(
        "device_id = 'fridge-1'\nport = '/dev/ttyTest'\npin = '{PIN}'\ninterval = '60s'\nreport_interval = '20m'\n\
         warm_up = '6s'\n{extra}\n[transmitter]\nlow = -40.0\nhigh = 60.0\n"
    );
    Plan::new(&toml::from_str::<SensorSettings>(&text).unwrap()).unwrap()
}

/// The one port of a device.
pub(super) struct Line(pub(super) Arc<Mutex<Fake>>);

impl Source for Line {
    type Io = DuplexStream;

    fn open(&mut self) -> Result<(DuplexStream, String), DeviceError> {
        let port = "/dev/ttyTest".to_owned();
        if self.0.lock().unwrap().unplugged {
            return Err(DeviceError::PortMissing { port });
        }
        let (ours, theirs) = duplex(4096);
        tokio::spawn(serve(Arc::clone(&self.0), theirs));
        Ok((ours, port))
    }

    fn elsewhere(&mut self, _: &DeviceError, _: bool) -> Option<DeviceError> {
        None
    }
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
