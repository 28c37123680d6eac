//! Commands with their times, from a TOML file:
//!
//! ```toml
//! [[at]]
//! after = "90s"
//! run = "fault noise rate=0.01 for=30"
//! ```
//!
//! Read completely before anything happens; everything that is wrong is said at once.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::command::Command;
use super::words::nearest;
use crate::line::duration;

/// A month of something every ten minutes.
const STEPS_MAX: usize = 5000;
/// Nothing waits longer than a year.
const AFTER_MAX: Duration = Duration::from_secs(365 * 86_400);
/// The keys of a step.
const KEYS: [&str; 2] = ["after", "run"];

/// What is to happen, in the order of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenario {
    /// How long after the beginning, and what.
    pub steps: Vec<(Duration, Command)>,
}

/// Everything that is wrong with a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError(pub Vec<ScenarioProblem>);

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct ScenarioProblem {
    /// Line of the file, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
    /// What, and what would be right.
    pub reason: String,
}

/// Reads a file and collects what is wrong with it.
struct Reader<'a> {
    text: &'a str,
    problems: Vec<ScenarioProblem>,
}

impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let mut reader = Reader { text, problems: Vec::new() };
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            reader.refuse(error.span().unwrap_or_default(), error.message().to_owned());
        }
        // What a broken file seems to contain is not worth a complaint.
        let mut steps = if reader.problems.is_empty() { reader.document(document.get_ref()) } else { Vec::new() };
        steps.sort_by_key(|(after, _)| *after);
        if reader.problems.is_empty() {
            return Ok(Self { steps });
        }
        reader.problems.sort_by_key(|problem| (problem.line, problem.column));
        Err(ScenarioError(reader.problems))
    }
}

impl Reader<'_> {
    fn refuse(&mut self, at: Range<usize>, reason: String) {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.problems.push(ScenarioProblem { line, column, reason });
    }

    fn document(&mut self, document: &DeTable<'_>) -> Vec<(Duration, Command)> {
        let mut steps = Vec::new();
        for (key, value) in document {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("at", DeValue::Array(array)) if array.len() > STEPS_MAX => {
                    self.refuse(key.span(), format!("at most {STEPS_MAX} steps, got {}", array.len()));
                }
                ("at", DeValue::Array(array)) => steps.extend(array.iter().filter_map(|step| self.step(step))),
                ("at", _) => self.refuse(key.span(), "steps are written `[[at]]`".to_owned()),
                (unknown, _) => {
                    self.refuse(key.span(), format!("unknown key `{unknown}`: a scenario has `[[at]]` only"))
                }
            }
        }
        steps
    }

    fn step(&mut self, step: &Spanned<DeValue<'_>>) -> Option<(Duration, Command)> {
        let DeValue::Table(table) = step.get_ref() else {
            self.refuse(step.span(), "a step has `after` and `run`".to_owned());
            return None;
        };
        for key in table.keys().filter(|key| !KEYS.contains(&key.get_ref().as_ref())) {
            let meant = nearest(key.get_ref(), KEYS).map(|known| format!("did you mean `{known}`? "));
            let meant = meant.unwrap_or_default();
            self.refuse(key.span(), format!("unknown key `{}`: {meant}a step has after, run", key.get_ref()));
        }
        let after = self.text_of(step, "after").and_then(|(text, span)| self.after(&text, span));
        let run = self.text_of(step, "run").and_then(|(text, span)| self.command(&text, span));
        after.zip(run)
    }

    fn text_of(&mut self, step: &Spanned<DeValue<'_>>, key: &str) -> Option<(String, Range<usize>)> {
        let table = step.get_ref().as_table();
        match table.and_then(|table| table.get(key)) {
            None => self.refuse(step.span(), format!("a step needs `{key}`")),
            Some(value) => match value.get_ref() {
                DeValue::String(text) => return Some((text.to_string(), value.span())),
                _ => self.refuse(value.span(), format!("`{key}` is a text in quotes")),
            },
        }
        None
    }

    fn after(&mut self, text: &str, span: Range<usize>) -> Option<Duration> {
        let after = duration(text).filter(|after| *after <= AFTER_MAX);
        if after.is_none() {
            let days = AFTER_MAX.as_secs() / 86_400;
            self.refuse(span, format!("`after` is a time up to {days} days, as in \"90s\", got `{text}`"));
        }
        after
    }

    fn command(&mut self, text: &str, span: Range<usize>) -> Option<Command> {
        match text.parse() {
            Ok(command) => Some(command),
            Err(error) => {
                self.refuse(span, format!("{error}"));
                None
            }
        }
    }
}

/// One problem a line.
impl fmt::Display for ScenarioError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ScenarioProblem::to_string).collect();
        out.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ScenarioError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        text.parse::<Scenario>().unwrap_err().to_string()
    }

    fn check(text: &str, expected: &[&str]) {
        let said = problems(text);
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{said}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{expected}: {said}");
        }
    }

    #[test]
    fn steps_are_in_the_order_of_time() {
        let text = "[[at]]\nafter = \"1h\"\nrun = \"unplug\"\n[[at]]\nrun = \"fault s11 for=3\"\nafter = \"90\"";
        let Scenario { steps } = text.parse().unwrap();
        let steps: Vec<(u64, String)> =
            steps.iter().map(|(after, command)| (after.as_secs(), command.to_string())).collect();
        assert_eq!(steps, [(90, "fault stuck for=3".to_owned()), (3600, "unplug".to_owned())]);
        assert_eq!("# Nothing.".parse(), Ok(Scenario::default()));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let text = "[[at]]\nafter = \"soon\"\nrun = \"explode\"\nwen = 3\n[[at]]\nrun = \"reset\"\n[[at]]\n\
                    after = \"1s\"\nrunn = \"reset\"\n[[at]]\nafter = 5\nrun = \"clear s22\"\n[more]\n";
        check(
            text,
            &[
                "line 2, column 9: `after` is a time up to 365 days, as in \"90s\", got `soon`",
                "line 3, column 7: unknown command `explode`: known: press",
                "line 4, column 1: unknown key `wen`: a step has after, run",
                "line 5, column 1: a step needs `after`",
                "line 7, column 1: a step needs `run`",
                "line 9, column 1: unknown key `runn`: did you mean `run`? a step has after, run",
                "line 11, column 9: `after` is a text in quotes",
                "line 12, column 7: unknown fault `s22`: known: noise",
                "line 13, column 2: unknown key `more`: a scenario has `[[at]]` only",
            ],
        );
    }

    #[test]
    fn what_is_no_scenario_at_all_is_refused() {
        check("[at]\nafter = \"1s\"\n", &["line 1, column 2: steps are written `[[at]]`"]);
        check("at = [1]\n", &["line 1, column 7: a step has `after` and `run`"]);
        check("[[at]\n", &["line 1, column "]);
        check("after 5\n", &["line 1, column "]);
        for time in ["-1s", "NaN", "366h5", "9000h", "1 s", ""] {
            check(&format!("[[at]]\nafter = \"{time}\"\nrun = \"reset\""), &["line 2, column 9: `after` is a time"]);
        }
        let long = "[[at]]\nafter = \"1s\"\nrun = \"reset\"\n".repeat(STEPS_MAX + 1);
        check(&long, &["line 1, column 3: at most 5000 steps, got 5001"]);
    }
}
