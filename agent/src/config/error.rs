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
    #[diagnostic(code(config::unreadable), help("give the file's place: `kitchen-agent --config FILE run`"))]
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

fn count(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

/// The word that every secret's line is hidden by.
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
        match secret_at(line) {
            Some(at) => shown.push_str(&format!("{line_number} | {}<redacted>\n", &line[..at])),
            None => {
                let end = self.span.end.clamp(start, line_start + line.len());
                let width = text.get(start..end).map_or(1, |marked| marked.chars().count()).max(1);
                shown.push_str(&format!("{line_number} | {line}\n{gutter} | "));
                shown.push_str(&format!("{}{}\n", " ".repeat(column - 1), "^".repeat(width)));
            }
        }
        if let Some(hint) = &self.hint {
            shown.push_str(&format!("{gutter} = {hint}\n"));
        }
        shown
    }
}

/// Where the value of a secret begins in a line.
fn secret_at(line: &str) -> Option<usize> {
    line.match_indices(SECRET_KEY).find_map(|(at, _)| {
        let alone = !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let rest = &line[at + SECRET_KEY.len()..];
        let value = rest.trim_start_matches(['"', '\'', ' ', '\t']).strip_prefix('=')?;
        alone.then(|| line.len() - value.trim_start().len())
    })
}
