//! What can go wrong between the agent and a sensor, with what a technician can do about it.

use std::time::Duration;

use kitchen_contract::fault::SensorFault;
use miette::Diagnostic;

use crate::at::command::Command;

/// Why the device could not be asked, or what was wrong with its answer. No variant ever carries the PIN.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum DeviceError {
    /// There is nothing at the path.
    #[error("no serial port at `{port}`")]
    #[diagnostic(
        code(device::port_missing),
        help("is the adapter plugged in? list the ports: `ls -l /dev/serial/by-id`")
    )]
    PortMissing {
        /// As configured.
        port: String,
    },
    /// The sensor answers on none of the ports that are looked at.
    #[error("sensor {imei} was found on no port")]
    #[diagnostic(
        code(device::not_found),
        help("is its adapter plugged in, and its PIN the configured one? the agent goes on looking by itself")
    )]
    NotFound {
        /// The configured IMEI.
        imei: String,
    },
    /// Another program has it.
    #[error("another program holds `{port}`")]
    #[diagnostic(
        code(device::port_in_use),
        help("find it with `fuser {port}` and end it; the agent goes on by itself")
    )]
    PortInUse {
        /// As configured.
        port: String,
    },
    /// We may not open it.
    #[error("no permission to open `{port}`")]
    #[diagnostic(code(device::port_denied), help("add the agent's user to the group of the port, usually `dialout`"))]
    PortDenied {
        /// As configured.
        port: String,
    },
    /// It cannot be opened for another reason.
    #[error("cannot open `{port}`")]
    #[diagnostic(code(device::port_failed), help("is it a serial port? unplug the adapter and plug it in again"))]
    PortFailed {
        /// As configured.
        port: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The line is gone: end of file, or the system's error for a hung-up port.
    #[error("`{port}` was unplugged")]
    #[diagnostic(code(device::unplugged), help("plug the adapter in again; the agent goes on by itself"))]
    Unplugged {
        /// As configured.
        port: String,
        /// What the system said, if it said anything.
        source: Option<std::io::Error>,
    },
    /// The system does not take the bytes of a command.
    #[error("cannot write to `{port}` within {within:?}")]
    #[diagnostic(code(device::write_stuck), help("unplug the adapter and plug it in again"))]
    WriteStuck {
        /// As configured.
        port: String,
        /// How long it was tried.
        within: Duration,
    },
    /// Silence, or nothing that is an answer.
    #[error("no answer to `{command}` on `{port}` within {within:?}")]
    #[diagnostic(
        code(device::no_answer),
        help("check power, the cable's TX, RX and GND, and that the switch SW1 is not at ISP")
    )]
    NoAnswer {
        /// As configured.
        port: String,
        /// What was sent; `PIN` stands for the PIN.
        command: String,
        /// How long each attempt waited.
        within: Duration,
    },
    /// The console does not take the PIN.
    #[error("the sensor on `{port}` refuses the PIN")]
    #[diagnostic(code(device::wrong_pin), help("the PIN is on the label in the sensor's box; set `pin` or `pin_file`"))]
    WrongPin {
        /// As configured.
        port: String,
    },
    /// The console wants a PIN and none is configured.
    #[error("the sensor on `{port}` wants a PIN and none is configured")]
    #[diagnostic(code(device::no_pin), help("the PIN is on the label in the sensor's box; set `pin` or `pin_file`"))]
    NoPin {
        /// As configured.
        port: String,
    },
    /// The device started again, or locked long before its time; what was set in memory may be gone.
    #[error("the sensor on `{port}` has started again")]
    #[diagnostic(code(device::restarted), help("if it happens often, check the sensor's battery"))]
    Restarted {
        /// As configured.
        port: String,
    },
    /// An answer came, and it was not to the letter what the device prints.
    #[error("damaged answer to `{command}` on `{port}`")]
    #[diagnostic(code(device::damaged_reply), help("check the cable: length, shield, and GND connected"))]
    Damaged {
        /// As configured.
        port: String,
        /// What was sent.
        command: String,
    },
    /// The device answered with an error.
    #[error("the sensor on `{port}` refuses `{command}`")]
    #[diagnostic(code(device::refused), help("its firmware may be older than the setting; see `AT+MODEL=?`"))]
    Refused {
        /// As configured.
        port: String,
        /// What was sent.
        command: String,
    },
    /// The device does not know the command and has passed it on to its modem.
    #[error("the sensor on `{port}` does not know `{command}`")]
    #[diagnostic(code(device::not_known), help("its firmware is older than the command; see `AT+MODEL=?`"))]
    NotKnown {
        /// As configured.
        port: String,
        /// What was sent.
        command: String,
    },
    /// The device said `OK` and reads back something else.
    #[error("the sensor on `{port}` took `{command}` but reads back another value")]
    #[diagnostic(code(device::not_applied), help("restart the sensor with its button; the agent sets it again"))]
    NotApplied {
        /// As configured.
        port: String,
        /// What was sent.
        command: String,
    },
    /// Another sensor than the configured one. Nothing is set on it and nothing is measured.
    #[error("the sensor on `{port}` is {found}, not {expected}")]
    #[diagnostic(code(device::wrong_sensor), help("plug in the right sensor, or set `imei` to the new one"))]
    WrongSensor {
        /// As configured.
        port: String,
        /// The configured IMEI.
        expected: String,
        /// The IMEI that answered.
        found: String,
    },
}

impl DeviceError {
    /// What a reading is called that could not be taken because of this.
    pub const fn fault(&self) -> SensorFault {
        match self {
            Self::PortMissing { .. }
            | Self::NotFound { .. }
            | Self::PortInUse { .. }
            | Self::PortDenied { .. }
            | Self::PortFailed { .. }
            | Self::Unplugged { .. }
            | Self::WriteStuck { .. } => SensorFault::NoPort,
            Self::NoAnswer { .. } | Self::Restarted { .. } => SensorFault::NoAnswer,
            Self::WrongPin { .. } | Self::NoPin { .. } => SensorFault::WrongPin,
            Self::WrongSensor { .. } => SensorFault::WrongSensor,
            Self::Damaged { .. } | Self::Refused { .. } | Self::NotKnown { .. } | Self::NotApplied { .. } => {
                SensorFault::DamagedReply
            }
        }
    }

    /// Whether the sensor is there, as it answers to `AT`, but does not know that command.
    pub fn is_about(&self, asked: &Command) -> bool {
        match self {
            Self::NotKnown { command, .. } | Self::NoAnswer { command, .. } => *command == asked.to_string(),
            _ => false,
        }
    }

    /// Whether it stays until somebody comes: it is not the sensor that was meant, or its PIN is not ours.
    pub const fn needs_person(&self) -> bool {
        matches!(self, Self::WrongPin { .. } | Self::NoPin { .. } | Self::WrongSensor { .. })
    }

    /// Whether the port has to be opened again.
    pub const fn is_port(&self) -> bool {
        matches!(self.fault(), SensorFault::NoPort)
    }
}
