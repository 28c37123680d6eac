//! What a host does to the agent: a clock that is wrong or set (T9, T10, T12), a process that is stopped (T13), a port that
//! somebody else has (S15), system calls that are interrupted (S19), a disk that is full, read-only or silent (D5, D11,
//! D15).
//!
//! Needs root, loop devices, and Debian's `faketime`, `strace` and `e2fsprogs`, so it is built with the feature `real-servers`
//! only; CI installs and runs it.
#![allow(clippy::unwrap_used)] // a test may panic

mod clock;
mod disk;
#[path = "../it/evidence.rs"]
mod evidence;
#[path = "../it/kitchen.rs"]
mod kitchen;
mod system;

use std::path::Path;

use hw_sim::bench::process::{Process, Run};

use crate::kitchen::Kitchen;

const FRIDGE: &str = "walk-in-fridge";

/// Starts the agent under another program, and with its environment. Its log is the agent's.
fn start_agent(kitchen: &mut Kitchen, under: &[&str], envs: &[(&str, &str)]) {
    let demo = env!("CARGO_BIN_EXE_demo");
    let command: Vec<&str> = [under, &[demo, "__agent", "--config", "agent.toml", "run"]].concat();
    let speed = kitchen.layout.plan().speed.to_string();
    let envs: Vec<(String, String)> = [("KITCHEN_TEST_SPEED", speed.as_str())]
        .iter()
        .chain(envs)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let args: Vec<String> = command[1..].iter().map(|arg| (*arg).to_owned()).collect();
    let run = Run { name: "agent", dir: kitchen.layout.dir(), args: &args, envs: &envs };
    kitchen.agent = Some(Process::start_program(Path::new(command[0]), run).unwrap());
}

fn agent_log(kitchen: &Kitchen) -> String {
    std::fs::read_to_string(kitchen.layout.dir().join("agent.log")).unwrap()
}
