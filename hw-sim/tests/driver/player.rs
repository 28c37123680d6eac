//! The device's side: says what the transcript says, when it says it, to the lines that the transcript has.
//!
//! A driver sends more than a transcript's host: it knocks, it finds its place again, it repeats. Such a line is answered from
//! the state that the transcript is in, which shows in what it says to its next line: a locked console refuses it; an open
//! one says `OK` to `AT`, the same as before to the line before, and to all others a value of its own, so that an answer
//! credited to another command shows.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::reading::{self, Outcome};
use crate::score::{Cue, Exchange, Manner};

/// What an open console answers to a line that the transcript does not have.
pub(crate) const EXTRA: &str = "extra";
/// How long a driver has to read what was said before it is told that it may send.
const BREATH: Duration = Duration::from_millis(20);
/// Longer than any wait.
const FOREVER: Duration = Duration::from_secs(1_000_000);

/// What both sides know of a performance.
#[derive(Clone)]
pub(crate) struct Stage {
    /// The exchange whose line the device waits for.
    pub(crate) waiting: watch::Receiver<usize>,
    /// Up to this exchange, exclusive, the driver's lines are the transcript's.
    pub(crate) permitted: Arc<Mutex<usize>>,
    /// What was said, with its exchange and the time since the start.
    pub(crate) said: Arc<Mutex<Vec<(usize, Cue)>>>,
}

/// The device's side.
pub(crate) struct Player {
    exchanges: Vec<Exchange>,
    manner: Manner,
    io: DuplexStream,
    start: Instant,
    stage: Stage,
    waiting: watch::Sender<usize>,
    /// The first exchange that has not begun.
    next: usize,
    unread: Vec<u8>,
}

impl Player {
    pub(crate) fn new(exchanges: Vec<Exchange>, manner: Manner, io: DuplexStream) -> Self {
        let (waiting, receiver) = watch::channel(0);
        let stage = Stage { waiting: receiver, permitted: Arc::default(), said: Arc::default() };
        Self { exchanges, manner, io, start: Instant::now(), stage, waiting, next: 0, unread: Vec::new() }
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage.clone()
    }

    /// Plays all exchanges, and then answers what else is sent, until the driver hangs up.
    pub(crate) async fn play(mut self) {
        let mut early = false;
        for (index, exchange) in self.exchanges.clone().into_iter().enumerate() {
            if exchange.host.is_some() && !early {
                self.wait_for(index).await;
            }
            self.next = index + 1;
            let start = Instant::now();
            if exchange.late {
                self.waiting.send_replace(index + 1);
            }
            for cue in &exchange.cues {
                // What a busy device is sent has to wait.
                if exchange.late {
                    sleep_until(start + cue.at).await
                } else {
                    self.listen_until(start + cue.at).await
                }
                self.say(&cue.bytes).await;
            }
            early = self.is_next_before(start + exchange.lasts).await;
        }
        sleep(BREATH).await;
        self.waiting.send_replace(self.exchanges.len());
        self.listen_until(Instant::now() + FOREVER).await;
    }

    /// Tells that the next line may come, and waits for it.
    async fn wait_for(&mut self, index: usize) {
        sleep(BREATH).await;
        self.waiting.send_replace(index);
        loop {
            let line = self.line().await;
            if self.is_next(&line) {
                return;
            }
            self.answer(&line).await;
        }
    }

    /// Whether the line of the next exchange comes before that time: a driver that meets a lock logs in at once.
    async fn is_next_before(&mut self, end: Instant) -> bool {
        while let Ok(line) = timeout_at(end, self.line()).await {
            if self.is_next(&line) {
                return true;
            }
            self.answer(&line).await;
        }
        false
    }

    fn is_next(&self, line: &str) -> bool {
        let next = self.exchanges.get(self.next).and_then(|exchange| exchange.host.as_deref());
        next == Some(line) && self.next < *self.stage.permitted.lock().unwrap()
    }

    async fn listen_until(&mut self, end: Instant) {
        while let Ok(line) = timeout_at(end, self.line()).await {
            self.answer(&line).await;
        }
        sleep_until(end).await;
    }

    /// The next line of the driver; waits for ever behind the last.
    async fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\r') {
                let line = self.unread.drain(..=end).collect::<Vec<u8>>();
                return String::from_utf8_lossy(&line[..end]).into_owned();
            }
            match self.io.read_buf(&mut self.unread).await {
                Ok(0) | Err(_) => std::future::pending().await,
                Ok(_) => {}
            }
        }
    }

    /// Answers a line that the transcript does not have.
    async fn answer(&mut self, line: &str) {
        let answer = match (self.state(), line) {
            (State::Locked, _) => b"[70000]Password Incorrect\r\n".to_vec(),
            (State::Open, "AT") => b"\r\nOK\r\n\r\n".to_vec(),
            (State::Open, _) => match self.repeated(line) {
                Some(answer) => answer,
                None => format!("{EXTRA}\r\n\r\nOK\r\n\r\n").into_bytes(),
            },
            (State::Deaf, _) => return,
        };
        drop(self.io.write_all(&answer).await);
    }

    /// The last line of the transcript once more comes to the same; not so if the console was locked then.
    fn repeated(&self, line: &str) -> Option<Vec<u8>> {
        let last = self.exchanges[..self.next].last().filter(|last| last.host.as_deref() == Some(line))?;
        match reading::outcome_within(last, FOREVER) {
            Outcome::Answered(..) => Some(last.answer()),
            Outcome::Silence => Some(Vec::new()),
            Outcome::Locked | Outcome::Opened | Outcome::Restarted => None,
        }
    }

    /// How the console answers now: as it will to the next line, or as it did to the last, or to the nearest that shows it.
    fn state(&self) -> State {
        let (over, coming) = self.exchanges.split_at(self.next);
        let next = coming.first().and_then(State::before);
        let last = over.last().and_then(State::after);
        let later = || coming.iter().find_map(State::before);
        let earlier = || over.iter().rev().find_map(State::after);
        next.or(last).or_else(later).or_else(earlier).unwrap_or(State::Deaf)
    }

    async fn say(&mut self, bytes: &[u8]) {
        let cue = Cue { at: self.start.elapsed(), bytes: bytes.to_vec() };
        self.stage.said.lock().unwrap().push((self.next - 1, cue));
        for chunk in bytes.chunks(self.manner.chunk) {
            drop(self.io.write_all(chunk).await);
            tokio::task::yield_now().await;
        }
    }
}

/// How a console takes a line that the transcript does not have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Open,
    Locked,
    Deaf,
}

impl State {
    /// What the console was before this exchange, as far as it shows.
    fn before(exchange: &Exchange) -> Option<Self> {
        match reading::outcome_within(exchange, FOREVER) {
            Outcome::Answered(..) => Some(Self::Open),
            Outcome::Locked | Outcome::Opened => Some(Self::Locked),
            Outcome::Restarted | Outcome::Silence => None,
        }
    }

    /// What the console was after it.
    fn after(exchange: &Exchange) -> Option<Self> {
        match reading::outcome_within(exchange, FOREVER) {
            Outcome::Answered(..) | Outcome::Opened => Some(Self::Open),
            Outcome::Locked | Outcome::Restarted => Some(Self::Locked),
            Outcome::Silence => None,
        }
    }
}
