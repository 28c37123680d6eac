//! `seed`: tenants, users, kitchens, gateways and sensors from a file.

use std::fmt;
use std::path::Path;

use kitchen_contract::time::Timestamp;
use serde::Serialize;

use crate::accounts::Passwords;
use crate::cli::error::CommandError;
use crate::config::Config;
use crate::databases::Databases;
use crate::pki::Layout;
use crate::report::Report;
use crate::seed::apply::{Target, apply};
use crate::seed::read::read;

/// How many of each were written; known ones were made as given.
#[derive(Debug, Serialize)]
pub struct SeedReport {
    /// Tenants.
    pub tenants: usize,
    /// Users.
    pub users: usize,
    /// Kitchens.
    pub kitchens: usize,
    /// Gateways.
    pub gateways: usize,
    /// Sensors.
    pub sensors: usize,
}

/// `seed`.
///
/// # Errors
/// All problems of the file (then nothing was opened), or a database cannot be written.
pub async fn seed(config: &Config, file: &Path, now: Timestamp) -> Result<SeedReport, CommandError> {
    let plan = read(file, &Layout::new(&config.pki.dir))?;
    let report = SeedReport {
        tenants: plan.tenants.len(),
        users: plan.users.len(),
        kitchens: plan.kitchens.len(),
        gateways: plan.gateways.len(),
        sensors: plan.sensors.len(),
    };
    let databases = Databases::open(config).await?;
    let registry = databases.registry();
    let target = Target { accounts: databases.accounts.clone(), registry, passwords: Passwords::default() };
    let applied = apply(plan, &target, now).await;
    databases.close().await;
    applied?;
    Ok(report)
}

impl fmt::Display for SeedReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tenants, users, kitchens, gateways, sensors } = self;
        for (name, count) in [
            ("tenants", tenants),
            ("users", users),
            ("kitchens", kitchens),
            ("gateways", gateways),
            ("sensors", sensors),
        ] {
            writeln!(formatter, "{name:<9} {count}")?;
        }
        Ok(())
    }
}

impl Report for SeedReport {}
