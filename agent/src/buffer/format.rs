//! The version of what lies in the data directory: a newer one is refused untouched, an older one is rewritten.
//!
//! | version | |
//! |---|---|
//! | 1 | no file `format`; frames did not say where in the store they belong, statements not what is held |
//! | 2 | frames carry their base, statements what is held |
//! | 3 | an append's statement and marks lie behind its entry, in one value; what version 2 wrote is read as it is |
//!
//! The file holds one line with its own checksum, so that a flipped bit is no newer version. Without a readable file the
//! frames themselves tell. Rewriting can be cut short anywhere: what is rewritten is known by its frame.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kitchen_contract::ranges::SeqRanges;

use super::contents::Contents;
use super::disk::{Changes, Disk, DiskError};
use super::error::BufferError;
use super::frame::{self, Identity};
use super::hang::HangWatch;
use super::meta::{Meta, Reach};
use super::raw;

/// The version that this agent writes.
pub const FORMAT: u32 = 3;
/// The file in the data directory.
const FILE: &str = "format";
const LINE: &str = "kitchen-agent buffer format";
/// Frames rewritten in one write.
const WRITE_FRAMES_MAX: usize = 64;

/// Makes sure that the store `dir` in `data_dir` is one of this agent's.
///
/// # Errors
/// It is newer, or the disk does not take what is to be rewritten.
pub fn ensure(data_dir: &Path, dir: &Path, watch: &HangWatch) -> Result<(), BufferError> {
    let found = read(&data_dir.join(FILE)).map_err(|source| BufferError::data_dir(data_dir, source))?;
    match found {
        Some(FORMAT) => return Ok(()),
        Some(found) if found > FORMAT => {
            return Err(BufferError::NewerFormat { dir: data_dir.to_owned(), found, known: FORMAT });
        }
        Some(_) | None => {}
    }
    let failed = |error: DiskError| BufferError::Disk { dir: dir.to_owned(), reason: error.to_string() };
    if raw::holds_version_1(dir).map_err(|source| BufferError::data_dir(data_dir, source))? {
        match rewrite(dir, watch) {
            // The store is set aside when it is opened.
            Err(DiskError::Damaged(reason)) => tracing::error!(%reason, "a buffer of an older format is damaged"),
            outcome => outcome.map_err(failed)?,
        }
    }
    write(data_dir).map_err(|error| failed(error.into()))
}

fn read(file: &Path) -> io::Result<Option<u32>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(text: &str) -> Option<u32> {
    let (version, checksum) = text.trim_end().strip_prefix(LINE)?.trim_start().split_once(' ')?;
    let version = version.parse().ok()?;
    (line(version).trim_end().ends_with(checksum) && text == line(version)).then_some(version)
}

fn line(version: u32) -> String {
    let text = format!("{LINE} {version}");
    format!("{text} {:08x}\n", crc32fast::hash(text.as_bytes()))
}

fn write(data_dir: &Path) -> io::Result<()> {
    let unfinished: PathBuf = data_dir.join("format.new");
    let mut file = File::create(&unfinished)?;
    file.write_all(line(FORMAT).as_bytes())?;
    file.sync_all()?;
    fs::rename(unfinished, data_dir.join(FILE))?;
    File::open(data_dir)?.sync_all()
}

/// Rewrites the frames of version 1 in the store.
fn rewrite(dir: &Path, watch: &HangWatch) -> Result<(), DiskError> {
    let disk = Disk::open(dir, watch.clone())?;
    let mut changes = Changes::default();
    let mut next = 0;
    let mut rewritten = 0_u64;
    let mut contents = Contents::default();
    while let Some((index, bytes)) = disk.at_or_after(next)? {
        next = index + 1;
        if let Some((identity, payload)) = frame::decode_1(&bytes) {
            let identity = Identity { base: index - identity.from.min(index), ..identity };
            changes.written.push((index, frame::encode(&identity, payload)));
            contents.add(&identity, bytes.len());
            rewritten += 1;
        } else if let Ok((identity, _)) = frame::decode(&bytes) {
            contents.add(&identity, bytes.len());
        }
        if changes.written.len() >= WRITE_FRAMES_MAX {
            disk.write(&std::mem::take(&mut changes))?;
        }
    }
    changes.meta = disk.meta()?.and_then(|bytes| meta_of_1(&bytes, contents.held));
    disk.write(&changes)?;
    disk.sync()?;
    if rewritten > 0 {
        tracing::info!(
            entries = rewritten,
            from = 1,
            to = FORMAT,
            "the buffer has been rewritten in the format of this agent"
        );
    }
    Ok(())
}

/// The statement of version 1 had the base in place of the first number, and said nothing of what is held.
fn meta_of_1(bytes: &[u8], held: SeqRanges) -> Option<Vec<u8>> {
    let (identity, json) = frame::decode_1(bytes)?;
    let Identity { epoch, from: base, to: last_seq, .. } = identity;
    let stated: serde_json::Value = serde_json::from_slice(json).ok()?;
    let latest = stated.get("latest").and_then(|latest| serde_json::from_value(latest.clone()).ok());
    Some(
        Meta { reach: Reach { base, epoch, last_seq }, latest, number: 1, held, filled: false, marks: Vec::new() }
            .to_frame(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_is_no_version() {
        let good = line(FORMAT);
        assert_eq!(parse(&good), Some(FORMAT));
        assert_eq!(parse(&line(9)), Some(9));
        for at in 0..good.len() * 8 {
            let mut bytes = good.clone().into_bytes();
            bytes[at / 8] ^= 1 << (at % 8);
            if let Ok(text) = String::from_utf8(bytes) {
                assert_eq!(parse(&text), None, "{text}");
            }
        }
    }
}
