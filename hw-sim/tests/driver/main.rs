//! Every golden transcript against the agent's driver: the device's side is played to the byte, in virtual time, and what the
//! driver makes of it is held against a plain reading of the transcript's text.
//!
//! | | |
//! |---|---|
//! | `score` | a transcript cut into exchanges: what the host sends, what the device says and when |
//! | `player` | plays the device's side |
//! | `reading` | what each exchange means, read without the agent's grammar |
//! | `performance` | the driver at the other end, and the comparison |
//! | `unplayable` | which transcripts no driver can play, and why |

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod performance;
mod player;
mod reading;
mod score;
mod unplayable;

use std::path::Path;

use score::{Manner, Score};

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

/// All that can be played, in these manners: what differs, by name.
async fn play_all(manners: &[Manner]) {
    let playable: Vec<_> = transcripts().into_iter().filter(|(name, _)| !unplayable::is_listed(name)).collect();
    let mut failures = Vec::new();
    for (name, text) in &playable {
        for manner in manners {
            let score = Score::read(text, *manner).unwrap_or_else(|error| panic!("{name}: {error}"));
            let differences = performance::perform(score, *manner).await;
            if !differences.is_empty() {
                failures.push(format!("{name} ({manner:?}):\n{}", differences.join("\n")));
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
async fn an_answer_that_comes_too_late_is_credited_to_nothing() {
    play_all(&Manner::LATE).await;
}

#[test]
fn what_is_listed_as_unplayable_is() {
    unplayable::check();
}
