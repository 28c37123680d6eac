//! `AT+MODEL` and `AT+DEUI`: what hangs on the port, and which one of its kind.

use super::command::Value;

/// The longest model text that is believed; the known ones have up to 20 bytes.
const MODEL_BYTES_MAX: usize = 40;
/// Digits of an IMEI.
const IMEI_DIGITS: usize = 15;

/// What the device calls itself, such as `PS-NB,v1.1.2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model(String);

/// The 15 digits that no other sensor has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Imei(String);

impl Model {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Imei {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Model {
    const NAME: &'static str = "MODEL";

    fn parse(text: &str) -> Option<Self> {
        let (name, version) = text.split_once(",v")?;
        let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let numbered = version.split('.').all(|part| super::number::whole(part).is_some());
        (named && numbered && text.len() <= MODEL_BYTES_MAX).then(|| Self(text.to_owned()))
    }
}

impl Value for Imei {
    const NAME: &'static str = "DEUI";

    /// The device would also take hexadecimal digits; an IMEI has none.
    fn parse(text: &str) -> Option<Self> {
        let whole = text.len() == IMEI_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        whole.then(|| Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_identity_is_none() {
        for text in ["PS-NB,v1.1.2", "PS-NB-GE,v1.0", "PS-CB,v1.2.1"] {
            assert_eq!(Model::parse(text).map(|model| model.0).as_deref(), Some(text));
        }
        for text in ["", "PS-NB", ",v1.0", "PS-NB,1.0", "PS-NB,v", "PS-NB,v1..2", "PS NB,v1.0", "PS-NB,v1.0 "] {
            assert_eq!(Model::parse(text), None, "{text}");
        }
        assert!(Imei::parse("861234509876543").is_some());
        for text in ["", "86123450987654", "8612345098765432", "86123450987654a", "NULL"] {
            assert_eq!(Imei::parse(text), None, "{text}");
        }
    }
}
