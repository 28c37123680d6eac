//! `hw-sim record` and `hw-sim replay` as processes: what was recorded can be played, from either side.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::program::{Host, Program, hw_sim, text};

struct Stage {
    directory: TempDir,
    /// The simulated sensor.
    _sensor: Program,
}

impl Stage {
    fn with(args: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (link, socket) = (directory.path().join("tty"), directory.path().join("sock"));
        let mut all = vec!["run", "--link", link.to_str().unwrap(), "--control", socket.to_str().unwrap()];
        all.extend(args);
        let mut sensor = Program::start(&all);
        sensor.line();
        Self { directory, _sensor: sensor }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Plays the host's side at the sensor; what was said, and the exit code.
    fn replay(&self, file: &Path, more: &[&str]) -> (String, i32) {
        let port = self.name("tty");
        let mut args = vec!["replay", file.to_str().unwrap(), "--port", &port];
        args.extend(more);
        let output = hw_sim(&args);
        (text(&output.stdout) + &text(&output.stderr), output.status.code().unwrap())
    }
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts").join(name)
}

/// Records a login and two questions, the second with LF.
fn record(stage: &Stage) -> PathBuf {
    let (port, link, out) = (stage.name("tty"), stage.name("tap"), stage.name("out.txt"));
    let mut tap = Program::start(&["record", "--port", &port, "--link", &link, "--out", &out]);
    assert_eq!(tap.line(), format!("recording {port} on {link}, to {out}"));
    let mut host = Host::open(Path::new(&link));
    host.ask("604218", "Password Correct\r\n");
    host.ask("AT+TDC=?", "7200\r\n\r\nOK\r\n\r\n");
    host.send(b"AT+DEUI=?\n");
    host.read_until("\r\n\r\nOK\r\n\r\n");
    let (said, status) = tap.interrupt();
    assert!(said.starts_with("recorded 26 bytes of the host and 6") && status.success(), "{said}");
    out.into()
}

#[test]
fn a_recording_holds_both_sides_and_their_times() {
    let stage = Stage::with(&["--seed", "7", "--on-for", "120"]);
    let out = record(&stage);
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    let recorded = fs::read_to_string(&out).unwrap();
    let words: Vec<&str> = recorded.lines().filter(|line| line.starts_with(['>', '<', '='])).collect();
    assert!(words[2].starts_with("< [") && words[2].ends_with("]Password Correct¶"), "{recorded}");
    let expected =
        ["> AT+TDC=?", "< 7200¶", "< ¶", "< OK¶", "< ¶", "> AT+DEUI=?\\n", "< 864003349087055¶", "< ¶", "< OK¶", "< ¶"];
    assert_eq!((words[0], words[1], &words[3..]), ("= locked", "> 604218", &expected[..]), "{recorded}");
    let time = recorded.lines().find_map(|line| line.strip_prefix("@ ")).unwrap();
    let ms: u64 = time.split("..").next().unwrap().parse().unwrap();
    assert!((60..5000).contains(&ms), "{time}");
    // A second recording of the same name is refused.
    let again =
        hw_sim(&["record", "--port", &stage.name("tty"), "--link", &stage.name("tap"), "--out", out.to_str().unwrap()]);
    assert!(text(&again.stderr).contains("no recording is overwritten"), "{}", text(&again.stderr));
    assert_eq!((again.status.code(), fs::read_to_string(&out).unwrap()), (Some(2), recorded));
}

#[test]
fn a_recording_plays_both_sides() {
    let stage = Stage::with(&["--seed", "7", "--on-for", "120"]);
    let out = record(&stage);
    // The device of the recording is unlocked by now; another one is not.
    let (said, code) = Stage::with(&["--seed", "7", "--on-for", "120"]).replay(&out, &[]);
    assert!(said.ends_with("steps, all as written\n") && code == 0, "{said}");

    let recorded = fs::read_to_string(&out).unwrap();
    let (link, file) = (stage.name("played"), out.to_str().unwrap());
    let mut player = Program::start(&["replay", file, "--link", &link]);
    assert_eq!(player.line(), format!("playing the device of {file} on {link}"));
    let mut host = Host::open(Path::new(&link));
    let login = host.ask("604218", "\r\n");
    assert!(recorded.contains(&format!("< {}¶\n", login.trim_end())), "{login}");
    // Which line end a host prefers is its own affair.
    host.send(b"AT+TDC=?\r\n");
    assert_eq!(host.read_until("OK\r\n\r\n"), "7200\r\n\r\nOK\r\n\r\n");
    assert_eq!(host.ask("AT+DEUI=?", "OK\r\n\r\n"), "864003349087055\r\n\r\nOK\r\n\r\n");
    drop(host);
    let (said, status) = player.end();
    assert!(said.ends_with("steps, all as written\n") && status.success(), "{said}");
}

#[test]
fn golden_dialogues_hold_at_a_port() {
    // In a fifth of the time; the slack is for a busy machine.
    for name in ["login-locked.txt", "get.txt", "param-error.txt"] {
        let stage = Stage::with(&["--seed", "7", "--on-for", "120", "--speed", "5"]);
        let socket = stage.name("sock");
        let more = ["--speed", "5", "--slack", "2", "--pin", "604218", "--control", &socket];
        let (said, code) = stage.replay(&golden(name), &more);
        assert_eq!(code, 0, "{said}");
    }
}

#[test]
fn a_transcript_that_begins_powered_cuts_the_power() {
    let stage = Stage::with(&["--on-for", "120"]);
    let file = stage.path("boot.txt");
    fs::write(&file, "= powered\n< ¶DRAGINO NB bootloader v1.3¶\n< AT+NAME{861234509876543}¶\n").unwrap();
    let (said, code) = stage.replay(&file, &["--control", &stage.name("sock")]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_difference_is_shown_where_it_begins() {
    let stage = Stage::with(&["--seed", "7", "--on-for", "120"]);
    let file = stage.path("wrong.txt");
    fs::write(&file, "= unlocked\n# a comment\n> AT+TDC=?\n< 7201¶¶OK¶¶\n").unwrap();
    let (said, code) = stage.replay(&file, &["--pin", "604218"]);
    let expected = format!(
        "error: {}, line 4: the device said something else\n  expected  7201¶\n  got       7200¶\n               ^\n",
        file.display()
    );
    assert_eq!((said, code), (expected, 1));

    fs::write(&file, "= unlocked\n> AT+12VT=?\n< 500¶¶OK¶¶more¶\n").unwrap();
    let (said, code) = stage.replay(&file, &["--patience", "2"]);
    assert!(said.contains("line 3: the device said nothing more for 2.0 s") && code == 1, "{said}");
    assert!(said.contains("  expected  more¶\n"), "{said}");

    fs::write(&file, "= unlocked\n> AT\n< ¶OK¶¶\n@ 3..4 s\n").unwrap();
    let (said, code) = stage.replay(&file, &[]);
    assert!(said.contains("line 4: the device's words are right, their time is not") && code == 1, "{said}");
    assert!(said.contains("expected  after 3000..4000 ms\n"), "{said}");
}

#[test]
fn a_host_that_says_something_else_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let (file, link) = (directory.path().join("a.txt"), directory.path().join("tty"));
    fs::write(&file, "= locked\n> 604218\n< [1]Password Correct¶\n> AT+TDC=?\n< 7200¶¶OK¶¶\n").unwrap();
    let (file, link) = (file.to_str().unwrap(), link.to_str().unwrap());
    let mut player = Program::start_with_errors(&["replay", file, "--link", link]);
    player.line();
    let mut host = Host::open(Path::new(link));
    host.ask("604218", "[1]Password Correct\r\n");
    host.send(b"AT+TDX=?\r");
    let (said, status) = player.end();
    let expected = format!(
        "error: {file}, line 4: the host said something else\n  expected  AT+TDC=?\\r\n  got       AT+TDX=?\\r\n\
         \x20                ^\n"
    );
    assert_eq!((said, status.code()), (expected, Some(1)));
}

#[test]
fn a_file_that_is_no_transcript_is_explained() {
    let directory = tempfile::tempdir().unwrap();
    let (file, link) = (directory.path().join("a.txt"), directory.path().join("tty"));
    fs::write(&file, "= locked\n? AT\n").unwrap();
    let output = hw_sim(&["replay", file.to_str().unwrap(), "--link", link.to_str().unwrap()]);
    let said = text(&output.stderr);
    assert!(said.contains("a.txt, line 2: a line begins with") && said.contains("hint: "), "{said}");
    assert_eq!(output.status.code(), Some(2));
    let output = hw_sim(&["replay", "/no/such", "--link", link.to_str().unwrap()]);
    assert!(text(&output.stderr).contains("cannot read `/no/such`"));
    let output = hw_sim(&["replay", file.to_str().unwrap()]);
    assert!(text(&output.stderr).contains("<--link <PATH>|--port <PATH>>") && output.status.code() == Some(2));
}
