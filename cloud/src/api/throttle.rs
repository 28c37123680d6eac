//! How many logins may fail: decided here, pure; the time is a parameter.
//!
//! | counted | at most | why |
//! |---|---|---|
//! | one account from one address | 10 in 15 min | a person who mistypes, or one who guesses |
//! | one address, all accounts | 100 in 15 min | somebody who tries one password on many accounts |
//! | one account, all addresses | 100 in 1 h | many machines that guess one password |
//!
//! The last limit does not hold for an address from which the account has logged in lately, so that a flood of guesses
//! does not lock its owner out. An attempt counts before its password is looked at (attempts in parallel gain nothing)
//! and is taken back when it succeeds. Everything is bounded: when a table is full, what is over and what has failed
//! least goes first.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use sha2::{Digest, Sha256};

/// Entries of each table; 100 bytes each.
const ENTRIES_MAX: usize = 10_000;

const PAIR: Limit = Limit { failures: 10, within: Duration::from_secs(15 * 60) };
const ADDRESS: Limit = Limit { failures: 100, within: Duration::from_secs(15 * 60) };
const ACCOUNT: Limit = Limit { failures: 100, within: Duration::from_secs(60 * 60) };
/// How long an address stays known to an account after a login.
const KNOWN: Limit = Limit { failures: u32::MAX, within: Duration::from_secs(30 * 24 * 60 * 60) };

/// Who tries to log in, from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    account: [u8; 16],
    address: IpAddr,
}

impl Attempt {
    /// The attempt for an account (whatever was typed as its address) from a network address. An IPv6 network counts as
    /// one address: its owner has 2^64.
    pub fn new(account: &str, address: IpAddr) -> Self {
        let digest = Sha256::digest(account.trim().to_lowercase());
        let mut account = [0; 16];
        account.copy_from_slice(&digest[..16]);
        Self { account, address: network(address) }
    }
}

/// The memory of failed logins.
#[derive(Debug, Default)]
pub struct Throttle {
    pairs: Table<Attempt>,
    addresses: Table<IpAddr>,
    accounts: Table<[u8; 16]>,
    known: Table<Attempt>,
}

impl Throttle {
    /// Counts an attempt, if it may be looked at.
    ///
    /// # Errors
    /// How long to wait for the next one.
    pub fn attempt(&mut self, now: Duration, attempt: Attempt) -> Result<(), Duration> {
        let Attempt { account, address } = attempt;
        let known = self.known.counted(now, KNOWN, &attempt) > 0;
        let waits = [
            self.pairs.wait(now, PAIR, &attempt),
            self.addresses.wait(now, ADDRESS, &address),
            self.accounts.wait(now, ACCOUNT, &account).filter(|_| !known),
        ];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        self.pairs.count(now, PAIR, attempt);
        self.addresses.count(now, ADDRESS, address);
        self.accounts.count(now, ACCOUNT, account);
        Ok(())
    }

    /// Takes an attempt back: its password was never looked at.
    pub fn withdraw(&mut self, attempt: Attempt) {
        self.pairs.uncount(&attempt);
        self.addresses.uncount(&attempt.address);
        self.accounts.uncount(&attempt.account);
    }

    /// Takes an attempt back, and what failed before it from there: it was a login.
    pub fn succeeded(&mut self, now: Duration, attempt: Attempt) {
        self.withdraw(attempt);
        self.pairs.entries.remove(&attempt);
        self.known.entries.remove(&attempt);
        self.known.count(now, KNOWN, attempt);
    }
}

#[derive(Clone, Copy, Debug)]
struct Limit {
    failures: u32,
    within: Duration,
}

/// Counts per key, each in its own window of time.
#[derive(Debug)]
struct Table<Key> {
    entries: HashMap<Key, Window>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Duration,
    count: u32,
}

impl<Key> Default for Table<Key> {
    fn default() -> Self {
        Self { entries: HashMap::new() }
    }
}

impl<Key: Copy + Eq + Hash> Table<Key> {
    fn counted(&self, now: Duration, limit: Limit, key: &Key) -> u32 {
        let window = self.entries.get(key).filter(|window| now < window.since + limit.within);
        window.map_or(0, |window| window.count)
    }

    /// How long the key has to wait, if it is at its limit.
    fn wait(&self, now: Duration, limit: Limit, key: &Key) -> Option<Duration> {
        let full = self.counted(now, limit, key) >= limit.failures;
        let window = self.entries.get(key).filter(|_| full)?;
        Some((window.since + limit.within).saturating_sub(now))
    }

