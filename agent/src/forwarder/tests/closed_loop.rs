//! The state machine together with a buffer and a sink, over hours: what must get through does.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::{answered, envelope, epoch, tick, timing};
use crate::forwarder::event::{Action, Backlog, Event};
use crate::forwarder::online::{Next, Pace};
use crate::forwarder::state::Machine;
use crate::forwarder::window::Sent;
use crate::observation::Moment;

/// Records up to this one are of another kitchen than those behind it.
const OLD: u64 = 5_000;

/// What an agent and a sink do with each other: the records of a buffer, and of every envelope whether it is taken.
struct Bench {
    machine: Machine,
    held: BTreeSet<u64>,
    newest: u64,
    now: u64,
    /// Seconds in which the newest record arrived after it was written.
    waits: Vec<u64>,
}

/// What becomes of an envelope.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// Acknowledged, so many ms later.
    Taken(u64),
    /// Nothing comes back.
    Dropped,
    /// The connection ends.
    Closes,
}

impl Bench {
    fn new(records: u64) -> Self {
        let backlog = Backlog { records, newest: records };
        let machine = Machine::new(timing(), 1, backlog);
        Self { machine, held: (1..=records).collect(), newest: records, now: 0, waits: Vec::new() }
    }

    fn step(&mut self, event: Event) -> Vec<Action> {
        let (machine, actions) = self.machine.clone().step(Moment(Duration::from_millis(self.now)), event);
        self.machine = machine;
        actions
    }

    /// Goes on until nothing is held, for so many seconds at most; a record is written every `every` of them. `fate` is
    /// told the records of an envelope and when the line is free. How long it took.
    fn run(&mut self, (seconds, every): (u64, u64), fate: impl Fn(&[u64], u64) -> Fate) -> Option<u64> {
        let (mut events, mut answers) = (VecDeque::from([tick()]), Vec::new());
        let (mut written_at, mut free_at) = (0, 0);
        while self.now < seconds * 1_000 {
            if let Some(event) = events.pop_front() {
                // What comes of an action comes before anything else.
                let mut first = Vec::new();
                for action in self.step(event) {
                    match action {
                        Action::Connect { .. } => first.extend([Event::Opened, Event::Subscribed, answered()]),
                        Action::Close => answers.clear(),
                        Action::SendHeartbeat => first.push(answered()),
                        Action::SendNext(next) => {
                            let records = self.read(next);
                            first.extend(self.send(&records, &mut answers, (&mut free_at, &fate)));
                        }
                        Action::Subscribe | Action::SendBirth | Action::TellPassedOver(_) => {}
                    }
                }
                first.into_iter().rev().for_each(|event| events.push_front(event));
                continue;
            }
            if self.held.is_empty() {
                return Some(self.now / 1_000);
            }
            answers.sort_by_key(|(at, _)| *at);
            let deadline = self.machine.deadline().map_or(u64::MAX, |at| at.0.as_millis() as u64);
            let answer = answers.first().map_or(u64::MAX, |(at, _)| *at);
            let write = written_at + every * 1_000;
            self.now = self.now.max(deadline.min(answer).min(write));
            if self.now >= answer {
                events.push_back(self.answer(answers.remove(0).1));
            } else if self.now >= write {
                written_at = self.now;
                self.newest += 1;
                self.held.insert(self.newest);
            } else {
                events.push_back(tick());
            }
            events.push_back(Event::Backlog(Backlog { records: self.held.len() as u64, newest: self.newest }));
        }
        None
    }

    fn read(&self, Next { after, until, pace, halvings }: Next) -> Vec<u64> {
        let most = if pace == Pace::Live { 17 } else { 500 };
        let records = || self.held.range(after + 1..).copied().take_while(|seq| *seq <= until);
        // Of one kitchen.
        let is_old = records().next().is_some_and(|first| first <= OLD);
        records().take_while(|seq| (*seq <= OLD) == is_old).take((most >> halvings).max(1)).collect()
    }

