//! Which birth or heartbeat an answer belongs to: an answer that comes late, again, or from an earlier connection must not
//! date the question after it. Pure.

use std::collections::VecDeque;

use crate::observation::Moment;

/// Questions that wait for their answer; of more, the oldest is given up.
const OPEN_MAX: usize = 8;

/// The open questions of one run of the agent.
#[derive(Clone, Debug, Default)]
pub struct Questions {
    last: u64,
    open: VecDeque<(u64, Moment)>,
}

impl Questions {
    /// A new question; its number.
    pub fn ask(&mut self, now: Moment) -> u64 {
        self.last += 1;
        if self.open.len() == OPEN_MAX {
            self.open.pop_front();
        }
        self.open.push_back((self.last, now));
        self.last
    }

    /// When the question of that number was asked, if it is open; with it, those before it are settled.
    pub fn answered(&mut self, number: u64) -> Option<Moment> {
        let at = self.open.iter().position(|(open, _)| *open == number)?;
        self.open.drain(..=at).next_back().map(|(_, asked)| asked)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    #[test]
    fn an_answer_dates_its_own_question_and_only_once() {
        let mut questions = Questions::default();
        let numbers: Vec<_> = (0..3).map(|seconds| questions.ask(at(seconds))).collect();
        assert_eq!(questions.answered(numbers[1]), Some(at(1)));
        assert_eq!(questions.answered(numbers[0]), None, "late");
        assert_eq!(questions.answered(numbers[1]), None, "again");
        assert_eq!(questions.answered(numbers[2]), Some(at(2)));
        assert_eq!(questions.answered(99), None);
    }

    #[test]
    fn of_too_many_the_oldest_is_given_up() {
        let mut questions = Questions::default();
        let numbers: Vec<_> = (0..10).map(|seconds| questions.ask(at(seconds))).collect();
        assert_eq!(questions.answered(numbers[1]), None);
        assert_eq!(questions.answered(numbers[2]), Some(at(2)));
    }
}
