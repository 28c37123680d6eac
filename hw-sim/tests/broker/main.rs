//! With real servers: the path through Mosquitto, and both doors against `mosquitto_pub` and `mosquitto_sub`.
//!
//! Needs Debian's `mosquitto` and `mosquitto-clients`, so it is built with the feature `real-servers` only; CI installs
//! and runs it. Everything is on loopback.
#![allow(clippy::unwrap_used)] // a test may panic

mod doors;
#[path = "../it/evidence.rs"]
mod evidence;
#[path = "../it/kitchen.rs"]
mod kitchen;
mod mosquitto;
mod path;
