//! What a peer can make us write into the log: one line per peer and matter in a minute, the rest is counted.
//!
//! Every peer has its own measure, so a noisy one hides nobody else; and every matter, so that it does not hide behind its
//! own noise. Metrics count all of it. Beyond [`COMPLAINTS_MAX`] those that are new share one line.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::limits::{COMPLAINT_PAUSE, COMPLAINTS_MAX, SHOWN_BYTES_MAX};

/// What has been said of whom. Cheap to clone. A std mutex: it is held for a map operation only, never across an await.
#[derive(Clone, Debug, Default)]
pub(super) struct Complaints(Arc<Mutex<HashMap<Complaint, Said>>>);

/// Of whom, and what; a peer that is not told apart has no name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Complaint {
    peer: String,
    matter: &'static str,
}

#[derive(Clone, Copy, Debug)]
struct Said {
    at: Instant,
    suppressed: u64,
}

impl Complaints {
    /// Whether to say it now: then how often it was not said since the last time.
    pub(super) fn say(&self, peer: &str, matter: &'static str) -> Option<u64> {
        self.say_at(Instant::now(), peer, matter)
    }

    fn say_at(&self, now: Instant, peer: &str, matter: &'static str) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut complaint = Complaint { peer: peer.to_owned(), matter };
        if !said.contains_key(&complaint) && said.len() >= COMPLAINTS_MAX {
            said.retain(|_, last| now.duration_since(last.at) < COMPLAINT_PAUSE);
            if said.len() >= COMPLAINTS_MAX {
                complaint.peer.clear();
            }
        }
        match said.get_mut(&complaint) {
            Some(last) if now.duration_since(last.at) < COMPLAINT_PAUSE => {
                last.suppressed += 1;
                None
            }
            last => {
                let suppressed = last.map_or(0, |last| last.suppressed);
                said.insert(complaint, Said { at: now, suppressed: 0 });
                Some(suppressed)
            }
        }
    }
}

/// A peer's own words as far as a log line takes them.
pub(crate) fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_peer_is_complained_of_once_a_minute_with_a_count_of_the_rest() {
        let complaints = Complaints::default();
        let start = Instant::now();
        let after = |seconds, peer| complaints.say_at(start + Duration::from_secs(seconds), peer, "publish");
        assert_eq!(after(0, "gw-1"), Some(0));
        assert_eq!((after(1, "gw-1"), after(59, "gw-1")), (None, None));
        assert_eq!(after(59, "gw-2"), Some(0));
        assert_eq!(complaints.say_at(start, "gw-1", "takeover"), Some(0));
        assert_eq!(after(60, "gw-1"), Some(2));
        assert_eq!(after(120, "gw-1"), Some(0));
    }

    #[test]
    fn however_many_peers_come_memory_and_lines_are_bounded() {
        let complaints = Complaints::default();
        let start = Instant::now();
        let say_all = |now| {
            let peers = (0..2 * COMPLAINTS_MAX).map(|peer| peer.to_string());
            peers.filter(|peer| complaints.say_at(now, peer, "handshake").is_some()).count()
        };
        assert_eq!(say_all(start), COMPLAINTS_MAX + 1);
        assert_eq!(complaints.0.lock().unwrap().len(), COMPLAINTS_MAX + 1);
        assert!(complaints.say_at(start + COMPLAINT_PAUSE, "late", "handshake").is_some());
        assert_eq!(complaints.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn words_are_cut_between_characters() {
        assert_eq!(shown("short"), "short");
        let odd = format!("a{}", "é".repeat(SHOWN_BYTES_MAX));
        assert_eq!(shown(&odd).len(), SHOWN_BYTES_MAX - 1);
    }
}
