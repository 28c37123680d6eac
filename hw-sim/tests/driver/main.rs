//! Every golden transcript against the agent's driver: the device's side is played to the byte, in virtual time, and what the
//! driver makes of it is held against a plain reading of the transcript's text.
//!
//! | | |
//! |---|---|
//! | `score` | a transcript cut into exchanges: what the host sends, what the device says and when |
//! | `player` | plays the device's side |
//! | `reading` | what each exchange means, read without the agent's grammar |
//! | `performance` | the driver at the other end, and the comparison |
//! | `own` | its own commands, beside lines of any text |
//! | `unplayable` | which transcripts no driver can play, and why |

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod own;
mod performance;
mod player;
mod reading;
mod score;
mod unplayable;

use std::path::Path;

use own::Own;
use performance::Hand;
use reading::Outcome;
use score::{Exchange, Manner, Score};

/// The texts of all transcripts, or of those whose name contains the variable `TRANSCRIPT`.
fn transcripts() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let only = std::env::var("TRANSCRIPT").unwrap_or_default();
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let named = files.map(|path| (path.file_stem().unwrap().display().to_string(), path));
    let mut texts: Vec<_> = named
        .filter(|(name, _)| name.contains(&only))
        .map(|(name, path)| (name, std::fs::read_to_string(path).unwrap()))
        .collect();
    texts.sort();
    texts
}

fn playable() -> Vec<(String, String)> {
    transcripts().into_iter().filter(|(name, _)| !unplayable::is_listed(name)).collect()
}

/// All that can be played, in these manners: what differs, by name.
async fn play_all(manners: &[Manner]) {
    let playable = playable();
    let mut failures = Vec::new();
    for (name, text) in &playable {
        for (manner, hand) in manners.iter().flat_map(|manner| [(*manner, Hand::Asked), (*manner, Hand::Own)]) {
            let score = Score::read(text, manner).unwrap_or_else(|error| panic!("{name}: {error}"));
            let differences = performance::perform(score, manner, hand).await;
            if !differences.is_empty() {
                failures.push(format!("{name} ({hand:?}, {manner:?}):\n{}", differences.join("\n")));
                break;
            }
        }
    }
    assert!(failures.is_empty(), "{} of {} differ\n{}", failures.len(), playable.len(), failures.join("\n\n"));
    assert!(std::env::var("TRANSCRIPT").is_ok() || playable.len() >= 190, "only {} played", playable.len());
}

#[tokio::test(start_paused = true)]
async fn the_driver_makes_of_every_transcript_what_it_says() {
    play_all(&Manner::PROMPT).await;
}

#[tokio::test(start_paused = true)]
async fn a_block_before_each_answer_is_overheard_and_part_of_none() {
    play_all(&Manner::CHATTY).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_too_late_is_credited_to_nothing() {
    play_all(&Manner::LATE).await;
}

/// What is not in the transcripts as they are read is not compared either.
#[test]
fn there_is_enough_of_everything_to_compare() {
    let mut found = Counts::default();
    for (_, text) in playable() {
        Score::read(&text, Manner::PROMPT[1]).unwrap().exchanges.iter().for_each(|exchange| found.add(exchange));
    }
    let all = std::env::var("TRANSCRIPT").is_err();
    assert!(!all || found.is_enough(), "{found:?}");
}

/// How much there is of each.
#[derive(Debug, Default)]
struct Counts {
    answered: usize,
    silent: usize,
    locked: usize,
    opened: usize,
    restarted: usize,
    own: usize,
    unasked: usize,
}

impl Counts {
    fn add(&mut self, exchange: &Exchange) {
        self.unasked += reading::unasked(exchange.host.as_deref(), &exchange.cues).len();
        let Some(host) = &exchange.host else { return };
        self.own += usize::from(Own::of(host).is_some());
        match reading::outcome(exchange) {
            Outcome::Answered(..) => self.answered += 1,
            Outcome::Silence => self.silent += 1,
            Outcome::Locked => self.locked += 1,
            Outcome::Opened => self.opened += 1,
            Outcome::Restarted => self.restarted += 1,
        }
    }

    /// Somewhat fewer than when this was written.
    fn is_enough(&self) -> bool {
        let answers = self.answered >= 700 && self.silent >= 100 && self.own >= 150;
        let rest = self.locked >= 30 && self.opened >= 200 && self.restarted >= 20;
        answers && rest && self.unasked >= 40
    }
}

#[test]
fn what_is_listed_as_unplayable_is() {
    unplayable::check();
}
