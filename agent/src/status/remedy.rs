//! What to do about a reading without a temperature, for a person with a screwdriver. Pure.

use kitchen_contract::fault::SensorFault;

/// What to do.
pub fn remedy(fault: SensorFault) -> &'static str {
    match fault {
        SensorFault::LoopOpen => "check both wires of the transmitter, at its terminals and at the sensor's",
        SensorFault::TransmitterFailLow | SensorFault::TransmitterFailHigh => {
            "check the PT100 and its wires at the transmitter; if they are good, change the transmitter"
        }
        SensorFault::UndefinedLow | SensorFault::UndefinedHigh => {
            "measure the loop current; is the transmitter's range the one of the unit?"
        }
        SensorFault::StartUpCurrent => "make `warm_up` longer in the configuration and restart the agent",
        SensorFault::InputClipped => "look for a short circuit between the wires of the transmitter",
        SensorFault::NoPort => "plug the adapter in; list the ports: `ls -l /dev/serial/by-id`",
        SensorFault::NoAnswer => "check power and cable of the sensor, and that its switch SW1 is not at ISP",
        SensorFault::WrongPin => "set `pin` to what the label in the sensor's box says, and restart the agent",
        SensorFault::DamagedReply => {
            "check the cable: length, shield, and GND connected; once now and then is harmless"
        }
        SensorFault::WrongSensor => "plug in the right sensor, or set `imei` to the new one and restart the agent",
        SensorFault::ReversedPolarity => "swap the two wires of the transmitter",
        SensorFault::FrozenValue => "warm the probe with your hand: if nothing moves, change the transmitter",
        SensorFault::Unknown => "this program is older than the agent that runs: install the same version",
    }
}
