//! A TOML file: opened, parsed, handed to a reader, and its problems collected.

use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::NamedSource;
use toml::de::DeTable;

use crate::document::problem::{FileProblems, Problem, Spot};
use crate::document::section::Section;

/// The largest file that is read, in bytes: configuration and seed files are written by hand.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A file's text, where it came from, and the problems found in it so far.
#[derive(Debug)]
pub struct Document {
    path: PathBuf,
    text: Arc<str>,
    problems: RefCell<Vec<(Spot, String, Option<String>)>>,
    secret_key: Option<&'static str>,
    secrets: RefCell<Vec<Range<usize>>>,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// Unreadable, larger than [`FILE_BYTES_MAX`], or not UTF-8.
    pub fn open(path: &Path) -> Result<Self, FileProblems> {
        let unreadable = |error: std::io::Error| FileProblems::unreadable(path, error);
        let length = std::fs::metadata(path).map_err(unreadable)?.len();
        if length > FILE_BYTES_MAX {
            return Err(unreadable(std::io::Error::other(format!("larger than {FILE_BYTES_MAX} bytes"))));
        }
        Ok(Self::from_text(path, &std::fs::read_to_string(path).map_err(unreadable)?))
    }

    /// A document from text that was read already; `path` is what problems name and relative paths start from.
    pub fn from_text(path: &Path, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.into(),
            problems: RefCell::default(),
            secret_key: None,
            secrets: RefCell::default(),
        }
    }

    /// Values of this key are secrets: no problem ever shows one, not even when the file is not TOML.
    pub fn hiding(self, key: &'static str) -> Self {
        Self { secret_key: Some(key), ..self }
    }

    /// Never show this part of the text.
    pub(crate) fn hide(&self, span: Range<usize>) {
        self.secrets.borrow_mut().push(span);
    }

    /// Hands the whole document to `read` and returns what it made, if neither it nor the parser found a problem.
    ///
    /// # Errors
    /// All problems of the file, in the order of the file.
    pub fn read<T>(self, read: impl FnOnce(&mut Section<'_>) -> Option<T>) -> Result<T, FileProblems> {
        let text = Arc::clone(&self.text);
        let (tree, errors) = DeTable::parse_recoverable(&text);
        for error in &errors {
            let span = error.span().unwrap_or(0..0);
            self.report(Spot { key: String::new(), span }, error.message().replace('\n', "; "), None);
        }
        if !errors.is_empty() {
            return Err(self.into_problems());
        }
        let mut root = Section::root(&self, tree.get_ref());
        let made = read(&mut root);
        root.finish();
        match made {
            Some(made) if self.problems.borrow().is_empty() => Ok(made),
            Some(_) | None => Err(self.into_problems()),
        }
    }

    /// Notes a problem.
    pub fn report(&self, spot: Spot, message: String, hint: Option<String>) {
        self.problems.borrow_mut().push((spot, message, hint));
    }

    /// A path as the file means it: relative ones start at the file's own directory.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// The text as problems may show it. What follows the secret key on its line is hidden even if nothing was parsed.
    fn without_secrets(&self) -> String {
        let mut spans = self.secrets.borrow().clone();
        if let Some(key) = self.secret_key {
            for (start, _) in self.text.match_indices(key) {
                let rest = &self.text[start + key.len()..];
                let line = rest.find('\n').unwrap_or(rest.len());
                let value = rest[..line].find('=').map_or(line, |equals| equals + 1);
                spans.push(start + key.len() + value..start + key.len() + line);
            }
        }
        starred(&self.text, &spans)
    }

    fn into_problems(self) -> FileProblems {
        let shown: Arc<str> = self.without_secrets().into();
        let mut found = self.problems.into_inner();
        found.sort_by_key(|(spot, _, _)| spot.span.start);
        let name = self.path.display().to_string();
        let problems = found.into_iter().map(|(spot, message, hint)| Problem {
            key: spot.key,
            message,
            hint,
            text: NamedSource::new(&name, Arc::clone(&shown)),
            span: within(&shown, spot.span).into(),
        });
        FileProblems::found(&self.path, problems.collect())
    }
}

/// The same text, in the same places, with stars for the bytes of `spans` (line breaks stay).
fn starred(text: &str, spans: &[Range<usize>]) -> String {
    let hidden = |place: usize| spans.iter().any(|span| span.contains(&place));
    let star = |(place, byte): (usize, u8)| if hidden(place) && byte != b'\n' { b'*' } else { byte };
    let bytes: Vec<u8> = text.bytes().enumerate().map(star).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A span that points at a character even at the end of the text.
fn within(text: &str, span: Range<usize>) -> Range<usize> {
    let start = span.start.min(text.len());
    start..span.end.clamp(start, text.len())
}
