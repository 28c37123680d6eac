//! Transcripts that no driver can play.

use crate::score::is_plain;
use crate::transcripts;

/// The host sends control bytes of its own. The driver sends whole lines of printable text, each ended by one CR (device
/// reference 14.2), and refuses to send anything else.
const LISTED: [(&str, &str); 8] = [
    ("crlf-no-race", "lines end in CR LF, or in LF"),
    ("crlf-race-locked", "a line ends in CR LF"),
    ("crlf-race-unlocked", "a line ends in CR LF"),
    ("framing", "lines end in LF or CR LF, come two at a time, or in halves"),
    ("line-feed-race", "lines end in CR LF"),
    ("q01-loss-while-busy", "two lines come at once"),
    ("q01-off", "two lines come at once"),
    ("q20-wake-loss", "an empty line comes before the line"),
];

pub(crate) fn is_listed(name: &str) -> bool {
    LISTED.iter().any(|(listed, _)| *listed == name)
}

/// Each that is listed exists and is what its reason says, and no other is.
pub(crate) fn check() {
    for (name, text) in transcripts() {
        let mut hosts = text.lines().filter_map(|line| line.strip_prefix("> "));
        let control = hosts.any(|host| !is_plain(host));
        assert_eq!(control, is_listed(&name), "{name}: does its host send control bytes of its own?");
    }
    if std::env::var("TRANSCRIPT").is_err() {
        let names: Vec<_> = transcripts().into_iter().map(|(name, _)| name).collect();
        LISTED
            .iter()
            .for_each(|(name, why)| assert!(names.iter().any(|found| found == name), "{name} ({why}) is not there"));
    }
}
