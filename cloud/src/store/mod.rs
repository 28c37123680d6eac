//! The store: items under a partition and a sort key, in the customer's three tables.
//!
//! Step 7 of a reading's path. One key design for two engines: SQLite now, DynamoDB later. What is not here: meaning.
//! `keys` builds every key, the registry and ingest decide what stands behind them.
//!
//! | table | PK | SK | what | index 1 | index 2 |
//! |---|---|---|---|---|---|
//! | SensorReadings | `DEVICE#{device}` | `READING#{timestamp}#{epoch}#{seq}` | reading | | `RECEIVED#{day}` |
//! | SensorReadings | `GATEWAY#{gateway}` | `RECORD#{timestamp}#{epoch}#{seq}` | gap, event | | `RECEIVED#{day}` |
//! | SensorReadings | `GATEWAY#{gateway}` | `ENVELOPE#{receivedAt}#{epoch}#{from}` | signed envelope as it came | | `RECEIVED#{day}` |
//! | SensorReadings | `GATEWAY#{gateway}` | `QUARANTINE#SLOT#{slot}` | signed, but not to be taken: a ring | | `RECEIVED#{day}` |
//! | SensorReadings | `UNSIGNED` | `SLOT#{slot}` | nobody's: a ring of the latest | | |
//! | Devices | `CUSTOMER#{customer}` | `METADATA` | customer | `CUSTOMERS` | |
//! | Devices | `KITCHEN#{kitchen}` | `METADATA` | kitchen | `CUSTOMER#{customer}#KITCHENS` | `KITCHENS` |
//! | Devices | `DEVICE#{device}` | `METADATA` | measuring point | `KITCHEN#{kitchen}#DEVICES` | |
//! | Devices | `DEVICE#{device}` | `ASSIGNMENT#{from}` | where it was, dated | | |
//! | Devices | `DEVICE#{device}` | `ALARM` | the alarm engine's memory | | |
//! | Devices | `GATEWAY#{gateway}` | `METADATA` | gateway and its public keys | `CUSTOMER#{customer}#GATEWAYS` | `GATEWAYS` |
//! | Devices | `GATEWAY#{gateway}` | `ASSIGNMENT#{from}` | where it was, dated | | |
//! | Devices | `GATEWAY#{gateway}` | `EPOCH#{epoch}#{block}` | ledger: sequence ranges stored, and kept aside | | |
//! | Devices | `GATEWAY#{gateway}` | `QUARANTINE` | how much has gone into its ring | | |
//! | Devices | `GATEWAY#{gateway}` | `STATUS` | its last birth or heartbeat | | |
//! | Devices | `GATEWAY#{gateway}` | `LASTWILL` | its last will; it is lost if this came after | | |
//! | Alerts | `KITCHEN#{kitchen}` | `ALERT#{timestamp}#{device}#{type}` | alert | `CUSTOMER#{customer}#ACTIVE` while active | `ALERT#{id}` |
//!
//! | access pattern | how |
//! |---|---|
//! | latest reading, readings of a time range | PK and SK range, newest first |
//! | kitchens of a customer · of all | Devices index 1 · index 2 |
//! | sensors of a kitchen | Devices index 1 |
//! | gateways of a customer · of all | Devices index 1 · index 2 |
//! | active alerts of a customer | Alerts index 1, sparse |
//! | alert by id | Alerts index 2 |
//! | what was received on a day, for the archive | SensorReadings index 2 |

pub mod keys;

mod item;

mod batch;

mod engine;

mod sqlite;

pub use batch::Batch;
pub use engine::{Store, StoreError};
pub use item::{Index, Item, Key, Order, Page, Range, Table, Write};

#[cfg(test)]
mod tests;
