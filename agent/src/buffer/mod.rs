//! The buffer: every record is on disk here before it leaves the gateway, and is freed only on the sink's acknowledgement.
//!
//! Where it sits: the recorder appends, the forwarder reads and acknowledges, both through [`Keeper`]'s handle.
//! It promises: what an append has returned survives kill -9 and a power cut; identities never repeat; every record that
//! is given up leaves a gap record; a damaged store is set aside and never stops the agent, and what is intact in it is
//! brought back under its old identity.
//! It does not: send, or decide when to retry.
//!
//! | file | what |
//! |---|---|
//! | [`mod@format`] | the version of what lies there: an older one is rewritten, a newer one refused |
//! | [`frame`] | the bytes of one entry, checksummed, with its identity in a header of its own; pure |
//! | [`entry`] | one sampling round, or a block of many, and its JSON; pure |
//! | [`meta`] | how far an epoch got; pure |
//! | [`contents`] | what is held, counted; what to give up at the limit; pure |
//! | [`disk`] | sled, the power-safe sync, damage caught |
//! | [`hang`] | whether a call of sled's hangs |
//! | [`raw`] | what the files say by themselves, without sled |
//! | [`rescue`] | a copy of what is held, made before sled opens its file; what sled lost is brought back from it |
//! | [`repair`] | a store that failed is set aside |
//! | [`quarantine`] | what cannot be read is kept apart |
//! | [`queue`] | the buffer itself, made ready again after a failure |
//! | `stock` | the store is opened: counted, completed, and what is lost put on record |
//! | `statement` | what goes with every write |
//! | [`append`] | a round gets its numbers and goes to disk |
//! | [`evict`] | what is given up at the limit |
//! | [`capacity`] | how much must fit, and for how long what is left will do; pure |
//! | [`read`] | the oldest records, for one envelope |
//! | [`pack`] | older rounds are merged into blocks |
//! | [`free`] | what the sink has acknowledged goes; what waited for a clock is settled |
//! | [`keeper`] | the one thread that owns the queue |

pub mod append;
pub mod capacity;
pub mod contents;
pub mod disk;
pub mod entry;
pub mod error;
pub mod evict;
pub mod format;
pub mod frame;
pub mod free;
pub mod hang;
pub mod keeper;
pub mod meta;
pub mod pack;
pub mod quarantine;
pub mod queue;
pub mod raw;
pub mod read;
pub mod repair;
pub mod rescue;
mod statement;
mod stock;

pub use append::{Appended, Round};
pub use error::BufferError;
pub use hang::HangWatch;
pub use keeper::{BufferHandle, BufferState, Keeper};
pub use queue::{Buffer, Limits};
pub use read::{Batch, Read, ReadLimits};

#[cfg(test)]
mod tests;
