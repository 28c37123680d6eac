//! Follows a process call by call, and lets one call that changes a file fail, or ends the process there.
//!
//! strace counts the calls of each thread apart, while the store writes from eight of them: `when=N` meets every thread's Nth
//! call, and most calls never alone. Here one count goes through all threads and all kinds of calls, so that every single one
//! is met, and nothing else. Only calls on what lies below one directory count. Linux on x86-64.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// What happens in place of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process ends as with kill -9.
    Kill,
    /// The call fails, and with it the next ones of its kind: so many in all.
    Errors(Errno, u64),
}

impl Fault {
    fn calls(self) -> u64 {
        match self {
            Self::Kill => 1,
            Self::Errors(_, calls) => calls,
        }
    }
}

/// Every call that changes a file or a directory, or brings it to disk, and its first argument that says which.
const CHANGING: [(i64, &str, Names); 21] = [
    (libc::SYS_pwrite64, "pwrite64", Names::File),
    (libc::SYS_pwritev, "pwritev", Names::File),
    (libc::SYS_write, "write", Names::File),
    (libc::SYS_writev, "writev", Names::File),
    (libc::SYS_fsync, "fsync", Names::File),
    (libc::SYS_fdatasync, "fdatasync", Names::File),
    (libc::SYS_sync_file_range, "sync_file_range", Names::File),
    (libc::SYS_ftruncate, "ftruncate", Names::File),
    (libc::SYS_fallocate, "fallocate", Names::File),
    (libc::SYS_copy_file_range, "copy_file_range", Names::File),
    (libc::SYS_fchmod, "fchmod", Names::File),
    (libc::SYS_open, "open", Names::Path),
    (libc::SYS_mkdir, "mkdir", Names::Path),
    (libc::SYS_rmdir, "rmdir", Names::Path),
    (libc::SYS_rename, "rename", Names::Path),
    (libc::SYS_unlink, "unlink", Names::Path),
    (libc::SYS_openat, "openat", Names::PathAt),
    (libc::SYS_mkdirat, "mkdirat", Names::PathAt),
    (libc::SYS_renameat, "renameat", Names::PathAt),
    (libc::SYS_renameat2, "renameat2", Names::PathAt),
    (libc::SYS_unlinkat, "unlinkat", Names::PathAt),
];

/// What is to be followed, and where it is met.
#[derive(Debug)]
pub(crate) struct Tracer {
    process: Pid,
    /// Calls on files below this directory count.
    below: PathBuf,
    fault: Fault,
    /// The first call that is met, from 1 on.
    number: u64,
    seen: u64,
    met: Option<&'static str>,
    /// The threads whose call fails now.
    failing: BTreeSet<Pid>,
}

/// What names the file.
#[derive(Clone, Copy)]
enum Names {
    /// The first argument: an open file, or a path.
    File,
    Path,
    /// The second, a path.
    PathAt,
}

impl Tracer {
    pub(crate) fn new(process: Pid, below: PathBuf, (fault, number): (Fault, u64)) -> Self {
        Self { process, below, fault, number, seen: 0, met: None, failing: BTreeSet::new() }
    }

    /// Takes hold of every thread that there is, then does `go`, and follows them all to their end. The name of the call that
    /// was met. The threads belong to the calling one.
    pub(crate) fn follow(mut self, go: impl FnOnce()) -> Option<&'static str> {
        let options = Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_EXITKILL;
        for thread in fs::read_dir(format!("/proc/{}/task", self.process)).unwrap().flatten() {
            let thread = Pid::from_raw(thread.file_name().to_str().unwrap().parse().unwrap());
            ptrace::seize(thread, options).expect("a process of ours can be followed");
            ptrace::interrupt(thread).unwrap();
        }
        go();
        loop {
            match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
                Ok(WaitStatus::PtraceSyscall(thread)) => {
                    self.at_call(thread);
                    resume(thread, None);
                }
                Ok(WaitStatus::PtraceEvent(thread, ..)) => resume(thread, None),
                Ok(WaitStatus::Stopped(thread, signal)) => resume(thread, Some(signal)),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::ECHILD) => return self.met,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// A thread stands before or behind a call.
    fn at_call(&mut self, thread: Pid) {
        // A thread that was killed meanwhile tells nothing more.
        let Ok(info) = ptrace::syscall_info(thread) else { return };
        if info.op == libc::PTRACE_SYSCALL_INFO_EXIT {
            if self.failing.remove(&thread) {
                self.fail(thread);
            }
            return;
        }
        if self.seen >= self.number + self.fault.calls() - 1 {
            return;
        }
        let kind = self.met;
        let Some(call) = self.counted(thread).filter(|call| kind.is_none_or(|kind| kind == *call)) else { return };
        self.seen += 1;
        if self.seen >= self.number {
            self.met.get_or_insert(call);
            self.meet(thread);
        }
    }

    /// The name of the call that the thread stands before, if it counts.
    fn counted(&self, thread: Pid) -> Option<&'static str> {
        let registers = ptrace::getregs(thread).ok()?;
        let (_, call, names) = CHANGING.iter().find(|(number, ..)| *number == registers.orig_rax as i64)?;
        let path = match names {
            Names::File => fs::read_link(format!("/proc/{thread}/fd/{}", registers.rdi)).ok()?,
            Names::Path => text(thread, registers.rdi).ok()?,
            Names::PathAt => text(thread, registers.rsi).ok()?,
        };
        path.starts_with(&self.below).then_some(call)
    }

    /// The call is not carried out.
    fn meet(&mut self, thread: Pid) {
        let Ok(mut registers) = ptrace::getregs(thread) else { return };
        registers.orig_rax = u64::MAX;
        ptrace::setregs(thread, registers).unwrap();
        match self.fault {
            Fault::Kill => kill(self.process, Signal::SIGKILL).unwrap(),
            Fault::Errors(..) => drop(self.failing.insert(thread)),
        }
    }

    fn fail(&self, thread: Pid) {
        let (Fault::Errors(error, _), Ok(mut registers)) = (self.fault, ptrace::getregs(thread)) else { return };
        registers.rax = (-(error as i64)) as u64;
        ptrace::setregs(thread, registers).unwrap();
    }
}

fn resume(thread: Pid, signal: Option<Signal>) {
    let _killed_meanwhile = ptrace::syscall(thread, signal);
}

/// Whether calls of that name count.
pub(crate) fn counts(call: &str) -> bool {
    CHANGING.iter().any(|(_, name, _)| *name == call)
}

/// The path that lies at an address of the process.
fn text(thread: Pid, address: u64) -> io::Result<PathBuf> {
    let mut bytes = vec![0; libc::PATH_MAX as usize];
    let read = File::open(format!("/proc/{thread}/mem"))?.read_at(&mut bytes, address)?;
    let length = bytes[..read].iter().position(|byte| *byte == 0).unwrap_or(read);
    Ok(PathBuf::from(String::from_utf8_lossy(&bytes[..length]).into_owned()))
}
