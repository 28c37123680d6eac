//! `status`: how the running agent is, and what to do about it.

use std::fmt;

use serde::Serialize;

use crate::report::Report;
use crate::status::Document;
use crate::status::verdict::{Problem, verdict};

/// How the agent is, and what is wrong with that.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// What is wrong; nothing if all is fine.
    pub problems: Vec<Problem>,
    #[serde(flatten)]
    document: Document,
}

impl Report for Status {}

impl From<Document> for Status {
    fn from(document: Document) -> Self {
        Self { problems: verdict(&document), document }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problems.iter().try_for_each(|problem| writeln!(out, "{problem}"))
    }
}
