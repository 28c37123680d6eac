//! Readings as the contract has them, made of what was measured or of why nothing was. Pure.

use kitchen_contract::fault::SensorFault;
use kitchen_contract::record::{Absence, Body, Reading, Trigger};

use super::plan::Plan;
use super::plausibility::Outcome;
use crate::at::measurement::Measurement;
use crate::humidity::humidity;
use crate::uncertainty::uncertainty;

/// A reading of a measurement. The sensor's print has no signal strength (device reference 6.5).
pub fn measured(plan: &Plan, measurement: &Measurement, (value, trigger): (Outcome, Trigger)) -> Body {
    Body::Reading(Reading {
        device_id: plan.device_id.clone(),
        value,
        uncertainty: value.ok().and_then(|celsius| uncertainty(&plan.scale.transmitter, celsius)),
        raw_ma: Some(measurement.current),
        battery: measurement.battery,
        signal: Err(Absence::NotReported),
        humidity: humidity(measurement.input, plan.humidity.as_ref()),
        trigger,
    })
}

/// A reading of a poll that brought nothing.
pub fn missing(plan: &Plan, fault: SensorFault) -> Body {
    let humidity = if plan.humidity.is_some() { Absence::NotReported } else { Absence::NotConfigured };
    Body::Reading(Reading {
        device_id: plan.device_id.clone(),
        value: Err(fault),
        uncertainty: None,
        raw_ma: None,
        battery: Err(Absence::NotReported),
        signal: Err(Absence::NotReported),
        humidity: Err(humidity),
        trigger: Trigger::Poll,
    })
}
