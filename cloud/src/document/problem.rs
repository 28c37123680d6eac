//! What is wrong in a file, and where.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{Diagnostic, NamedSource, SourceSpan};

/// A place in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The path of the key, such as `api.listen` or `sensors[2].kitchen`; empty for the file as a whole.
    pub key: String,
    /// Bytes of the text.
    pub span: Range<usize>,
}

/// One thing wrong in a file.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{}{message}", prefix(key))]
pub struct Problem {
    /// The path of the key.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[help]
    pub hint: Option<String>,
    /// The file's text.
    #[source_code]
    pub text: NamedSource<Arc<str>>,
    /// Where.
    #[label]
    pub span: SourceSpan,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum FileProblems {
    /// It cannot be read at all.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(code(file::unreadable), help("check the path and its permissions"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It was read, and these are all its problems.
    #[error("{} in `{}`", count(problems.len()), path.display())]
    #[diagnostic(code(file::invalid))]
    Found {
        /// The file.
        path: PathBuf,
        /// In the order of the file; at least one.
        #[related]
        problems: Vec<Problem>,
    },
}

impl FileProblems {
    pub(crate) fn unreadable(path: &Path, source: std::io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), source }
    }

    pub(crate) fn found(path: &Path, problems: Vec<Problem>) -> Self {
        Self::Found { path: path.to_owned(), problems }
    }
}

fn prefix(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("`{key}`: ") }
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}
