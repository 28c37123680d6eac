//! Live control: what a running simulator is told to do, and how it is told.

pub(crate) mod socket;
