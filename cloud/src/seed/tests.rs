use std::path::{Path, PathBuf};
use std::time::Duration;

use kitchen_contract::time::Timestamp;

use super::apply::{Target, apply};
use super::*;
use crate::accounts::{Accounts, Passwords};
use crate::config::PkiConfig;
use crate::pki::Layout;
use crate::pki::authority::Validity;
use crate::pki::command::{gateway, init};
use crate::registry::{Registry, Viewer};
use crate::report::describe;
use crate::store::Store;

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn now() -> Timestamp {
    "2026-01-11T10:30:00.000Z".parse().unwrap()
}

/// A PKI directory with these gateways.
fn pki(dir: &Path, gateways: &[&str]) -> Layout {
    let names = Vec::new();
    let config =
        PkiConfig { dir: dir.join("pki"), names, ca_validity: YEAR, server_validity: YEAR, gateway_validity: YEAR };
    init(&config, now()).unwrap();
    for id in gateways {
        gateway(&config, &id.parse().unwrap(), Validity { now: now(), length: YEAR }).unwrap();
    }
    Layout::new(&config.dir)
}

fn file(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("seed.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn problems(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let layout = pki(dir.path(), &["gw-1"]);
    let found = describe(&read::read(&file(dir.path(), text), &layout).unwrap_err());
    found.replace(&dir.path().display().to_string(), "[dir]")
}

#[test]
fn the_example_file_is_complete_once_its_gateways_have_certificates() {
    let dir = tempfile::tempdir().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/seed-example.toml");
    let plan = read::read(&path, &pki(dir.path(), &["gw-marina-1"])).map_err(|found| describe(&found)).unwrap();
    let counts = [plan.tenants.len(), plan.users.len(), plan.kitchens.len(), plan.gateways.len(), plan.sensors.len()];
    assert_eq!(counts, [1, 4, 1, 1, 2]);
}

#[test]
fn all_problems_of_people_are_named_at_once() {
    insta::assert_snapshot!(problems(
        r#"
[[tenants]]
id = "cust-1"
name = "One"

[[tenants]]
id = "cust-1"
nam = "Two"
name = "Two"

[[users]]
id = "user-1"
email = "nobody"
role = "chef"
password = "short"

[[users]]
id = "user-2"
email = "a@example.ae"
role = "owner"
tenant = "cust-2"
password_file = "missing"

[[users]]
id = "user-3"
email = "A@example.ae"
role = "admin"
tenant = "cust-1"
password = "long enough"
password_file = "missing"
"#
    ));
}

#[test]
fn all_problems_of_places_are_named_at_once() {
    insta::assert_snapshot!(problems(
        r#"
[[tenants]]
id = "cust-1"
name = "One"

[[kitchens]]
id = "Kitchen 1"
tenant = "cust-1"
name = "Main"

[[kitchens]]
id = "kitchen-2"
tenant = "cust-1"
name = "Second"

[[gateways]]
id = "gw-1"
kitchen = "kitchen-9"

[[gateways]]
id = "gw-2"
since = "yesterday"

[[gateways]]
id = "sink"
kitchen = "kitchen-2"

[[sensors]]
id = "sensor-1"
kitchen = "kitchen-2"
gateway = "gw-1"
location = "Fridge"
alertThresholds = { min = 8, max = 8 }
transmissionInterval = 5
installDate = "11.1.2026"

[[sensors]]
id = "sensor-2"
kitchen = "kitchen-9"
gateway = "gw-9"
location = "Freezer"
alertThresholds = { max = nan, mx = 1 }
"#
    ));
}

#[test]
fn no_password_is_shown_whatever_is_wrong_with_the_file() {
    for text in [
        "[[users]]\npassword = \"xyzzy\"\n",
        "[[users]]\npassword = \"xyzzy plugh\nrole = \"owner\"\n",
        "users = [{ id = \"A\", password = \"xyzzy\" }]\n",
        "[[users]]\npassword = \"\"\"\nxyzzy\"\"\"\n",
        "[[users]]\n\"password\" = 'xyzzy'\nx = 1\n",
        "[[users]]\npasswort = 1\npassword = xyzzy\n",
    ] {
        let found = problems(text);
        assert!(!found.contains("xyzzy"), "{found}");
    }
}

#[tokio::test]
async fn seeding_twice_changes_nothing_and_a_taken_address_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let layout = pki(dir.path(), &["gw-marina-1"]);
    let store = Store::open_sqlite(&dir.path().join("store.sqlite")).await.unwrap();
    let accounts = Accounts::open(&dir.path().join("accounts.sqlite")).await.unwrap();
    let target = Target { accounts, registry: Registry::new(store), passwords: Passwords::cheap_for_tests() };
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs/seed-example.toml");
    let mut seen = Vec::new();
    for moment in [now(), now().saturating_add_ms(1000)] {
        apply(read::read(&example, &layout).unwrap(), &target, moment).await.unwrap();
        seen.push(contents(&target).await);
    }
    assert_eq!(seen[0], seen[1]);
    let taken =
        std::fs::read_to_string(&example).unwrap().replace("user-001", "user-999").replace("cust-001", "cust-9");
    let plan = read::read(&file(dir.path(), &taken), &layout).unwrap();
    assert!(matches!(apply(plan, &target, now()).await, Err(SeedError::EmailTaken { .. })));
    assert_eq!(contents(&target).await, seen[0]);
}

/// Everything that a seed writes, as far as it can be read back.
async fn contents(target: &Target) -> String {
    let mut text = format!("{:?}\n", target.registry.customer_ids().await.unwrap());
    for (scoped, kitchen) in target.registry.kitchens(&Viewer::Admin).await.unwrap() {
        text += &format!("{kitchen:?}\n{:?}\n", target.registry.sensors(&scoped).await.unwrap());
        for (id, _) in target.registry.sensors(&scoped).await.unwrap() {
            text += &format!("{:?}\n", target.registry.device_facts(id.id()).await.unwrap());
        }
    }
    for gateway in target.registry.gateway_ids().await.unwrap() {
        text += &format!("{:?}\n", target.registry.gateway_facts(&gateway).await.unwrap());
    }
    for email in ["chef@albarsha.example", "admin@visiondrive.example"] {
        text += &format!("{:?}\n", target.accounts.credentials(&email.parse().unwrap()).await.unwrap());
    }
    text
}
