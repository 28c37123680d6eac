//! Which sensor hangs on which port, where that is not configured: found by asking each.
//!
//! One directory for all sensors of a gateway. A sensor's task takes a port that nobody has, asks who is there, and gives it
//! back with what it learnt when it is not its own; so each port is asked by each sensor's task at most once a round. What
//! hangs at a port is not believed for longer than its adapter is plugged in. The choice is pure (`Ports::choose`); looking
//! at the file system is beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::debug;

use super::error::DeviceError;
use super::port::{self, Port};
use crate::at::command::Value;
use crate::at::identity::Imei;

/// Ports looked at in one round; a gateway has fewer.
const PORTS_MAX: usize = 256;

/// The ports of a gateway that sensors are looked for on.
#[derive(Debug)]
pub struct Directory {
    /// Where ports appear, as shell patterns.
    patterns: Vec<String>,
    /// Ports that are configured for a sensor, as they are called there.
    taken: Vec<PathBuf>,
    ports: Mutex<Ports>,
}

/// What is known of each port, by its device's own path.
#[derive(Debug, Default)]
struct Ports(BTreeMap<PathBuf, Known>);

#[derive(Debug, Default)]
struct Known {
    leased: bool,
    /// Who answered there last.
    occupant: Option<Imei>,
    /// The sensors whose tasks have been there and did not find theirs.
    not: BTreeSet<Imei>,
}

/// A port that only its holder may open, until this is dropped.
#[derive(Debug)]
pub struct Lease {
    directory: Arc<Directory>,
    device: PathBuf,
    /// The path to open and to show.
    pub path: PathBuf,
}

impl Directory {
    /// A directory of the ports that match these shell patterns, without those that are taken.
    pub fn new(patterns: Vec<String>, taken: Vec<PathBuf>) -> Self {
        Self { patterns, taken, ports: Mutex::default() }
    }

    /// A port on which that sensor is or may be; none when each has been asked, and the next call begins anew.
    pub fn lease(self: &Arc<Self>, imei: &Imei) -> Option<Lease> {
        let present = self.present();
        let device = self.ports().choose(&present, imei)?;
        let path = present.get(&device)?.clone();
        Some(Lease { directory: Arc::clone(self), device, path })
    }

    /// The ports that are there: the device's own path and the name under which it was found first.
    fn present(&self) -> BTreeMap<PathBuf, PathBuf> {
        let taken: BTreeSet<PathBuf> = self.taken.iter().filter_map(|path| path.canonicalize().ok()).collect();
        let found = self.patterns.iter().filter_map(|pattern| glob::glob(pattern).ok()).flatten().flatten();
        let mut present = BTreeMap::new();
        for path in found.take(PORTS_MAX) {
            if let Ok(device) = path.canonicalize()
                && !taken.contains(&device)
            {
                present.entry(device).or_insert(path);
            }
        }
        present
    }

    fn ports(&self) -> MutexGuard<'_, Ports> {
        // Nothing in here is left half done by a panic.
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ports {
    /// Leases the port of that sensor, else one of which nothing speaks against it.
    fn choose(&mut self, present: &BTreeMap<PathBuf, PathBuf>, imei: &Imei) -> Option<PathBuf> {
        self.0.retain(|device, known| known.leased || present.contains_key(device));
        for device in present.keys() {
            self.0.entry(device.clone()).or_default();
        }
        let mut free: Vec<_> = self.0.iter_mut().filter(|(_, known)| !known.leased).collect();
        free.sort_by_key(|(_, known)| known.occupant.as_ref() != Some(imei));
        let chosen = free.iter_mut().find(|(_, known)| known.may_be(imei));
        match chosen {
            Some((device, known)) => {
                known.leased = true;
                Some((*device).clone())
            }
            None => {
                free.into_iter().for_each(|(_, known)| *known = Known::default());
                None
            }
        }
    }
}

impl Known {
    fn may_be(&self, imei: &Imei) -> bool {
        let another = self.occupant.as_ref().is_some_and(|occupant| occupant != imei);
        !another && !self.not.contains(imei)
    }
}

impl Lease {
    /// Gives the port back: that sensor is not there. Who is, says the error, if it was found out.
    fn was_not(self, imei: &Imei, error: &DeviceError) {
        debug!(port = %self.path.display(), %error, imei = imei.as_str(), "not the sensor that is looked for");
        if let Some(known) = self.directory.ports().0.get_mut(&self.device) {
            known.not.insert(imei.clone());
            known.occupant = match error {
                DeviceError::WrongSensor { found, .. } => Imei::parse(found),
                _ => None,
            };
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(known) = self.directory.ports().0.get_mut(&self.device) {
            known.leased = false;
        }
    }
}

/// Where a sensor's line comes from.
pub trait Source {
    /// The line.
    type Io;

    /// Opens the port on which the sensor is, or may be; with its name.
    ///
    /// # Errors
    /// There is none, or it cannot be opened.
    fn open(&mut self) -> Result<(Self::Io, String), DeviceError>;

    /// After this, the sensor may be somewhere else; then the port is given back, and what it means is returned. At a port
    /// where it was `greeted` it is looked for first.
    fn elsewhere(&mut self, error: &DeviceError, greeted: bool) -> Option<DeviceError>;
}

/// A sensor on a configured port, or on whichever it is found.
#[derive(Debug)]
pub enum SensorPort {
    /// Always this path.
    Configured(PathBuf),
    /// Wherever this sensor answers.
    Found {
        /// Where to look.
        directory: Arc<Directory>,
        /// The sensor.
        imei: Imei,
        /// Where it may be.
        lease: Option<Lease>,
    },
}

impl Source for SensorPort {
    type Io = Port;