    fn send(
        &mut self,
        records: &[u64],
        answers: &mut Vec<(u64, Vec<u64>)>,
        (free_at, fate): (&mut u64, &impl Fn(&[u64], u64) -> Fate),
    ) -> Vec<Event> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return vec![Event::NothingToSend] };
        let seqs = records.iter().copied().collect();
        let sent = Event::Sent(Sent { seqs, last_index: *last, ..envelope(*first, *last) });
        match fate(records, (*free_at).max(self.now) - self.now) {
            Fate::Taken(ms) => {
                *free_at = self.now + ms;
                answers.push((*free_at, records.to_vec()));
                vec![sent]
            }
            Fate::Dropped => vec![sent],
            Fate::Closes => vec![sent, Event::Lost { chance: 0.5 }],
        }
    }

    fn answer(&mut self, records: Vec<u64>) -> Event {
        records.iter().for_each(|seq| _ = self.held.remove(seq));
        if records.contains(&self.newest) {
            self.waits.push(self.now / 1_000);
        }
        Event::Acknowledged { epoch: epoch(), ranges: records.into_iter().collect() }
    }
}

/// 240 bytes a record; what is handed over waits until the line is free of what was before.
fn over_a_line(bytes_per_s: u64) -> impl Fn(&[u64], u64) -> Fate {
    move |records, busy_ms| Fate::Taken(busy_ms + records.len() as u64 * 240 * 1_000 / bytes_per_s)
}

#[test]
fn a_slow_line_gets_a_backlog_through_and_the_newest_first() {
    for bytes_per_s in [1_000, 5_000, 20_000, 100_000] {
        let mut bench = Bench::new(OLD);
        let took = bench.run((20_000, 60), over_a_line(bytes_per_s));
        let ideal = OLD * 240 / bytes_per_s;
        assert!(took.is_some_and(|took| took < 2 * ideal + 120), "{bytes_per_s} B/s: {took:?} of {ideal} s");
        assert!(bench.waits.first().is_some_and(|first| *first <= 60), "{bytes_per_s} B/s: {:?}", bench.waits.first());
        let longest = bench.waits.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(longest.is_none_or(|longest| longest <= 240), "{bytes_per_s} B/s: no news for {longest:?} s");
        assert!(!bench.machine.is_passing_over(), "{bytes_per_s} B/s");
    }
}

/// A broker ends the connection, or says nothing, for the records of one kitchen.
#[test]
fn records_that_are_not_taken_hold_up_neither_the_newest_nor_what_is_behind_them() {
    for refusal in [Fate::Closes, Fate::Dropped] {
        let wrong = |records: &[u64], _| {
            if records.iter().any(|seq| *seq <= OLD) { refusal } else { Fate::Taken(50) }
        };
        let mut bench = Bench::new(6_000);
        bench.run((3_600, 60), wrong);
        let news = &bench.waits;
        assert!(news.first().is_some_and(|first| *first <= 90), "{:?}", news.first());
        let longest = news.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(u64::MAX);
        assert!(longest <= 300, "no news for {longest} s");
        let left: Vec<_> = bench.held.iter().filter(|seq| **seq > OLD).collect();
        assert!(left.len() <= 2, "{left:?}");
        assert_eq!(bench.held.iter().filter(|seq| **seq <= OLD).count() as u64, OLD);
    }
}

/// The newest are not taken, what is older is.
#[test]
fn a_backlog_gets_through_where_the_newest_are_not_taken() {
    for refusal in [Fate::Closes, Fate::Dropped] {
        let wrong = |records: &[u64], _| if records.iter().any(|seq| *seq > OLD) { refusal } else { Fate::Taken(50) };
        let mut bench = Bench::new(5_100);
        bench.run((3_600, 60), wrong);
        let left = bench.held.iter().filter(|seq| **seq <= OLD).count();
        assert_eq!(left, 0);
    }
}
