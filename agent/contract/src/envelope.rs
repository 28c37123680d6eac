//! The envelope: a header that keeps its form in all versions, and records under one signature.
//!
//! Writing ([`Envelope::seal`]) and reading ([`Opened::read`]) are inverse and live here together. Reading goes in steps,
//! so that the sink can name what it could not read: JSON and header, then signature, then version, then record by record.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::VERSION;
use crate::id::{Epoch, GatewayId, KitchenId};
use crate::record::{Record, SEQ_MAX};
use crate::signature::{self, DeviceKey, GatewayKey, SignatureError};
use crate::written::WrittenRecord;

/// The largest envelope, in bytes: AWS IoT's message limit.
pub const ENVELOPE_BYTES_MAX: usize = 128 * 1024;
/// What a live envelope aims at, in bytes: AWS IoT bills in steps of 5 KiB.
pub const ENVELOPE_BYTES_LIVE: usize = 5 * 1024;
/// What header and signature take of an envelope, in bytes, rounded up.
pub const ENVELOPE_OVERHEAD_BYTES: usize = 512;
/// The most records in one envelope; keeps the work for one message bounded.
pub const ENVELOPE_RECORDS_MAX: usize = 500;

/// Who speaks, about which kitchen, and which part of the sequence. The same in all versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// Major version of the contract.
    pub v: u32,
    /// The gateway that signs.
    pub gateway_id: GatewayId,
    /// The kitchen, as stamped when the records were appended.
    pub kitchen_id: KitchenId,
    /// The run of the agent that the records belong to.
    pub epoch: Epoch,
    /// First sequence number inside.
    pub from: u64,
    /// Last sequence number inside.
    pub to: u64,
}

/// Records of one gateway, kitchen and epoch, to be sent together.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The gateway that signs.
    pub gateway_id: GatewayId,
    /// The kitchen of all records inside.
    pub kitchen_id: KitchenId,
    /// The epoch of all records inside.
    pub epoch: Epoch,
    /// In rising order of sequence, at least one. There may be holes, where records were lost or acknowledged before.
    pub records: Vec<WrittenRecord>,
}

