//! Every key of the store, built in one place. Pure.
//!
//! Ids hold no `#` and timestamps have one width, so parts cannot run into each other and sort keys sort by time.

use kitchen_contract::alarm::AlertType;
use kitchen_contract::id::{CustomerId, DeviceId, Epoch, GatewayId, KitchenId};
use kitchen_contract::time::Timestamp;

use super::item::{Key, Table};

/// The sort key of a thing itself.
pub const METADATA: &str = "METADATA";
/// Prefix of the sort keys of readings.
pub const READING: &str = "READING#";
/// Prefix of the sort keys of dated assignments.
pub const ASSIGNMENT: &str = "ASSIGNMENT#";

/// Comes after every sort key with the same prefix: `~` sorts behind everything that keys are made of.
pub const PREFIX_END: char = '~';

/// One record's identity in a sort key.
#[derive(Clone, Copy, Debug)]
pub struct RecordRef<'a> {
    /// When it happened.
    pub timestamp: Timestamp,
    /// Its epoch.
    pub epoch: &'a Epoch,
    /// Its place in the epoch.
    pub seq: u64,
}

/// A customer.
pub fn customer(id: &CustomerId) -> Key {
    Key::new(Table::Devices, format!("CUSTOMER#{id}"), METADATA)
}

/// A kitchen.
pub fn kitchen(id: &KitchenId) -> Key {
    Key::new(Table::Devices, format!("KITCHEN#{id}"), METADATA)
}

/// A measuring point.
pub fn device(id: &DeviceId) -> Key {
    Key::new(Table::Devices, device_partition(id), METADATA)
}

/// A gateway.
pub fn gateway(id: &GatewayId) -> Key {
    Key::new(Table::Devices, gateway_partition(id), METADATA)
}

/// Where a measuring point was from a moment on.
pub fn device_assignment(id: &DeviceId, from: Timestamp) -> Key {
    Key::new(Table::Devices, device_partition(id), format!("{ASSIGNMENT}{from}"))
}

/// Where a gateway was from a moment on.
pub fn gateway_assignment(id: &GatewayId, from: Timestamp) -> Key {
    Key::new(Table::Devices, gateway_partition(id), format!("{ASSIGNMENT}{from}"))
}

/// The alarm engine's memory of a measuring point.
pub fn alarm_state(id: &DeviceId) -> Key {
    Key::new(Table::Devices, device_partition(id), "ALARM")
}

/// The stored sequence ranges of one epoch, a block of them.
pub fn ledger(gateway: &GatewayId, epoch: &Epoch, block: u64) -> Key {
    Key::new(Table::Devices, gateway_partition(gateway), format!("EPOCH#{epoch}#{block:013}"))
}

/// A gateway's last birth or heartbeat.
pub fn status(gateway: &GatewayId) -> Key {
    Key::new(Table::Devices, gateway_partition(gateway), "STATUS")
}

/// A gateway's last will: what the door says for it when its connection dies.
pub fn last_will(gateway: &GatewayId) -> Key {
    Key::new(Table::Devices, gateway_partition(gateway), "LASTWILL")
}

/// A reading.
pub fn reading(device: &DeviceId, record: RecordRef<'_>) -> Key {
    let RecordRef { timestamp, epoch, seq } = record;
    Key::new(Table::Readings, device_partition(device), format!("{READING}{timestamp}#{epoch}#{seq:016}"))
}

/// A gap or event.
pub fn record(gateway: &GatewayId, record: RecordRef<'_>) -> Key {
    let RecordRef { timestamp, epoch, seq } = record;
    Key::new(Table::Readings, gateway_partition(gateway), format!("RECORD#{timestamp}#{epoch}#{seq:016}"))
}

/// A signed envelope as it came; its moment is that of receiving, its seq the first inside.
pub fn envelope(gateway: &GatewayId, received: RecordRef<'_>) -> Key {
    let RecordRef { timestamp, epoch, seq } = received;
    Key::new(Table::Readings, gateway_partition(gateway), format!("ENVELOPE#{timestamp}#{epoch}#{seq:016}"))
}

/// A place in a gateway's ring of what it signed but cannot be taken.
pub fn quarantine(gateway: &GatewayId, slot: u64) -> Key {
    Key::new(Table::Readings, gateway_partition(gateway), format!("QUARANTINE#SLOT#{slot:06}"))
}

/// How much has gone into that ring.
pub fn quarantine_ring(gateway: &GatewayId) -> Key {
    Key::new(Table::Devices, gateway_partition(gateway), "QUARANTINE")
}

/// A place in the ring of what nobody has signed.
pub fn unsigned(slot: u32) -> Key {
    Key::new(Table::Readings, "UNSIGNED", format!("SLOT#{slot:06}"))
}

/// An alert: the customer's `ALERT#{timestamp}`, and what keeps two of the same moment apart.
pub fn alert(kitchen: &KitchenId, since: Timestamp, device: &DeviceId, alert_type: AlertType) -> Key {
    let sort = format!("ALERT#{since}#{device}#{}", alert_type.as_str());
    Key::new(Table::Alerts, format!("KITCHEN#{kitchen}"), sort)
}

/// Index: the kitchens of a customer.
pub fn kitchens_of(customer: &CustomerId) -> String {
    format!("CUSTOMER#{customer}#KITCHENS")
}

/// Index: all kitchens.
pub const ALL_KITCHENS: &str = "KITCHENS";
/// Index: all gateways.
pub const ALL_GATEWAYS: &str = "GATEWAYS";
/// Index: all customers.
pub const ALL_CUSTOMERS: &str = "CUSTOMERS";

/// Index: the gateways of a customer.
pub fn gateways_of(customer: &CustomerId) -> String {
    format!("CUSTOMER#{customer}#GATEWAYS")
}

/// Index: the sensors of a kitchen.
pub fn devices_of(kitchen: &KitchenId) -> String {
    format!("KITCHEN#{kitchen}#DEVICES")
}

/// Index: the active alerts of a customer.
pub fn active_alerts_of(customer: &CustomerId) -> String {
    format!("CUSTOMER#{customer}#ACTIVE")
}

/// Index: an alert by its id.
pub fn alert_by_id(id: &str) -> String {
    format!("ALERT#{id}")
}

/// Index: what was received on the day of a moment (UTC).
pub fn received_on(moment: Timestamp) -> String {
    format!("RECEIVED#{}", &moment.to_string()[..10])
}

fn device_partition(id: &DeviceId) -> String {
    format!("DEVICE#{id}")
}

fn gateway_partition(id: &GatewayId) -> String {
    format!("GATEWAY#{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_customers() {
        let device: DeviceId = "sensor-001".parse().unwrap();
        let epoch: Epoch = "cnew".parse().unwrap();
        let timestamp: Timestamp = "2026-01-11T10:30:00.000Z".parse().unwrap();
        let reading = reading(&device, RecordRef { timestamp, epoch: &epoch, seq: 42 });
        assert_eq!(reading.partition, "DEVICE#sensor-001");
        assert_eq!(reading.sort, "READING#2026-01-11T10:30:00.000Z#cnew#0000000000000042");
        let alert = alert(&"kitchen-001".parse().unwrap(), timestamp, &device, AlertType::HighTemp);
        assert_eq!(alert.partition, "KITCHEN#kitchen-001");
        assert_eq!(alert.sort, "ALERT#2026-01-11T10:30:00.000Z#sensor-001#HIGH_TEMP");
        assert_eq!(received_on(timestamp), "RECEIVED#2026-01-11");
    }
}
