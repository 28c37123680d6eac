//! The driver's side: for each line of the transcript it does what a driver does, and what came of it is compared.

use std::time::Duration;

use kitchen_agent::at::block::Block;
use kitchen_agent::at::reply::End;
use kitchen_agent::device::ask::AskError;
use kitchen_agent::device::error::DeviceError;
use kitchen_agent::device::pace::Pace;
use kitchen_agent::device::session::{Access, Session};
use kitchen_agent::speed::Speed;
use tokio::io::{DuplexStream, duplex};
use tokio::time::{Instant, timeout};

use crate::own::Own;
use crate::player::{EXTRA, Player, Stage};
use crate::reading::{self, Outcome, Printed};
use crate::score::{Cue, Exchange, Manner, Score};

/// Bytes that the wire holds; more than a device says in the time that a driver takes to read.
const WIRE_BYTES: usize = 1 << 16;
/// Before this age of a login no console locks by itself (device reference 4 and 14.5).
const LOCKS_FROM: Duration = Duration::from_secs(285);
/// Longer than any transcript.
const FOREVER: Duration = Duration::from_secs(1_000_000);
/// What may still be on its way when all has been said.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// A block is noticed with its last line, and dated with its value's: chunks come at once.
const ARRIVAL: Duration = Duration::from_millis(1);

/// Plays a transcript; all that is not as it says.
pub(crate) async fn perform(score: Score, manner: Manner, hand: Hand) -> Vec<String> {
    let (ours, theirs) = duplex(WIRE_BYTES);
    let player = Player::new(score.exchanges.clone(), manner, theirs);
    let mut driver = Driver::new(ours, score.exchanges, player.stage());
    driver.hand = hand;
    let player = tokio::spawn(player.play());
    driver.is_refused(&score.refused).await;
    driver.play().await;
    player.abort();
    driver.differences
}

/// With which commands the driver sends a transcript's lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Hand {
    /// Each as a line of any text.
    Asked,
    /// Those that are commands of the driver's own as these.
    Own,
}

struct Driver {
    hand: Hand,
    session: Session<DuplexStream>,
    exchanges: Vec<Exchange>,
    stage: Stage,
    /// When the console was last opened, if the driver knows.
    login_at: Option<Instant>,
    heard: Vec<Block>,
    /// What was said up to the last look, with its exchange.
    said: Vec<(usize, Cue)>,
    differences: Vec<String>,
}

impl Driver {
    fn new(io: DuplexStream, exchanges: Vec<Exchange>, stage: Stage) -> Self {
        let pace = Pace::new(Speed::REAL);
        let access = Access { port: "/dev/ttyTest".to_owned(), pin: None, pace, start: Instant::now() };
        Self {
            hand: Hand::Asked,
            session: Session::new(io, access),
            exchanges,
            stage,
            login_at: None,
            heard: Vec::new(),
            said: Vec::new(),
            differences: Vec::new(),
        }
    }

    /// A line that is none is not sent: the device, which would answer it, hears nothing.
    async fn is_refused(&mut self, lines: &[String]) {
        for line in lines {
            let result = self.session.ask(line).await;
            if !matches!(result, Err(AskError::Line(_))) {
                self.differs(0, "refused", &format!("{result:?}"));
            }
        }
    }

    async fn play(&mut self) {
        let mut next = self.next_after(0).await;
        while let Some(index) = next.filter(|index| *index < self.exchanges.len()) {
            let last = self.exchange(index).await;
            next = self.next_after(last).await;
            self.compare_restarts(index);
        }
        let end = Instant::now() + AFTERWARDS;
        while Instant::now() < end {
            self.heard.extend(self.session.listen(end).await.ok().flatten());
        }
        self.compare_blocks();
    }

