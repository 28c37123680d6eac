//! Makes connections with the certificate files as they are, and sees that they have changed while one stands.
//!
//! A connection that works is never given up for files that cannot be used: half-written, not belonging together, another
//! gateway's. It goes on with what it was made with, and so does the next one if it breaks meanwhile, or if the sink does not
//! take what is new ([`super::trial`]); that is said and shown until it is mended. The other half of [`super::task`].

use std::sync::Arc;

use kitchen_contract::status::StatusKind;
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use super::certificate::IdentityError;
use super::event::Event;
use super::fault::LinkFault;
use super::link::{Address, Link};
use super::task::Forwarder;
use super::tls::{Digest, Files, Identity};
use super::trial::Attempt;
use crate::config::sections::MqttSection;

/// A connection, and what it was made with.
pub(super) struct Connection {
    pub(super) link: Link,
    pub(super) identity: Arc<Identity>,
}

impl Forwarder {
    /// Begins a connection: renewed files are used from here on.
    pub(super) async fn connect(&mut self, address: usize) -> Option<Event> {
        let identity = self.identity().await;
        match identity.and_then(|identity| self.new_connection(address, identity)) {
            Ok(connection) => {
                let ends = connection.identity.ends();
                self.shown.send_modify(|shown| shown.certificate_ends = ends);
                let on_trial = Some(connection.identity.digest).filter(|digest| self.is_new(digest));
                let ends_round = address + 1 >= self.destination.mqtt.addresses().len();
                self.trial.begin(Attempt { on_trial, ends_round });
                self.connection = Some(connection);
                None
            }
            Err(error) => Some(self.lost(&LinkFault::Identity(error.to_string()))),
        }
    }

    /// What to connect with: the files as they are, or what worked before if they cannot be used or it has its turn.
    async fn identity(&mut self) -> Result<Arc<Identity>, IdentityError> {
        let found = read_files(self.destination.mqtt.clone()).await.and_then(|files| self.take(&files));
        match (found, self.proven.clone()) {
            (Ok(found), Some(proven)) if self.trial.waits(&found.digest) => Ok(proven),
            (Ok(found), _) => {
                if !self.is_new(&found.digest) {
                    self.trial.forget();
                }
                self.tell_used();
                Ok(found)
            }
            (Err(error), Some(proven)) => {
                self.tell_unused(error);
                Ok(proven)
            }
            (Err(error), None) => Err(error),
        }
    }

    fn new_connection(&self, address: usize, identity: Arc<Identity>) -> Result<Connection, IdentityError> {
        let (host, port) = self.address(address);
        let tls = identity.client_config(&self.clock)?;
        let client_id = self.destination.gateway_id.to_string();
        let address = Address { client_id, host, port, keep_alive: self.destination.mqtt.keep_alive };
        let (topic, will) = self.status(StatusKind::LastWill, None);
        // What cannot be signed is refused with the birth.
        let will = will.seal(&identity.device_key).ok().map(|payload| (topic, payload));
        Ok(Connection { link: Link::new(&address, tls, will, self.lookup.clone()), identity })
    }

    /// The sink has answered: what the connection was made with works.
    pub(super) fn prove(&mut self) {
        self.proven = self.connection.as_ref().map(|connection| Arc::clone(&connection.identity));
        self.trial.answered(self.clock.now());
    }

    /// There was no connection; that may be because of what is new, so what worked gets its turn.
    pub(super) fn failed_with(&mut self, fault: &LinkFault) {
        self.trial.failed(fault);
    }

    /// Looks whether the files are still those that the connection was made with.
    pub(super) async fn look(&mut self) -> Option<Event> {
        let used = self.connection.as_ref()?.identity.digest;
        let found = match read_files(self.destination.mqtt.clone()).await {
            Ok(files) if files.digest() == used => Ok(None),
            Ok(files) => self.take(&files).map(Some),
            Err(error) => Err(error),
        };
        match found {
            Ok(renewed) => {
                self.tell_used();
                renewed.map(|_| Event::Renewed)
            }
            Err(error) => {
                self.tell_unused(error);
                None
            }
        }
    }

    /// What is in the files, if it may take the place of what works.
    fn take(&self, files: &Files) -> Result<Arc<Identity>, IdentityError> {
        let identity = Identity::new(files)?;
        if self.is_new(&identity.digest) {
            identity.fit(&self.destination.gateway_id, self.wall_now())?;
            self.not_refused_lately(&identity.digest)?;
        }
        Ok(Arc::new(identity))
    }

    /// Whether it is something else than what worked.
    fn is_new(&self, digest: &Digest) -> bool {
        self.proven.as_ref().is_some_and(|proven| proven.digest != *digest)
    }

    fn not_refused_lately(&self, digest: &Digest) -> Result<(), IdentityError> {
        let refused = self.trial.refused(digest, self.clock.now(), self.destination.timing.refused_files);
        refused.map_or(Ok(()), |fault| Err(IdentityError::NotTaken(fault.to_string())))
    }

    fn tell_unused(&mut self, error: IdentityError) {
        let (now, reason) = (self.clock.now(), error.to_string());
        if let Some(repeated) = self.unused.failed(now, &reason) {
            let hint = error.hint();
            warn!(reason, repeated, hint, "the certificate files cannot be used; what they held before is");
        }
        self.shown.send_modify(|shown| {
            let known = shown.unused.take().filter(|(_, known)| *known == error);
            shown.unused = Some(known.unwrap_or((now, error)));
        });
    }

    fn tell_used(&mut self) {
        if self.unused.recovered() {
            info!("the certificate files can be used again");
            self.shown.send_modify(|shown| shown.unused = None);
        }
    }
}

/// The files; a disk may take its time.
async fn read_files(mqtt: MqttSection) -> Result<Files, IdentityError> {
    let read = spawn_blocking(move || Files::read(&mqtt.material()));
    read.await.unwrap_or_else(|error| Err(IdentityError::Certificate(error.to_string())))
}
