//! The payload for ThingSpeak, `AT+PRO=3,1` (device reference section 9.4).

use super::content::Payload;
use super::number::thousandths;

/// Writes the payload as form fields; neither identity, time nor history have a place in it.
pub(crate) fn text(payload: &Payload) -> String {
    let idc = thousandths(payload.idc_printed);
    let vdc = thousandths(payload.vdc_printed);
    let battery = thousandths(payload.battery_mv);
    let [interrupt, level] = [payload.inputs.exti_flag, payload.inputs.exti_level].map(u8::from);
    let csq = payload.csq;
    format!("field1={idc}&field2={vdc}&field3={battery}&field4={csq}&field5={interrupt}&field6={level}")
}
