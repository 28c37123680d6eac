//! A running endpoint before a running ingest, and ways to knock.

use std::net::SocketAddr;
use std::sync::Arc;

use kitchen_cloud::clock::Clock;
use kitchen_cloud::endpoint::tls::server_config;
use kitchen_cloud::endpoint::{Capacity, Endpoint, run};
use kitchen_cloud::ingest::IngestTask;
use kitchen_cloud::pki::authority::Issued;
use kitchen_cloud::registry::Registry;
use kitchen_cloud::store::Store;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sqlx::sqlite::SqliteConnection;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::wire::{CONNACK, Connect, Packet, Peer, Version};
use crate::field::{Field, Gateway, enrol, now};

pub(super) struct Door {
    pub(super) field: Field,
    pub(super) a: Gateway,
    pub(super) b: Gateway,
    pub(super) store: Store,
    pub(super) address: SocketAddr,
    pub(super) shutdown: CancellationToken,
    pub(super) task: JoinHandle<()>,
}

impl Door {
    pub(super) async fn open() -> Self {
        Self::open_for(Capacity::default()).await
    }

    /// One that is smaller.
    pub(super) async fn open_for(capacity: Capacity) -> Self {
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let field = Field::new();
        let (a, b) = (field.gateway("gw-a"), field.gateway("gw-b"));
        let store = field.store().await;
        enrol(&store, &[&a, &b]).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tls = server_config(&field.path("server.pem"), &field.path("server.key"), &field.path("ca.pem")).unwrap();
        let (ingest_task, ingest) = IngestTask::new(store.clone(), Clock::fixed(now()));
        tokio::spawn(ingest_task.run(CancellationToken::new()));
        let shutdown = CancellationToken::new();
        let endpoint = Endpoint { listener, tls, registry: Registry::new(store.clone()), ingest, capacity };
        let task = tokio::spawn(run(endpoint, shutdown.clone()));
        Self { field, a, b, store, address, shutdown, task }
    }

    /// The TLS of a client that shows this certificate, or none.
    pub(super) fn client_tls(&self, shown: Option<&Issued>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.field.path("ca.pem")).unwrap()).unwrap();
        let builder = ClientConfig::builder().with_root_certificates(roots);
        match shown {
            None => builder.with_no_client_auth(),
            Some(Issued { certificate, key }) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap()
            }
        }
    }

    /// A connection behind TLS; with TLS 1.3 a refused certificate shows only when reading.
    pub(super) async fn knock(&self, shown: Option<&Issued>, version: Version) -> std::io::Result<Peer> {
        let connector = TlsConnector::from(Arc::new(self.client_tls(shown)));
        let stream = TcpStream::connect(self.address).await?;
        let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
        Ok(Peer::new(stream, version))
    }

    /// The answer to a CONNECT; `None` if there is none.
    pub(super) async fn asks(
        &self,
        shown: Option<&Issued>,
        connect: &Connect<'_>,
        version: Version,
    ) -> Option<(Peer, Packet)> {
        let mut peer = self.knock(shown, version).await.ok()?;
        peer.send(&connect.bytes(version)).await;
        let answer = peer.next().await?;
        Some((peer, answer))
    }

    /// A gateway that is let in.
    pub(super) async fn enter(&self, gateway: &Gateway, version: Version) -> Peer {
        let connect = Connect { client_id: gateway.id.as_str(), keep_alive_s: 60, will: None };
        self.enter_with(gateway, &connect, version).await
    }

    pub(super) async fn enter_with(&self, gateway: &Gateway, connect: &Connect<'_>, version: Version) -> Peer {
        let (peer, answer) = self.asks(Some(&gateway.issued), connect, version).await.unwrap();
        assert_eq!((answer.kind, &answer.body[..2]), (CONNACK, &[0, 0][..]), "no session, no error");
        peer
    }

    /// A store that takes nothing until this is dropped: messages stay on their way.
    pub(super) async fn blocked_store(&self) -> SqliteConnection {
        self.field.blocked_store().await
    }

    /// The sequence numbers stored for a measuring point, in the order of time.
    pub(super) async fn stored(&self, device: &str) -> Vec<u64> {
        use kitchen_cloud::store::{Order, Page, Range, Table, keys};
        let range = Range {
            table: Table::Readings,
            partition: format!("DEVICE#{device}"),
            from: keys::READING.to_owned(),
            to: format!("{}{}", keys::READING, keys::PREFIX_END),
            order: Order::Rising,
        };
        let items = self.store.query(&range, Page(100_000)).await.unwrap();
        items.iter().map(|item| item.body["record"]["seq"].as_u64().unwrap()).collect()
    }
}
