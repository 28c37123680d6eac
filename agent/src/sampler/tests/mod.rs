//! Tests of the sampler as a whole.

pub(crate) mod bench;
mod task;
mod upkeep;
