//! How many may be here at once: gateways that are let in, and those that are still at the door.
//!
//! They are counted apart. Who has shown no certificate yet is a stranger, and strangers who connect and say nothing may take
//! up each other's time at the door, but not the gateways' slots.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::{ADMISSIONS_MAX, CONNECTIONS_MAX};

/// How many at once.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Gateways that are let in.
    pub connections: usize,
    /// Connections that are not let in yet.
    pub admissions: usize,
}

impl Default for Capacity {
    /// [`CONNECTIONS_MAX`] and [`ADMISSIONS_MAX`].
    fn default() -> Self {
        Self { connections: CONNECTIONS_MAX, admissions: ADMISSIONS_MAX }
    }
}

/// What of the capacity is free. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    connections: Arc<Semaphore>,
    admissions: Arc<Semaphore>,
}

/// A slot that is taken until this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    pub(super) fn new(Capacity { connections, admissions }: Capacity) -> Self {
        Self { connections: Arc::new(Semaphore::new(connections)), admissions: Arc::new(Semaphore::new(admissions)) }
    }

    /// A slot at the door; or what there is none of. A full house does not begin a handshake that it would not finish.
    pub(super) fn at_the_door(&self) -> Result<Slot, &'static str> {
        if self.connections.available_permits() == 0 {
            return Err("full");
        }
        taken(&self.admissions).ok_or("door-full")
    }

    /// A gateway's slot.
    pub(super) fn inside(&self) -> Option<Slot> {
        taken(&self.connections)
    }
}

fn taken(slots: &Arc<Semaphore>) -> Option<Slot> {
    Arc::clone(slots).try_acquire_owned().ok().map(|permit| Slot { _permit: permit })
}
