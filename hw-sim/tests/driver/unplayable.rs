//! Transcripts that no driver can play.

use crate::score::is_plain;
use crate::transcripts;

/// Why a transcript cannot be played.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reason {
    /// The host sends line ends of its own: LF, CR LF, several lines in one go, half a line. The driver sends whole lines,
    /// each ended by CR.
    LineEnds,
}

const LISTED: [(&str, Reason); 8] = [
    ("crlf-no-race", Reason::LineEnds),
    ("crlf-race-locked", Reason::LineEnds),
    ("crlf-race-unlocked", Reason::LineEnds),
    ("framing", Reason::LineEnds),
    ("line-feed-race", Reason::LineEnds),
    ("q01-loss-while-busy", Reason::LineEnds),
    ("q01-off", Reason::LineEnds),
    ("q20-wake-loss", Reason::LineEnds),
];

pub(crate) fn is_listed(name: &str) -> bool {
    LISTED.iter().any(|(listed, _)| *listed == name)
}

/// Each that is listed exists and is what its reason says, and no other is.
pub(crate) fn check() {
    for (name, text) in transcripts() {
        let mut hosts = text.lines().filter_map(|line| line.strip_prefix("> "));
        let line_ends = hosts.any(|host| !is_plain(host));
        assert_eq!(line_ends, is_listed(&name), "{name}: does its host send line ends of its own?");
    }
    if std::env::var("TRANSCRIPT").is_err() {
        let names: Vec<_> = transcripts().into_iter().map(|(name, _)| name).collect();
        LISTED.iter().for_each(|(name, reason)| assert!(names.iter().any(|found| found == name), "{name}: {reason:?}"));
    }
}
