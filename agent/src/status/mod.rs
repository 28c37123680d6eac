//! How the agent is, on a Unix socket: for `kitchen-agent status`, and for whoever else runs as the agent's user or root.
//!
//! Where it sits: beside the path of a reading; it looks at what the tasks show of themselves and asks none of them
//! anything but the buffer, for the age of its oldest record. It promises: one JSON document per connection; never to hold
//! up sampling, whatever a client or a disk does. It does not: take commands, or keep a history.
//!
//! | file | what |
//! |---|---|
//! | [`document`] | what is told; pure |
//! | [`assemble`] | made of what the tasks show; pure |
//! | [`sources`] | where that is looked up |
//! | [`socket`] | the file in the file system |
//! | [`server`] | who may ask, and how long that may take |
//! | [`client`] | the other end |
//! | [`verdict`] | what is wrong, and what to do; pure |
//! | [`remedy`] | what to do about each fault; pure |

pub mod assemble;
pub mod client;
pub mod document;
pub mod remedy;
pub mod server;
pub mod socket;
pub mod sources;
pub mod verdict;

pub use document::Document;
pub use server::Server;
pub use sources::Sources;
