//! Every golden transcript against the device.

use std::time::Duration;

use hw_sim::transcript::{Match, Pattern, Start, Step, Transcript};

use crate::support::{Bench, config, seconds};

/// Nothing a transcript waits for takes longer.
const PATIENCE: Duration = Duration::from_secs(4 * 3600);

struct Replay {
    bench: Bench,
    since: Duration,
}

impl Replay {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Host(line) => {
                assert_eq!(self.bench.type_line(line), "", "output while {line:?} was typed");
                self.since = self.bench.now;
            }
            Step::Device(pattern) => self.expect(pattern),
            Step::Within(from, to) => {
                let taken = self.bench.now - self.since;
                assert!((*from..=*to).contains(&taken), "took {taken:?}, expected {from:?} to {to:?}");
                self.since = self.bench.now;
            }
            Step::Silence(time) => {
                assert_eq!(self.bench.pass(*time), "", "expected silence");
                self.since = self.bench.now;
            }
            Step::Pass(time) => {
                self.bench.pass(*time);
                self.since = self.bench.now;
            }
        }
    }

    fn expect(&mut self, pattern: &Pattern) {
        let mut bytes = Vec::new();
        loop {
            match pattern.compare(&bytes) {
                Match::Complete(count) if count == bytes.len() => return,
                Match::Complete(_) | Match::Mismatch(_) => break,
                Match::Partial => {}
            }
            let Some(byte) = self.bench.next_byte(PATIENCE) else { break };
            bytes.push(byte);
        }
        let expected = String::from_utf8(pattern.sample()).unwrap();
        panic!("expected {expected:?}\n     got {:?}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn every_transcript_is_what_the_device_says() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/transcripts");
    let mut paths: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 20);
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let transcript = Transcript::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for seed in 1..=5 {
            eprintln!("{} with seed {seed}", path.display());
            replay(&transcript, seed);
        }
    }
}

fn replay(transcript: &Transcript, seed: u64) {
    let bench = match transcript.start {
        Start::Powered => Bench::powered(config(seed)),
        Start::Locked => Bench::locked(config(seed)),
        Start::Unlocked => Bench::unlocked(config(seed)),
    };
    let since = bench.now;
    let mut replay = Replay { bench, since };
    transcript.steps.iter().for_each(|step| replay.step(step));
    assert!(replay.bench.now > seconds(0));
}
