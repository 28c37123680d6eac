//! The only place that prints: answers on stdout, errors on stderr, in the form every command shares.

use std::error::Error;
use std::fmt::{self, Display};

use miette::Diagnostic;

use crate::config::ConfigError;

/// An answer of a command: for people, or with `--json` for machines. The alternate form, `{:#}`, may have colours.
pub trait Report: Display + serde::Serialize {}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Prints an answer to stdout. A reader that has gone away is no error.
pub fn answer(report: &impl Report, form: Form) {
    let text = match form {
        Form::Text if is_coloured() => format!("{report:#}"),
        Form::Text => report.to_string(),
        Form::Json => serde_json::to_string_pretty(report).unwrap_or_default(),
    };
    write(&mut std::io::stdout(), text.trim_end());
}

/// Whom colours would disturb: a file, a pipe, and who says so.
fn is_coloured() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
    !refused && !dumb && std::io::IsTerminal::is_terminal(&std::io::stdout())
}

/// What a colour stands for; it never says anything that the words do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Fine.
    Good,
    /// A person has to look at it.
    Bad,
}

/// Writes a text, in colour if the form is the alternate one.
///
/// # Errors
/// As the writer.
pub fn paint(out: &mut fmt::Formatter<'_>, paint: Paint, text: &str) -> fmt::Result {
    let colour = match paint {
        Paint::Good => "\x1b[1;32m",
        Paint::Bad => "\x1b[1;31m",
    };
    if out.alternate() { write!(out, "{colour}{text}\x1b[0m") } else { out.write_str(text) }
}

/// Prints an error to stderr.
pub fn error(error: &dyn Diagnostic) {
    write(&mut std::io::stderr(), &ErrorText(error).to_string());
}

/// Prints what the command line parser says, where it wants it.
pub fn usage(error: &clap::Error) {
    drop(error.print());
}

fn write(to: &mut impl std::io::Write, text: &str) {
    drop(writeln!(to, "{text}").and_then(|()| to.flush()));
}

/// An error as a person reads it: what, why, hint, code.
pub struct ErrorText<'a>(pub &'a dyn Diagnostic);

impl Display for ErrorText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "error: {}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, "\n  caused by: {error}")?;
            cause = error.source();
        }
        if let Some(help) = self.0.help() {
            write!(formatter, "\n\nhint: {help}")?;
        }
        if let Some(code) = self.0.code() {
            write!(formatter, "\ncode: {code}")?;
        }
        Ok(())
    }
}

/// A configuration error as a person reads it: the summary, then every problem with its line.
pub fn config_error_text(error: &ConfigError) -> String {
    let mut text = String::new();
    if let ConfigError::Invalid { file, text: content, problems } = error {
        let name = file.display().to_string();
        for problem in problems {
            text.push_str(&problem.render(&name, content));
            text.push('\n');
        }
    }
    format!("{text}{}", ErrorText(error))
}

/// Prints a configuration error to stderr.
pub fn config_error(error: &ConfigError) {
    write(&mut std::io::stderr(), &config_error_text(error));
}

/// The chain of an error in one line, for a log.
pub fn in_one_line(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = error.source();
    }
    text
}
