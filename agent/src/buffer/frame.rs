//! The bytes of one buffered entry. Pure.
//!
//! ```text
//! magic 4 │ epoch length 1, epoch 25 │ base 8 │ from 8 │ to 8 │ records 4 │ unsettled 4 │ payload length 4 │ CRC of these 4 │ payload │ CRC of the payload 4
//! ```
//! All numbers are big-endian, the CRC is CRC-32. The header has a checksum of its own, so that a damaged payload can still
//! be named in a gap record. Magic, lengths and base let a scan of a raw file find frames where the store itself is broken,
//! and say where they belong. Version 1 of the layout had no base.

use kitchen_contract::id::{Epoch, ID_BYTES_MAX};

/// How every frame begins; the digit is the version of this layout.
pub const MAGIC: [u8; 4] = *b"VDK2";
/// How a frame of the first version began.
const MAGIC_1: [u8; 4] = *b"VDK1";
/// Bytes before the payload.
pub const HEADER_BYTES: usize = 4 + 1 + ID_BYTES_MAX + 8 + 8 + 8 + 4 + 4 + 4 + 4;
/// The same in the first version.
const HEADER_1_BYTES: usize = HEADER_BYTES - 8;
/// Bytes of a frame that are not payload.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + 4;

/// Whose records a frame holds: all that can be said without reading the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The run of the agent.
    pub epoch: Epoch,
    /// The append index before the epoch's first record.
    pub base: u64,
    /// The first sequence number inside; 0 if the frame only says how far the epoch got.
    pub from: u64,
    /// The last sequence number inside; there may be holes where single records were acknowledged.
    pub to: u64,
    /// How many records are inside.
    pub records: u32,
    /// How many of them wait for a clock.
    pub unsettled: u32,
}

impl Identity {
    /// The append index of the first record inside.
    pub fn index(&self) -> u64 {
        self.base.saturating_add(self.from)
    }

    /// The append index of the last record inside.
    pub fn last_index(&self) -> u64 {
        self.base.saturating_add(self.to)
    }
}

/// Why bytes are not a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The header cannot be believed, so nobody knows what was here.
    #[error("damaged frame of unknown records")]
    Header,
    /// The payload is damaged; the header still says what was inside.
    #[error("damaged frame of epoch {}, records {} to {}", .0.epoch, .0.from, .0.to)]
    Payload(Identity),
}

/// The bytes of a frame.
pub fn encode(identity: &Identity, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(OVERHEAD_BYTES + payload.len());
    bytes.extend(MAGIC);
    let epoch = identity.epoch.as_str().as_bytes();
    bytes.push(epoch.len() as u8);
    bytes.extend(epoch);
    bytes.resize(4 + 1 + ID_BYTES_MAX, 0);
    bytes.extend(identity.base.to_be_bytes());
    bytes.extend(identity.from.to_be_bytes());
    bytes.extend(identity.to.to_be_bytes());
    bytes.extend(identity.records.to_be_bytes());
    bytes.extend(identity.unsettled.to_be_bytes());
    bytes.extend((payload.len() as u32).to_be_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend(payload);
    bytes.extend(crc32fast::hash(payload).to_be_bytes());
    bytes
}

/// The identity and payload of a frame.
///
/// # Errors
/// Anything but exactly one intact frame.
pub fn decode(bytes: &[u8]) -> Result<(Identity, &[u8]), FrameError> {
    let (header, rest) = bytes.split_at_checked(HEADER_BYTES).ok_or(FrameError::Header)?;
    let (identity, payload_len) = read_header(header).ok_or(FrameError::Header)?;
    let payload = rest.split_at_checked(payload_len).filter(|(payload, checksum)| {
        checksum.len() == 4
            && u32::from_be_bytes([checksum[0], checksum[1], checksum[2], checksum[3]]) == crc32fast::hash(payload)
    });
    match payload {
        Some((payload, _)) => Ok((identity, payload)),
        None => Err(FrameError::Payload(identity)),
    }
}

/// The frame that begins here, and what lies behind it; without an intact header nobody knows where it ends.
pub fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let whole = header(bytes).and_then(|(_, len)| bytes.split_at_checked(len));
    whole.unwrap_or((bytes, &[]))
}

