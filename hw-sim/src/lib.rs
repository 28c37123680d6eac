//! A PS-NB-GE sensor, faithful to the byte, on a virtual serial port.
//!
//! The files in the order of a reading: `physics` makes a temperature into what the converter reads, `device` is the
//! firmware that measures, prints and answers, `line` is what can go wrong on the wires, `simulation` is both on one clock
//! (all pure, in virtual time), `pty` is the serial port a client opens, `sensor` lets a simulation live on it in real
//! time, `control` is what it can be told meanwhile, `cli` is the program. `profile` and `imei` are what a device is made
//! from. `transcript` reads the golden dialogues; it knows nothing of the device.

mod imei;
mod profile;

pub mod physics;

mod device;

mod line;
mod simulation;

mod pty;
mod serial;

mod live;
mod memory_file;
mod obey;
mod sensor;

pub mod control;

mod cli;

mod record;
mod replay;
pub mod transcript;

#[cfg(feature = "bench")]
pub mod bench;

pub use cli::main;
pub use device::{BatteryDecimals, HexLayout, JsonDialect, JsonHistory, JsonKeys, JsonTime};
pub use device::{Device, DeviceConfig, Entry, Flash, FlashError, Network, NetworkError, Press};
pub use imei::{Imei, ImeiError};
pub use line::{Channel, Direction, EchoMode, JunkKind, LineFault, LineFaultKind};
pub use memory_file::MemoryError;
pub use profile::*;
pub use pty::PortError;
pub use sensor::{Controller, SensorConfig, SensorError, SensorEvent, SimulatedSensor};
pub use simulation::{Executed, Simulation};
