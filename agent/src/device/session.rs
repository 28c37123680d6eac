//! A dialogue with one sensor: one command in flight, every wait bounded, nothing credited to the wrong command.
//!
//! Generic over the bytes, so a test, a transcript or a pty serves as well as a serial port. Promises:
//!
//! - After a time-out or a damaged answer nothing is sent before the line has been quiet and `AT` has been answered and it has
//!   been quiet again: a late reply, or the rest of a torn one, cannot be taken for the next one.
//! - A lock during a command is met with a login and the command is repeated (every command of ours may be).
//! - A measurement that the device prints by itself is kept, with its time, and handed out by [`Session::listen`] or
//!   [`Session::heard`]; only the block right before the `OK` of [`Session::measure`] is that command's.
//! - Signs of a restart end what was going on with [`DeviceError::Restarted`].
//!
//! Does not reopen the port, does not know when to measure, and never logs a line's content.

use std::collections::VecDeque;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::error::DeviceError;
use super::link::Link;
use super::pace::Pace;
use super::relock;
use crate::at::block::{Block, BlockCollector};
use crate::at::command::{Command, LINE_END, Setting, Value};
use crate::at::identity::Imei;
use crate::at::line::{Line, Password};
use crate::at::reply::{End, Reply, ReplyCollector};
use crate::clock::shared::since;

/// The longest that an ordinary command takes is 4.7 s, behind the modem's work (device reference 5.3).
pub(super) const COMMAND_TIMEOUT: Duration = Duration::from_secs(8);
/// What a measurement takes beyond the warm-up, at most.
pub(super) const MEASURE_TIMEOUT: Duration = Duration::from_secs(10);
/// `AT` is answered at once, unless the device is busy; then it is asked again.
pub(super) const ATTENTION_TIMEOUT: Duration = Duration::from_secs(2);
/// From the device's last byte to our first: several characters, since the empty line behind an `OK` is still to come.
const TURNAROUND: Duration = Duration::from_millis(50);
/// How often a command is sent before it counts as unanswered: it may meet a lock and a busy device.
pub(super) const ATTEMPTS: u32 = 3;
/// How often an answer that is damaged is asked for.
const CLEAN_ATTEMPTS: u32 = 2;
/// Blocks kept until somebody takes them. More cannot come between two commands; the oldest is dropped and said so.
const HEARD_MAX: usize = 16;

/// What a session needs to know beside the bytes.
#[derive(Clone, Debug)]
pub struct Access {
    /// The port's name, for messages.
    pub port: String,
    /// The console's PIN, if it has one.
    pub pin: Option<SecretString>,
    /// How fast device time runs.
    pub pace: Pace,
    /// The moment from which arrival times count.
    pub start: Instant,
}

/// A dialogue with one sensor.
pub struct Session<Io> {
    pub(super) link: Link<Io>,
    pub(super) access: Access,
    /// When the PIN was last accepted; unknown on a console that was found open.
    pub(super) login_at: Option<Instant>,
    /// When the sensor last said which one it is, if it has since the login.
    pub(super) confirmed_at: Option<Instant>,
    pub(super) expected: Option<Imei>,
    /// What waited before the port was opened has been thrown away.
    pub(super) settled: bool,
    blocks: BlockCollector,
    /// A block that just ended: whose it is shows in the next line.
    fresh: Option<Block>,
    heard: VecDeque<Block>,
    restarted: bool,
    /// The place in the dialogue was lost and `AT` was not answered either: what is late may still come.
    pub(super) lost: bool,
    sending: Option<Sending>,
}

/// How the last command got its answer.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// When it was sent for the last time.
    pub at: Instant,
    /// The console had locked itself: it was sent again after a login.
    pub relocked: bool,
    /// It was sent again because there was no clean answer in time: the device was busy, or the line damaged.
    pub repeated: bool,
}

