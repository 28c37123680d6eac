//! Integration tests of the simulator (golden transcripts and rules in virtual time, the port in real time), end to end with
//! every program as a process of its own, and the architecture's rules.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

#[cfg(feature = "bench")]
mod certificates;
mod console;
mod console_rules;
mod control;
mod dialogue;
#[cfg(feature = "bench")]
mod end_to_end;
#[cfg(feature = "bench")]
mod evidence;
#[cfg(feature = "bench")]
mod exchange;
mod faults;
#[cfg(feature = "bench")]
mod kitchen;
mod more_quirks;
#[cfg(feature = "bench")]
mod network;
mod port;
mod program;
mod quirks;
mod replay;
mod rules;
#[cfg(feature = "bench")]
mod sampling;
mod scenario;
mod schedules;
mod setting_limits;
#[cfg(feature = "bench")]
mod states;
mod support;
mod surroundings;
mod tidy;
mod uplinks;
mod wrong;
