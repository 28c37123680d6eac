//! The buffer: every record is on disk here before it leaves the gateway, and is freed only on the sink's acknowledgement.
//!
//! Where it sits: the recorder appends, the forwarder reads and acknowledges, both through [`Keeper`]'s handle.
//! It promises: what an append has returned survives kill -9 and a power cut; identities never repeat; every record that
//! is given up leaves a gap record; a damaged store is set aside and never stops the agent.
//! It does not: send, decide when to retry, or bring back what lies in a directory that was set aside.
//!
//! | file | what |
//! |---|---|
//! | [`frame`] | the bytes of one entry, checksummed, with its identity in a header of its own; pure |
//! | [`entry`] | one sampling round, or a block of many, and its JSON; pure |
//! | [`meta`] | how far an epoch got; pure |
//! | [`contents`] | what is held, counted; what to give up at the limit; pure |
//! | [`disk`] | sled, the power-safe sync, damage caught |
//! | [`raw`] | what the file says before sled opens it: shows what sled lost without a word |
//! | [`repair`] | what becomes of a store that failed |
//! | [`queue`] | the buffer itself: opened, made ready again after a failure |
//! | [`append`] | a round gets its numbers and goes to disk; eviction at the limit |
//! | [`read`] | the oldest records, for one envelope |
//! | [`pack`] | older rounds are merged into blocks |
//! | [`free`] | what the sink has acknowledged goes; what waited for a clock is settled |
//! | [`keeper`] | the one thread that owns the queue |

pub mod append;
pub mod contents;
pub mod disk;
pub mod entry;
pub mod error;
pub mod frame;
pub mod free;
pub mod keeper;
pub mod meta;
pub mod pack;
pub mod queue;
pub mod raw;
pub mod read;
pub mod repair;

pub use append::{Appended, Round};
pub use error::BufferError;
pub use keeper::{BufferHandle, BufferState, Keeper};
pub use queue::{Buffer, Limits};
pub use read::{Batch, Read, ReadLimits};

#[cfg(test)]
mod tests;