/// What the header that begins here says, if it is intact, and the length of the whole frame; the payload is not looked at.
pub fn header(bytes: &[u8]) -> Option<(Identity, usize)> {
    let (identity, payload_len) = read_header(bytes.get(..HEADER_BYTES)?)?;
    Some((identity, payload_len.checked_add(OVERHEAD_BYTES)?))
}

/// Whether an intact header of the first version begins here.
pub fn begins_version_1(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC_1)
        && bytes.get(..HEADER_1_BYTES).is_some_and(|header| read_checked(header, MAGIC_1).is_some())
}

/// The identity and payload of a frame of the first version, in which the base was not written.
pub fn decode_1(bytes: &[u8]) -> Option<(Identity, &[u8])> {
    let (header, rest) = bytes.split_at_checked(HEADER_1_BYTES)?;
    let (identity, payload_len) = read_checked(header, MAGIC_1)?;
    let (payload, checksum) = rest.split_at_checked(payload_len)?;
    (crc32fast::hash(payload).to_be_bytes() == checksum).then_some((identity, payload))
}

fn read_header(header: &[u8]) -> Option<(Identity, usize)> {
    read_checked(header, MAGIC)
}

fn read_checked(header: &[u8], magic: [u8; 4]) -> Option<(Identity, usize)> {
    let (content, checksum) = header.split_at_checked(header.len().checked_sub(4)?)?;
    let intact = content.starts_with(&magic) && crc32fast::hash(content).to_be_bytes() == checksum;
    let mut rest = intact.then(|| &content[magic.len()..])?;
    let epoch_len = usize::from(take::<1>(&mut rest)?[0]);
    let epoch = take::<ID_BYTES_MAX>(&mut rest)?;
    let epoch = std::str::from_utf8(epoch.get(..epoch_len)?).ok()?.parse().ok()?;
    let base = if magic == MAGIC { u64::from_be_bytes(take(&mut rest)?) } else { 0 };
    let identity = Identity {
        epoch,
        base,
        from: u64::from_be_bytes(take(&mut rest)?),
        to: u64::from_be_bytes(take(&mut rest)?),
        records: u32::from_be_bytes(take(&mut rest)?),
        unsettled: u32::from_be_bytes(take(&mut rest)?),
    };
    Some((identity, u32::from_be_bytes(take(&mut rest)?) as usize))
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk::<N>()?;
    *bytes = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn identity() -> Identity {
        Identity { epoch: Epoch::from_entropy([7; 15]), base: 40, from: 3, to: 9, records: 5, unsettled: 1 }
    }

    #[test]
    fn a_damaged_payload_is_still_named() {
        let mut bytes = encode(&identity(), b"records");
        bytes[HEADER_BYTES] ^= 1;
        assert_eq!(decode(&bytes), Err(FrameError::Payload(identity())));
        bytes[6] ^= 1;
        assert_eq!(decode(&bytes), Err(FrameError::Header));
    }

    proptest! {
        #[test]
        fn reads_back(payload in prop::collection::vec(any::<u8>(), 0..300)) {
            let bytes = encode(&identity(), &payload);
            prop_assert_eq!(bytes.len(), payload.len() + OVERHEAD_BYTES);
            prop_assert_eq!(decode(&bytes), Ok((identity(), &payload[..])));
        }

        #[test]
        fn any_flipped_bit_is_detected(payload in prop::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), bit in 0u32..8) {
            let mut bytes = encode(&identity(), &payload);
            let at = at.index(bytes.len());
            bytes[at] ^= 1u8 << bit;
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn any_cut_is_detected_and_rubbish_never_panics(rubbish in prop::collection::vec(any::<u8>(), 0..300), keep in any::<prop::sample::Index>()) {
            prop_assert!(decode(&rubbish).is_err());
            let bytes = encode(&identity(), &rubbish);
            prop_assert!(decode(&bytes[..keep.index(bytes.len())]).is_err());
        }
    }
}