    /// Listens until the device waits for a line behind that one; the driver must have sent that one by then.
    async fn next_after(&mut self, index: usize) -> Option<usize> {
        let mut waiting = self.stage.waiting.clone();
        let arrived = async {
            loop {
                let listening = self.session.listen(Instant::now() + FOREVER);
                tokio::select! {
                    biased;
                    heard = listening => self.heard.extend(heard.ok().flatten()),
                    at = waiting.wait_for(|at| *at > index) => return at.ok().map(|at| *at),
                }
            }
        };
        let arrived = timeout(FOREVER, arrived).await.ok().flatten();
        if arrived.is_none() {
            self.differs(index, "the line sent", "it was not");
        }
        arrived
    }

    /// Sends the line; the last exchange that the driver went through with it.
    async fn exchange(&mut self, index: usize) -> usize {
        let host = self.exchanges[index].host.clone().unwrap_or_default();
        let outcome = reading::outcome(&self.exchanges[index]);
        if outcome == Outcome::Opened {
            self.log_in(index, &host).await;
            return index;
        }
        let (expected, covered) = self.expected(index, outcome);
        let pin = self.pin_after(index);
        self.session.set_pin(pin.map(Into::into));
        *self.stage.permitted.lock().unwrap() = covered;
        let result = self.send(&host).await;
        if covered > index + 1 {
            self.login_at = Some(Instant::now());
        }
        let found = self.told(result);
        if found != expected {
            self.differs(index, &expected, &found);
        }
        covered - 1
    }

    async fn log_in(&mut self, index: usize, pin: &str) {
        self.session.set_pin(Some(pin.into()));
        *self.stage.permitted.lock().unwrap() = index + 1;
        let result = self.session.login().await;
        self.login_at = Some(Instant::now());
        if let Err(error) = result {
            self.differs(index, "logged in", &error.to_string());
        }
    }

    /// What the driver should make of an exchange, and up to which one it goes by itself: it meets a lock with a login, if
    /// the transcript's host does so next, and repeats the line.
    fn expected(&self, index: usize, outcome: Outcome) -> (String, usize) {
        match outcome {
            Outcome::Answered(lines, end) => (self.expected_answer(index, &lines, end), index + 1),
            Outcome::Restarted => (RESTARTED.to_owned(), index + 1),
            Outcome::Silence | Outcome::Opened => (self.expected_late(index), index + 1),
            Outcome::Locked if self.login_at.is_some_and(|at| at.elapsed() < LOCKS_FROM) => {
                (RESTARTED.to_owned(), index + 1)
            }
            Outcome::Locked if self.pin_after(index).is_none() => (NO_PIN.to_owned(), index + 1),
            Outcome::Locked => self.expected_again(index),
        }
    }

    /// Behind the lock and the login.
    fn expected_again(&self, index: usize) -> (String, usize) {
        let host = self.exchanges[index].host.as_deref().unwrap_or_default();
        match self.exchanges.get(index + 2).filter(|again| again.host.as_deref() == Some(host)) {
            Some(again) => (self.expected(index + 2, reading::outcome(again)).0, index + 3),
            None if host == "AT" => (answered(&[], "OK"), index + 2),
            None => (self.expected_answer(index, &[EXTRA.to_owned()], "OK"), index + 2),
        }
    }

    fn expected_answer(&self, index: usize, lines: &[String], end: &str) -> String {
        match self.own(self.exchanges[index].host.as_deref().unwrap_or_default()) {
            Some(own) => own.expected(lines, end).unwrap_or_else(|| SILENCE.to_owned()),
            None => answered(lines, end),
        }
    }

    /// A command of its own is repeated by the driver when its answer is too late, if it finds its place again.
    fn expected_late(&self, index: usize) -> String {
        let exchange = &self.exchanges[index];
        let own = self.own(exchange.host.as_deref().unwrap_or_default());
        match reading::outcome_within(exchange, FOREVER) {
            Outcome::Answered(lines, end) if own.is_some() && exchange.comes_before_it_is_given_up() => {
                self.expected_answer(index, &lines, end)
            }
            _ => SILENCE.to_owned(),
        }
    }

    /// The driver's own command for a line, if it is to use them.
    fn own(&self, host: &str) -> Option<Own> {
        Own::of(host).filter(|_| self.hand == Hand::Own)
    }

