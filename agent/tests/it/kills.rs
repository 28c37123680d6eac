//! kill -9 at random moments: what an append has returned is there, once and in order.

use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::common::{Ledger, Writer, data_dir, number};

/// How often, unless this variable says it.
const KILLS: &str = "KITCHEN_BUFFER_KILLS";
const KILLS_DEFAULT: u64 = 25;

#[test]
fn nothing_is_lost_or_doubled_by_kills() {
    let kills = number(KILLS, KILLS_DEFAULT);
    let dir = tempfile::tempdir().unwrap();
    let dir = data_dir(dir.path());
    let (mut ledger, mut random) = (Ledger::default(), StdRng::seed_from_u64(9));
    let (mut appended, mut longest) = (0, Duration::ZERO);
    for kill in 0..kills {
        let mut writer = Writer::start(&dir, None);
        // Every fourth dies before its first append is through.
        if kill % 4 > 0 {
            assert!(writer.wait_for(&mut ledger, "appended", Duration::from_secs(20)));
        }
        sleep(Duration::from_micros(random.random_range(0..120_000)));
        writer.kill(&mut ledger);
        let before = ledger.appended();
        let began = Instant::now();
        ledger.check(&dir);
        longest = longest.max(began.elapsed());
        appended += before;
    }
    assert!(appended > kills);
    println!("{kills} kills, 0 lost, 0 doubled; opened and checked within {} ms", longest.as_millis());
}
