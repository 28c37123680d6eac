//! picocom, as the README tells a person to call it.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::program::{PATIENCE, text};
use crate::{Sensor, current_ma};

/// Types a line and waits for its answer, again and again.
fn dialogue(sensor: &Sensor, lines: &[(&str, &str)]) -> String {
    let mut child = Command::new("picocom")
        .args(["-b", "9600", "--echo", "--quiet"])
        .arg(sensor.link())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("picocom is installed");
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (chunks, received) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(count @ 1..) = stdout.read(&mut buffer) {
            chunks.send(text(&buffer[..count])).unwrap();
        }
    });
    // picocom flushes what it finds when it opens the port.
    std::thread::sleep(Duration::from_millis(300));
    let mut screen = String::new();
    for (line, answer) in lines {
        let before = screen.len();
        stdin.write_all(format!("{line}\r").as_bytes()).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !screen[before..].contains(answer) {
            let left = deadline.saturating_duration_since(Instant::now());
            screen += &received.recv_timeout(left).unwrap_or_else(|_| panic!("no {answer:?} in {screen:?}"));
        }
    }
    // Ctrl-A Ctrl-X ends picocom.
    stdin.write_all(b"\x01\x18").unwrap();
    child.wait().unwrap();
    screen
}

#[test]
fn picocom_logs_in_and_measures() {
    let sensor = Sensor::start();
    let lines =
        [("604218", "]Password Correct\r\n"), ("AT+12VT=6000", "OK\r\n\r\n"), ("AT+GETSENSORVALUE=0", "OK\r\n\r\n")];
    let screen = dialogue(&sensor, &lines);
    let current = current_ma(&screen);
    assert!((10.5..11.5).contains(&current), "{screen}");
    // The login lives in the device: the next program on the port need not log in.
    let screen = dialogue(&sensor, &[("AT+12VT=?", "6000\r\n\r\nOK\r\n\r\n")]);
    assert!(!screen.contains("Password"), "{screen}");
}
