//! Every golden transcript against the simulator.

use std::collections::VecDeque;
use std::time::Duration;

use hw_sim::transcript::{Match, Pattern, Start, Step, Transcript, host_bytes};
use hw_sim::{DeviceConfig, Profile, Simulation};

use crate::support::{CHARACTER, seconds};

/// Nothing a transcript waits for takes longer.
const PATIENCE: Duration = Duration::from_secs(40 * 3600);
/// A device that was silent for so long after its boot has nothing left to say by itself.
const QUIET: Duration = Duration::from_secs(65);

/// A simulator in virtual time, and what a host hears of it.
struct Replay {
    simulation: Simulation,
    now: Duration,
    since: Duration,
    heard: VecDeque<u8>,
}

impl Replay {
    fn new(transcript: &Transcript, seed: u64) -> Self {
        let profile = Profile::load_with(&transcript.profile, &transcript.changes).unwrap();
        let pin = profile.pin.clone();
        let simulation = Simulation::new(DeviceConfig::new(profile, seed));
        let mut replay = Self { simulation, now: seconds(0), since: seconds(0), heard: VecDeque::new() };
        if transcript.start != Start::Powered {
            while replay.next_byte(QUIET).is_some() {}
        }
        if transcript.start == Start::Unlocked {
            replay.type_bytes(format!("{pin}\r").as_bytes());
            replay.pass(seconds(2));
            let answer: String = replay.heard.drain(..).map(char::from).collect();
            assert!(answer.ends_with("Password Correct\r\n"), "{answer}");
        }
        replay.since = replay.now;
        replay
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Host(line) => {
                self.type_bytes(&host_bytes(line));
                self.since = self.now;
            }
            Step::Device(pattern) => self.expect(pattern)?,
            Step::Within(from, to) => return self.judge_time(*from, *to),
            Step::Silence(time) => {
                self.pass(*time);
                self.since = self.now;
                let said: Vec<u8> = self.heard.drain(..).collect();
                if !said.is_empty() {
                    return Err(format!("expected silence, got {:?}", String::from_utf8_lossy(&said)));
                }
            }
            Step::Pass(time) => {
                self.pass(*time);
                self.heard.clear();
                self.since = self.now;
            }
            Step::Told(command) => drop(self.simulation.run(self.now, command).map_err(|error| error.to_string())?),
        }
        Ok(())
    }

    fn expect(&mut self, pattern: &Pattern) -> Result<(), String> {
        let mut bytes = Vec::new();
        loop {
            match pattern.compare(&bytes) {
                Match::Complete(count) if count == bytes.len() => return Ok(()),
                Match::Complete(_) | Match::Mismatch(_) => break,
                Match::Partial => {}
            }
            let Some(byte) = self.next_byte(PATIENCE) else { break };
            bytes.push(byte);
        }
        // The rest of the line, for whoever has to find the difference.
        let rest = std::iter::from_fn(|| self.next_byte(seconds(1)).filter(|byte| *byte != b'\r'));
        bytes.extend(rest.take(200).collect::<Vec<u8>>());
        let (expected, got) = (pattern.sample(), String::from_utf8_lossy(&bytes).into_owned());
        Err(format!("expected {:?}\n     got {got:?}", String::from_utf8_lossy(&expected)))
    }

    /// Of the bytes that were just heard.
    fn judge_time(&mut self, from: Duration, to: Duration) -> Result<(), String> {
        let taken = self.now.saturating_sub(self.since);
        self.since = self.now;
        let in_time = (from..=to).contains(&taken);
        if in_time { Ok(()) } else { Err(format!("took {taken:?}, expected {from:?} to {to:?}")) }
    }

    /// Returns when the last byte has arrived; what the device says meanwhile is heard next.
    fn type_bytes(&mut self, bytes: &[u8]) {
        self.simulation.feed(self.now, bytes);
        self.pass(CHARACTER * u32::try_from(bytes.len()).unwrap());
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(byte) = self.coming_byte(end) {
            self.heard.push_back(byte);
        }
        self.now = end;
        self.simulation.advance(end);
    }

    /// Waits for the next byte, at most so long.
    fn next_byte(&mut self, limit: Duration) -> Option<u8> {
        self.heard.pop_front().or_else(|| self.coming_byte(self.now + limit))
    }

    fn coming_byte(&mut self, end: Duration) -> Option<u8> {
        loop {
            let next = self.simulation.next_wakeup().filter(|at| *at <= end)?;
            self.now = self.now.max(next);
            self.simulation.advance(self.now);
            if let Some(byte) = self.simulation.take_output(self.now).first() {
                return Some(*byte);
            }
        }
    }
}

fn replay(transcript: &Transcript, seed: u64) -> Result<(), String> {
    let mut replay = Replay::new(transcript, seed);
    for (line, step) in transcript.lines.iter().zip(&transcript.steps) {
        replay.step(step).map_err(|error| format!("line {line} with seed {seed}\n{error}"))?;
    }
    Ok(())
}

#[test]
fn every_transcript_is_what_the_device_says() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/transcripts");
    let only = std::env::var("TRANSCRIPT").unwrap_or_default();
    let mut paths: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_string_lossy().contains(&only));
    paths.sort();
    let mut failures = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).unwrap();
        let transcript = Transcript::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        failures.extend(
            (1..=5)
                .find_map(|seed| replay(&transcript, seed).err())
                .map(|error| format!("{}: {error}", path.file_name().unwrap().display())),
        );
    }
    assert!(failures.is_empty(), "{} of {} differ\n{}", failures.len(), paths.len(), failures.join("\n\n"));
    assert!(!only.is_empty() || paths.len() >= 20);
}