/// What became of one attempt at a command.
pub(super) enum Attempt {
    Replied(Reply, Option<Block>),
    Locked,
    TimedOut,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Session<Io> {
    /// A dialogue over these bytes. Begin with [`Session::login`].
    pub fn new(io: Io, access: Access) -> Self {
        Self {
            link: Link::new(io, access.port.clone()),
            access,
            login_at: None,
            confirmed_at: None,
            expected: None,
            settled: false,
            blocks: BlockCollector::default(),
            fresh: None,
            heard: VecDeque::new(),
            restarted: false,
            lost: false,
            sending: None,
        }
    }

    /// Asks for a value.
    ///
    /// # Errors
    /// No answer, a refusal, or twice no such value in the answer.
    pub async fn get<V: Value>(&mut self) -> Result<V, DeviceError> {
        let command = Command::get::<V>();
        for _ in 0..CLEAN_ATTEMPTS {
            let reply = self.exchange(&command).await?;
            if let Some(value) = reply.value() {
                return Ok(value);
            }
            self.resynchronise().await?;
        }
        Err(DeviceError::Damaged { port: self.port(), command: command.to_string() })
    }

    /// Sets a value; it says `OK`, which does not yet prove that it has.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn set<S: Setting>(&mut self, setting: &S) -> Result<(), DeviceError> {
        self.exchange(&Command::set(setting)).await.map(drop)
    }

    /// Measures now, the transmitter being powered for `warm_up` first.
    ///
    /// # Errors
    /// No answer, or twice no whole block in it.
    pub async fn measure(&mut self, warm_up: Duration) -> Result<Block, DeviceError> {
        let command = Command::measure();
        for _ in 0..CLEAN_ATTEMPTS {
            let (_, block) = self.repeat(&command, warm_up + MEASURE_TIMEOUT).await?;
            if let Some(block) = block {
                return Ok(block);
            }
            self.resynchronise().await?;
        }
        Err(DeviceError::Damaged { port: self.port(), command: command.to_string() })
    }

    /// Listens, sending nothing, until a block is heard or `until` comes.
    ///
    /// # Errors
    /// The port is gone, or the device has restarted.
    pub async fn listen(&mut self, until: Instant) -> Result<Option<Block>, DeviceError> {
        loop {
            if let Some(block) = self.heard() {
                return Ok(Some(block));
            }
            match self.next(until).await? {
                None => return Ok(None),
                Some(Line::Boot) => return Err(self.restarted()),
                Some(_) => {}
            }
        }
    }

    /// The next block that was heard beside a command.
    pub fn heard(&mut self) -> Option<Block> {
        self.release();
        self.heard.pop_front()
    }

    /// The last block that was heard after that moment.
    fn heard_since(&mut self, moment: Duration) -> Option<Block> {
        self.release();
        self.heard.pop_back_if(|block| block.arrived > moment)
    }

    /// How the last measurement was asked for.
    pub fn sending(&self) -> Option<Sending> {
        self.sending
    }

    /// Whether boot text was seen since the last call.
    pub fn take_restarted(&mut self) -> bool {
        std::mem::take(&mut self.restarted)
    }

    /// Waits, listening, until a change of several commands may begin without meeting the lock.
    ///
    /// # Errors
    /// The port is gone, or the device has restarted.
    pub async fn hold_back(&mut self) -> Result<(), DeviceError> {
        let hold = relock::hold(self.login_age());
        if hold.is_zero() {
            return Ok(());
        }
        self.idle(Instant::now() + self.access.pace.pause(hold)).await
    }

    /// Listens, sending nothing, until then; what is measured meanwhile is kept for [`Session::heard`].
    ///
    /// # Errors
    /// The port is gone, or the device has restarted.
    pub async fn idle(&mut self, until: Instant) -> Result<(), DeviceError> {
        while let Some(line) = self.next(until).await? {
            if line == Line::Boot {
                return Err(self.restarted());
            }
        }
        Ok(())
    }

    /// One command and its reply; a refusal is an error. A block heard meanwhile is the device's own.
    pub(super) async fn exchange(&mut self, command: &Command) -> Result<Reply, DeviceError> {
        let (reply, block) = self.repeat(command, COMMAND_TIMEOUT).await?;
        block.into_iter().for_each(|block| self.keep(block));
        if reply.end == End::ParameterError {
            return Err(DeviceError::Refused { port: self.port(), command: command.to_string() });
        }
        Ok(reply)
    }

