//! The place of cloud-to-gateway commands.
//!
//! Their topics are fixed ([`crate::topic::Topic::Command`], [`crate::topic::Topic::CommandReply`]) and guarded on both
//! doors; their messages (id, kind, expiry; queued → sent → received → applied → verified | failed | expired) are not
//! defined yet, and neither side sends or obeys any.
