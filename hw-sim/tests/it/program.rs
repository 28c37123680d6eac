//! The program `hw-sim` as a process of its own, and a client on its port.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, PipeReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The longest wait for anything; what is waited for usually takes milliseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(2);

/// Runs to the end.
pub(crate) fn hw_sim(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hw-sim"));
    command.args(args).stdin(Stdio::null()).env_remove("NO_COLOR").env("RUST_LOG", "warn");
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running program; dropping it kills it.
pub(crate) struct Program {
    child: Child,
    stdout: BufReader<PipeReader>,
}

impl Program {
    pub(crate) fn start(args: &[&str]) -> Self {
        let (read, write) = std::io::pipe().unwrap();
        let child = command(args).stdout(write).spawn().unwrap();
        Self { child, stdout: BufReader::new(read) }
    }

    /// As [`Self::start`], with its errors among its output.
    pub(crate) fn start_with_errors(args: &[&str]) -> Self {
        let (read, write) = std::io::pipe().unwrap();
        let child = command(args).stdout(write.try_clone().unwrap()).stderr(write).spawn().unwrap();
        Self { child, stdout: BufReader::new(read) }
    }

    /// The next line it prints, without its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "ended in {line:?}");
        line.trim_end().to_owned()
    }

    /// Everything it still prints, and how it ends, after Ctrl-C.
    pub(crate) fn interrupt(self) -> (String, ExitStatus) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
        self.end()
    }

    /// Everything it still prints, and how it ends by itself.
    pub(crate) fn end(mut self) -> (String, ExitStatus) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Gone already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A host that knows nothing but file descriptors.
pub(crate) struct Host(File);

impl Host {
    pub(crate) fn open(path: &Path) -> Self {
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let file = wait_for("the port", || {
            OpenOptions::new().read(true).write(true).custom_flags(flags.bits()).open(path).ok()
        });
        // Until the simulator has noticed, what it says is lost, as on a real port.
        std::thread::sleep(Duration::from_millis(30));
        Self(file)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    pub(crate) fn read_until(&mut self, wanted: &str) -> String {
        let mut output = Vec::new();
        wait_for(wanted, || {
            let mut buffer = [0; 512];
            match self.0.read(&mut buffer) {
                Ok(count) => output.extend(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}, waiting for {wanted:?} after {:?}", text(&output)),
            }
            text(&output).contains(wanted).then(|| text(&output))
        })
    }

    pub(crate) fn ask(&mut self, line: &str, wanted: &str) -> String {
        self.send(format!("{line}\r").as_bytes());
        self.read_until(wanted)
    }
}

pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(LOOK);
    }
}
