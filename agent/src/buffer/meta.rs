//! The frame that says how far an epoch got, written together with every append. Pure.

use kitchen_contract::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::frame;
use super::raw::Reach;

/// The state of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// How far it got.
    pub reach: Reach,
    /// The latest synced timestamp.
    pub latest: Option<Timestamp>,
}

/// The JSON inside the frame; the reach is in the frame's header.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latest: Option<Timestamp>,
}

impl Meta {
    /// The frame to keep it as.
    pub fn to_frame(&self) -> Vec<u8> {
        let json = serde_json::to_vec(&Payload { latest: self.latest }).expect("invariant: a timestamp is JSON");
        frame::encode(&self.reach.identity(), &json)
    }

    /// Reads a frame back; none if it is damaged or that of an entry. What follows the frame is not looked at.
    pub fn from_frame(bytes: &[u8]) -> Option<Self> {
        let (identity, json) = frame::leading(bytes)?;
        let reach = Reach::of(&identity)?;
        let Payload { latest } = serde_json::from_slice(json).ok()?;
        Some(Self { reach, latest })
    }
}
