//! Tests of the sampler as a whole.

pub(super) mod bench;
mod task;
mod upkeep;
