//! New certificate files beside those that worked: whose turn it is, and when the new ones count as refused. Pure.
//!
//! A sink need not say what it has against a certificate: it may close the connection, or stay silent, and so does one that is
//! out of order. So after a failure the other one has its turn, whatever the fault, until one is answered. Only an answer to
//! what worked says that the sink was there; and unless the refusal had words, it takes two of them.

use std::time::Duration;

use super::fault::LinkFault;
use super::tls::Digest;
use crate::observation::Moment;

/// How often what worked is answered where what is new was not, before that counts as refused without a word.
const SILENT_REFUSALS: u32 = 2;

/// An attempt to connect.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// What it is made with, if that is not what worked.
    pub on_trial: Option<Digest>,
    /// The next one begins with the preferred address again. Turns change only then, so that each has its turn at each.
    pub ends_round: bool,
}

/// What is known of the new files.
#[derive(Debug, Default)]
pub struct Trial {
    under_way: Option<Attempt>,
    suspect: Option<Suspect>,
    refused: Option<(Digest, Moment, LinkFault)>,
}

/// What is new and has failed, and may be innocent.
#[derive(Debug)]
struct Suspect {
    digest: Digest,
    fault: LinkFault,
    /// What worked has its turn.
    waits: bool,
    silent_refusals: u32,
}

impl Trial {
    /// An attempt begins.
    pub fn begin(&mut self, attempt: Attempt) {
        self.under_way = Some(attempt);
    }

    /// Whether it is the turn of what worked.
    pub fn waits(&self, new: &Digest) -> bool {
        self.suspect.as_ref().is_some_and(|suspect| suspect.digest == *new && suspect.waits)
    }

    /// Nothing new is there any more.
    pub fn forget(&mut self) {
        self.suspect = None;
    }

    /// The attempt came to nothing.
    pub fn failed(&mut self, fault: &LinkFault) {
        let Some(Attempt { on_trial, ends_round }) = self.under_way.take() else { return };
        if let Some(digest) = on_trial {
            let known = self.suspect.take().filter(|known| known.digest == digest);
            let silent_refusals = known.as_ref().map_or(0, |known| known.silent_refusals);
            // What had words says more than what comes after it.
            let spoken = known.map(|known| known.fault).filter(LinkFault::is_refusal);
            let fault = spoken.unwrap_or_else(|| fault.clone());
            self.suspect = Some(Suspect { digest, fault, waits: ends_round, silent_refusals });
        } else if let Some(suspect) = self.suspect.as_mut().filter(|_| ends_round) {
            suspect.waits = false;
        }
    }

    /// The attempt was answered; what is said again of the same one changes nothing.
    pub fn answered(&mut self, now: Moment) {
        let Some(attempt) = self.under_way.take() else { return };
        if attempt.on_trial.is_some() {
            *self = Self::default();
        } else if let Some(suspect) = self.suspect.take() {
            self.judge(suspect, now);
        }
    }

    /// The sink was there. What it has refused before gets no second chance at once.
    fn judge(&mut self, mut suspect: Suspect, now: Moment) {
        suspect.silent_refusals += 1;
        suspect.waits = false;
        let was_refused = self.refused.as_ref().is_some_and(|(digest, ..)| *digest == suspect.digest);
        if was_refused || suspect.fault.is_refusal() || suspect.silent_refusals >= SILENT_REFUSALS {
            self.refused = Some((suspect.digest, now, suspect.fault));
        } else {
            self.suspect = Some(suspect);
        }
    }

    /// Why the sink did not take this, if that is less than `while_ago` ago.
    pub fn refused(&self, new: &Digest, now: Moment, while_ago: Duration) -> Option<&LinkFault> {
        let (_, _, fault) =
            self.refused.as_ref().filter(|(digest, at, _)| digest == new && now.0 < at.0 + while_ago)?;
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Digest = [1; 32];
    const WHILE: Duration = Duration::from_secs(900);

    /// What happens to an attempt.
    enum Outcome {
        Answered,
        Failed(LinkFault),
    }
    use Outcome::{Answered, Failed};

    fn closed() -> Outcome {
        Failed(LinkFault::Unreachable("the other side closed the connection".to_owned()))
    }

    /// Attempts one second apart, at so many addresses in turn, by a sink that takes what worked and closes on what is new,
    /// or by what is said; gives which were made with what is new, and whether it counts as refused in the end.
    fn check(addresses: usize, outcomes: Vec<fn(bool) -> Outcome>) -> (String, bool) {
        let (mut trial, mut turns, mut address, mut now) = (Trial::default(), String::new(), 0, Moment(Duration::ZERO));
        for outcome in outcomes {
            now = Moment(now.0 + Duration::from_secs(1));
            let is_new = !trial.waits(&NEW) && trial.refused(&NEW, now, WHILE).is_none();
            turns.push(if is_new { 'n' } else { 'w' });
            trial.begin(Attempt { on_trial: is_new.then_some(NEW), ends_round: address + 1 == addresses });
            match outcome(is_new) {
                Answered => {
                    trial.answered(now);
                    trial.answered(now);
                }
                Failed(fault) => {
                    trial.failed(&fault);
                    address = (address + 1) % addresses;
                }
            }
        }
        (turns, trial.refused(&NEW, now, WHILE).is_some())
    }

    fn closes_on_new(is_new: bool) -> Outcome {
        if is_new { closed() } else { Answered }
    }

    fn refuses_new(is_new: bool) -> Outcome {
        if is_new { Failed(LinkFault::TlsRefused("our certificate: revoked".to_owned())) } else { Answered }
    }

    fn is_away(_: bool) -> Outcome {
        Failed(LinkFault::NoAnswer)
    }

    fn answers(_: bool) -> Outcome {
        Answered
    }

    #[test]
    fn what_worked_is_used_again_where_what_is_new_is_closed_on() {
        assert_eq!(check(1, vec![closes_on_new; 7]), ("nwnwwww".to_owned(), true));
    }

    #[test]
    fn a_refusal_in_words_counts_at_once() {
        assert_eq!(check(1, vec![refuses_new; 4]), ("nwww".to_owned(), true));
    }

    #[test]
    fn files_that_are_good_are_used_after_an_outage() {
        for away in 1..5 {
            let outcomes = [vec![is_away as fn(bool) -> Outcome; away], vec![answers; 2]].concat();
            let (turns, refused) = check(1, outcomes);
            assert!(!refused && turns.ends_with('n'), "{away} attempts failed: {turns}");
        }
    }

    #[test]
    fn each_has_its_turn_at_each_address() {
        assert_eq!(check(2, vec![is_away; 6]).0, "nnwwnn");
        assert_eq!(check(3, vec![is_away; 7]).0, "nnnwwwn");
    }

    #[test]
    fn what_was_refused_is_tried_once_more_when_it_is_time() {
        let (mut trial, mut now) = (Trial::default(), Moment(Duration::ZERO));
        for attempts in [2, 1] {
            for _ in 0..attempts {
                assert!(trial.refused(&NEW, now, WHILE).is_none());
                for on_trial in [Some(NEW), None] {
                    trial.begin(Attempt { on_trial, ends_round: true });
                    if on_trial.is_some() { trial.failed(&LinkFault::NoAnswer) } else { trial.answered(now) }
                }
            }
            assert_eq!(trial.refused(&NEW, now, WHILE), Some(&LinkFault::NoAnswer));
            now = Moment(now.0 + WHILE);
        }
    }
}
