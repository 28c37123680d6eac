//! The console log in flash: 20 pages of 512 bytes, a ring that a reset leaves alone (device reference sections 6.1
//! and 11).
//!
//! Text runs on over the end of a page. Flash is erased by the page, so what makes room for a new one is the whole
//! oldest page: the text that is left may begin in the middle of a line.

use std::collections::VecDeque;

/// Pages of the ring.
pub(super) const PAGES: usize = 20;
/// Bytes of a page.
pub(super) const PAGE_BYTES: usize = 512;

/// What `AT+GETLOG` prints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LogPages {
    pages: VecDeque<Vec<u8>>,
}

impl LogPages {
    /// Writes console output as it was printed, line ends included.
    pub(super) fn append(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let page = self.page_with_room();
            let (fitting, rest) = bytes.split_at(bytes.len().min(PAGE_BYTES - page.len()));
            page.extend_from_slice(fitting);
            bytes = rest;
        }
    }

    /// The pages in use, oldest first; all but the last are full.
    pub(super) fn pages(&self) -> impl Iterator<Item = &[u8]> {
        self.pages.iter().map(Vec::as_slice)
    }

    /// All pages as one text, oldest first.
    pub(super) fn text(&self) -> Vec<u8> {
        self.pages().flatten().copied().collect()
    }

    /// `AT+GETLOG=0` and a factory reset.
    pub(super) fn clear(&mut self) {
        self.pages.clear();
    }

    fn page_with_room(&mut self) -> &mut Vec<u8> {
        if self.pages.back().is_none_or(|page| page.len() == PAGE_BYTES) {
            if self.pages.len() == PAGES {
                self.pages.pop_front();
            }
            self.pages.push_back(Vec::with_capacity(PAGE_BYTES));
        }
        self.pages.back_mut().expect("invariant: a page was pushed if there was none")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_printed_is_kept_as_it_was() {
        let mut log = LogPages::default();
        log.append(b"[40211]Set APN successfully\r\n");
        log.append(b"[41500]Signal Strength:17\r\n");
        assert_eq!(log.text(), b"[40211]Set APN successfully\r\n[41500]Signal Strength:17\r\n");
        assert_eq!(log.pages().count(), 1);
    }

    #[test]
    fn a_full_ring_loses_its_oldest_page_whole() {
        let mut log = LogPages::default();
        log.append(&vec![b'a'; PAGE_BYTES]);
        log.append(&vec![b'b'; PAGE_BYTES * (PAGES - 1)]);
        assert_eq!(log.text().first(), Some(&b'a'));
        log.append(b"c");
        assert_eq!((log.pages().count(), log.text().len()), (PAGES, PAGE_BYTES * (PAGES - 1) + 1));
        assert_eq!((log.text()[0], log.text().last()), (b'b', Some(&b'c')));
    }

    #[test]
    fn cleared_is_empty() {
        let mut log = LogPages::default();
        log.append(b"text");
        log.clear();
        assert_eq!(log, LogPages::default());
    }

    proptest! {
        #[test]
        fn the_newest_text_is_always_there(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..900), 0..60)) {
            let mut log = LogPages::default();
            pieces.iter().for_each(|piece| log.append(piece));
            let (all, kept) = (pieces.concat(), log.text());
            prop_assert!(all.ends_with(&kept));
            prop_assert!(kept.len() <= PAGES * PAGE_BYTES);
            prop_assert!(kept.len() >= all.len().min((PAGES - 1) * PAGE_BYTES));
        }
    }
}
