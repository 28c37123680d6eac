//! The power goes, at any moment, also while the buffer is being opened again.

use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::common::{Ledger, Writer, data_dir, number};
use crate::place::{Mounted, formatted, inside_namespace};
use crate::volatile::Disk;

/// How often, unless these variables say it.
const CUTS: &str = "KITCHEN_POWER_CUTS";
const CUTS_DEFAULT: u64 = 100;
const DOUBLE_CUTS: &str = "KITCHEN_POWER_DOUBLE_CUTS";
const DOUBLE_CUTS_DEFAULT: u64 = 20;
const IMAGE_BYTES: usize = 40 * 1024 * 1024;
const SECONDS_MAX: Duration = Duration::from_secs(30);

/// The kitchen whose power goes.
struct Kitchen {
    image: Vec<u8>,
    ledger: Ledger,
    random: StdRng,
    flushes: u64,
}

impl Kitchen {
    fn new() -> Self {
        let (ledger, random) = (Ledger::default(), StdRng::seed_from_u64(11));
        Self { image: formatted(IMAGE_BYTES), ledger, random, flushes: 0 }
    }

    /// A writer on the disk, and then no power; `moment` decides when.
    fn cut(&mut self, seed: u64, moment: impl FnOnce(&mut Writer, &mut Ledger, &mut StdRng)) {
        let disk = Disk::new(std::mem::take(&mut self.image));
        let mounted = Mounted::new(&disk);
        let mut writer = Writer::start(&data_dir(&mounted.path()), None);
        moment(&mut writer, &mut self.ledger, &mut self.random);
        // First nobody may state anything more, then the power goes.
        kill(Pid::from_raw(writer.child.id() as i32), Signal::SIGSTOP).unwrap();
        disk.cut(seed);
        writer.kill(&mut self.ledger);
        drop(mounted);
        self.flushes += disk.flushes();
        self.image = disk.image();
    }

    /// The power is back.
    fn check(&mut self) -> usize {
        let disk = Disk::new(std::mem::take(&mut self.image));
        let mounted = Mounted::new(&disk);
        let there = self.ledger.check(&data_dir(&mounted.path()));
        drop(mounted);
        self.image = disk.image();
        there
    }
}

fn while_writing(writer: &mut Writer, ledger: &mut Ledger, random: &mut StdRng) {
    assert!(writer.wait_for(ledger, "appended", SECONDS_MAX), "the writer has ended");
    sleep(Duration::from_micros(random.random_range(0..250_000)));
}

fn while_opening(_: &mut Writer, _: &mut Ledger, random: &mut StdRng) {
    sleep(Duration::from_micros(random.random_range(5_000..60_000)));
}

#[test]
fn nothing_is_lost_to_power_cuts() {
    if !inside_namespace("power::nothing_is_lost_to_power_cuts") {
        return;
    }
    let (cuts, double_cuts) = (number(CUTS, CUTS_DEFAULT), number(DOUBLE_CUTS, DOUBLE_CUTS_DEFAULT));
    let (mut kitchen, began, mut appended) = (Kitchen::new(), Instant::now(), 0);
    for cut in 0..cuts {
        kitchen.cut(cut, while_writing);
        if cut < double_cuts {
            kitchen.cut(1_000 + cut, while_opening);
        }
        appended += kitchen.ledger.appended();
        kitchen.check();
    }
    assert!(appended > cuts && kitchen.flushes > cuts);
    println!("{cuts} cuts, {double_cuts} of them double, 0 lost, 0 doubled, in {} s", began.elapsed().as_secs());
}

/// The rig bites: what is not synced is gone.
#[test]
fn what_is_not_synced_is_lost_to_a_power_cut() {
    if !inside_namespace("power::what_is_not_synced_is_lost_to_a_power_cut") {
        return;
    }
    let mut image = formatted(IMAGE_BYTES);
    let lost = (0..10).filter(|seed| {
        let disk = Disk::new(std::mem::take(&mut image));
        let mounted = Mounted::new(&disk);
        let file = mounted.path().join(format!("unsynced-{seed}"));
        let mut out = std::fs::File::create(&file).unwrap();
        (0..100).for_each(|_| out.write_all(&[b'x'; 1000]).unwrap());
        disk.cut(*seed);
        drop((out, mounted));
        image = disk.image();
        let disk = Disk::new(image.clone());
        let mounted = Mounted::new(&disk);
        let found = std::fs::read(mounted.path().join(format!("unsynced-{seed}"))).unwrap_or_default();
        found != vec![b'x'; 100_000]
    });
    let lost = lost.count();
    assert!(lost >= 5, "{lost} of 10");
    println!("without a sync, {lost} of 10 cuts lost data");
}