    fn count(&mut self, now: Duration, limit: Limit, key: Key) {
        if self.entries.len() >= ENTRIES_MAX && !self.entries.contains_key(&key) {
            self.make_room(now, limit);
        }
        let window = self.entries.entry(key).or_insert(Window { since: now, count: 0 });
        if now >= window.since + limit.within {
            *window = Window { since: now, count: 0 };
        }
        window.count = window.count.saturating_add(1);
    }

    fn uncount(&mut self, key: &Key) {
        if let Some(window) = self.entries.get_mut(key) {
            window.count = window.count.saturating_sub(1);
        }
    }

    fn make_room(&mut self, now: Duration, limit: Limit) {
        self.entries.retain(|_, window| now < window.since + limit.within);
        if self.entries.len() < ENTRIES_MAX {
            return;
        }
        let least = self.entries.iter().min_by_key(|(_, window)| (window.count, window.since)).map(|(key, _)| *key);
        if let Some(key) = least {
            self.entries.remove(&key);
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    fn from(account: &str, host: u8) -> Attempt {
        Attempt::new(account, IpAddr::from([192, 0, 2, host]))
    }

    #[test]
    fn ten_failures_then_a_wait_until_the_window_ends() {
        let mut throttle = Throttle::default();
        for _ in 0..10 {
            assert_eq!(throttle.attempt(minutes(1), from("a@b", 1)), Ok(()));
        }
        assert_eq!(throttle.attempt(minutes(2), from(" A@B", 1)), Err(minutes(14)));
        assert_eq!(throttle.attempt(minutes(2), from("c@d", 1)), Ok(()), "another account");
        assert_eq!(throttle.attempt(minutes(2), from("a@b", 2)), Ok(()), "another address");
        assert_eq!(throttle.attempt(minutes(16), from("a@b", 1)), Ok(()));
    }

    #[test]
    fn one_address_cannot_try_many_accounts() {
        let mut throttle = Throttle::default();
        let refused = (0..200).filter(|n| throttle.attempt(minutes(0), from(&format!("{n}@b"), 1)).is_err()).count();
        assert_eq!(refused, 100);
    }

    #[test]
    fn many_addresses_cannot_try_one_account_but_its_owner_gets_in() {
        let mut throttle = Throttle::default();
        throttle.attempt(minutes(0), from("a@b", 1)).unwrap();
        throttle.succeeded(minutes(0), from("a@b", 1));
        let refused = (2..202).filter(|host| throttle.attempt(minutes(1), from("a@b", *host)).is_err()).count();
        assert_eq!(refused, 100);
        assert_eq!(throttle.attempt(minutes(1), from("a@b", 1)), Ok(()));
    }

    #[test]
    fn logins_that_succeed_never_add_up() {
        let mut throttle = Throttle::default();
        for _ in 0..1000 {
            throttle.attempt(minutes(1), from("a@b", 1)).unwrap();
            throttle.succeeded(minutes(1), from("a@b", 1));
        }
    }

    #[test]
    fn an_attempt_that_was_never_looked_at_does_not_count() {
        let mut throttle = Throttle::default();
        for _ in 0..1000 {
            throttle.attempt(minutes(1), from("a@b", 1)).unwrap();
            throttle.withdraw(from("a@b", 1));
        }
    }

    #[test]
    fn memory_is_bounded_and_the_worst_is_remembered() {
        let mut throttle = Throttle::default();
        for _ in 0..10 {
            throttle.attempt(minutes(0), from("a@b", 1)).unwrap();
        }
        for n in 0..20_000u32 {
            let _ = throttle.attempt(minutes(1), Attempt::new("x@y", IpAddr::from(n.to_be_bytes())));
            let _ = throttle.attempt(minutes(1), Attempt::new(&format!("{n}@y"), IpAddr::from([10, 0, 0, 1])));
        }
        let sizes = [throttle.pairs.entries.len(), throttle.addresses.entries.len(), throttle.accounts.entries.len()];
        assert!(sizes.iter().all(|size| *size <= ENTRIES_MAX), "{sizes:?}");
        assert!(throttle.attempt(minutes(2), from("a@b", 1)).is_err());
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let attempt = |text: &str| Attempt::new("a@b", text.parse().unwrap());
        assert_eq!(attempt("2001:db8::1"), attempt("2001:db8::ffff:2"));
        assert_ne!(attempt("2001:db8::1"), attempt("2001:db8:0:1::1"));
        assert_eq!(attempt("::ffff:192.0.2.1"), attempt("192.0.2.1"));
    }
}
