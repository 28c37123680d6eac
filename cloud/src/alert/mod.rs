//! Alerts: what people see of excursions. The engine is the contract's; here its transitions become items.

mod incident;

pub use incident::{Exceeded, Place, item, key, opened};
