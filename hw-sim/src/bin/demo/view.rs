//! What a person sees of the demo: one line per thing that happened, in the order of the path.
#![allow(clippy::print_stdout, clippy::print_stderr)] // the demo's view is its answer

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use hw_sim::bench::Layout;
use hw_sim::bench::layout::EMAIL;
use serde_json::Value;

/// How many readings were seen, of how many wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// Read back through the API so far.
    pub(crate) seen: usize,
    /// To be read back before the demo ends.
    pub(crate) wanted: Option<usize>,
}

/// The live view: tails the programs' logs and shows what the API answers.
#[derive(Debug)]
pub(crate) struct View {
    colour: bool,
    logs: Vec<(std::path::PathBuf, usize)>,
    alerts: BTreeMap<String, String>,
}

/// Shows why the demo failed.
pub(crate) fn failed(error: &anyhow::Error) {
    eprintln!("error: {error:#}\n\nhint: the logs of every program are in the directory printed above");
}

impl View {
    /// Prints what runs, where, and how to log in.
    pub(crate) fn new(layout: &Layout, until: Option<usize>) -> Self {
        println!("VisionDrive Smart Kitchen: {} sensors → agent → MQTT/TLS → cloud → API", layout.plan().sensors.len());
        println!();
        println!("  API        {}", layout.api_base());
        println!("  login      {EMAIL} / {}", layout.password());
        println!("  files      {}", layout.dir().display());
        println!("  ends       {}", until.map_or("with Ctrl-C".to_owned(), |count| format!("after {count} readings")));
        println!();
        println!(
            "The sensors boot first (about 8 s), then are configured and read: the first reading takes about 30 s."
        );
        println!();
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let logs = ["agent.log", "cloud.log"].map(|name| (layout.dir().join(name), 0)).to_vec();
        Self { colour, logs, alerts: BTreeMap::new() }
    }

    /// Shows what the programs have logged since the last look.
    pub(crate) fn logs(&mut self) {
        let mut rows = Vec::new();
        for (path, shown) in &mut self.logs {
            let text = std::fs::read(&*path).unwrap_or_default();
            let fresh = &text[(*shown).min(text.len())..];
            let whole = fresh.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            *shown += whole;
            rows.extend(String::from_utf8_lossy(&fresh[..whole]).lines().filter_map(row));
        }
        rows.sort();
        for (time, what, about) in rows {
            self.line(&time, what, &about);
        }
    }

    /// Shows readings that came back through the API.
    pub(crate) fn read_back(&self, readings: &[Value], counts: Counts) {
        let before = counts.seen - readings.len();
        for (index, reading) in readings.iter().enumerate() {
            let number = before + index + 1;
            let progress = counts.wanted.map_or(format!("{number}"), |wanted| format!("{number}/{wanted}"));
            let value = reading["temperature"].as_f64().map_or_else(
                || reading["fault"].as_str().unwrap_or("no value").to_owned(),
                |celsius| format!("{celsius:>7.2} °C"),
            );
            let device = reading["deviceId"].as_str().unwrap_or("?");
            let taken = clock(reading["timestamp"].as_str().unwrap_or_default());
            self.line(&taken, What::Api, &format!("{device:<16} {value}   reading {progress} read back from the API"));
        }
    }

    /// Shows alerts that opened or went away since the last look.
    pub(crate) fn alerts(&mut self, answer: &Value) {
        let mut now = BTreeMap::new();
        for alert in answer["alerts"].as_array().into_iter().flatten() {
            let text = |name: &str| alert[name].as_str().unwrap_or("?").to_owned();
            let about = format!(
                "{:<16} {} {} °C, limit {} °C",
                text("deviceId"),
                text("type"),
                alert["temperature"],
                alert["threshold"]
            );
            if !self.alerts.contains_key(&text("id")) {
                self.line(&clock(&text("createdAt")), What::Alarm, &about);
            }
            now.insert(text("id"), about);
        }
        for (id, about) in &self.alerts {
            if !now.contains_key(id) {
                self.line("", What::Resolved, about);
            }
        }
        self.alerts = now;
    }

    /// Shows that enough was seen.
    pub(crate) fn done(&self, seen: usize, elapsed: Duration) {
        println!();
        println!("{seen} different readings read back through the API with a login, in {} s", elapsed.as_secs());
    }

    fn line(&self, time: &str, what: What, about: &str) {
        let (word, colour) = what.look();
        if self.colour {
            println!("{time:<12} \u{1b}[{colour}m{word:<13}\u{1b}[0m {about}");
        } else {
            println!("{time:<12} {word:<13} {about}");
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Event,
    Taken,
    Buffered,
    Accepted,
    Acknowledged,
    Api,
    Alarm,
    Resolved,
}

impl What {
    /// The word, and its ANSI colour.
    const fn look(self) -> (&'static str, &'static str) {
        match self {
            Self::Event => ("event", "2"),
            Self::Taken => ("taken", "36"),
            Self::Buffered => ("on disk", "34"),
            Self::Accepted => ("stored+judged", "35"),
            Self::Acknowledged => ("acknowledged", "32"),
            Self::Api => ("API", "1;32"),
            Self::Alarm => ("ALARM", "1;31"),
            Self::Resolved => ("resolved", "33"),
        }
    }
}

/// A line of a program's log as a row of the view; most lines are none.
fn row(line: &str) -> Option<(String, What, String)> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| match &entry[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let (what, about) = match entry["message"].as_str()? {
        "reading taken" => (What::Taken, format!("{:<16} {}", text("device.id"), taken(&entry))),
        "round buffered" => (What::Buffered, format!("seq {}..{}", text("from"), text("to"))),
        "accepted" => (What::Accepted, format!("seq {}..{}", text("from"), text("to"))),
        "acknowledged" if text("freed") != "0" => (What::Acknowledged, format!("freed {} records", text("freed"))),
        "connected" => (What::Event, "agent connected to the cloud".to_owned()),
        "disconnected" => (What::Event, format!("agent disconnected: {}", text("reason"))),
        "sensor state" => (What::Event, format!("{}: {}", text("device.id"), text("state"))),
        _ => return None,
    };
    Some((clock(entry["timestamp"].as_str()?), what, about))
}

/// The value of a reading in the agent's log.
fn taken(entry: &Value) -> String {
    match entry["temperature"].as_f64() {
        Some(celsius) => format!("{celsius:>7.2} °C   {} mA", entry["raw_ma"]),
        None => format!("no value: {}", entry["fault"].as_str().unwrap_or("?")),
    }
}

/// `10:30:00.123` of an RFC 3339 time.
fn clock(timestamp: &str) -> String {
    timestamp.get(11..23).unwrap_or(timestamp).to_owned()
}