    /// Sends a command until it is answered, bounded.
    async fn repeat(&mut self, command: &Command, takes: Duration) -> Result<(Reply, Option<Block>), DeviceError> {
        let within = self.access.pace.patience(takes);
        self.find_place().await?;
        let (mut relocked, mut repeated, mut unknown) = (false, false, false);
        let begun = since(self.access.start);
        for _ in 0..ATTEMPTS {
            self.sending = Some(Sending { at: Instant::now(), relocked, repeated });
            match self.attempt(command, within, ReplyCollector::default()).await? {
                // Not recognised by the device: the line was damaged on its way there, or its firmware is old.
                Attempt::Replied(reply, block) if reply.end == End::ModemError => {
                    unknown = true;
                    block.into_iter().for_each(|block| self.keep(block));
                    self.resynchronise().await?;
                }
                Attempt::Replied(reply, block) => return Ok((reply, block)),
                Attempt::Locked => {
                    relocked = true;
                    self.log_in_again().await?;
                    if *command != Command::measure() {
                        continue;
                    }
                    self.confirm_once().await?;
                    // The console locked itself while the sensor measured: what it printed is what was asked for.
                    if let Some(block) = self.heard_since(begun) {
                        return Ok((Reply { lines: Vec::new(), end: End::Ok }, Some(block)));
                    }
                }
                Attempt::TimedOut => {
                    (repeated, unknown) = (true, false);
                    self.resynchronise().await?;
                }
            }
        }
        let (port, command) = (self.port(), command.to_string());
        Err(if unknown {
            DeviceError::NotKnown { port, command }
        } else {
            DeviceError::NoAnswer { port, command, within }
        })
    }

    /// Sends a command once; `collector` knows which lines are its reply.
    pub(super) async fn attempt(
        &mut self,
        command: &Command,
        within: Duration,
        mut collector: ReplyCollector,
    ) -> Result<Attempt, DeviceError> {
        // A block that ended before the command was sent is not its answer.
        self.release();
        self.send(command).await?;
        let deadline = Instant::now() + within;
        while let Some(line) = self.next(deadline).await? {
            match line {
                Line::Boot => return Err(self.restarted()),
                Line::Password(Password::Incorrect | Password::Timeout) => return Ok(Attempt::Locked),
                _ => {}
            }
            if let Some(reply) = collector.take(&line) {
                return Ok(Attempt::Replied(reply, self.fresh.take()));
            }
        }
        Ok(Attempt::TimedOut)
    }

    /// A lock at its ordinary time is met with a login; an earlier one says that the device has restarted.
    pub(super) async fn log_in_again(&mut self) -> Result<(), DeviceError> {
        if !relock::is_due(self.login_age()) {
            return Err(self.restarted());
        }
        self.login().await
    }

    /// Another PIN from now on.
    pub fn set_pin(&mut self, pin: Option<SecretString>) {
        self.access.pin = pin;
    }

    pub(super) async fn send(&mut self, command: &Command) -> Result<(), DeviceError> {
        tracing::trace!(port = self.access.port, %command, "sent");
        self.write_line(command.line()).await
    }

    pub(super) async fn write_line(&mut self, line: &str) -> Result<(), DeviceError> {
        let mut bytes = line.as_bytes().to_vec();
        bytes.push(LINE_END);
        self.link.take_turns(self.access.pace.pause(TURNAROUND)).await;
        self.link.write(&bytes).await
    }

    /// The next line, with the measurements in it noticed.
    pub(super) async fn next(&mut self, deadline: Instant) -> Result<Option<Line>, DeviceError> {
        let Some(line) = self.link.line(deadline).await? else {
            return Ok(None);
        };
        if !matches!(line, Line::Empty | Line::Noise | Line::Modem(_) | Line::Ok) {
            self.release();
        }
        self.restarted |= line == Line::Boot;
        let arrived = since(self.access.start);
        if let Some(block) = self.blocks.take(&line, arrived) {
            self.release();
            self.fresh = Some(block);
        }
        Ok(Some(line))
    }

    /// The block that just ended was no command's.
    fn release(&mut self) {
        if let Some(block) = self.fresh.take() {
            self.keep(block);
        }
    }

    /// Takes back a block, for [`Session::heard`]; of too many, the oldest is dropped.
    pub fn keep(&mut self, block: Block) {
        if self.heard.len() == HEARD_MAX {
            self.heard.pop_front();
            tracing::warn!(port = self.access.port, "more measurements overheard than taken: the oldest is dropped");
        }
        self.heard.push_back(block);
    }

    pub(super) fn login_age(&self) -> Option<Duration> {
        self.login_at.map(|at| self.access.pace.device_time(at.elapsed()))
    }

    /// The port's name, for messages.
    pub fn port(&self) -> String {
        self.link.port()
    }

    pub(super) fn restarted(&mut self) -> DeviceError {
        self.login_at = None;
        DeviceError::Restarted { port: self.port() }
    }
}
