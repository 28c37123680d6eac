//! The buffer on disks that fail. Needs Linux on x86-64, root, `/dev/fuse`, loop devices, Debian's e2fsprogs, mount and
//! strace: what is missing fails the suite, because what it promises cannot be shown without.

#![allow(clippy::unwrap_used)] // a test may panic
#![allow(clippy::print_stdout)] // what was done, in figures

#[path = "../common/mod.rs"]
mod common;
mod place;
mod power;
mod refusal;
mod scenario;
mod syscalls;
mod tracer;
mod volatile;
