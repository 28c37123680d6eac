//! The REST API, `/smartkitchen/v1`: the customer's endpoints, fields and roles.
//!
//! A request passes, in this order: [`listener`] (connections), [`limits`] (headers, panics, time, size), [`routes`],
//! [`guard`] (token, user, role), a handler. Handlers see other customers' data never: every read takes a scope that the
//! guard made of the user's own customer. Errors have one envelope, [`problem`].

pub mod alerts;
pub mod cursor;
pub mod guard;
pub mod health;
pub mod kitchens;
pub mod limits;
pub mod listener;
pub mod login;
pub mod measured;
pub mod path;
pub mod permission;
pub mod problem;
pub mod query;
pub mod readings;
pub mod routes;
pub mod sensors;
pub mod serve;
pub mod state;
pub mod status;

pub mod throttle;
pub mod token;

pub use routes::router;
pub use state::{ApiState, Logins, Peers};

#[cfg(test)]
mod tests;
