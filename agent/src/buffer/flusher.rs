//! sled's flush, on a thread of its own: nobody waits for one that has given up.
//!
//! The thread stands as long as the store is open. To start one for every flush would take longer than the flush.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::disk::{DiskError, guarded};

/// How long writing may take; a disk that is only slow takes seconds.
const FLUSHED_WITHIN: Duration = Duration::from_secs(20);

/// Flushes one store when it is asked to.
pub struct Flusher {
    /// None once it is to end.
    asked: Option<Sender<()>>,
    flushed: Receiver<Result<(), DiskError>>,
    thread: Option<JoinHandle<()>>,
}

impl Flusher {
    /// A flusher for that store, which stays open until [`Flusher::end`].
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(db: &sled::Db) -> Result<Self, DiskError> {
        let (asked, asks) = channel();
        let (answers, flushed) = channel();
        let db = db.clone();
        let name = "buffer-flush".to_owned();
        let thread = thread::Builder::new().name(name).spawn(move || serve(&db, &asks, &answers))?;
        Ok(Self { asked: Some(asked), flushed, thread: Some(thread) })
    }

    /// Waits until sled has handed everything to the system.
    ///
    /// # Errors
    /// The system refuses, the store is damaged, or there was no answer in time; the flusher is then of no more use.
    pub fn flush(&self) -> Result<(), DiskError> {
        let asked = self.asked.as_ref().is_some_and(|asked| asked.send(()).is_ok());
        if !asked {
            return Err(DiskError::Hung);
        }
        self.flushed.recv_timeout(FLUSHED_WITHIN).unwrap_or(Err(DiskError::Hung))
    }

    /// Lets go of the store. Waits for a flush that is going on, so it is not for one that hangs.
    pub fn end(&mut self) {
        self.asked = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::warn!("the thread that flushes the buffer's store panicked");
        }
    }
}

fn serve(db: &sled::Db, asks: &Receiver<()>, answers: &Sender<Result<(), DiskError>>) {
    while asks.recv().is_ok() {
        if answers.send(guarded(|| db.flush()).map(drop)).is_err() {
            return;
        }
    }
}