/// Why an envelope cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// An envelope without records has no range.
    #[error("an envelope needs at least one record")]
    Empty,
    /// The records are not in rising order of sequence, or outside 1 to [`SEQ_MAX`].
    #[error("the sequence numbers do not rise from 1 to {SEQ_MAX} at most")]
    Sequence,
    /// Not JSON, which no record of ours is.
    #[error("cannot write the envelope: {0}")]
    Json(#[from] serde_json::Error),
    /// No canonical form.
    #[error("cannot sign the envelope: {0}")]
    Signature(#[from] SignatureError),
}

impl Envelope {
    /// The signed bytes, ready for the wire: what is signed, in its canonical form, and the signature where it belongs.
    ///
    /// # Errors
    /// No records, records out of order, or (never seen) ids that are no JSON.
    pub fn seal(&self, key: &DeviceKey) -> Result<Vec<u8>, SealError> {
        let (Some(first), Some(last)) = (self.records.first(), self.records.last()) else {
            return Err(SealError::Empty);
        };
        if !rising(&self.records, WrittenRecord::seq) || first.seq() < 1 || last.seq() > SEQ_MAX {
            return Err(SealError::Sequence);
        }
        let mut document = self.up_to_records(first.seq())?;
        let rest = format!(r#","to":{},"v":{VERSION}}}"#, last.seq());
        let signed = document.len();
        document.push_str(&rest);
        let signature = signature::of(document.as_bytes(), key);
        document.truncate(signed);
        document.push_str(&format!(r#","{}":"{signature}"{rest}"#, signature::SIGNATURE_FIELD));
        Ok(document.into_bytes())
    }

    /// The canonical form up to and with its records; what comes behind them is smaller than a record.
    fn up_to_records(&self, from: u64) -> Result<String, SealError> {
        let epoch = serde_json::to_string(&self.epoch)?;
        let gateway_id = serde_json::to_string(&self.gateway_id)?;
        let kitchen_id = serde_json::to_string(&self.kitchen_id)?;
        let mut document = String::with_capacity(
            ENVELOPE_OVERHEAD_BYTES + self.records.iter().map(|record| record.json().get().len() + 1).sum::<usize>(),
        );
        document.push_str(&format!(
            r#"{{"epoch":{epoch},"from":{from},"gatewayId":{gateway_id},"kitchenId":{kitchen_id},"records":["#
        ));
        for (place, record) in self.records.iter().enumerate() {
            document.push_str(if place > 0 { "," } else { "" });
            document.push_str(record.json().get());
        }
        document.push(']');
        Ok(document)
    }
}

/// An envelope as received: header known, signature and body not yet looked at.
#[derive(Clone, Debug)]
pub struct Opened {
    header: Header,
    document: Map<String, Value>,
}

/// Why bytes are no envelope at all, so that nobody can be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Larger than [`ENVELOPE_BYTES_MAX`].
    #[error("larger than {ENVELOPE_BYTES_MAX} bytes")]
    TooLarge,
    /// Not a JSON object.
    #[error("not a JSON object: {0}")]
    Json(String),
    /// No readable header.
    #[error("no readable header: {0}")]
    Header(String),
}

/// Why a body of known header and signature cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A major version that this crate does not know.
    #[error("version {0} is not known here, only {VERSION}")]
    Version(u32),
    /// No list of records, an empty one or one over [`ENVELOPE_RECORDS_MAX`].
    #[error("`records` is not a list of 1 to {ENVELOPE_RECORDS_MAX}")]
    Records,
    /// The sequence numbers do not rise from `from` to `to`.
    #[error("the sequence numbers do not rise from `from` to `to`")]
    Sequence,
}

/// One record as received: its place in the sequence is known even if the rest cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedRecord {
    /// Its sequence number.
    pub seq: u64,
    /// Its JSON, as it came.
    pub raw: Value,
    /// The record, or what is wrong with it.
    pub record: Result<Record, String>,
}

impl Opened {
    /// Reads JSON and header, nothing more.
    ///
    /// # Errors
    /// Too large, not JSON, no header.
    pub fn read(bytes: &[u8]) -> Result<Self, OpenError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(OpenError::TooLarge);
        }
        let document = signature::canonical_document(bytes).map_err(OpenError::Json)?;
        let header = Header::deserialize(Value::Object(header_fields(&document)))
            .map_err(|error| OpenError::Header(error.to_string()))?;
        if header.from < 1 || header.from > header.to || header.to > SEQ_MAX {
            let why = format!("`from` and `to` are a rising range within 1 to {SEQ_MAX}");
            return Err(OpenError::Header(why));
        }
        Ok(Self { header, document })
    }

    /// The header; believed only once [`Opened::verify`] has passed.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Checks the signature over the JSON as received.
    ///
    /// # Errors
    /// Missing, malformed, or not of this key.
    pub fn verify(&self, key: &GatewayKey) -> Result<(), SignatureError> {
        signature::verify(&self.document, key)
    }

    /// The records, each read or refused by itself.
    ///
    /// # Errors
    /// The body as a whole cannot be taken: unknown version, no records, broken sequence.
    pub fn records(&self) -> Result<Vec<ReceivedRecord>, ReadError> {
        if self.header.v != VERSION {
            return Err(ReadError::Version(self.header.v));
        }
        let list = self.document.get("records").and_then(Value::as_array).ok_or(ReadError::Records)?;
        if list.is_empty() || list.len() > ENVELOPE_RECORDS_MAX {
            return Err(ReadError::Records);
        }
        let records: Vec<_> = list.iter().map(received_record).collect::<Option<_>>().ok_or(ReadError::Sequence)?;
        let ends = records.first().map(|record| record.seq) == Some(self.header.from)
            && records.last().map(|record| record.seq) == Some(self.header.to);
        if rising(&records, |record| record.seq) && ends { Ok(records) } else { Err(ReadError::Sequence) }
    }
}

fn rising<T>(records: &[T], seq: impl Fn(&T) -> u64) -> bool {
    records.windows(2).all(|pair| seq(&pair[0]) < seq(&pair[1]))
}

fn header_fields(document: &Map<String, Value>) -> Map<String, Value> {
    let names = ["v", "gatewayId", "kitchenId", "epoch", "from", "to"];
    names.iter().filter_map(|name| Some(((*name).to_owned(), document.get(*name)?.clone()))).collect()
}

fn received_record(raw: &Value) -> Option<ReceivedRecord> {
    let seq = raw.get("seq").and_then(Value::as_u64).filter(|seq| (1..=SEQ_MAX).contains(seq))?;
    let record = Record::deserialize(raw).map_err(|error| error.to_string());
    Some(ReceivedRecord { seq, raw: raw.clone(), record })
}
