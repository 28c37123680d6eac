//! Every row of the fault matrix that a sensor can show, as its host sees it: in memory, in virtual time. The tests are
//! named after the rows.

mod chance;
mod port;
mod reply;
mod session;
mod value;

use std::time::Duration;

use hw_sim::Simulation;
use hw_sim::control::{Command, CommandError};

use crate::support::{CHARACTER, config, seconds};

/// What `AT` is answered.
const OK: &str = "\r\nOK\r\n\r\n";
/// A question with a short answer of several lines.
const QUESTION: &str = "AT+TDC=?";
/// Its answer.
const ANSWER: &str = "7200\r\n\r\nOK\r\n\r\n";
/// Longer than any command here but a measurement.
const PATIENCE: Duration = Duration::from_secs(3);

/// A sensor, the line to it and a host that types.
struct Rig {
    simulation: Simulation,
    now: Duration,
}

impl Rig {
    /// Boot and first uplink are over, the console is open.
    fn new(seed: u64) -> Self {
        let mut rig = Self { simulation: Simulation::new(config(seed)), now: Duration::ZERO };
        rig.pass(seconds(75));
        rig.log_in("604218");
        rig
    }

    fn try_to_tell(&mut self, command: &str) -> Result<String, CommandError> {
        let command: Command = command.parse()?;
        self.simulation.run(self.now, &command)
    }

    fn tell(&mut self, command: &str) {
        assert_eq!(self.try_to_tell(command), Ok(String::new()), "{command}");
    }

    /// Lets time pass and returns what came.
    fn pass(&mut self, time: Duration) -> Vec<u8> {
        self.now += time;
        self.simulation.advance(self.now);
        self.simulation.take_output(self.now)
    }

    /// Lets time pass from one thing that happens to the next, and returns each byte with its time.
    fn watch(&mut self, time: Duration) -> Vec<(Duration, u8)> {
        let end = self.now + time;
        let mut seen = Vec::new();
        while let Some(at) = self.simulation.next_wakeup().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            seen.extend(self.pass(Duration::ZERO).into_iter().map(|byte| (self.now, byte)));
        }
        let rest = end - self.now;
        seen.extend(self.pass(rest).into_iter().map(|byte| (end, byte)));
        seen
    }

    /// Types without an end of line; returns when the last byte is at the sensor.
    fn type_text(&mut self, text: &str) -> Vec<u8> {
        self.simulation.feed(self.now, text.as_bytes());
        self.pass(CHARACTER * u32::try_from(text.len()).unwrap())
    }

    fn ask_bytes(&mut self, line: &str) -> Vec<u8> {
        let mut came = self.type_text(&format!("{line}\r"));
        came.extend(self.pass(PATIENCE));
        came
    }

    fn ask(&mut self, line: &str) -> String {
        String::from_utf8_lossy(&self.ask_bytes(line)).into_owned()
    }

    fn set(&mut self, line: &str) {
        assert_eq!(self.ask(line), OK, "{line}");
    }

    /// Asks for a measurement: what is printed, with its names and units.
    fn measure(&mut self) -> String {
        let mut came = self.ask("AT+GETSENSORVALUE=0");
        came += &String::from_utf8_lossy(&self.pass(seconds(10)));
        came
    }

    fn log_in(&mut self, pin: &str) {
        let answer = self.ask(pin);
        assert!(answer.ends_with("Password Correct\r\n"), "{answer:?}");
    }

    /// The login's time begins again.
    fn log_in_again(&mut self) {
        self.tell("fault password");
        self.log_in("604218");
    }

    /// All that is wrong is over: as soon as what was under way is out, and the sensor has booted if it had to, `AT` is
    /// answered as ever.
    fn recovers(&mut self) {
        self.tell("clear");
        self.pass(seconds(75));
        // What was left of a line in the sensor's buffer ends here.
        self.ask("");
        if !self.simulation.device().is_unlocked() {
            self.log_in("604218");
        }
        assert_eq!(self.ask("AT"), OK);
        assert_eq!(self.ask(QUESTION), ANSWER);
        self.log_in_again();
    }
}

/// What `fault NAME` is refused with.
fn refused(fault: &str) -> String {
    format!("fault {fault}").parse::<Command>().unwrap_err().to_string()
}
