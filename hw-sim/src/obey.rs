//! What is told to a running sensor, done: the adapter's part here, everything else by the simulation.

use std::path::PathBuf;

use serde_json::Value;

use crate::control::{Command, CommandError, Fault};
use crate::live::LiveDevice;
use crate::sensor::SensorEvent;

impl LiveDevice {
    /// Carries out one control line. Answer and refusal are one line of text.
    pub(crate) fn obey(&mut self, line: &str) -> Result<String, String> {
        let command = line.parse().map_err(|error: CommandError| error.to_string())?;
        self.carry_out(&command)
    }

    /// Carries out one command now.
    pub(crate) fn carry_out(&mut self, command: &Command) -> Result<String, String> {
        let outcome = self.simulation.run(self.now(), command);
        self.complete(command, outcome)
    }

    /// What the simulation has done by itself since the last time is told, and what it could not do is done.
    pub(crate) fn follow_the_scenario(&mut self) {
        for executed in self.simulation.take_executed() {
            let answer = self.complete(&executed.command, executed.outcome);
            self.tell(SensorEvent::Commanded { line: executed.command.to_string(), answer });
        }
    }

    /// The simulation has no adapter, and its status does not know of one.
    fn complete(&mut self, command: &Command, outcome: Result<String, CommandError>) -> Result<String, String> {
        match (command, outcome) {
            (Command::Unplug | Command::Fault { fault: Fault::Unplug, .. }, _) => self.unplug(),
            (Command::Replug(link) | Command::Fault { fault: Fault::Replug(link), .. }, _) => {
                self.plug(link.clone())?
            }
            (Command::Status, Ok(_)) => return Ok(self.status()),
            (_, outcome) => return outcome.map_err(|error| error.to_string()),
        }
        Ok(String::new())
    }

    fn plug(&mut self, link: Option<PathBuf>) -> Result<(), String> {
        // An error's first paragraph says what is wrong; the hint does not fit into one line.
        self.replug(link).map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
    }

    fn status(&mut self) -> String {
        let mut status = self.simulation.status();
        status["plugged"] = Value::from(self.port.is_some());
        status["link"] = Value::from(self.link.display().to_string());
        status.to_string()
    }
}
