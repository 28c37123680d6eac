//! What is registered: customers, kitchens, gateways, measuring points, and who was where when.
//!
//! Tenant isolation is by type: a [`Scoped`] id can only be made by a look-up for a [`Viewer`], and everything a person may
//! read takes one. `things` are the items, `scope` the look-ups for people, `view` what people read, `enrol` writes what is
//! registered, `facts` is what ingest needs to know.

mod things;

mod scope;

mod view;

mod enrol;

mod facts;

pub use enrol::{EnrolError, Enrolment, GatewayEnrolment, KitchenEnrolment, SensorEnrolment};
pub use facts::{DeviceFacts, GatewayFacts};
pub use scope::{Registry, Scoped, Viewer};
pub use things::{Alert, Assignment, Customer, Device, Gateway, Kitchen, ThingStatus};
pub(crate) use things::{fields, thing};
pub use view::{ReadingPage, ReadingQuery, StoredReading};

#[cfg(test)]
mod tests;
