//! Bytes that are no text, as a broken device or a terminal in between may send them.

use rand::RngExt;
use rand::rngs::StdRng;

use super::fault::JunkKind;

/// A lone continuation, an overlong slash, a cut sequence, a surrogate, a byte that never occurs.
const NO_UTF8: [&[u8]; 5] = [b"\x80", b"\xc0\xaf", b"\xe2\x82", b"\xed\xa0\x80", b"\xff"];
/// Red, clear the screen, a window title, cursor up, a private mode.
const ANSI: [&[u8]; 5] = [b"\x1b[31m", b"\x1b[2J", b"\x1b]0;title\x07", b"\x1b[1A", b"\x1b[?25l"];

/// One sequence of that kind.
pub(super) fn sequence(kind: JunkKind, rng: &mut StdRng) -> &'static [u8] {
    match kind {
        JunkKind::Utf8 => NO_UTF8[rng.random_range(0..NO_UTF8.len())],
        JunkKind::Nul => b"\0",
        JunkKind::Ansi => ANSI[rng.random_range(0..ANSI.len())],
        JunkKind::All => {
            let kind = [JunkKind::Utf8, JunkKind::Nul, JunkKind::Ansi][rng.random_range(0..3)];
            sequence(kind, rng)
        }
    }
}
