//! `hw-sim console` as a process: from a pipe, at a terminal, at a port of somebody else.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Output, Stdio};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::program::{Program, command, hw_sim, text, wait_for};

/// The console with this input from a pipe.
fn piped(args: &[&str], input: &str) -> Output {
    let mut child = command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn lines_from_a_pipe_wait_for_each_others_answers() {
    let input = "604218\nAT+TDC=1500\nAT+TDC=?\nAT+DEUI=?\n:set pin X\n:silence on\nAT\n";
    let output = piped(&["console", "--seed", "7", "--patience", "4"], input);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.starts_with("-- sensor 864003349087055, profile nb-1.1, PIN 604218, on for 120 s\n"), "{said}");
    let dialogue = &said[said.find("> 604218").unwrap()..];
    let dialogue = dialogue.split_once("Password Correct\n").unwrap().1;
    let expected = "> AT+TDC=1500\n\nOK\n\n> AT+TDC=?\n1500\n\nOK\n\n> AT+DEUI=?\n864003349087055\n\nOK\n\n> :set pin X\n\
                    -- a PIN has 1 to 8 lower-case letters or digits, got `X`\n> :silence on\n-- ok\n> AT\n";
    assert_eq!(dialogue, expected);
}

#[test]
fn the_console_outlives_its_port() {
    let output = piped(&["console", "--patience", "1"], ":unplug\n:pause 0.5\n604218\n:replug\n:pause 0.5\n604218\n");
    let said = text(&output.stdout);
    for wanted in ["was unplugged; waiting", "there is no port, the line is lost", "is back", "Password Correct"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}

#[test]
fn a_line_behind_a_replug_is_not_lost() {
    let output = piped(&["console", "--patience", "1"], ":unplug\n604218\n:replug\n604218\n");
    let said = text(&output.stdout);
    assert!(said.contains("is back") && said.contains("Password Correct"), "{said}");
}

#[test]
fn the_console_ends_when_told_to_while_its_port_takes_nothing() {
    let (read, mut typing) = std::io::pipe().unwrap();
    let mut child = command(&["console", "--patience", "0"]).stdin(read).stdout(Stdio::null()).spawn().unwrap();
    fcntl(&typing, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    typing.write_all(b":fault never-reads\n").unwrap();
    let (mut line, mut refused) = ("x".repeat(2000), 0);
    line.push('\n');
    wait_for("a port that takes nothing more", || {
        refused = if typing.write(line.as_bytes()).is_ok() { 0 } else { refused + 1 };
        (refused >= 100).then_some(())
    });
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    let status = wait_for("the end", || child.try_wait().unwrap());
    assert!(status.success(), "{status}");
}

#[test]
fn a_port_of_another_simulator_is_a_port_too() {
    let directory = tempfile::tempdir().unwrap();
    let (link, socket) = (directory.path().join("tty"), directory.path().join("sock"));
    let (link, socket) = (link.to_str().unwrap(), socket.to_str().unwrap());
    let mut program = Program::start(&["run", "--link", link, "--control", socket, "--on-for", "120"]);
    program.line();
    let said = text(&piped(&["console", "--port", link], "604218\n:status\n").stdout);
    assert!(said.contains("Password Correct") && said.contains("give its socket with --control"), "{said}");
    let said = text(&piped(&["console", "--port", link, "--control", socket], ":status\n:quit\n604218\n").stdout);
    assert!(said.contains("\"plugged\":true") && !said.contains("Password"), "{said}");
}

#[test]
fn a_port_that_cannot_be_opened_is_explained() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("tty");
    let mut program = Program::start(&["run", "--link", link.to_str().unwrap()]);
    program.line();
    let holder = File::open(&link).unwrap();
    holder.try_lock().unwrap();
    for (port, wrong) in [
        (link.to_str().unwrap(), "is held by another program\n\nhint: "),
        ("/no/such/port", "there is no port `/no/such/port`\n\nhint: "),
        ("/etc/passwd", "is not a serial port"),
    ] {
        let output = hw_sim(&["console", "--port", port]);
        let said = text(&output.stderr);
        assert!(said.contains(wrong) && output.status.code() == Some(2), "{port}: {said}");
        assert!(output.stdout.is_empty());
    }
}

/// What a person at a terminal sees who types the password, then Ctrl-D.
fn at_a_terminal(no_color: Option<&str>) -> String {
    let terminal = openpty(None, None).unwrap();
    let mut program = command(&["console"]);
    no_color.map(|value| program.env("NO_COLOR", value));
    let slave = || Stdio::from(terminal.slave.try_clone().unwrap());
    let mut child = program.stdin(slave()).stdout(slave()).spawn().unwrap();
    drop((program, terminal.slave));
    let mut master = File::from(terminal.master);
    let mut typing = master.try_clone().unwrap();
    let mut screen = String::new();
    let mut see = |wanted: &str, screen: &mut String| {
        wait_for(wanted, || {
            let mut buffer = [0; 256];
            let count = master.read(&mut buffer).unwrap();
            screen.push_str(&text(&buffer[..count]));
            screen.contains(wanted).then_some(())
        });
    };
    see("Ctrl-D ends", &mut screen);
    typing.write_all(b"604218\n").unwrap();
    see("Password Correct\r\n", &mut screen);
    typing.write_all(b"\x04").unwrap();
    assert!(child.wait().unwrap().success());
    screen
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let screen = at_a_terminal(None);
    assert!(screen.contains("\x1b[2m-- sensor"), "{screen}");
    // The terminal shows what is typed; the console does not show it once more.
    assert_eq!(screen.matches("604218\r\n").count(), 1, "{screen}");
    assert!(at_a_terminal(Some("")).contains('\x1b'));
    assert!(!at_a_terminal(Some("1")).contains('\x1b'));
}
