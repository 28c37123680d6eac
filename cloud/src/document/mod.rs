//! TOML files that people write: read into a tree that knows its places, so that **all** problems of a file are named at
//! once, each with line, key and caret.
//!
//! Used by [`crate::config`] and [`crate::seed`]. Every key that is not asked for is a problem; so are wrong types, values
//! out of range and contradictions that the caller finds. Nothing here knows what the keys mean.

pub mod file;
pub mod nearest;
pub mod problem;
pub mod section;
pub mod value;

pub use file::Document;
pub use problem::{FileProblems, Problem, Spot};
pub use section::Section;
pub use value::Refusal;
