//! Sensors that print measurements without a pause. Commands are answered by a simulated sensor; once the flood is on, lines
//! come between the dialogues as fast as the port takes them.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hw_sim::bench::Layout;
use hw_sim::{DeviceConfig, Profile, Simulation};
use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{self, SetArg};

/// Measurements written at once: what a port's buffer holds.
const BURST: u64 = 24;
/// The flood keeps still so long after a question: a dialogue of several commands is left in peace.
const QUIET: Duration = Duration::from_secs(12);
/// By how much the loop current moves, in uA: a quarter of a degree.
const SPREAD_UA: u64 = 40;

/// What the threads are told, and what they tell.
#[derive(Debug, Default)]
struct Shared {
    floods: AtomicBool,
    ends: AtomicBool,
    /// Measurements, those of the simulation included.
    printed: AtomicU64,
    /// Sensors that have begun.
    flooding: AtomicU64,
}

/// One sensor for every port.
pub(super) struct Generators {
    ports: Vec<(File, String)>,
    shared: Arc<Shared>,
    threads: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

impl Generators {
    pub(super) fn new(count: u64) -> anyhow::Result<Self> {
        let ports = (0..count).map(|_| open()).collect::<anyhow::Result<_>>()?;
        Ok(Self { ports, shared: Arc::default(), threads: std::sync::Mutex::default() })
    }

    /// Puts them where the agent looks for its sensors.
    pub(super) fn plug_in(&self, layout: &Layout) -> anyhow::Result<()> {
        let mut threads = self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (number, (master, slave)) in self.ports.iter().enumerate() {
            std::os::unix::fs::symlink(slave, layout.port_link(number))?;
            let simulation = Simulation::new(DeviceConfig::new(Profile::load("nb-1.1")?, number as u64 + 1));
            let (master, shared) = (master.try_clone()?, self.shared.clone());
            threads.push(thread::spawn(move || Sensor::new(master, simulation, shared).run()));
        }
        Ok(())
    }

    pub(super) fn flood(&self) {
        self.shared.floods.store(true, Ordering::Relaxed);
    }

    /// Whether every sensor is in flood.
    pub(super) fn are_flooding(&self) -> bool {
        self.shared.flooding.load(Ordering::Relaxed) == self.ports.len() as u64
    }

    /// No more; how many measurements were printed in all.
    pub(super) fn stop(&self) -> u64 {
        self.shared.floods.store(false, Ordering::Relaxed);
        // A burst that is being written is finished.
        thread::sleep(Duration::from_secs(1));
        self.shared.printed.load(Ordering::Relaxed)
    }
}

impl Drop for Generators {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        let threads = self.threads.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// A port in raw mode that nobody echoes, and the path of its other end.
fn open() -> anyhow::Result<(File, String)> {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = ptsname_r(&master)?;
    let open = File::options().read(true).write(true).open(Path::new(&slave))?;
    let mut settings = termios::tcgetattr(&open)?;
    termios::cfmakeraw(&mut settings);
    termios::tcsetattr(&open, SetArg::TCSANOW, &settings)?;
    Ok((File::from(OwnedFd::from(master)), slave))
}

struct Sensor {
    master: File,
    simulation: Simulation,
    shared: Arc<Shared>,
    began: Instant,
    /// When something was last asked.
    asked_at: Duration,
    /// What the transmitter draws, as last printed by the simulation, in uA.
    current_ua: u64,
    /// What the simulation has printed of a line so far.
    line: String,
    printed: u64,
}

impl Sensor {
    fn new(master: File, simulation: Simulation, shared: Arc<Shared>) -> Self {
        Self {
            master,
            simulation,
            shared,
            began: Instant::now(),
            asked_at: Duration::ZERO,
            current_ua: 0,
            line: String::new(),
            printed: 0,
        }
    }

    fn run(mut self) {
        let mut heard = [0; 256];
        while !self.shared.ends.load(Ordering::Relaxed) {
            let now = self.began.elapsed();
            if let Ok(read @ 1..) = self.master.read(&mut heard) {
                self.simulation.feed(now, &heard[..read]);
                self.asked_at = now;
            }
            if self.line.is_empty() && now > self.asked_at + QUIET && self.shared.floods.load(Ordering::Relaxed) {
                self.burst(now);
                continue;
            }
            self.simulation.advance(now);
            let answer = self.simulation.take_output(now);
            if answer.is_empty() {
                thread::sleep(Duration::from_millis(1));
                continue;
            }
            self.note(&answer);
            self.write(&answer);
        }
    }

    /// A block of six lines for each measurement, as the device prints it.
    fn burst(&mut self, now: Duration) {
        if self.printed == 0 {
            self.shared.flooding.fetch_add(1, Ordering::Relaxed);
        }
        let (counter, mut text) = (now.as_millis(), String::new());
        for _ in 0..BURST {
            let current_ua = self.current_ua + self.printed % SPREAD_UA;
            self.printed += 1;
            let lines = [
                "BAT:3.572 V".to_owned(),
                "IN1:0".to_owned(),
                "IN2:0".to_owned(),
                "GPIO_EXTI:0".to_owned(),
                format!("IDC_Input:{}.{:03} mA", current_ua / 1000, current_ua % 1000),
                "VDC_Input:0.000 V".to_owned(),
            ];
            lines.iter().for_each(|line| text.push_str(&format!("[{counter}]{line}\r\n")));
        }
        self.write(text.as_bytes());
        self.shared.printed.fetch_add(BURST, Ordering::Relaxed);
    }

    /// What the simulation measures is where the flood goes on: a jump would be measured again.
    fn note(&mut self, answer: &[u8]) {
        self.line.push_str(&String::from_utf8_lossy(answer));
        while let Some((line, rest)) = self.line.split_once('\n') {
            if let Some((_, value)) = line.split_once("IDC_Input:") {
                let digits: String = value.chars().filter(char::is_ascii_digit).collect();
                self.current_ua = digits.parse().unwrap_or(self.current_ua);
                self.shared.printed.fetch_add(1, Ordering::Relaxed);
            }
            self.line = rest.to_owned();
        }
    }

    /// Waits until the port takes it.
    fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.shared.ends.load(Ordering::Relaxed) {
            match self.master.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_micros(200)),
                Err(_) => return,
            }
        }
    }
}
