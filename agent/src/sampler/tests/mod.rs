//! Tests of the sampler as a whole.

mod bench;
mod task;
