//! Reads a TOML tree key by key, so that one problem does not hide the next.

use std::cell::RefCell;
use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Problem;

/// How different a key may be to be taken for a misspelt one: this many edits.
const MISSPELT_EDITS_MAX: usize = 2;

/// A duration such as "30s" or "5m".
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Span(#[serde(with = "humantime_serde")] pub Duration);

/// One table of the file: keys are asked for, and what was never asked for is unknown.
pub struct Section<'a> {
    path: String,
    /// Where the table is; what is missing is reported there.
    span: Range<usize>,
    table: Option<&'a DeTable<'a>>,
    known: Vec<&'static str>,
    problems: &'a RefCell<Vec<Problem>>,
}

impl<'a> Section<'a> {
    /// The file as a whole.
    pub fn root(table: &'a DeTable<'a>, problems: &'a RefCell<Vec<Problem>>) -> Self {
        Self { path: String::new(), span: 0..0, table: Some(table), known: Vec::new(), problems }
    }

    /// The value of a key that must be there; none after a problem.
    pub fn required<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        if self.value(key).is_none() && self.table.is_some() {
            self.complain(self.path_of(key), self.span.clone(), "is missing");
        }
        self.optional(key)
    }

    /// The value of a key that may be there; none if it is not, or after a problem.
    pub fn optional<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        self.known.push(key);
        let value = self.value(key)?;
        match T::deserialize(value.clone().into_deserializer()) {
            Ok(value) => Some(value),
            Err(error) => {
                let span = error.span().filter(|span| !span.is_empty()).unwrap_or(value.span());
                self.complain(self.path_of(key), span, error.message().trim().to_owned());
                None
            }
        }
    }

    /// The value of a key, or its default.
    pub fn or<T: DeserializeOwned>(&mut self, key: &'static str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// A table that must be there.
    pub fn section(&mut self, key: &'static str) -> Section<'a> {
        if self.value(key).is_none() {
            self.complain(self.path_of(key), self.span.clone(), format!("the section `[{key}]` is missing"));
        }
        self.optional_section(key)
    }

    /// A table that may be there.
    pub fn optional_section(&mut self, key: &'static str) -> Section<'a> {
        self.known.push(key);
        let value = self.value(key);
        let table = value.and_then(|value| value.get_ref().as_table());
        if let (Some(value), None) = (value, table) {
            self.complain(self.path_of(key), value.span(), "must be a table");
        }
        let span = self.key_span(key).unwrap_or(self.span.clone());
        Section { path: self.path_of(key), span, table, known: Vec::new(), problems: self.problems }
    }

    /// The tables of an array such as `[[sensors]]`.
    pub fn sections(&mut self, key: &'static str) -> Vec<Section<'a>> {
        self.known.push(key);
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.complain(self.path_of(key), value.span(), format!("must be tables: `[[{key}]]`"));
            return Vec::new();
        };
        let tables = array.iter().enumerate();
        tables.map(|(number, value)| self.element(format!("{}[{number}]", self.path_of(key)), value)).collect()
    }

    /// Whether the table is in the file.
    pub fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// Reports a problem with the value of a key; `transmitter.low` is the key of a table inside.
    pub fn refuse(&self, key: &str, message: String) {
        self.refuse_with_hint(key, message, None);
    }

    /// Reports a problem with the value of a key, and what to do.
    pub fn refuse_with_hint(&self, key: &str, message: String, hint: Option<String>) {
        let span = self.value_inside(key).map_or(self.span.clone(), Spanned::span);
        self.report(Problem { path: self.path_of(key), message, hint, span });
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        for key in self.table.iter().flat_map(|table| table.keys()) {
            let name = key.get_ref().as_ref();
            if !self.known.contains(&name) {
                let hint = nearest(name, &self.known).map(|near| format!("did you mean `{near}`?"));
                self.report(Problem {
                    path: self.path_of(name),
                    message: "is not a known key".to_owned(),
                    hint,
                    span: key.span(),
                });
            }
        }
    }

    fn element(&self, path: String, value: &'a Spanned<DeValue<'a>>) -> Section<'a> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.complain(path.clone(), value.span(), "must be a table");
        }
        Section { path, span: value.span(), table, known: Vec::new(), problems: self.problems }
    }

    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table?.get(key)
    }

    fn value_inside(&self, path: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        let mut keys = path.split('.');
        let first = self.value(keys.next()?)?;
        keys.try_fold(first, |value, key| value.get_ref().as_table()?.get(key))
    }

    fn key_span(&self, key: &str) -> Option<Range<usize>> {
        Some(self.table?.get_key_value(key)?.0.span())
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn complain(&self, path: String, span: Range<usize>, message: impl Into<String>) {
        self.report(Problem { path, message: message.into(), hint: None, span });
    }

    fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }
}

/// The known key nearest to a misspelt one.
fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let nearest = known.iter().map(|key| (edits(name, key), *key)).min()?;
    (nearest.0 <= MISSPELT_EDITS_MAX).then_some(nearest.1)
}

/// How many characters must be added, dropped or replaced to turn one text into the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (place, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = place + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
