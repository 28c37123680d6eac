//! Where a suite may mount: a mount namespace of its own, which takes every mount with it when the test ends, however it ends.

use std::path::{Path, PathBuf};
use std::process::Command;

use fuser::BackgroundSession;

use crate::volatile::{Disk, FILE};

/// Set inside the namespace.
const INSIDE: &str = "KITCHEN_TEST_INSIDE_NAMESPACE";

/// Runs the test of that name again in a mount namespace of its own; true inside it.
pub(crate) fn inside_namespace(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let exe = std::env::current_exe().unwrap();
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--propagation", "private", "--"]).arg(exe);
    let output = unshare.args([test, "--exact", "--nocapture"]).env(INSIDE, "1").output().expect("`unshare` is needed");
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "no test of the name {test}");
    false
}

/// Runs a program of the system; panics with what it said if it fails.
pub(crate) fn run(program: &str, args: &[&str]) {
    let output =
        Command::new(program).args(args).output().unwrap_or_else(|error| panic!("`{program}` is needed: {error}"));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An image with an empty ext4 on it.
pub(crate) fn formatted(bytes: usize) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(bytes as u64).unwrap();
    let path = file.path().display().to_string();
    run("mkfs.ext4", &["-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", &path]);
    std::fs::read(file.path()).unwrap()
}

/// A disk that is served and mounted.
pub(crate) struct Mounted {
    root: tempfile::TempDir,
    session: Option<BackgroundSession>,
}

impl Mounted {
    pub(crate) fn new(disk: &Disk) -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["fuse", "mnt"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        let session = Some(disk.serve(&root.path().join("fuse")));
        let file = root.path().join("fuse").join(FILE).display().to_string();
        let mounted = Self { root, session };
        // The loop device goes with the mount.
        run("mount", &["-o", "loop", &file, &mounted.path().display().to_string()]);
        mounted
    }

    /// The root of the file system on the disk.
    pub(crate) fn path(&self) -> PathBuf {
        self.root.path().join("mnt")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        unmount(&self.path());
        drop(self.session.take());
        unmount(&self.root.path().join("fuse"));
    }
}

/// Also if the disk is dead, or somebody still has a file open.
fn unmount(path: &Path) {
    drop(Command::new("umount").arg("-l").arg(path).output());
}
