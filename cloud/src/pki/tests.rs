use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kitchen_contract::id::GatewayId;
use kitchen_contract::signature::DeviceKey;
use kitchen_contract::time::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

use super::authority::Validity;
use super::command::{Outcome, gateway, init, list};
use super::*;
use crate::config::PkiConfig;

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

fn config(dir: &Path) -> PkiConfig {
    PkiConfig {
        dir: dir.join("pki"),
        names: vec!["gateways.example".to_owned(), "192.0.2.7".to_owned()],
        ca_validity: 10 * YEAR,
        server_validity: 2 * YEAR,
        gateway_validity: 2 * YEAR,
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_unix_ms(since.as_millis() as i64).unwrap()
}

fn made(dir: &Path) -> (PkiConfig, GatewayId, Pair) {
    let config = config(dir);
    init(&config, now()).unwrap();
    let id: GatewayId = "gw-1".parse().unwrap();
    let pair = gateway(&config, &id, Validity { now: now(), length: YEAR }).unwrap();
    (config, id, pair)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn keys_are_secret_and_in_the_form_the_agent_reads() {
    let dir = tempfile::tempdir().unwrap();
    let (config, id, pair) = made(dir.path());
    assert_eq!((mode(&config.dir), mode(&Layout::new(&config.dir).gateways())), (0o700, 0o700));
    assert_eq!((mode(&pair.key), mode(&Layout::new(&config.dir).ca().key)), (0o600, 0o600));
    let key = DeviceKey::from_pkcs8_pem(&std::fs::read_to_string(&pair.key).unwrap()).unwrap();
    let facts = CertificateFacts::read(&pair.certificate).unwrap();
    assert_eq!((facts.name.as_str(), facts.public_key), (id.as_str(), Some(key.public())));
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (config, id, pair) = made(dir.path());
    let before = std::fs::read(&pair.certificate).unwrap();
    let refused = gateway(&config, &id, Validity { now: now(), length: YEAR });
    assert!(matches!(refused, Err(PkiError::Exists { .. })));
    assert!(init(&config, now()).unwrap().iter().all(|(_, outcome)| *outcome == Outcome::Kept));
    assert_eq!(std::fs::read(&pair.certificate).unwrap(), before);
}

#[test]
fn the_sinks_name_is_not_for_gateways_and_no_authority_is_said_so() {
    let dir = tempfile::tempdir().unwrap();
    let validity = Validity { now: now(), length: YEAR };
    let config = config(dir.path());
    assert!(matches!(gateway(&config, &"sink".parse().unwrap(), validity), Err(PkiError::Reserved { .. })));
    assert!(matches!(gateway(&config, &"gw".parse().unwrap(), validity), Err(PkiError::NoAuthority { .. })));
    assert!(matches!(list(&config), Err(PkiError::NoAuthority { .. })));
}

#[test]
fn the_list_names_every_certificate_and_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let (config, _, _) = made(dir.path());
    std::fs::write(Layout::new(&config.dir).gateways().join("broken.pem"), "nonsense").unwrap();
    let names: Vec<String> = list(&config)
        .unwrap()
        .into_iter()
        .map(|entry| entry.facts.map_or_else(|_| "unreadable".to_owned(), |facts| facts.name))
        .collect();
    assert_eq!(names, ["VisionDrive Smart Kitchen CA", "gateways.example", "sink", "unreadable", "gw-1"]);
}

#[test]
fn gateway_and_endpoint_accept_each_other_by_every_name() {
    let dir = tempfile::tempdir().unwrap();
    let (config, _, pair) = made(dir.path());
    let layout = Layout::new(&config.dir);
    for name in ["localhost", "127.0.0.1", "::1", "gateways.example", "192.0.2.7"] {
        handshake(&layout, &pair, name).unwrap();
        handshake(&layout, &layout.sink(), name).unwrap();
    }
    assert!(handshake(&layout, &pair, "other.example").is_err());
    assert!(handshake(&layout, &layout.server(), "localhost").is_err(), "a server certificate is no client's");
}

#[test]
fn a_gateway_of_another_authority_is_refused() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (config, _, _) = made(ours.path());
    let (_, _, foreign) = made(theirs.path());
    assert!(handshake(&Layout::new(&config.dir), &foreign, "localhost").is_err());
}

/// A handshake in memory; `Ok` if both sides finish it.
fn handshake(layout: &Layout, client: &Pair, name: &str) -> Result<(), rustls::Error> {
    let mut client =
        ClientConnection::new(client_config(layout, client), ServerName::try_from(name.to_owned()).unwrap())?;
    let mut server = ServerConnection::new(server_config(layout))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn roots(layout: &Layout) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(layout.ca().certificate).unwrap()).unwrap();
    Arc::new(roots)
}

fn pem(pair: &Pair) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let certificate = CertificateDer::from_pem_file(&pair.certificate).unwrap();
    (vec![certificate], PrivateKeyDer::from_pem_file(&pair.key).unwrap())
}

fn client_config(layout: &Layout, pair: &Pair) -> Arc<ClientConfig> {
    let (chain, key) = pem(pair);
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots(layout)).with_client_auth_cert(chain, key).unwrap())
}

fn server_config(layout: &Layout) -> Arc<ServerConfig> {
    let (chain, key) = pem(&layout.server());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(layout), provider()).build().unwrap();
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap())
}
