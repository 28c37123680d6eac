//! `[[kitchens]]`, `[[gateways]]` and `[[sensors]]` of a seed file.

use std::path::Path;

use kitchen_contract::alarm::Limits;
use kitchen_contract::id::{CustomerId, GatewayId, KitchenId};
use kitchen_contract::signature::GatewayKey;

use crate::document::{Refusal, Section, value};
use crate::pki::{CertificateFacts, Layout, SINK_NAME};
use crate::seed::plan::{SeedGateway, SeedKitchen, SeedSensor};
use crate::seed::read::Named;
use crate::seed::values::{celsius, date, interval, moment, reference, short_text};

/// How often a sensor is heard when nothing is said, in seconds: the customer's 5 minutes.
const INTERVAL_S: u32 = 300;

/// `[[kitchens]]`.
pub(super) fn kitchen(section: &mut Section<'_>, named: &Named) -> Option<SeedKitchen> {
    let id = section.required("id", value::parsed);
    let tenant = reference(section, "tenant", &named.tenants);
    let name = section.required("name", short_text);
    let address = section.optional("address", short_text);
    let manager = section.optional("manager", short_text);
    let phone = section.optional("phone", short_text);
    Some(SeedKitchen { id: id?, tenant: tenant?, name: name?, address, manager, phone })
}

/// `[[gateways]]`.
pub(super) fn gateway(section: &mut Section<'_>, named: &Named, pki: &Layout) -> Option<SeedGateway> {
    let id: Option<GatewayId> = section.required("id", value::parsed);
    let place = place(section, named);
    let since = section.optional("since", moment);
    let certificate = section.path("certificate");
    let id = id?;
    if id.as_str() == SINK_NAME {
        section.refuse(section.spot("id"), Refusal::new(format!("`{SINK_NAME}` is the sink's own name")));
        return None;
    }
    let path = certificate.unwrap_or_else(|| pki.gateway(&id).certificate);
    let key = gateway_key(section, &id, &path);
    let (kitchen, tenant) = place?;
    Some(SeedGateway { id, tenant, kitchen, since, key: key? })
}

/// The kitchen, and whose it is.
fn place(section: &mut Section<'_>, named: &Named) -> Option<(KitchenId, CustomerId)> {
    let kitchen: KitchenId = section.required("kitchen", value::parsed)?;
    let tenant = named.kitchens.get(&kitchen).cloned();
    if tenant.is_none() {
        section.refuse(section.spot("kitchen"), Refusal::new(format!("`{kitchen}` is not a kitchen of this file")));
    }
    Some((kitchen, tenant?))
}

/// The public key of a gateway's certificate, which must carry its name.
fn gateway_key(section: &Section<'_>, id: &GatewayId, path: &Path) -> Option<GatewayKey> {
    let spot = section.spot("certificate");
    let make = format!("make it: `kitchen-cloud --config FILE pki gateway {id}`");
    let refuse = |refusal: Refusal| section.refuse(spot.clone(), refusal);
    let facts = match CertificateFacts::read(path) {
        Ok(facts) => facts,
        Err(error) => {
            refuse(Refusal::new(error).hint(make));
            return None;
        }
    };
    if facts.name != id.as_str() {
        refuse(Refusal::new(format!("`{}` is the certificate of `{}`", path.display(), facts.name)));
    }
    if facts.public_key.is_none() {
        refuse(Refusal::new(format!("`{}` has no ECDSA P-256 key", path.display())).hint(make));
    }
    facts.public_key
}

/// `[[sensors]]`.
pub(super) fn sensor(section: &mut Section<'_>, named: &Named) -> Option<SeedSensor> {
    let id = section.required("id", value::parsed);
    let place = place(section, named);
    let gateway: Option<GatewayId> = section.required("gateway", value::parsed);
    let location = section.required("location", short_text);
    let since = section.optional("since", moment);
    let probe_model = section.optional("probeModel", short_text);
    let install_date = section.optional("installDate", date);
    let limits = limits(section);
    let interval_s = section.or("transmissionInterval", interval, INTERVAL_S);
    let (kitchen, tenant) = place?;
    same_kitchen(section, (&kitchen, &gateway?), named);
    let location = location?;
    Some(SeedSensor { id: id?, tenant, kitchen, since, location, probe_model, install_date, limits, interval_s })
}

/// The sink takes a sensor's readings only from a gateway in the same kitchen.
fn same_kitchen(section: &Section<'_>, (kitchen, gateway): (&KitchenId, &GatewayId), named: &Named) {
    let message = match named.gateways.get(gateway) {
        None => format!("`{gateway}` is not a gateway of this file"),
        Some(stands_in) if stands_in != kitchen => format!("`{gateway}` stands in `{stands_in}`, not in `{kitchen}`"),
        Some(_) => return,
    };
    section.refuse(section.spot("gateway"), Refusal::new(message));
}

fn limits(section: &mut Section<'_>) -> Option<Limits> {
    let mut table = section.section("alertThresholds");
    if !table.is_present() {
        return None;
    }
    let min = table.optional("min", celsius);
    let max = table.optional("max", celsius);
    table.finish();
    let limits = Limits::new(min, max);
    limits.map_err(|error| section.refuse(section.spot("alertThresholds"), Refusal::new(error))).ok()
}
