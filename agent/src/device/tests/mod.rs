//! The session against scripted devices.

pub(crate) mod peer;

mod ask;
mod session;
