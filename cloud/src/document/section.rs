//! One table of a document: keys are asked for by name, and what was not asked for is a problem.

use std::ops::Range;
use std::path::PathBuf;

use secrecy::SecretString;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::document::file::Document;
use crate::document::nearest::nearest;
use crate::document::problem::Spot;
use crate::document::value::{self, Refusal};

/// A reader of one table. A table that is not in the file reads as an empty one.
pub struct Section<'a> {
    document: &'a Document,
    table: Option<&'a DeTable<'a>>,
    path: String,
    span: Range<usize>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(crate) fn root(document: &'a Document, table: &'a DeTable<'a>) -> Self {
        Self { document, table: Some(table), path: String::new(), span: 0..0, asked: Vec::new() }
    }

    /// Whether the file has this table at all.
    pub fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// The value of a key, if it is given and fits.
    pub fn optional<T>(&mut self, key: &'static str, read: impl Fn(&DeValue<'_>) -> Result<T, Refusal>) -> Option<T> {
        let found = self.find(key)?;
        match read(found.get_ref()) {
            Ok(value) => Some(value),
            Err(refusal) => {
                self.refuse(self.spot(key), refusal);
                None
            }
        }
    }

    /// The value of a key, or a default if it is not given. A value that does not fit is a problem, and the default is
    /// what reading goes on with.
    pub fn or<T>(&mut self, key: &'static str, read: impl Fn(&DeValue<'_>) -> Result<T, Refusal>, default: T) -> T {
        self.optional(key, read).unwrap_or(default)
    }

    /// The value of a key that must be given.
    pub fn required<T>(&mut self, key: &'static str, read: impl Fn(&DeValue<'_>) -> Result<T, Refusal>) -> Option<T> {
        if self.find(key).is_none() {
            self.refuse(self.spot(key), Refusal::new("missing"));
            return None;
        }
        self.optional(key, read)
    }

    /// A text that no problem may ever show.
    pub fn secret(&mut self, key: &'static str) -> Option<SecretString> {
        if let Some(found) = self.find(key) {
            self.document.hide(found.span());
        }
        self.optional(key, value::text).map(SecretString::from)
    }

    /// A path, relative to the file's directory.
    pub fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        self.optional(key, value::text).map(|text| self.document.resolve(&text))
    }

    /// A path of ours as the file would mean it.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.document.resolve(path)
    }

    /// All values of a list; absent reads as empty.
    pub fn list<T>(&mut self, key: &'static str, read: impl Fn(&DeValue<'_>) -> Result<T, Refusal>) -> Vec<T> {
        let mut values = Vec::new();
        for (element, spot) in self.elements(key) {
            match read(element.get_ref()) {
                Ok(value) => values.push(value),
                Err(refusal) => self.refuse(spot, refusal),
            }
        }
        values
    }

    /// A table inside this one.
    pub fn section(&mut self, key: &'static str) -> Section<'a> {
        let found = self.find(key);
        let table = found.and_then(|value| value.get_ref().as_table());
        if let (Some(value), None) = (found, table) {
            let message = format!("expected a table, found {}", value.get_ref().type_str());
            self.refuse(self.spot(key), Refusal::new(message));
        }
        let span = found.map_or(self.span.clone(), |value| value.span());
        Section { document: self.document, table, path: join(&self.path, key), span, asked: Vec::new() }
    }

    /// All tables of a list of tables (`[[…]]`); absent reads as empty.
    pub fn sections(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let mut sections = Vec::new();
        for (element, Spot { key: path, span }) in self.elements(key) {
            match element.get_ref().as_table() {
                Some(table) => {
                    let table = Some(table);
                    sections.push(Section { document: self.document, table, path, span, asked: Vec::new() });
                }
                None => self.refuse(Spot { key: path, span }, Refusal::new("expected a table")),
            }
        }
        sections
    }

    /// Where a key's value stands, or the table if the key is not given.
    pub fn spot(&self, key: &'static str) -> Spot {
        let span = self.lookup(key).map_or(self.span.clone(), |value| value.span());
        Spot { key: join(&self.path, key), span }
    }

    /// Notes a problem with a key, or between keys.
    pub fn refuse(&self, spot: Spot, refusal: Refusal) {
        self.document.report(spot, refusal.message, refusal.hint);
    }

    /// Every key that was not asked for is unknown, and a problem.
    pub fn finish(self) {
        let Some(table) = self.table else { return };
        for key in table.keys().filter(|key| !self.asked.contains(&key.get_ref().as_ref())) {
            let name: &str = key.get_ref();
            let hint = match nearest(name, &self.asked) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known here: {}", self.asked.join(", ")),
            };
            let spot = Spot { key: join(&self.path, name), span: key.span() };
            self.refuse(spot, Refusal::new("unknown key").hint(hint));
        }
    }

    fn find(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.lookup(key)
    }

    fn lookup(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table?.get(key)
    }

    fn elements(&mut self, key: &'static str) -> Vec<(&'a Spanned<DeValue<'a>>, Spot)> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            let message = format!("expected a list, found {}", value.get_ref().type_str());
            self.refuse(self.spot(key), Refusal::new(message));
            return Vec::new();
        };
        let path = join(&self.path, key);
        let spot = |place: usize, span| Spot { key: format!("{path}[{place}]"), span };
        array.iter().enumerate().map(|(place, element)| (element, spot(place, element.span()))).collect()
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
