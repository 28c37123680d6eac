//! What may be taken of an envelope. Pure: the facts are given, nothing is looked up, no clock is read.
//!
//! Order: header → gateway known → signature over the JSON as received → version → body → record by record. Everything up
//! to and including the signature fails without an answer; everything behind it is answered, taken or kept aside.

use std::collections::HashMap;

use kitchen_contract::ack::{RejectReason, Rejected};
use kitchen_contract::envelope::{ENVELOPE_RECORDS_MAX, Header, OpenError, Opened, ReadError, ReceivedRecord};
use kitchen_contract::id::{CustomerId, DeviceId, GatewayId, KitchenId};
use kitchen_contract::ranges::SeqRanges;
use kitchen_contract::record::{Body, Record};
use kitchen_contract::status::{OpenedStatus, Status};
use kitchen_contract::time::Timestamp;
use serde_json::Value;

use crate::registry::{Assignment, DeviceFacts, GatewayFacts};

/// How far in the future a timestamp may lie: a gateway's clock may be off, but not by more than a day.
const FUTURE_MAX_MS: i64 = 24 * 60 * 60 * 1000;

/// Why an envelope is not believed, so that nobody is answered. Each is counted under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disbelief {
    /// No JSON object with a header.
    NotAnEnvelope,
    /// The gateway it names is not registered.
    UnknownGateway,
    /// The signature is not the named gateway's.
    Signature,
    /// The door knows the peer, and it is another gateway.
    NotThePeer,
    /// The topic is another kitchen's or gateway's than the message names.
    WrongTopic,
    /// The body cannot be read, and the header names more numbers than an envelope has records: an answer would free what
    /// it may not have brought. The gateway keeps it until a sink can read it.
    TooWide,
}

impl Disbelief {
    /// Its name in counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAnEnvelope => "not-an-envelope",
            Self::UnknownGateway => "unknown-gateway",
            Self::Signature => "signature",
            Self::NotThePeer => "not-the-peer",
            Self::WrongTopic => "wrong-topic",
            Self::TooWide => "too-wide",
        }
    }
}

/// Where an envelope came from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The kitchen of the topic.
    pub kitchen: &'a KitchenId,
    /// Who the door knows the peer to be.
    pub peer: Option<&'a GatewayId>,
}

/// Whether an envelope is its gateway's word.
///
/// # Errors
/// Why not; then nobody is answered.
pub fn believe(opened: &Opened, facts: Option<&GatewayFacts>, origin: Origin<'_>) -> Result<(), Disbelief> {
    let header = opened.header();
    let facts = facts.ok_or(Disbelief::UnknownGateway)?;
    if !facts.keys.iter().any(|key| opened.verify(key).is_ok()) {
        return Err(Disbelief::Signature);
    }
    if origin.peer.is_some_and(|peer| *peer != header.gateway_id) {
        return Err(Disbelief::NotThePeer);
    }
    if *origin.kitchen != header.kitchen_id {
        return Err(Disbelief::WrongTopic);
    }
    Ok(())
}

/// The status, if it is the word of the gateway on whose topic it came.
///
/// # Errors
/// Why not, in a word and in a sentence; then nobody is answered.
pub fn status(
    opened: Result<OpenedStatus, OpenError>,
    facts: Option<&GatewayFacts>,
    gateway: &GatewayId,
) -> Result<Status, (Disbelief, String)> {
    let opened = opened.map_err(|error| (Disbelief::NotAnEnvelope, error.to_string()))?;
    if opened.gateway_id() != gateway {
        return Err((Disbelief::WrongTopic, "the status names another gateway".to_owned()));
    }
    let facts = facts.ok_or((Disbelief::UnknownGateway, "not registered".to_owned()))?;
    let verified = facts.keys.iter().find_map(|key| opened.clone().verified(key).ok());
    verified.ok_or((Disbelief::Signature, "no key of this gateway matches".to_owned()))
}

/// What the store knows that matters for an envelope's records.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The gateway.
    pub gateway: &'a GatewayFacts,
    /// The measuring points that the records name; what is not registered is missing.
    pub devices: &'a HashMap<DeviceId, DeviceFacts>,
    /// What of this epoch is stored already.
    pub ledger: &'a SeqRanges,
    /// The sink's clock.
    pub now: Timestamp,
}

