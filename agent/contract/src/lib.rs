//! What gateway and cloud agree on, and nothing else.
//!
//! Pure: no tokio, no I/O, no clock, no randomness. The crate sits inside `agent/` because gateways in the field are the
//! slow side: the contract ages at their pace.
//!
//! # Layout, in the order a reading meets it
//!
//! | module | what |
//! |---|---|
//! | [`id`] | names that cannot break a key or a topic |
//! | [`time`] | the wire's timestamp, and how far a gateway's clock can be trusted |
//! | [`mod@unit`] | °C, mA, V, dBm, %RH as types that cannot hold rubbish |
//! | [`fault`] | why there is no value |
//! | [`record`] | reading, gap, event: one sequence |
//! | [`event`] | what happens beside the readings |
//! | [`written`] | a record as it is kept, signed and sent |
//! | [`envelope`] | header, records, and how they are read back |
//! | [`signature`] | who says so |
//! | [`topic`] | where it is published |
//! | [`status`] | birth, heartbeat, last will |
//! | [`ack`] | what the sink has stored and judged |
//! | [`ranges`] | sets of sequence numbers, as the ack and the ledger hold them |
//! | [`alarm`] | limits and their evaluation: one engine for gateway and cloud |
//! | [`command`] | the place of cloud-to-gateway commands |
//!
//! # Versions
//!
//! The header's `v` is the major version, now [`VERSION`]. Within a major, fields and event types may be added and unknown
//! ones are ignored; nothing is renamed, removed or given another meaning. An unknown major is refused with a reason, but
//! its header and signature keep their form in every version, so that even an unreadable body can be named, quarantined
//! and acknowledged. The bytes of each version are pinned in `tests/it/`: when such a test fails, the code is wrong.
//!
//! What is sent is the canonical form that is signed. Readers take any spelling of it: the first agents wrote `-85.0` where
//! the canonical form has `-85`, which is pinned too.

pub mod ack;
pub mod alarm;
pub mod command;
pub mod envelope;
pub mod event;
pub mod fault;
pub mod id;
pub mod ranges;
pub mod record;
pub mod signature;
pub mod status;
pub mod time;
pub mod topic;
pub mod unit;
pub mod written;

/// The major version of the contract that this crate writes and reads.
pub const VERSION: u32 = 1;
