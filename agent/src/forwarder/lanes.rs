//! What is read next: the newest first, the backlog behind it. Pure.
//!
//! After an outage people want to know how warm it is now; what waited is sent beside it. Append indexes up to `split` are the
//! backlog, the rest is live. In order, there is no backlog and everything is live.

use super::event::Backlog;

/// So many of the newest records are live when there is a backlog. As many unsent ones are no backlog.
pub const LIVE_RECORDS_MAX: u64 = 64;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// As it comes.
    Live,
    /// What waited.
    Backlog,
}

/// Where to read on, in append indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lanes {
    live: u64,
    live_is_empty: bool,
    backlog: u64,
    split: u64,
}

impl Lanes {
    /// Everything after `cursor`, the oldest first.
    pub fn in_order(cursor: u64) -> Self {
        Self { live: cursor, live_is_empty: false, backlog: cursor, split: cursor }
    }

    /// Puts the newest first, if there is a backlog.
    pub fn put_newest_first(&mut self, Backlog { records, newest }: Backlog) {
        let unsent = newest.saturating_sub(self.live).min(records);
        if !self.has_backlog() && unsent > 2 * LIVE_RECORDS_MAX {
            self.backlog = self.live;
            self.split = newest - LIVE_RECORDS_MAX;
            (self.live, self.live_is_empty) = (self.split, false);
        }
    }

    /// Whether the two are apart.
    pub fn has_backlog(&self) -> bool {
        self.backlog < self.split
    }

    /// How many of the newest have not been sent, where `newest` is the last append index.
    pub fn live_unsent(&self, newest: u64) -> u64 {
        newest.saturating_sub(self.live)
    }

    /// Whether what ends at `last_index` was sent before what waits.
    pub fn is_ahead(&self, last_index: u64) -> bool {
        self.has_backlog() && last_index > self.split
    }

    /// From which lane to read next, after which index, and up to which; none if there is nothing in those that
    /// `may` be read.
    pub fn next(&self, may: impl Fn(Lane) -> bool) -> Option<(Lane, u64, u64)> {
        let live = (Lane::Live, self.live, u64::MAX);
        let backlog = (Lane::Backlog, self.backlog, self.split);
        let live = Some(live).filter(|_| !self.live_is_empty && may(Lane::Live));
        live.or_else(|| Some(backlog).filter(|_| self.has_backlog() && may(Lane::Backlog)))
    }

    /// Records up to `last_index` have been sent from a lane.
    pub fn sent(&mut self, lane: Lane, last_index: u64) {
        match lane {
            Lane::Live => self.live = last_index,
            Lane::Backlog => self.backlog = last_index,
        }
    }

    /// There was nothing more to read in a lane.
    pub fn nothing(&mut self, lane: Lane) {
        match lane {
            Lane::Live => self.live_is_empty = true,
            Lane::Backlog => self.backlog = self.split,
        }
    }

    /// There may be something new.
    pub fn look_again(&mut self) {
        self.live_is_empty = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(_: Lane) -> bool {
        true
    }

    #[test]
    fn the_newest_go_first_and_everything_once() {
        let mut lanes = Lanes::in_order(100);
        lanes.put_newest_first(Backlog { records: 900, newest: 1_000 });
        assert_eq!(lanes.next(any), Some((Lane::Live, 936, u64::MAX)));
        assert_eq!(lanes.next(|lane| lane == Lane::Backlog), Some((Lane::Backlog, 100, 936)));
        lanes.sent(Lane::Live, 1_000);
        lanes.nothing(Lane::Live);
        assert_eq!(lanes.next(any), Some((Lane::Backlog, 100, 936)));
        lanes.sent(Lane::Backlog, 600);
        lanes.look_again();
        assert_eq!(lanes.next(any), Some((Lane::Live, 1_000, u64::MAX)));
        lanes.nothing(Lane::Live);
        lanes.sent(Lane::Backlog, 936);
        assert_eq!((lanes.next(any), lanes.has_backlog()), (None, false));
    }

    #[test]
    fn what_is_hardly_a_backlog_goes_in_order() {
        let mut lanes = Lanes::in_order(100);
        lanes.put_newest_first(Backlog { records: 900, newest: 228 });
        lanes.put_newest_first(Backlog { records: 128, newest: 900 });
        assert_eq!(lanes, Lanes::in_order(100));
        lanes.put_newest_first(Backlog { records: 129, newest: 229 });
        assert!(lanes.has_backlog());
        let apart = lanes.clone();
        lanes.put_newest_first(Backlog { records: 900, newest: 5_000 });
        assert_eq!(lanes, apart, "as long as there is a backlog, the two stay as they are");
    }
}
