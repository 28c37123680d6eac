//! What is wrong with a configuration file.

use std::io;
use std::ops::Range;
use std::path::PathBuf;

use miette::Diagnostic;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, such as `mqtt.port`; empty for the file as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do, where that is not plain.
    pub hint: Option<String>,
    /// Where in the file, in bytes.
    pub span: Range<usize>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`", .file.display())]
    #[diagnostic(code(config::unreadable), help("{}", unreadable_hint(source)))]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its content is wrong; every problem is listed.
    #[error("{} in the configuration `{}`", count(.problems.len()), .file.display())]
    #[diagnostic(
        code(config::invalid),
        help("`configs/agent.toml` of the distribution shows every key with its meaning")
    )]
    Invalid {
        /// The file.
        file: PathBuf,
        /// Its content.
        text: String,
        /// In the order of the file, at least one.
        problems: Vec<Problem>,
    },
}

fn unreadable_hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => "run it as root or as the agent's user",
        _ => "give the file's place: `kitchen-agent --config FILE run`",
    }
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

/// What every secret's key contains.
const SECRET_KEY: &str = "pin";

impl Problem {
    /// The problem with its line and caret, as a person reads it. The value of a secret is not shown.
    pub fn render(&self, file: &str, text: &str) -> String {
        let start = self.span.start.min(text.len());
        let before = text.get(..start).unwrap_or(text);
        let line_number = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text[line_start..].lines().next().unwrap_or("");
        let column = before[line_start..].chars().count() + 1;
        let subject = if self.path.is_empty() { String::new() } else { format!("`{}`: ", self.path) };
        let gutter = " ".repeat(line_number.to_string().len());
        let mut shown = format!("{file}:{line_number}:{column}: {subject}{}\n{gutter} |\n", self.message);
        let hidden = secret_at(line).or(is_secret(&self.path).then_some(0));
        let hidden = hidden.or_else(|| value_at(line, self.span.end.saturating_sub(line_start)));
        let visible = hidden.map_or(line.to_owned(), |at| format!("{}<redacted>", &line[..at]));
        shown.push_str(&format!("{line_number} | {visible}\n"));
        if hidden.is_none_or(|at| start < line_start + at) {
            let end = self.span.end.clamp(start, line_start + line.len());
            let width = text.get(start..end).map_or(1, |marked| marked.chars().count()).max(1);
            shown.push_str(&format!("{gutter} | {}{}\n", " ".repeat(column - 1), "^".repeat(width)));
        }
        if let Some(hint) = &self.hint {
            shown.push_str(&format!("{gutter} = {hint}\n"));
        }
        shown
    }
}

/// Where what must not be shown begins in a line: behind a key that is, or was meant as, a secret's.
fn secret_at(line: &str) -> Option<usize> {
    let is_key = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let lower = line.to_ascii_lowercase();
    lower.match_indices(SECRET_KEY).find_map(|(at, _)| {
        let start = line[..at].trim_end_matches(is_key).len();
        let after = line[at..].trim_start_matches(is_key);
        let before = line[..start].trim_end_matches(['"', '\'', ' ', '\t']);
        let is_first_word = before.is_empty() || before.ends_with(['{', ',', '.']);
        let value = after.trim_start_matches(['"', '\'']).trim_start_matches([' ', '\t', '=', ':']);
        is_first_word.then(|| line.len() - value.len())
    })
}

/// Where the value of a key begins, if a problem that ends at `end` is about the key: who mistyped `pin` shows no PIN.
fn value_at(line: &str, end: usize) -> Option<usize> {
    let value = line.get(end..)?.trim_start_matches(['"', '\'', ' ', '\t']).strip_prefix('=')?;
    Some(line.len() - value.trim_start().len())
}

/// Whether the problem is with a secret, wherever its value may stand.
fn is_secret(path: &str) -> bool {
    let key = path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    key.contains(SECRET_KEY)
}
