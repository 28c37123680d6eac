//! Starts the real binary in a directory of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

pub(crate) struct Program {
    dir: TempDir,
}

/// What a command line answered.
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running `serve`.
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) log: BufReader<std::process::ChildStderr>,
}

impl Program {
    /// A directory with a configuration on free ports.
    pub(crate) fn new() -> Self {
        let program = Self { dir: tempfile::tempdir().unwrap() };
        program.configure("");
        program
    }

    /// Writes the configuration; `more` comes behind it.
    pub(crate) fn configure(&self, more: &str) {
        let text = format!(
            "[endpoint]\nlisten = \"127.0.0.1:0\"\n[api]\nlisten = \"127.0.0.1:0\"\n\
             [metrics]\nlisten = \"127.0.0.1:0\"\n[log]\nformat = \"json\"\n{more}"
        );
        std::fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("cloud.toml")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kitchen-cloud"));
        command.arg("--config").arg(self.config()).args(arguments).env("NO_COLOR", "1");
        command
    }

    /// Runs a command line to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| self.filtered(&String::from_utf8(bytes).unwrap());
        Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Text without what differs from run to run: the directory.
    pub(crate) fn filtered(&self, text: &str) -> String {
        text.replace(&self.dir.path().display().to_string(), "[dir]")
    }

    /// Starts `serve`.
    pub(crate) fn serve(&self) -> Service {
        Self::start(self.command(&["serve"]))
    }

    /// Starts `serve` as one that may open so many files.
    pub(crate) fn serve_with_files(&self, files: u32) -> Service {
        let serve = self.command(&["serve"]);
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n $0 && exec \"$@\"", &files.to_string()]);
        command.arg(serve.get_program()).args(serve.get_args());
        Self::start(command)
    }

    fn start(mut command: Command) -> Service {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Service { child, log }
    }
}

impl Service {
    /// The next log line with this message, as JSON.
    pub(crate) fn wait_for(&mut self, message: &str) -> serde_json::Value {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "ended without `{message}`: {seen}");
            let parsed: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if parsed["message"] == message {
                return parsed;
            }
            seen.push_str(&line);
        }
    }

    /// Asks it to stop, and waits until it has: its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The repository's `configs` directory.
pub(crate) fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs")
}
