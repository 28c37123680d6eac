//! What can be asked of the agent on its command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use kitchen_contract::id::DeviceId;

/// Reads the sensors of a kitchen, buffers every reading, forwards it over MQTT/TLS.
#[derive(Debug, Parser)]
#[command(name = "kitchen-agent", version, disable_help_subcommand = true)]
pub struct Args {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/kitchen-agent/agent.toml", global = true)]
    pub config: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read, buffer and forward until SIGTERM or SIGINT.
    Run,
    /// Check the configuration and show what is in effect, secrets redacted.
    Check {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask the running agent how it is: sensors, connection, buffer, clock.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// About single sensors.
    #[command(subcommand)]
    Sensor(Sensor),
}

/// What can be asked about single sensors.
#[derive(Debug, Subcommand)]
pub enum Sensor {
    /// Show what the configured plan costs each sensor's battery.
    Plan {
        /// The measuring point; all without.
        device_id: Option<DeviceId>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}