    fn open(&mut self) -> Result<(Self::Io, String), DeviceError> {
        match self {
            Self::Configured(path) => open(path),
            Self::Found { directory, imei, lease } => {
                // The old lease ends first, so that its port can be chosen again.
                *lease = None;
                *lease = directory.lease(imei);
                let Some(leased) = lease else { return Err(nowhere(imei)) };
                let opened = open(&leased.path);
                if let (Err(error), Some(leased)) = (&opened, lease.take_if(|_| opened.is_err())) {
                    leased.was_not(imei, error);
                }
                opened
            }
        }
    }

    fn elsewhere(&mut self, error: &DeviceError, greeted: bool) -> Option<DeviceError> {
        let Self::Found { imei, lease, .. } = self else { return None };
        let stays = greeted && !error.needs_person() && !matches!(error, DeviceError::NoAnswer { .. });
        if stays {
            return None;
        }
        lease.take()?.was_not(imei, error);
        Some(nowhere(imei))
    }
}

fn open(path: &Path) -> Result<(Port, String), DeviceError> {
    Ok((port::open(path)?, path.display().to_string()))
}

fn nowhere(imei: &Imei) -> DeviceError {
    DeviceError::NotFound { imei: imei.as_str().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: &str = "861234509876543";
    const OTHERS: &str = "861234509876550";

    fn imei(text: &str) -> Imei {
        Imei::parse(text).unwrap()
    }

    /// A directory over a folder with so many ports in it.
    fn directory(count: usize) -> (tempfile::TempDir, Arc<Directory>) {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..count {
            std::fs::write(folder.path().join(format!("ttyUSB{number}")), "").unwrap();
        }
        let pattern = folder.path().join("ttyUSB*").display().to_string();
        (folder, Arc::new(Directory::new(vec![pattern], Vec::new())))
    }

    fn name(lease: &Lease) -> String {
        lease.path.file_name().unwrap().to_string_lossy().into_owned()
    }

    fn wrong_sensor(found: &str) -> DeviceError {
        DeviceError::WrongSensor { port: String::new(), expected: String::new(), found: found.to_owned() }
    }

    #[test]
    fn each_port_is_asked_once_a_round() {
        let (_folder, directory) = directory(3);
        let mine = imei(MINE);
        for expected in ["ttyUSB0", "ttyUSB1", "ttyUSB2"] {
            let lease = directory.lease(&mine).unwrap();
            assert_eq!(name(&lease), expected);
            lease.was_not(&mine, &DeviceError::WrongPin { port: String::new() });
        }
        assert!(directory.lease(&mine).is_none());
        assert!(directory.lease(&mine).is_some(), "the next round");
    }

    #[test]
    fn what_one_task_learns_helps_the_other() {
        let (_folder, directory) = directory(2);
        let (mine, others) = (imei(MINE), imei(OTHERS));
        let first = directory.lease(&mine).unwrap();
        let second = directory.lease(&others).unwrap();
        assert_ne!(first.path, second.path, "a leased port is nobody else's");
        let path = second.path.clone();
        second.was_not(&others, &wrong_sensor(MINE));
        drop(first);
        assert_eq!(directory.lease(&mine).unwrap().path, path);
    }

    #[test]
    fn only_where_it_was_greeted_a_sensor_is_waited_for() {
        let (_folder, directory) = directory(2);
        let (mine, port) = (imei(MINE), String::new());
        let mut source =
            SensorPort::Found { lease: directory.lease(&mine), directory: Arc::clone(&directory), imei: mine.clone() };
        let damaged = DeviceError::Damaged { port: port.clone(), command: port.clone() };
        assert_eq!(source.elsewhere(&damaged, true).map(|error| error.to_string()), None);
        assert!(matches!(source.elsewhere(&damaged, false), Some(DeviceError::NotFound { .. })));
        let next = directory.lease(&mine).unwrap();
        assert_eq!(name(&next), "ttyUSB1", "what answers and is no sensor is passed over");
        let SensorPort::Found { lease, .. } = &mut source else { panic!() };
        *lease = Some(next);
        assert!(source.elsewhere(&DeviceError::NoPin { port }, true).is_some());
    }

    #[test]
    fn a_port_that_went_away_is_forgotten_and_a_new_one_is_seen() {
        let (folder, directory) = directory(1);
        let mine = imei(MINE);
        directory.lease(&mine).unwrap().was_not(&mine, &wrong_sensor(OTHERS));
        std::fs::rename(folder.path().join("ttyUSB0"), folder.path().join("ttyUSB1")).unwrap();
        assert_eq!(name(&directory.lease(&mine).unwrap()), "ttyUSB1");
    }

    #[test]
    fn a_configured_port_is_not_looked_at_under_any_name() {
        let (folder, _) = directory(1);
        let link = folder.path().join("by-id");
        std::os::unix::fs::symlink(folder.path().join("ttyUSB0"), &link).unwrap();
        let pattern = folder.path().join("ttyUSB*").display().to_string();
        let directory = Arc::new(Directory::new(vec![pattern], vec![link]));
        assert!(directory.lease(&imei(MINE)).is_none());
    }
}
