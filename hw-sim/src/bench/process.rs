//! Processes of the bench: started from our own executable, logged to a file each, ended in order.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

/// How long a process may take to end after SIGTERM before it is killed.
pub const GRACE: Duration = Duration::from_secs(12);

/// Set for every process that must not outlive the bench: it ends when its standard input does.
const FOLLOW_STDIN: &str = "KITCHEN_BENCH_FOLLOW_STDIN";

/// Which program a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The simulated sensor.
    Sensor,
    /// The gateway's agent.
    Agent,
    /// The sink.
    Cloud,
}

impl Role {
    const ALL: [Self; 3] = [Self::Sensor, Self::Agent, Self::Cloud];

    /// The hidden subcommand of the bench's executable.
    const fn subcommand(self) -> &'static str {
        match self {
            Self::Sensor => "__sensor",
            Self::Agent => "__agent",
            Self::Cloud => "__cloud",
        }
    }

    /// The program's own name.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Sensor => "hw-sim",
            Self::Agent => "kitchen-agent",
            Self::Cloud => "kitchen-cloud",
        }
    }
}

/// Runs the program that a hidden subcommand names; `None` if the arguments name none. What [`Process::start`] started ends
/// when its standard input does, so that nothing outlives a bench that was killed.
pub fn hidden_main(args: &[OsString]) -> Option<ExitCode> {
    let role = Role::ALL.into_iter().find(|role| args.get(1).is_some_and(|arg| arg == role.subcommand()))?;
    if std::env::var_os(FOLLOW_STDIN).is_some() {
        end_with_stdin();
    }
    let args = std::iter::once(OsString::from(role.program())).chain(args.iter().skip(2).cloned());
    Some(match role {
        Role::Sensor => crate::main(args),
        Role::Agent => kitchen_agent::main(args),
        Role::Cloud => kitchen_cloud::main(args),
    })
}

fn end_with_stdin() {
    std::thread::spawn(|| {
        let mut byte = [0];
        while matches!(std::io::stdin().read(&mut byte), Ok(1..)) {}
        let _gone_already = kill(Pid::this(), Signal::SIGTERM);
    });
}

/// A running process of the bench.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    /// Held open as long as this is: its end is the process's (see [`hidden_main`]).
    _stdin: Option<ChildStdin>,
    log: PathBuf,
}

impl Process {
    /// Starts `exe` in `role`; its standard error goes to `<dir>/<name>.log`, appended to.
    ///
    /// # Errors
    /// The log cannot be opened or the process not be started.
    pub fn start(exe: &Path, role: Role, run: Run<'_>) -> std::io::Result<Self> {
        let mut command = Command::new(exe);
        command.arg(role.subcommand()).env(FOLLOW_STDIN, "1");
        Self::spawn(command, run)
    }

    /// Starts a program of its own executable.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn start_program(exe: &Path, run: Run<'_>) -> std::io::Result<Self> {
        Self::spawn(Command::new(exe), run)
    }

    fn spawn(mut command: Command, run: Run<'_>) -> std::io::Result<Self> {
        let log = run.dir.join(format!("{}.log", run.name));
        let stderr = File::options().create(true).append(true).open(&log)?;
        let mut child = command
            .args(run.args)
            .envs(run.envs.iter().cloned())
            .current_dir(run.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(stderr)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        Ok(Self { name: run.name.to_owned(), child, _stdin: stdin, log })
    }

    /// What it is called here.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file its standard error goes to.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its process id while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The exit status, if it has ended.
    ///
    /// # Errors
    /// The system cannot tell.
    pub fn ended(&mut self) -> std::io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// The system cannot tell.
    pub async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Sends a signal; a process that has ended already is no error.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            let _ended_meanwhile = kill(Pid::from_raw(pid), signal);
        }
    }

    /// kill -9, and waits until it is gone.
    ///
    /// # Errors
    /// The system cannot tell.
    pub async fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill().await
    }

    /// Asks it to end and waits, at most [`GRACE`]; then kills it.
    ///
    /// # Errors
    /// The system cannot tell.
    pub async fn terminate(&mut self) -> std::io::Result<ExitStatus> {
        self.signal(Signal::SIGTERM);
        match timeout(GRACE, self.child.wait()).await {
            Ok(status) => status,
            Err(_too_slow) => {
                self.child.kill().await?;
                self.child.wait().await
            }
        }
    }
}

/// What a process is started with.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What it is called here, and its log file.
    pub name: &'a str,
    /// Its working directory, and that of its log.
    pub dir: &'a Path,
    /// The arguments of its program.
    pub args: &'a [String],
    /// What is added to its environment.
    pub envs: &'a [(String, String)],
}
