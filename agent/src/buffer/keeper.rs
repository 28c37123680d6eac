//! The one thread that owns the buffer, and the handle through which tasks talk to it.
//!
//! Everything in the buffer blocks on the disk, so it never runs on an async thread. Requests are answered in order; when
//! the queue of requests is full the asking task waits, while the samplers' own channel keeps taking.

use std::sync::Arc;

use kitchen_contract::id::Epoch;
use kitchen_contract::ranges::SeqRanges;
use tokio::sync::{mpsc, oneshot, watch};

use super::append::{Appended, Round};
use super::error::BufferError;
use super::queue::{Buffer, Counters};
use super::read::{Read, ReadLimits};
use crate::clock::wall::WallClock;

/// Requests that may wait for the thread: recorder and forwarder, each waiting for its answer, and those who want to know
/// how old the oldest record is.
const REQUESTS_MAX: usize = 4;
/// So many appends between two looks at what may be merged into blocks.
const PACK_EVERY: u32 = 32;

/// What everyone may know about the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferState {
    /// The epoch of this run.
    pub epoch: Epoch,
    /// Its last sequence number on disk; 0 before the first.
    pub last_seq: u64,
    /// The append index of the newest record on disk.
    pub newest: u64,
    /// Records on disk that are not acknowledged.
    pub records: u64,
    /// Bytes of their frames.
    pub bytes: u64,
    /// Records that wait for a clock.
    pub unsettled: u64,
    /// What happened that nobody asked for.
    pub counters: Counters,
    /// Why the disk does not take anything now; none while it does.
    pub failing: Option<String>,
}

type Answer<T> = oneshot::Sender<Result<T, BufferError>>;

enum Request {
    Append(Arc<Round>, Answer<Appended>),
    Read { after: u64, limits: ReadLimits, answer: Answer<Read> },
    Acknowledge { epoch: Epoch, ranges: SeqRanges, answer: Answer<u64> },
    Settle(WallClock, Answer<u64>),
}

/// Owns the buffer; [`Keeper::run`] is the body of its thread.
pub struct Keeper {
    buffer: Buffer,
    requests: mpsc::Receiver<Request>,
    state: watch::Sender<BufferState>,
    appends: u32,
}

/// How tasks talk to the buffer.
#[derive(Clone, Debug)]
pub struct BufferHandle {
    requests: mpsc::Sender<Request>,
    state: watch::Receiver<BufferState>,
}

impl Keeper {
    /// A keeper and the handle to it.
    pub fn new(buffer: Buffer) -> (Self, BufferHandle) {
        let (sender, requests) = mpsc::channel(REQUESTS_MAX);
        let (state, receiver) = watch::channel(state_of(&buffer, None));
        (Self { buffer, requests, state, appends: 0 }, BufferHandle { requests: sender, state: receiver })
    }

    /// Serves until every handle is dropped. Blocks: run it on a blocking thread.
    pub fn run(mut self) {
        while let Some(request) = self.requests.blocking_recv() {
            let appends = matches!(request, Request::Append(..));
            let mut failing = self.serve(request);
            if appends {
                failing = failing.or_else(|| self.pack());
            }
            let state = state_of(&self.buffer, failing);
            self.state.send_if_modified(|known| {
                let changed = *known != state;
                *known = state;
                changed
            });
        }
    }

    /// Now and then, after the answer: nobody waits for it. Why it failed, if it did.
    fn pack(&mut self) -> Option<String> {
        self.appends = (self.appends + 1) % PACK_EVERY;
        if self.appends > 0 {
            return None;
        }
        self.buffer.pack().err().map(|error| error.to_string())
    }

    /// Serves one request and says why it failed, if it did. An asker that has gone away needs no answer.
    fn serve(&mut self, request: Request) -> Option<String> {
        let buffer = &mut self.buffer;
        match request {
            Request::Append(round, answer) => reply(answer, buffer.append(&round)),
            Request::Read { after, limits, answer } => reply(answer, buffer.read(after, limits)),
            Request::Acknowledge { epoch, ranges, answer } => reply(answer, buffer.acknowledge(&epoch, &ranges)),
            Request::Settle(clock, answer) => reply(answer, buffer.settle(&clock)),
        }
    }
}

impl BufferHandle {
    /// What is known about the buffer, and a signal at every change.
    pub fn state(&self) -> watch::Receiver<BufferState> {
        self.state.clone()
    }

    /// See [`Buffer::append`].
    ///
    /// # Errors
    /// As [`Buffer::append`].
    pub async fn append(&self, round: Arc<Round>) -> Result<Appended, BufferError> {
        self.ask(|answer| Request::Append(round, answer)).await
    }

    /// See [`Buffer::read`].
    ///
    /// # Errors
    /// As [`Buffer::read`].
    pub async fn read(&self, after: u64, limits: ReadLimits) -> Result<Read, BufferError> {
        self.ask(|answer| Request::Read { after, limits, answer }).await
    }

    /// See [`Buffer::acknowledge`].
    ///
    /// # Errors
    /// As [`Buffer::acknowledge`].
    pub async fn acknowledge(&self, epoch: Epoch, ranges: SeqRanges) -> Result<u64, BufferError> {
        self.ask(|answer| Request::Acknowledge { epoch, ranges, answer }).await
    }

    /// See [`Buffer::settle`].
    ///
    /// # Errors
    /// As [`Buffer::settle`].
    pub async fn settle(&self, clock: WallClock) -> Result<u64, BufferError> {
        self.ask(|answer| Request::Settle(clock, answer)).await
    }

    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, BufferError> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(request(answer)).await.map_err(|_| BufferError::Closed)?;
        answered.await.map_err(|_| BufferError::Closed)?
    }
}

fn reply<T>(answer: Answer<T>, result: Result<T, BufferError>) -> Option<String> {
    let failing = result.as_ref().err().map(ToString::to_string);
    drop(answer.send(result));
    failing
}

fn state_of(buffer: &Buffer, failing: Option<String>) -> BufferState {
    let contents = buffer.contents();
    BufferState {
        epoch: buffer.epoch().clone(),
        last_seq: buffer.last_seq(),
        newest: buffer.newest(),
        records: contents.records,
        bytes: contents.bytes,
        unsettled: contents.unsettled,
        counters: buffer.counters(),
        failing: failing.or_else(|| buffer.refused().map(str::to_owned)),
    }
}
