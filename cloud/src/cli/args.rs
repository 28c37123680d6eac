//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use humantime_serde::re::humantime;
use kitchen_contract::id::GatewayId;

use crate::report::Form;

/// The cloud of the smart kitchen: receives readings from gateways, judges them, and serves them to their owners.
#[derive(Debug, Parser)]
#[command(name = "kitchen-cloud", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// The configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "KITCHEN_CLOUD_CONFIG")]
    pub config: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the cloud until SIGTERM or Ctrl-C
    Serve,
    /// Check the configuration and the files it names, without starting anything
    Check(Output),
    /// Make and list keys and certificates
    #[command(subcommand)]
    Pki(Pki),
    /// Create or update tenants, users, kitchens, gateways and sensors from a file
    Seed {
        /// The seed file (TOML); see configs/seed-example.toml
        file: PathBuf,
        /// How to answer.
        #[command(flatten)]
        output: Output,
    },
    /// What concerns gateways
    #[command(subcommand)]
    Gateway(Gateway),
}

/// Keys and certificates.
#[derive(Debug, Subcommand)]
pub enum Pki {
    /// Make the authority, the endpoint's and the sink's certificate, as far as they are missing
    Init(Output),
    /// Make the key and certificate of one gateway; never overwrites
    Gateway {
        /// The gateway's id: 1 to 25 of a-z, 0-9 and `-`
        id: GatewayId,
        /// How long it is valid, such as "730d" [default: `pki.gateway_validity`]
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        valid_for: Option<Duration>,
        /// How to answer.
        #[command(flatten)]
        output: Output,
    },
    /// List all certificates and when they end
    List(Output),
}

/// What concerns gateways.
#[derive(Debug, Subcommand)]
pub enum Gateway {
    /// Print a Mosquitto ACL file for all registered gateways
    Acl(Output),
}

/// How to answer.
#[derive(Clone, Copy, Debug, Args)]
pub struct Output {
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

impl Output {
    /// The form of the answer.
    pub const fn form(self) -> Form {
        if self.json { Form::Json } else { Form::Text }
    }
}
