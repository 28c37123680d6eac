//! The architecture's rules as tests: what is pure stays pure, what is small stays small, what is shipped loads.

use std::fs;
use std::path::{Path, PathBuf};

/// Longest source file, without its tests, in lines.
const FILE_LINES_MAX: usize = 400;
/// Longest function, in lines.
const FUNCTION_LINES_MAX: usize = 70;

/// Modules that decide and do nothing: files, or directories with all below them.
const PURE: &[&str] = &[
    "agent/contract/src",
    "agent/src/at",
    "agent/src/buffer/capacity.rs",
    "agent/src/buffer/contents.rs",
    "agent/src/buffer/entry.rs",
    "agent/src/buffer/frame.rs",
    "agent/src/buffer/meta.rs",
    "agent/src/convert.rs",
    "agent/src/humidity.rs",
    "agent/src/uncertainty.rs",
    "agent/src/clock/earlier",
    "agent/src/clock/offsets.rs",
    "agent/src/clock/steps.rs",
    "agent/src/clock/wall.rs",
    "agent/src/device/pace.rs",
    "agent/src/device/relock.rs",
    "agent/src/forwarder/allowance.rs",
    "agent/src/forwarder/backoff.rs",
    "agent/src/forwarder/certificate.rs",
    "agent/src/forwarder/draining.rs",
    "agent/src/forwarder/event.rs",
    "agent/src/forwarder/lanes.rs",
    "agent/src/forwarder/line.rs",
    "agent/src/forwarder/online.rs",
    "agent/src/forwarder/passed_over.rs",
    "agent/src/forwarder/questions.rs",
    "agent/src/forwarder/rejections.rs",
    "agent/src/forwarder/shown.rs",
    "agent/src/forwarder/state.rs",
    "agent/src/forwarder/taken.rs",
    "agent/src/forwarder/timing.rs",
    "agent/src/forwarder/trial.rs",
    "agent/src/forwarder/window.rs",
    "agent/src/history_mark.rs",
    "agent/src/recorded.rs",
    "agent/src/sampler/backfill.rs",
    "agent/src/sampler/backoff.rs",
    "agent/src/sampler/plan.rs",
    "agent/src/sampler/placement.rs",
    "agent/src/sampler/plausibility.rs",
    "agent/src/sampler/punctuality.rs",
    "agent/src/sampler/raw_watch.rs",
    "agent/src/sampler/reading.rs",
    "agent/src/sampler/schedule.rs",
    "agent/src/sampler/upkeep.rs",
    "agent/src/sampler/warm_up.rs",
    "agent/src/status/assemble.rs",
    "agent/src/status/document.rs",
    "agent/src/status/remedy.rs",
    "agent/src/status/verdict.rs",
    "agent/src/words.rs",
    "cloud/src/alert",
    "cloud/src/endpoint/policy.rs",
    "cloud/src/ingest/accept.rs",
    "cloud/src/ingest/judge.rs",
    "cloud/src/ingest/ledger.rs",
    "cloud/src/ingest/presence.rs",
    "cloud/src/store/keys.rs",
    "hw-sim/src/control/command.rs",
    "hw-sim/src/control/fault.rs",
    "hw-sim/src/control/grammar.rs",
    "hw-sim/src/control/scenario.rs",
    "hw-sim/src/control/words.rs",
    "hw-sim/src/device",
    "hw-sim/src/line",
    "hw-sim/src/physics",
    "hw-sim/src/record.rs",
    "hw-sim/src/replay/difference.rs",
    "hw-sim/src/simulation",
    "hw-sim/src/transcript.rs",
];

