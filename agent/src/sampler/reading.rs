//! Readings as the contract has them, made of what was measured or of why nothing was. Pure.

use kitchen_contract::fault::SensorFault;
use kitchen_contract::id::DeviceId;
use kitchen_contract::record::{Absence, Body, Reading, Trigger};

use super::plausibility::Outcome;
use crate::at::measurement::Measurement;

/// A reading of a measurement. The sensor's print has no signal strength (device reference 6.5), and no humidity is made
/// of its voltage input.
pub fn measured(device_id: &DeviceId, measurement: &Measurement, (value, trigger): (Outcome, Trigger)) -> Body {
    Body::Reading(Reading {
        device_id: device_id.clone(),
        value,
        raw_ma: Some(measurement.current),
        battery: measurement.battery,
        signal: Err(Absence::NotReported),
        humidity: Err(Absence::NotConfigured),
        trigger,
    })
}

/// A reading of a poll that brought nothing.
pub fn missing(device_id: &DeviceId, fault: SensorFault) -> Body {
    Body::Reading(Reading {
        device_id: device_id.clone(),
        value: Err(fault),
        raw_ma: None,
        battery: Err(Absence::NotReported),
        signal: Err(Absence::NotReported),
        humidity: Err(Absence::NotConfigured),
        trigger: Trigger::Poll,
    })
}
