//! What people read: sensors, readings, alerts. Every question takes a scoped id or a viewer.

use kitchen_contract::id::{DeviceId, KitchenId};
use kitchen_contract::record::Record;
use kitchen_contract::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::scope::{LIST_MAX, Registry, Scoped, Viewer};
use super::things::{Alert, Device, thing};
use crate::ingest::{AHEAD_MAX_MS, Judged};
use crate::store::{Index, Item, Order, Page, Range, StoreError, Table, keys};

/// A reading as stored: the record as the gateway signed it, and what became of it here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredReading {
    /// The record.
    pub record: Record,
    /// Its epoch; with gateway and sequence number its identity.
    pub epoch: kitchen_contract::id::Epoch,
    /// The gateway that signed it.
    pub gateway_id: kitchen_contract::id::GatewayId,
    /// The kitchen as the gateway stamped it.
    pub kitchen_id: KitchenId,
    /// Whose it was at the time.
    pub customer_id: kitchen_contract::id::CustomerId,
    /// What the alarm engine said.
    pub verdict: Judged,
    /// When the sink received it.
    pub received_at: Timestamp,
}

/// Which readings of a measuring point.
#[derive(Clone, Copy, Debug)]
pub struct ReadingQuery<'a> {
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Up to this moment, not included.
    pub to: Option<Timestamp>,
    /// Continue behind the page that gave this.
    pub cursor: Option<&'a str>,
    /// At most so many.
    pub limit: u32,
}

/// A page of readings, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadingPage {
    /// The readings.
    pub readings: Vec<StoredReading>,
    /// Gives the next page; absent on the last.
    pub next: Option<String>,
}

/// Rows read at once where the first few were not the viewer's.
const PAGE_MIN: u32 = 100;

impl Registry {
    /// The sensors of a kitchen that its viewer may see.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn sensors(&self, kitchen: &Scoped<KitchenId>) -> Result<Vec<(Scoped<DeviceId>, Device)>, StoreError> {
        let value = keys::devices_of(&kitchen.id);
        let items = self.store.query_index(Table::Devices, (Index::First, &value), LIST_MAX).await?;
        let mut sensors = Vec::with_capacity(items.len());
        for item in items {
            let device: Device = thing(item)?;
            if kitchen.viewer.sees(&device.customer_id) {
                sensors.push((Scoped { id: device.device_id.clone(), viewer: kitchen.viewer.clone() }, device));
            }
        }
        Ok(sensors)
    }

    /// The newest reading of a measuring point that the viewer may see. One whose time is still to come, from a gateway
    /// whose clock was wrong, is shown only where there is no other: it must not hide the truth until then.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn current(
        &self,
        device: &Scoped<DeviceId>,
        now: Timestamp,
    ) -> Result<Option<StoredReading>, StoreError> {
        let newest = async |to| {
            let query = ReadingQuery { from: None, to, cursor: None, limit: 1 };
            self.readings(device, query).await.map(|page| page.readings.into_iter().next())
        };
        match newest(Some(now.saturating_add_ms(AHEAD_MAX_MS))).await? {
            None => newest(None).await,
            found => Ok(found),
        }
    }

    /// Readings of a measuring point, newest first. What was another customer's at its time is not shown.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn readings(
        &self,
        device: &Scoped<DeviceId>,
        query: ReadingQuery<'_>,
    ) -> Result<ReadingPage, StoreError> {
        let partition = keys::device(&device.id).partition;
        let stays = self.device_assignments(&device.id).await?;
        let mine = stays.iter().filter(|stay| device.viewer.sees(&stay.customer_id)).map(|stay| stay.from).min();
        let mut range = reading_range(partition, ReadingQuery { from: query.from.max(mine), ..query });
        let mut page = Page(query.limit.saturating_add(1));
        let mut readings = Vec::new();
        loop {
            let items = self.store.query(&range, page).await?;
            let whole = items.len() == page.0 as usize;
            for item in items {
                range.to.clone_from(&item.key.sort);
                if readings.len() == query.limit as usize {
                    return Ok(next_page(readings));
                }
                readings.extend(seen(item, &device.viewer)?);
            }
            if !whole {
                return Ok(ReadingPage { readings, next: None });
            }
            // Many rows in a row were another customer's.
            page = Page(page.0.max(PAGE_MIN));
        }
    }

    /// The viewer's active alerts, oldest first within each kitchen.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn active_alerts(&self, viewer: &Viewer) -> Result<Vec<Alert>, StoreError> {
        let customers = match viewer {
            Viewer::Tenant(customer) => vec![customer.clone()],
            Viewer::Admin => self.customer_ids().await?,
        };
        let mut alerts = Vec::new();
        for customer in customers {
            let value = keys::active_alerts_of(&customer);
            let items = self.store.query_index(Table::Alerts, (Index::First, &value), LIST_MAX).await?;
            for item in items {
                alerts.push(thing(item)?);
            }
        }
        Ok(alerts)
    }
}

fn reading_range(partition: String, query: ReadingQuery<'_>) -> Range {
    let bound = |moment: Option<Timestamp>| moment.map(|moment| format!("{}{moment}", keys::READING));
    let to = bound(query.to).unwrap_or_else(|| format!("{}{}", keys::READING, keys::PREFIX_END));
    let to = query.cursor.map_or(to.clone(), |cursor| to.min(format!("{}{cursor}", keys::READING)));
    let from = bound(query.from).unwrap_or_else(|| keys::READING.to_owned());
    Range { table: Table::Readings, partition, from, to, order: Order::Falling }
}

fn next_page(readings: Vec<StoredReading>) -> ReadingPage {
    let next = readings.last().map(|last| {
        let StoredReading { record, epoch, .. } = last;
        format!("{}#{epoch}#{:016}", record.timestamp, record.seq)
    });
    ReadingPage { readings, next }
}

/// The reading, if the viewer may see it: a measuring point may have been another customer's before.
fn seen(item: Item, viewer: &Viewer) -> Result<Option<StoredReading>, StoreError> {
    let reading: StoredReading = thing(item)?;
    Ok(viewer.sees(&reading.customer_id).then_some(reading))
}
