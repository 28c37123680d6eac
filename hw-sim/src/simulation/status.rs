//! How sensor and line are.

use serde_json::{Value, json};

use super::world::Simulation;
use crate::control::{Fault, PasswordFault};
use crate::line::LineFaultKind;

impl Simulation {
    /// Everything one would ask for, as a JSON object.
    pub fn status(&mut self) -> Value {
        json!({
            "imei": self.device.imei().as_str(),
            "profile": self.device.profile().name,
            "locked": !self.device.is_unlocked(),
            "modem_awake": self.device.modem_is_awake(),
            "powered": self.has_power(),
            "silent": self.line.faults().any(|fault| fault.kind() == LineFaultKind::Stuck),
            "device_time_s": self.device.now().as_secs_f64(),
            "true_temperature_c": self.device.true_temperature(),
            "loop_ma": self.device.loop_ma(),
            "faults": self.faults().iter().map(Fault::to_string).collect::<Vec<_>>(),
            "scheduled": self.agenda.len(),
        })
    }

    /// Everything that is wrong.
    pub fn faults(&mut self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = self.line.faults().cloned().map(Fault::Line).collect();
        faults.extend(self.password.as_ref().map(|password| {
            let pin = password.pins.as_ref().map(|(pin, _)| pin.clone());
            Fault::Password(PasswordFault { pin, every: password.every })
        }));
        faults.extend(self.device.probe_faults().into_iter().map(Fault::Probe));
        faults
    }
}
