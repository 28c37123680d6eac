//! A disk that forgets: what was written is lost at a power cut, in part, unless it was flushed.
//!
//! One file in a file system of its own, on which the kernel puts a loop device and ext4. Writes go to a cache by blocks;
//! an fsync of the file, which is what a flush of the loop device becomes, moves them to the stable image. At a cut each block
//! in the cache is kept or lost by chance, and from then on the disk gives errors only.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, Request, WriteFlags,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What a disk writes at once; larger writes can be torn between these.
const BLOCK: usize = 4096;
/// The file.
pub(crate) const FILE: &str = "disk";
const INODE: INodeNo = INodeNo(2);
const TTL: Duration = Duration::from_secs(60);
/// How much of the cache is kept at a cut, in per cent: nothing, nearly nothing, half, nearly everything, everything.
const KEPT_PERCENT: [u32; 5] = [0, 10, 50, 90, 100];

/// What goes wrong, until it is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// The next so many flushes fail, and what they should have saved stays in the cache.
    FlushesFail(u32),
    /// The power is gone.
    Dead,
}

struct State {
    stable: Vec<u8>,
    cache: BTreeMap<usize, Vec<u8>>,
    mood: Mood,
    flushes: u64,
}

/// The disk; clones are the same one.
#[derive(Clone)]
pub(crate) struct Disk(Arc<Mutex<State>>);

impl Disk {
    pub(crate) fn new(image: Vec<u8>) -> Self {
        assert_eq!(image.len() % BLOCK, 0);
        Self(Arc::new(Mutex::new(State { stable: image, cache: BTreeMap::new(), mood: Mood::Well, flushes: 0 })))
    }

    /// Serves it as a file in `dir` until the session is dropped.
    pub(crate) fn serve(&self, dir: &Path) -> BackgroundSession {
        fuser::spawn_mount(self.clone(), dir, &Config::default()).expect("root and /dev/fuse are needed")
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.state().mood = mood;
    }

    /// The power goes: what of the cache is kept, by chance.
    pub(crate) fn cut(&self, seed: u64) {
        let mut state = self.state();
        let mut random = StdRng::seed_from_u64(seed);
        let kept_percent = KEPT_PERCENT[random.random_range(0..KEPT_PERCENT.len())];
        for (block, bytes) in std::mem::take(&mut state.cache) {
            if random.random_range(0..100) < kept_percent {
                state.stable[block * BLOCK..][..BLOCK].copy_from_slice(&bytes);
            }
        }
        state.mood = Mood::Dead;
    }

    /// What a disk with power would read now.
    pub(crate) fn image(&self) -> Vec<u8> {
        let state = self.state();
        let mut image = state.stable.clone();
        for (block, bytes) in &state.cache {
            image[block * BLOCK..][..BLOCK].copy_from_slice(bytes);
        }
        image
    }

    pub(crate) fn flushes(&self) -> u64 {
        self.state().flushes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn attr(&self, ino: INodeNo) -> FileAttr {
        let (kind, size) = if ino == INODE {
            (FileType::RegularFile, self.state().stable.len() as u64)
        } else {
            (FileType::Directory, 0)
        };
        let (blocks, rdev, uid, gid, flags) = (size / 512, 0, 0, 0, 0);
        let [atime, mtime, ctime, crtime] = [UNIX_EPOCH; 4];
        let (perm, nlink, blksize) = (0o700, 1, BLOCK as u32);
        FileAttr { ino, size, blocks, atime, mtime, ctime, crtime, kind, perm, nlink, uid, gid, rdev, blksize, flags }
    }
}

impl State {
    fn read(&self, offset: usize, size: usize) -> Result<Vec<u8>, Errno> {
        if self.mood == Mood::Dead {
            return Err(Errno::EIO);
        }
        let end = self.stable.len().min(offset + size);
        let mut bytes = self.stable[offset.min(end)..end].to_vec();
        for (block, cached) in self.cache.range(offset / BLOCK..end.div_ceil(BLOCK)) {
            let at = block * BLOCK;
            let (from, to) = (at.max(offset), (at + BLOCK).min(end));
            bytes[from - offset..to - offset].copy_from_slice(&cached[from - at..to - at]);
        }
        Ok(bytes)
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> Result<(), Errno> {
        if self.mood == Mood::Dead {
            return Err(Errno::EIO);
        }
        let end = offset + bytes.len();
        if end > self.stable.len() {
            return Err(Errno::ENOSPC);
        }
        for block in offset / BLOCK..end.div_ceil(BLOCK) {
            let at = block * BLOCK;
            let (from, to) = (at.max(offset), (at + BLOCK).min(end));
            let stable = &self.stable[at..at + BLOCK];
            let cached = self.cache.entry(block).or_insert_with(|| stable.to_vec());
            cached[from - at..to - at].copy_from_slice(&bytes[from - offset..to - offset]);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Errno> {
        match self.mood {
            Mood::Dead => return Err(Errno::EIO),
            Mood::FlushesFail(0) => self.mood = Mood::Well,
            Mood::FlushesFail(left) => {
                self.mood = Mood::FlushesFail(left - 1);
                return Err(Errno::EIO);
            }
            Mood::Well => {}
        }
        self.flushes += 1;
        for (block, bytes) in std::mem::take(&mut self.cache) {
            self.stable[block * BLOCK..][..BLOCK].copy_from_slice(&bytes);
        }
        Ok(())
    }
}

impl Filesystem for Disk {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        if name == FILE { reply.entry(&TTL, &self.attr(INODE), Generation(0)) } else { reply.error(Errno::ENOENT) }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&TTL, &self.attr(ino));
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(1), FopenFlags::empty());
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.state().read(offset as usize, size as usize) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.state().write(offset as usize, data) {
            Ok(()) => reply.written(data.len() as u32),
            Err(error) => reply.error(error),
        }
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        match self.state().flush() {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }
}
