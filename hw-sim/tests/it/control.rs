//! `hw-sim run` and what it can be told while it runs: the control socket and `hw-sim ctl`, as processes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Host, Program, command, hw_sim, text, wait_for};

/// A sensor with a control socket, its boot long over.
struct Run {
    directory: TempDir,
    program: Program,
    ready: String,
}

impl Run {
    fn start(more: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (link, socket) = (directory.path().join("tty"), directory.path().join("sock"));
        let mut args = vec!["run", "--link", link.to_str().unwrap(), "--control", socket.to_str().unwrap()];
        args.extend(["--on-for", "120", "--seed", "7"]);
        args.extend(more);
        let mut program = Program::start(&args);
        let ready = program.line();
        Self { directory, program, ready }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Standard output, standard error and exit code of `hw-sim ctl`.
    fn ctl(&self, words: &[&str]) -> (String, String, i32) {
        let socket = self.path("sock");
        let mut args = vec!["ctl", "--socket", socket.to_str().unwrap()];
        args.extend(words);
        let output = hw_sim(&args);
        (text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
    }

    fn done(&self, words: &[&str]) {
        assert_eq!(self.ctl(words), ("ok\n".to_owned(), String::new(), 0), "{words:?}");
    }
}

#[test]
fn the_ready_line_says_where_everything_is_and_nothing_stays_behind() {
    let run = Run::start(&[]);
    let (link, socket) = (run.path("tty"), run.path("sock"));
    let slave = fs::read_link(&link).unwrap();
    let expected = format!(
        "sensor 864003349087055: {} -> {} (profile nb-1.1, unit walk-in-fridge, seed 7, control {})",
        link.display(),
        slave.display(),
        socket.display()
    );
    assert_eq!(run.ready, expected);
    assert_eq!(fs::symlink_metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let (rest, status) = run.program.interrupt();
    assert!(rest.is_empty() && status.success(), "{rest}");
    assert_eq!(fs::read_dir(run.directory.path()).unwrap().count(), 0);
}

#[test]
fn a_sensor_is_unplugged_silenced_and_cut_off_by_command() {
    let run = Run::start(&["--speed", "10"]);
    let mut host = Host::open(&run.path("tty"));
    host.ask("604218", "Password Correct\r\n");
    run.done(&["set", "pin", "another1"]);
    run.done(&["silence", "on"]);
    host.send(b"AT+MODEL=?\r");
    std::thread::sleep(std::time::Duration::from_millis(500));
    run.done(&["silence", "off"]);
    run.done(&["power-cut", "0.2"]);
    let boot = host.read_until("DRAGINO NB bootloader");
    assert!(!boot.contains("PS-NB,v"), "{boot}");

    run.done(&["unplug"]);
    assert!(fs::symlink_metadata(run.path("tty")).is_err());
    let elsewhere = run.path("tty2");
    run.done(&["replug", elsewhere.to_str().unwrap()]);
    let mut host = Host::open(&elsewhere);
    host.read_until("initializing");
    host.ask("604218", "Password Incorrect\r\n");
    host.ask("another1", "Password Correct\r\n");
}

#[test]
fn the_status_is_json_and_a_refusal_exits_with_one() {
    let run = Run::start(&[]);
    let (status, _, code) = run.ctl(&["status"]);
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(code, 0);
    assert_eq!(status["imei"], "864003349087055");
    assert_eq!(status["plugged"], true);
    assert!(status["true_temperature_c"].as_f64().unwrap() < 10.0);
    assert!(status["device_time_s"].as_f64().unwrap() >= 120.0);

    let (stdout, stderr, code) = run.ctl(&["explode", "now"]);
    assert!(stderr.starts_with("error: unknown command `explode`: known: press, reset"), "{stderr}");
    assert_eq!((stdout.as_str(), code), ("", 1));
    let (stdout, _, code) = run.ctl(&["--json", "set", "pin", "TOO LONG"]);
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&answer["ok"], code), (&Value::Bool(false), 1));
    let (stdout, _, code) = run.ctl(&["--json", "status"]);
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&answer["answer"]["silent"], code), (&Value::Bool(false), 0));
}

#[test]
fn json_events_tell_what_happens() {
    let mut run = Run::start(&["--json"]);
    let ready: Value = serde_json::from_str(&run.ready).unwrap();
    assert_eq!(
        (&ready["event"], &ready["imei"], &ready["seed"]),
        (&"ready".into(), &"864003349087055".into(), &7.into())
    );
    run.done(&["unplug"]);
    run.done(&["replug"]);
    run.ctl(&["nonsense"]);
    let mut events: Vec<Value> = (0..5).map(|_| serde_json::from_str(&run.program.line()).unwrap()).collect();
    let (rest, status) = run.program.interrupt();
    assert!(status.success());
    events.push(serde_json::from_str(&rest).unwrap());
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["unplugged", "command", "plugged", "command", "command", "stopped"]);
    assert_eq!(events[1]["line"], "unplug");
    assert_eq!(events[4]["ok"], false);
}

