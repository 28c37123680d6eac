//! Filling the cloud from a file: tenants, users, kitchens, gateways, sensors.
//!
//! A file is complete: whatever it refers to is in it. It is read and checked as a whole ([`read`](mod@read)), and only
//! then written ([`apply`](mod@apply)): people first, in one transaction, then places. Writing the same file again
//! changes nothing. Keys are those of the customer's tables.

pub mod apply;
pub mod error;
mod people;
mod places;
pub mod plan;
pub mod read;
mod values;

pub use error::SeedError;
pub use plan::SeedPlan;

#[cfg(test)]
mod tests;