/// What a pure module must not name: I/O crates, and clocks, chance or environment of any kind.
const IMPURE: [&str; 17] = [
    "tokio",
    "sled::",
    "rumqttc",
    "sqlx",
    "aws_",
    "axum",
    "std::fs",
    "std::net",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "rand::rng()",
    "rand::random",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn files_below(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            files.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn sources() -> Vec<PathBuf> {
    ["agent", "cloud", "hw-sim"].iter().flat_map(|dir| files_below(&root().join(dir), "rs")).collect()
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

fn is_test(path: &Path) -> bool {
    let name = name(path);
    name.contains("/tests/") || name.ends_with("/tests.rs") || name.contains("/benches/")
}

/// The file without its unit tests and comments; line numbers stay.
fn code(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.iter().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(lines.len());
    lines[..end].iter().map(|line| line.split("//").next().unwrap_or_default().to_owned()).collect()
}

fn no_findings(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn pure_modules_name_no_io_and_read_no_clock() {
    let mut findings = Vec::new();
    for pure in PURE {
        let path = root().join(pure);
        let files = if path.is_dir() { files_below(&path, "rs") } else { vec![path] };
        for file in files.iter().filter(|file| !is_test(file)) {
            for (index, line) in code(file).iter().enumerate() {
                let named = IMPURE.iter().filter(|word| line.contains(**word));
                findings.extend(named.map(|word| format!("{}:{}: pure, but names `{word}`", name(file), index + 1)));
            }
        }
    }
    no_findings(findings);
}

#[test]
fn every_file_says_what_it_is_and_stays_short() {
    let mut findings = Vec::new();
    for file in sources().iter().filter(|file| !is_test(file)) {
        let text = fs::read_to_string(file).unwrap();
        if !text.starts_with("//!") {
            findings.push(format!("{}: does not open with `//!`", name(file)));
        }
        let lines = code(file).len();
        if lines > FILE_LINES_MAX {
            findings.push(format!("{}: {lines} lines, split at {FILE_LINES_MAX}", name(file)));
        }
    }
    no_findings(findings);
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let mut findings = Vec::new();
    for file in sources() {
        let mut open: Option<(usize, String)> = None;
        for (index, line) in code(&file).iter().enumerate() {
            let body = line.trim_start();
            let indent = &line[..line.len() - body.len()];
            let starts = ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub(crate) fn ", "pub(crate) async fn "];
            if open.is_none() && starts.iter().any(|start| body.starts_with(start)) && !body.ends_with(';') {
                open = Some((index, format!("{indent}}}")));
            }
            let ends =
                |(start, end): &(usize, String)| line.trim_end() == end || (*start == index && body.ends_with('}'));
            if let Some((start, _)) = open.take_if(|open| ends(open)) {
                let lines = index - start + 1;
                findings.extend(
                    (lines > FUNCTION_LINES_MAX).then(|| format!("{}:{}: {lines} lines", name(&file), start + 1)),
                );
            }
        }
    }
    no_findings(findings);
}

#[test]
fn topics_are_written_in_the_contract_only() {
    let elsewhere = sources().into_iter().filter(|file| !is_test(file) && !name(file).starts_with("agent/contract"));
    let findings = elsewhere.filter(|file| code(file).iter().any(|line| line.contains("visiondrive/")));
    no_findings(findings.map(|file| format!("{}: spells a topic", name(&file))).collect());
}

#[test]
fn tasks_are_spawned_by_the_supervisors_only() {
    let programs = sources().into_iter().filter(|file| {
        let name = name(file);
        !is_test(file) && (name.starts_with("agent/src") || name.starts_with("cloud/src"))
    });
    let findings = programs.filter(|file| {
        let spawns = code(file).iter().any(|line| line.contains("tokio::spawn") || line.contains("task::spawn("));
        spawns && !name(file).contains("supervisor")
    });
    no_findings(findings.map(|file| format!("{}: spawns a task", name(&file))).collect());
}

#[test]
fn nothing_is_ignored_or_left_to_do() {
    let marks = [concat!("#[ig", "nore"), concat!("to", "do!("), concat!("unimple", "mented!(")];
    let mut findings = Vec::new();
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        findings
            .extend(marks.iter().filter(|mark| text.contains(**mark)).map(|mark| format!("{}: {mark}", name(&file))));
    }
    no_findings(findings);
}

/// Files in `configs/` and the test that loads each.
const LOADED_BY: [(&str, &str); 3] = [
    ("configs/agent.toml", "agent/src/config/tests.rs"),
    ("configs/cloud.toml", "cloud/src/config/tests.rs"),
    ("configs/seed-example.toml", "cloud/src/seed/tests.rs"),
];

#[test]
fn every_file_in_configs_is_loaded_by_a_test() {
    for file in files_below(&root().join("configs"), "toml") {
        let text = name(&file);
        if text.starts_with("configs/profiles/") {
            hw_sim::Profile::load(&file.display().to_string()).unwrap_or_else(|error| panic!("{text}: {error}"));
            continue;
        }
        let found = LOADED_BY.iter().find(|(config, _)| *config == text);
        let (_, test) = found.unwrap_or_else(|| panic!("{text}: no test is known to load it"));
        let test_text = fs::read_to_string(root().join(test)).unwrap();
        assert!(test_text.contains(&text), "{test} does not load {text}");
    }
}