#[test]
fn a_log_that_nobody_reads_does_not_end_the_sensor_and_lost_output_is_explained() {
    let directory = tempfile::tempdir().unwrap();
    let (link, socket) = (directory.path().join("tty"), directory.path().join("sock"));
    let (link, socket) = (link.to_str().unwrap(), socket.to_str().unwrap());
    let ctl = |word| hw_sim(&["ctl", "--socket", socket, word]).status.success();
    let start = |more: &[&str], errors: Stdio| {
        let mut program = command(&["run", "--link", link, "--control", socket]);
        let mut child =
            program.args(more).env("RUST_LOG", "info").stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
        child
    };
    let (unread, errors) = std::io::pipe().unwrap();
    drop(unread);
    let mut child = start(&[], errors.into());
    assert!(ctl("unplug") && ctl("replug") && ctl("status"));
    child.kill().unwrap();
    child.wait().unwrap();

    let mut child = start(&["--json"], Stdio::piped());
    drop(child.stdout.take());
    ctl("unplug");
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert!(said.ends_with("error: nobody reads what is printed any more: standard output is closed\n"), "{said}");
    assert_eq!((output.status.code(), fs::symlink_metadata(link).is_err()), (Some(2), true));
}

#[test]
fn the_socket_answers_one_line_to_each_and_has_limits() {
    let run = Run::start(&[]);
    let connect = || UnixStream::connect(run.path("sock")).unwrap();
    let mut stream = connect();
    stream.write_all(b"silence on\nsilence off\nnonsense\n").unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    assert_eq!((lines.next().unwrap(), lines.next().unwrap()), ("ok".to_owned(), "ok".to_owned()));
    assert!(lines.next().unwrap().starts_with("error unknown command `nonsense`"));
    stream.write_all(&[b'x'; 2000]).unwrap();
    assert_eq!(lines.next().unwrap(), "error a command has at most 1024 bytes");
    assert!(lines.next().is_none());

    let held: Vec<UnixStream> = (0..8).map(|_| connect()).collect();
    let refused = wait_for("a refusal", || {
        let mut answer = String::new();
        connect().read_to_string(&mut answer).ok().map(|_| answer)
    });
    assert_eq!(refused, "error too many connections, at most 8\n");
    drop(held);
    wait_for("a free place", || (run.ctl(&["status"]).2 == 0).then_some(()));
}

#[test]
fn what_is_in_the_way_of_the_socket_is_kept_and_a_stale_one_replaced() {
    let run = Run::start(&[]);
    let (link, taken) = (run.path("tty2"), run.path("sock"));
    let start = |socket: &PathBuf| {
        hw_sim(&["run", "--link", link.to_str().unwrap(), "--control", socket.to_str().unwrap(), "--seed", "1"])
    };
    let output = start(&taken);
    let said = text(&output.stderr);
    assert!(said.contains("another simulator is listening") && output.status.code() == Some(2), "{said}");

    let file = run.path("file");
    fs::write(&file, "precious").unwrap();
    let output = start(&file);
    let said = text(&output.stderr);
    assert!(said.contains("is not a socket") && said.contains("hint: ") && output.status.code() == Some(2), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(text(&start(&run.path("no/such/sock")).stderr).contains("its folder must exist"));

    let datagrams = UnixDatagram::bind(run.path("datagrams")).unwrap();
    let said = text(&start(&run.path("datagrams")).stderr);
    assert!(said.contains("is a socket of another program") && said.contains("hint: "), "{said}");
    drop(datagrams);
    let long = run.path(&"s".repeat(107 - run.path("").as_os_str().len()));
    let said = text(&start(&long).stderr);
    assert!(said.contains("at most 98 bytes"), "{said}");

    let stale = run.path("stale");
    drop(UnixListener::bind(&stale).unwrap());
    let mut program = Program::start(&["run", "--link", link.to_str().unwrap(), "--control", stale.to_str().unwrap()]);
    program.line();
    let output = hw_sim(&["ctl", "--socket", stale.to_str().unwrap(), "status"]);
    assert!(output.status.success());
}

#[test]
fn nobody_at_the_socket_exits_with_two() {
    let output = hw_sim(&["ctl", "--socket", "/no/such/socket", "status"]);
    let said = text(&output.stderr);
    assert!(said.contains("no simulator at `/no/such/socket`") && said.contains("hint: "), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn settings_outlive_the_program_in_a_memory_file() {
    let directory = tempfile::tempdir().unwrap();
    let (link, memory) = (directory.path().join("tty"), directory.path().join("memory.json"));
    let args = |seed: &'static str| {
        let (link, memory) = (link.to_str().unwrap().to_owned(), memory.to_str().unwrap().to_owned());
        let args = ["run", "--link", &link, "--memory", &memory, "--on-for", "120", "--speed", "20", "--seed", seed];
        args.map(str::to_owned)
    };
    let start = |args: [String; 11]| {
        let mut program = Program::start(&args.each_ref().map(String::as_str));
        program.line();
        let mut host = Host::open(&link);
        host.ask("604218", "Password Correct\r\n");
        (program, host)
    };
    let (program, mut host) = start(args("7"));
    host.ask("AT+TDC=600", "OK\r\n\r\n");
    drop(program); // kill -9
    let (_program, mut host) = start(args("7"));
    let answer = host.ask("AT+TDC=?", "OK\r\n\r\n");
    assert!(answer.starts_with("600\r\n"), "{answer:?}");
}
