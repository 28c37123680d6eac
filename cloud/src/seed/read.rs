//! From a seed file to a plan: all its problems at once, and references only to what stands in it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use kitchen_contract::id::{CustomerId, GatewayId, KitchenId};

use crate::accounts::write::TenantRow;
use crate::document::{Document, FileProblems, Refusal, Section};
use crate::pki::Layout;
use crate::seed::people::{tenant, user};
use crate::seed::places::{gateway, kitchen, sensor};
use crate::seed::plan::{SeedGateway, SeedKitchen, SeedPlan, SeedSensor, SeedUser};

/// Reads a seed file. Certificates that it does not name are looked for in the PKI directory.
///
/// # Errors
/// Unreadable, or all its problems; nothing was written.
pub fn read(path: &Path, pki: &Layout) -> Result<SeedPlan, FileProblems> {
    Document::open(path)?.hiding("password").read(|root| Some(plan(root, pki)))
}

/// What earlier sections of the file have named, for the references of later ones.
#[derive(Default)]
pub(super) struct Named {
    pub(super) tenants: HashSet<CustomerId>,
    pub(super) kitchens: HashMap<KitchenId, CustomerId>,
    pub(super) gateways: HashMap<GatewayId, KitchenId>,
}

fn plan(root: &mut Section<'_>, pki: &Layout) -> SeedPlan {
    let mut named = Named::default();
    let tenants = all(root, "tenants", tenant);
    named.tenants.extend(tenants.iter().map(|tenant: &TenantRow| tenant.id.clone()));
    let users = all(root, "users", |section| user(section, &named));
    let kitchens = all(root, "kitchens", |section| kitchen(section, &named));
    named.kitchens.extend(kitchens.iter().map(|kitchen| (kitchen.id.clone(), kitchen.tenant.clone())));
    let gateways = all(root, "gateways", |section| gateway(section, &named, pki));
    named.gateways.extend(gateways.iter().map(|gateway| (gateway.id.clone(), gateway.kitchen.clone())));
    let sensors = all(root, "sensors", |section| sensor(section, &named));
    SeedPlan { tenants, users, kitchens, gateways, sensors }
}

/// Every table of a list; ids, and what else must be unique, at most once.
fn all<T: Unique>(
    root: &mut Section<'_>,
    key: &'static str,
    mut read: impl FnMut(&mut Section<'_>) -> Option<T>,
) -> Vec<T> {
    let mut items = Vec::new();
    let mut seen = HashSet::new();
    for mut section in root.sections(key) {
        if let Some(item) = read(&mut section) {
            for (key, text) in item.unique() {
                if !seen.insert((key, text.clone())) {
                    section.refuse(section.spot(key), Refusal::new(format!("`{text}` is there twice")));
                }
            }
            items.push(item);
        }
        section.finish();
    }
    items
}

/// What may be in a file only once: the key that says it, and its value.
trait Unique {
    fn unique(&self) -> Vec<(&'static str, String)>;
}

impl Unique for TenantRow {
    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("id", self.id.to_string()), ("slug", self.slug.clone())]
    }
}

impl Unique for SeedUser {
    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("id", self.id.to_string()), ("email", self.email.to_string())]
    }
}

impl Unique for SeedKitchen {
    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("id", self.id.to_string())]
    }
}

impl Unique for SeedGateway {
    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("id", self.id.to_string())]
    }
}

impl Unique for SeedSensor {
    fn unique(&self) -> Vec<(&'static str, String)> {
        vec![("id", self.id.to_string())]
    }
}