/// A record to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The record.
    pub record: Record,
    /// Its JSON, as it came.
    pub raw: Value,
    /// Whose it is, by the time of the record.
    pub customer_id: CustomerId,
}

/// What is to be done with an envelope's records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sorted {
    /// To be stored and judged.
    pub accepted: Vec<Accepted>,
    /// Stored before: acknowledged again, not written again.
    pub duplicates: SeqRanges,
    /// To be kept aside and answered as rejected.
    pub rejected: Vec<Rejected>,
}

/// The measuring points that an envelope's records name.
pub fn devices_named(records: &[ReceivedRecord]) -> impl Iterator<Item = &DeviceId> {
    records.iter().filter_map(|received| match &received.record {
        Ok(Record { body: Body::Reading(reading), .. }) => Some(&reading.device_id),
        Ok(_) | Err(_) => None,
    })
}

/// The sequence numbers that an answer to an envelope names: those of its records, or of the header if the body as a whole
/// cannot be read.
///
/// # Errors
/// The body cannot be read, and the header names more than an envelope holds.
pub fn numbers_named(header: &Header, records: Option<&[ReceivedRecord]>) -> Result<Vec<u64>, Disbelief> {
    match records {
        Some(records) => Ok(records.iter().map(|record| record.seq).collect()),
        None if header.to - header.from < ENVELOPE_RECORDS_MAX as u64 => Ok((header.from..=header.to).collect()),
        None => Err(Disbelief::TooWide),
    }
}

/// What becomes of a body that cannot be read: the numbers that are named are rejected, but for those that are stored, which
/// are acknowledged again.
pub fn body_rejected(error: &ReadError, named: Vec<u64>, stored: &SeqRanges) -> Sorted {
    let reason = match error {
        ReadError::Version(_) => RejectReason::UnknownVersion,
        ReadError::Records | ReadError::Sequence => RejectReason::MalformedBody,
    };
    let named: SeqRanges = named.into_iter().collect();
    let new = named.without(stored);
    let rejected = new.iter().map(|range| Rejected { range, reason }).collect();
    Sorted { accepted: Vec::new(), duplicates: named.without(&new), rejected }
}

/// Sorts the records of a believed envelope.
pub fn sort(opened: &Opened, records: Vec<ReceivedRecord>, known: Known<'_>) -> Sorted {
    let mut sorted = Sorted::default();
    for ReceivedRecord { seq, record, raw } in records {
        if known.ledger.contains(seq) {
            sorted.duplicates.insert(seq, seq);
            continue;
        }
        let judged = record.map_err(|_| RejectReason::MalformedRecord).and_then(|record| {
            let customer_id = owner(&record, &opened.header().kitchen_id, known)?;
            Ok(Accepted { record, raw, customer_id })
        });
        match judged {
            Ok(accepted) => sorted.accepted.push(accepted),
            Err(reason) => sorted.rejected.push(Rejected { range: (seq, seq), reason }),
        }
    }
    sorted
}

/// Whose a record is: by the assignments that held at its time.
fn owner(record: &Record, kitchen: &KitchenId, known: Known<'_>) -> Result<CustomerId, RejectReason> {
    if record.timestamp.ms_since(known.now) > FUTURE_MAX_MS {
        return Err(RejectReason::FutureTimestamp);
    }
    let gateway = held(&known.gateway.assignments, kitchen, record.timestamp).ok_or(RejectReason::NotAssigned)?;
    let Body::Reading(reading) = &record.body else { return Ok(gateway.customer_id.clone()) };
    let device = known.devices.get(&reading.device_id).ok_or(RejectReason::UnknownDevice)?;
    let device = held(&device.assignments, kitchen, record.timestamp).ok_or(RejectReason::NotAssigned)?;
    if device.customer_id == gateway.customer_id {
        Ok(device.customer_id.clone())
    } else {
        Err(RejectReason::NotAssigned)
    }
}

fn held<'a>(assignments: &'a [Assignment], kitchen: &KitchenId, moment: Timestamp) -> Option<&'a Assignment> {
    assignments.iter().find(|assignment| assignment.kitchen_id == *kitchen && assignment.holds_at(moment))
}