    async fn send(&mut self, host: &str) -> Result<String, AskError> {
        if let Some(own) = self.own(host) {
            return Ok(own.send(&mut self.session).await?);
        }
        self.session.ask(host).await.map(|reply| {
            let lines: Vec<_> = reply.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            answered(&lines, end(reply.end))
        })
    }

    /// The PIN that the transcript's host types next, if it is right.
    fn pin_after(&self, index: usize) -> Option<String> {
        let next = self.exchanges.get(index + 1)?;
        let opens = reading::outcome(next) == Outcome::Opened;
        next.host.clone().filter(|_| opens)
    }

    /// A result in the words of [`Self::expected`].
    fn told(&mut self, result: Result<String, AskError>) -> String {
        match result {
            Ok(told) => told,
            Err(AskError::Device(DeviceError::NoAnswer { .. })) => SILENCE.to_owned(),
            Err(AskError::Device(DeviceError::NoPin { .. })) => NO_PIN.to_owned(),
            Err(AskError::Device(DeviceError::Restarted { .. })) => {
                self.login_at = None;
                RESTARTED.to_owned()
            }
            Err(error) => format!("{error:?}"),
        }
    }

    /// Boot text is a restart, and nothing else is.
    fn compare_restarts(&mut self, index: usize) {
        let said = self.stage.said.lock().unwrap().split_off(0);
        let boots = said.iter().filter(|(at, _)| self.is_news(*at)).any(|(_, cue)| reading::is_boot(cue));
        self.said.extend(said);
        let noticed = self.session.take_restarted();
        if boots {
            self.login_at = None;
        }
        if noticed != boots {
            self.differs(index, &format!("restarted: {boots}"), &format!("restarted: {noticed}"));
        }
    }

    /// Every block that no line asked for is overheard, once and at its time.
    fn compare_blocks(&mut self) {
        self.heard.extend(std::iter::from_fn(|| self.session.heard()));
        self.said.append(&mut self.stage.said.lock().unwrap());
        let expected = self.unasked();
        let found: Vec<_> = self.heard.iter().map(printed).collect();
        let same = |(expected, found): (&Printed, &Printed)| {
            (expected.current, expected.input) == (found.current, found.input)
                && expected.at.abs_diff(found.at) <= ARRIVAL
        };
        if expected.len() != found.len() || !expected.iter().zip(&found).all(same) {
            self.differences.push(format!("  blocks overheard\n    expected {expected:?}\n    got      {found:?}"));
        }
    }

    fn unasked(&self) -> Vec<Printed> {
        let of = |index: usize| self.said.iter().filter(move |(at, _)| *at == index).map(|(_, cue)| cue.clone());
        let news = self.exchanges.iter().enumerate().filter(|(index, _)| self.is_news(*index));
        let blocks = news.flat_map(|(index, exchange)| {
            // Nobody waited any more for what came too late.
            let host = exchange.host.as_deref().filter(|_| !exchange.late);
            reading::unasked(host, &of(index).collect::<Vec<Cue>>())
        });
        blocks.collect()
    }

    /// Whether the device speaks of now; its log is what it said earlier.
    fn is_news(&self, index: usize) -> bool {
        !self.exchanges[index].host.as_deref().is_some_and(reading::prints_log)
    }

    fn differs(&mut self, index: usize, expected: &str, found: &str) {
        let Exchange { line, host, .. } = &self.exchanges[index];
        let host = host.as_deref().unwrap_or_default();
        self.differences.push(format!("  line {line}: > {host}\n    expected {expected}\n    got      {found}"));
    }
}

const SILENCE: &str = "no answer";
const RESTARTED: &str = "restarted";
const NO_PIN: &str = "locked";

fn answered(lines: &[String], end: &str) -> String {
    format!("{lines:?} {end}")
}

fn end(end: End) -> &'static str {
    match end {
        End::Ok => "OK",
        End::ParameterError => "AT_PARAM_ERROR",
        End::ModemError => "ERROR",
    }
}

fn printed(block: &Block) -> Printed {
    let measurement = &block.measurement;
    Printed { current: measurement.current.get(), input: measurement.input.get(), at: block.arrived }
}
