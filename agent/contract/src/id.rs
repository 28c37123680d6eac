//! Names of things: `[a-z0-9-]{1,25}`, the customer's `VARCHAR(25)`.
//!
//! No `#`, `/`, `+` or blank can occur, so an id can stand in a partition key, a sort key or a topic as it is.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest id, in bytes: the customer's `VARCHAR(25)`.
pub const ID_BYTES_MAX: usize = 25;

/// A name of one kind of thing; ids of two kinds cannot be mixed up.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[serde(bound(serialize = "Kind: Clone", deserialize = ""))]
pub struct Id<Kind> {
    text: String,
    kind: PhantomData<Kind>,
}

/// Marks the id of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gateway {}
/// Marks the id of a kitchen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kitchen {}
/// Marks the id of a measuring point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Device {}
/// Marks the id of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Customer {}
/// Marks the id of one run of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Run {}

/// The box in the kitchen; also the CN of its certificate and its MQTT client id.
pub type GatewayId = Id<Gateway>;
/// A kitchen of a customer.
pub type KitchenId = Id<Kitchen>;
/// The measuring point (a fridge), whatever sensor hangs there now.
pub type DeviceId = Id<Device>;
/// The customer, which is the tenant.
pub type CustomerId = Id<Customer>;
/// One run of the agent: random at every start, so that a restored or cloned card can never reuse an identity.
pub type Epoch = Id<Run>;

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id: 1 to {ID_BYTES_MAX} of a-z, 0-9 and `-`")]
pub struct IdError {
    text: String,
}

impl<Kind> Id<Kind> {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A generated id: `c` and 24 characters of 0-9 and a-v, made of 120 bits that the caller drew or derived.
    pub fn from_entropy(entropy: [u8; 15]) -> Self {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        let mut text = String::with_capacity(ID_BYTES_MAX);
        text.push('c');
        for group in entropy.chunks(5) {
            let bits = group.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
            text.extend((0..8).rev().map(|place| char::from(DIGITS[(bits >> (place * 5) & 31) as usize])));
        }
        Self { text, kind: PhantomData }
    }
}

impl<Kind> FromStr for Id<Kind> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::try_from(text.to_owned())
    }
}

impl<Kind> TryFrom<String> for Id<Kind> {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        let fits = (1..=ID_BYTES_MAX).contains(&text.len());
        let clean = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if fits && clean { Ok(Self { text, kind: PhantomData }) } else { Err(IdError { text }) }
    }
}

impl<Kind> From<Id<Kind>> for String {
    fn from(id: Id<Kind>) -> String {
        id.text
    }
}

impl<Kind> fmt::Display for Id<Kind> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl<Kind> fmt::Debug for Id<Kind> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fits_a_key_and_a_topic_is_an_id() {
        for good in ["a", "kitchen-001", "0", "c0123456789abcdefghijklmn"] {
            assert!(good.parse::<DeviceId>().is_ok(), "{good}");
        }
        for bad in ["", "A", "a/b", "a#", "a+b", "a b", "ä", "c0123456789abcdefghijklmnop"] {
            assert!(bad.parse::<DeviceId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_generated_id_is_an_id_and_keeps_all_bits() {
        let low = Epoch::from_entropy([0; 15]);
        let high = Epoch::from_entropy([255; 15]);
        assert_eq!(low.as_str(), "c000000000000000000000000");
        assert_eq!(high.as_str(), "cvvvvvvvvvvvvvvvvvvvvvvvv");
        assert!(high.as_str().parse::<Epoch>().is_ok());
    }
}
