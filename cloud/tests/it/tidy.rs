//! What must hold of this crate's sources.

use std::path::{Path, PathBuf};

/// Files that decide and do nothing: no runtime, no database, no clock.
const PURE: [&str; 14] = [
    "acl.rs",
    "api/permission.rs",
    "api/status.rs",
    "api/throttle.rs",
    "accounts/role.rs",
    "accounts/email.rs",
    "alert/incident.rs",
    "document/nearest.rs",
    "document/value.rs",
    "endpoint/policy.rs",
    "ingest/accept.rs",
    "ingest/judge.rs",
    "ingest/ledger.rs",
    "store/keys.rs",
];

/// What a pure file does not mention.
const SHELL_WORDS: [&str; 8] =
    ["tokio", "sqlx", "std::fs", "std::net::Tcp", "Instant::now", "SystemTime", ".now()", "rand::"];

fn source(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.split("#[cfg(test)]").next().unwrap().to_owned()
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    found.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn pure_files_decide_and_do_nothing() {
    for name in PURE {
        let code: Vec<String> =
            source(name).lines().filter(|line| !line.trim_start().starts_with("//")).map(str::to_owned).collect();
        for word in SHELL_WORDS {
            assert!(!code.iter().any(|line| line.contains(word)), "{name} mentions {word}");
        }
    }
}

#[test]
fn topics_are_written_in_the_contract_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in sources(&root) {
        if path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs") {
            continue;
        }
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        assert!(!source(&name).contains("visiondrive/"), "{name}");
    }
}
