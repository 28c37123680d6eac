//! What a hostile or broken peer may send: refused with a reason, never believed.

use kitchen_contract::envelope::{ENVELOPE_BYTES_MAX, OpenError, Opened, ReadError};
use kitchen_contract::signature::{DeviceKey, SignatureError};
use proptest::prelude::*;
use serde_json::Value;

use crate::v1::key;

const ENVELOPE: &str = include_str!("v1-envelope.json");

fn changed(change: impl FnOnce(&mut Value)) -> Opened {
    let mut document: Value = serde_json::from_str(ENVELOPE).unwrap();
    change(&mut document);
    Opened::read(document.to_string().as_bytes()).unwrap()
}

#[test]
fn any_edit_breaks_the_signature() {
    let edits: [fn(&mut Value); 6] = [
        |document| document["gatewayId"] = "gw-002".into(),
        |document| document["kitchenId"] = "kitchen-002".into(),
        |document| document["records"][1]["temperature"] = 4.3.into(),
        |document| document["records"][0]["extra"] = true.into(),
        |document| {
            document["records"].as_array_mut().unwrap().pop();
        },
        |document| document["note"] = "added".into(),
    ];
    for edit in edits {
        assert_eq!(changed(edit).verify(&key().public()), Err(SignatureError::Mismatch));
    }
}

#[test]
fn another_gateways_key_does_not_stand() {
    let other = DeviceKey::from_pkcs8_pem(include_str!("test-key-2.pem")).unwrap();
    assert_eq!(changed(|_| ()).verify(&other.public()), Err(SignatureError::Mismatch));
    let unsigned = changed(|document| {
        document.as_object_mut().unwrap().remove("signature");
    });
    assert_eq!(unsigned.verify(&key().public()), Err(SignatureError::Missing));
    let malformed = changed(|document| document["signature"] = "AAAA".into());
    assert_eq!(malformed.verify(&key().public()), Err(SignatureError::Malformed));
}

#[test]
fn an_unknown_version_still_has_a_header_and_a_signature() {
    let opened = changed(|document| {
        document["v"] = 2.into();
        document["records"] = "in another form".into();
    });
    assert_eq!(opened.header().from, 1);
    assert_eq!(opened.verify(&key().public()), Err(SignatureError::Mismatch));
    assert_eq!(opened.records(), Err(ReadError::Version(2)));
}

#[test]
fn a_broken_sequence_is_refused_as_a_whole() {
    let edits: [fn(&mut Value); 3] = [
        |document| document["records"][0]["seq"] = 2.into(),
        |document| document["records"][1]["seq"] = "2".into(),
        |document| document["to"] = 3.into(),
    ];
    for edit in edits {
        assert_eq!(changed(edit).records(), Err(ReadError::Sequence));
    }
    assert_eq!(changed(|document| document["records"] = Value::Array(vec![])).records(), Err(ReadError::Records));
}

#[test]
fn a_header_without_a_range_is_none() {
    for (from, to) in [(0, 2), (3, 2), (1, 1_u64 << 53)] {
        let mut document: Value = serde_json::from_str(ENVELOPE).unwrap();
        (document["from"], document["to"]) = (from.into(), to.into());
        let opened = Opened::read(document.to_string().as_bytes());
        assert!(matches!(opened, Err(OpenError::Header(_))), "{from} to {to}");
    }
}

#[test]
fn a_hole_where_a_record_was_lost_is_no_broken_sequence() {
    let opened = changed(|document| {
        document["records"][1]["seq"] = 4.into();
        document["to"] = 4.into();
    });
    assert_eq!(opened.records().unwrap().iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 4]);
}

#[test]
fn one_unreadable_record_does_not_hide_the_others() {
    let records = changed(|document| document["records"][0]["event"] = 7.into()).records().unwrap();
    assert!(records[0].record.is_err());
    assert!(records[1].record.is_ok());
}

#[test]
fn another_spelling_of_a_number_changes_nothing() {
    let respelled = ENVELOPE.replace("\"seq\":2", "\"seq\":2.0").replace("\"to\":2", "\"to\":2e0");
    assert_ne!(respelled, ENVELOPE);
    let opened = Opened::read(respelled.as_bytes()).unwrap();
    assert_eq!(opened.verify(&key().public()), Ok(()));
    assert!(opened.records().unwrap().iter().all(|received| received.record.is_ok()));
}

#[test]
fn rubbish_has_no_header() {
    for bytes in ["", "[]", "{}", "null", "\u{0}", r#"{"v":1}"#, r#"{"v":"1","gatewayId":"A"}"#] {
        assert!(Opened::read(bytes.as_bytes()).is_err(), "{bytes}");
    }
    let deep = "[".repeat(100_000);
    assert!(Opened::read(deep.as_bytes()).is_err());
    assert_eq!(Opened::read(&vec![b' '; ENVELOPE_BYTES_MAX + 1]).unwrap_err(), OpenError::TooLarge);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(opened) = Opened::read(&bytes) {
            prop_assert!(opened.verify(&key().public()).is_err());
        }
    }

    #[test]
    fn a_flipped_byte_is_never_believed(index in 0usize..ENVELOPE.len() - 1, flip in 1u8..=255) {
        let mut bytes = ENVELOPE.trim_end().as_bytes().to_vec();
        let index = index % bytes.len();
        bytes[index] ^= flip;
        if let Ok(opened) = Opened::read(&bytes) {
            let same = serde_json::from_slice::<Value>(&bytes).ok() == serde_json::from_str::<Value>(ENVELOPE).ok();
            prop_assert!(same || opened.verify(&key().public()).is_err());
        }
    }
}
