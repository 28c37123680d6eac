//! A device in virtual time, and a host that types at it.

use std::time::Duration;

use hw_sim::{Device, DeviceConfig, Profile};

/// One character at 9600 baud.
pub(crate) const CHARACTER: Duration = Duration::from_nanos(1_041_667);

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn config(seed: u64) -> DeviceConfig {
    let profile = Profile::load("nb-1.1").unwrap();
    DeviceConfig::new(profile, seed)
}

/// Device and host in virtual time.
pub(crate) struct Bench {
    pub(crate) device: Device,
    pub(crate) now: Duration,
}

impl Bench {
    pub(crate) fn powered(config: DeviceConfig) -> Self {
        Self { device: Device::new(config), now: Duration::ZERO }
    }

    /// Boot and first uplink are over, and the Bluetooth module is off.
    pub(crate) fn locked(config: DeviceConfig) -> Self {
        let mut bench = Self::powered(config);
        bench.pass(seconds(75));
        bench
    }

    pub(crate) fn unlocked(config: DeviceConfig) -> Self {
        let mut bench = Self::locked(config);
        let answer = bench.ask("604218");
        assert!(answer.ends_with("Password Correct\r\n"), "{answer}");
        bench
    }

    /// Lets time pass and returns what was said.
    pub(crate) fn pass(&mut self, time: Duration) -> String {
        self.now += time;
        self.device.advance(self.now);
        String::from_utf8(self.device.take_output(self.now)).unwrap()
    }

    /// Types a line; returns when its CR has arrived.
    pub(crate) fn type_line(&mut self, line: &str) -> String {
        let bytes = format!("{line}\r");
        self.device.feed(self.now, bytes.as_bytes());
        self.pass(CHARACTER * u32::try_from(bytes.len()).unwrap())
    }

    /// Types a line and waits ten seconds: longer than any command with 12VT up to 6000.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.type_line(line) + &self.pass(seconds(10))
    }

    pub(crate) fn set(&mut self, line: &str) {
        assert_eq!(self.ask(line), "\r\nOK\r\n\r\n", "{line}");
    }

    /// The current of a measurement, as printed.
    pub(crate) fn measure_ma(&mut self) -> f64 {
        current_ma(&self.ask("AT+GETSENSORVALUE=0")).unwrap()
    }
}

pub(crate) fn current_ma(output: &str) -> Option<f64> {
    output.split("IDC_Input:").nth(1)?.split(' ').next()?.parse().ok()
}
