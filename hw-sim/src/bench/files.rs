//! The texts of the bench's configuration files.

use std::fmt::Write as _;
use std::path::Path;

use super::layout::{CUSTOMER, EMAIL, GATEWAY, KITCHEN, Plan, SensorPlan};

/// The PIN of the simulator's profile `nb-1.1`.
const PIN: &str = "604218";

/// The ports on 127.0.0.1 that one bench uses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) endpoint: u16,
    pub(super) api: u16,
    pub(super) metrics: u16,
}

/// The cloud's configuration; with an external broker it has no endpoint of its own.
pub(super) fn cloud_toml(ports: Ports, broker_port: Option<u16>) -> String {
    let Ports { endpoint, api, metrics } = ports;
    let door = match broker_port {
        None => format!("[endpoint]\nlisten = \"127.0.0.1:{endpoint}\"\n"),
        Some(port) => format!("[endpoint]\nenabled = false\n\n[broker]\nhost = \"localhost\"\nport = {port}\n"),
    };
    format!(
        "{door}\n[api]\nlisten = \"127.0.0.1:{api}\"\n\n[metrics]\nlisten = \"127.0.0.1:{metrics}\"\n\n\
         [log]\nformat = \"json\"\nlevel = \"info,kitchen_cloud=debug\"\n"
    )
}

/// The agent's configuration; serial ports appear in `dir`.
pub(super) fn agent_toml(plan: &Plan, dir: &Path, mqtt_port: u16) -> String {
    let mut text = format!(
        "[gateway]\nid = \"{GATEWAY}\"\nkitchen_id = \"{KITCHEN}\"\ndata_dir = \"agent-data\"\n\n\
         [mqtt]\nhost = \"localhost\"\nport = {mqtt_port}\nca = \"pki/ca.pem\"\n\
         certificate = \"pki/gateways/{GATEWAY}.pem\"\nkey = \"pki/gateways/{GATEWAY}.key\"\n\n\
         [log]\nformat = \"json\"\nlevel = \"debug\"\n"
    );
    for sensor in &plan.sensors {
        let port = dir.join(format!("tty-{}", sensor.device_id));
        let _writing_to_a_string = write!(
            text,
            "\n[[sensors]]\ndevice_id = \"{}\"\nport = \"{}\"\npin = \"{PIN}\"\ninterval = \"{}ms\"\n\
             report_interval = \"10m\"\nwarm_up = \"6s\"\ntransmitter = {{ low = -40, high = 60 }}\n\
             report_on_change = {{ every = \"5m\", by = 2.0 }}\n",
            sensor.device_id,
            port.display(),
            plan.interval.as_millis(),
        );
    }
    text
}

/// The tenant, its user, kitchen, gateway and sensors.
pub(super) fn seed_toml(plan: &Plan, password: &str) -> String {
    let mut text = format!(
        "[[tenants]]\nid = \"{CUSTOMER}\"\nname = \"Demo Restaurants\"\n\n\
         [[users]]\nid = \"user-demo\"\nemail = \"{EMAIL}\"\nname = \"Chef\"\nrole = \"owner\"\n\
         tenant = \"{CUSTOMER}\"\npassword = \"{password}\"\n\n\
         [[kitchens]]\nid = \"{KITCHEN}\"\ntenant = \"{CUSTOMER}\"\nname = \"Main Kitchen\"\n\n\
         [[gateways]]\nid = \"{GATEWAY}\"\nkitchen = \"{KITCHEN}\"\n"
    );
    for SensorPlan { device_id, location, limits: (min, max), .. } in &plan.sensors {
        let _writing_to_a_string = write!(
            text,
            "\n[[sensors]]\nid = \"{device_id}\"\nkitchen = \"{KITCHEN}\"\ngateway = \"{GATEWAY}\"\n\
             location = \"{location}\"\nprobeModel = \"PT100\"\n\
             alertThresholds = {{ min = {min:?}, max = {max:?} }}\ntransmissionInterval = {}\n",
            plan.interval.as_secs().max(1),
        );
    }
    text
}
