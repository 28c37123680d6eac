//! The one place that prints: answers to stdout, as text or JSON, and errors to stderr in the house's form.
//!
//! ```text
//! error: what is wrong: `the thing`
//!   caused by: why
//!
//! hint: what to do next
//! code: a::stable_code
//! ```

use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};

use miette::{Diagnostic, SourceCode, SourceSpan};
use serde::Serialize;

/// The answer of a subcommand.
pub trait Report: Display + Serialize {}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// Prints an answer to stdout. A reader that has gone away is not an error.
pub fn show(report: &impl Report, form: Form) {
    let text = match form {
        Form::Text => report.to_string(),
        Form::Json => {
            serde_json::to_string_pretty(report).expect("invariant: reports have text keys and finite numbers")
        }
    };
    let _ = writeln!(io::stdout().lock(), "{}", text.trim_end());
}

/// Prints an error to stderr.
pub fn complain(error: &dyn Diagnostic) {
    let _ = io::stderr().lock().write_all(describe(error).as_bytes());
}

/// An error as people read it.
pub fn describe(error: &dyn Diagnostic) -> String {
    let mut text = format!("error: {error}\n");
    let mut cause = error.source();
    while let Some(source) = cause {
        let _ = writeln!(text, "  caused by: {source}");
        cause = source.source();
    }
    for related in error.related().into_iter().flatten() {
        let _ = write!(text, "\n{}", describe_related(related));
    }
    let mut closing = String::new();
    if let Some(help) = error.help() {
        let _ = writeln!(closing, "hint: {help}");
    }
    if let Some(code) = error.code() {
        let _ = writeln!(closing, "code: {code}");
    }
    if closing.is_empty() { text } else { format!("{text}\n{closing}") }
}

/// One of several problems: what, where with a caret, and what to do.
fn describe_related(problem: &dyn Diagnostic) -> String {
    let mut text = format!("{problem}\n");
    let label = problem.labels().into_iter().flatten().next();
    if let (Some(source), Some(label)) = (problem.source_code(), label)
        && let Some(snippet) = snippet(source, label.inner())
    {
        text.push_str(&snippet);
    }
    if let Some(help) = problem.help() {
        let _ = writeln!(text, "hint: {help}");
    }
    text
}

/// File, line and column, the line itself, and a caret under the place.
fn snippet(source: &dyn SourceCode, span: &SourceSpan) -> Option<String> {
    let place = source.read_span(span, 0, 0).ok()?;
    let (line, column) = (place.line() + 1, place.column());
    let whole = SourceSpan::new((span.offset() - column).into(), span.len() + column);
    let whole = source.read_span(&whole, 0, 1).ok()?;
    let shown = String::from_utf8_lossy(whole.data());
    let shown = shown.lines().next().unwrap_or_default();
    let indent = shown.get(..column).map_or(column, |before| before.chars().count());
    let room = shown.chars().count().saturating_sub(indent).max(1);
    let caret = format!("{}{}", " ".repeat(indent), "^".repeat(span.len().clamp(1, room)));
    let (name, width) = (place.name().unwrap_or_default(), line.to_string().len());
    Some(format!(
        "{:width$}--> {name}:{line}:{column}\n{:width$} |\n{line} | {shown}\n{:width$} | {caret}\n",
        "",
        "",
        "",
        column = indent + 1,
    ))
}
