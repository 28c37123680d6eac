//! What the flash holds, as something that can be kept in a file and given to another device.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::catalogue::{Entry, Kind};
use super::history::Record;
use super::owner::Device;
use super::settings::Change;
use super::step::Cause;

/// An image of the flash: settings by command, stored records, log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flash {
    /// The profile of the firmware that wrote it.
    pub profile: String,
    /// Every stored setting.
    pub settings: BTreeMap<String, String>,
    /// Deep sleep.
    pub sleeps: bool,
    /// Stored records, oldest first: current in µA, voltage in mV, Unix seconds.
    pub history: Vec<(u16, u16, u32)>,
    /// The log, as `AT+GETLOG` prints it.
    pub log: String,
}

/// An image that this firmware cannot have written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlashError {
    /// Another firmware's.
    #[error("the memory is that of profile `{found}`, not `{expected}`\n\nhint: use that profile, or another file")]
    Profile {
        /// The device's profile.
        expected: String,
        /// The image's.
        found: String,
    },
    /// A setting that cannot be.
    #[error("`{name}` cannot be `{value}` in the memory\n\nhint: correct or remove the file")]
    Setting {
        /// The command.
        name: String,
        /// The text.
        value: String,
    },
}

impl Device {
    /// How often the flash was written: a change says that there is something to keep.
    pub fn flash_writes(&self) -> u64 {
        self.flash_writes
    }

    /// What the flash holds now.
    pub fn flash(&self) -> Flash {
        let history = self.history.newest_first().map(|record| (record.idc_ua, record.vdc_mv, record.unix_s));
        let mut history: Vec<_> = history.collect();
        history.reverse();
        Flash {
            profile: self.profile.name.clone(),
            settings: self.settings.texts().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            sleeps: self.settings.sleeps,
            history,
            log: String::from_utf8_lossy(&self.log.text()).into_owned(),
        }
    }

    /// Puts an image into the flash, as if this device had written it, and starts again: what takes effect at a start does
    /// so now. Nothing is changed when it cannot be.
    ///
    /// # Errors
    /// It is another firmware's, or holds what a set would refuse.
    pub fn restore(&mut self, flash: &Flash) -> Result<(), FlashError> {
        if flash.profile != self.profile.name {
            let (expected, found) = (self.profile.name.clone(), flash.profile.clone());
            return Err(FlashError::Profile { expected, found });
        }
        let changes: Vec<Change> =
            flash.settings.iter().map(|setting| self.change(setting)).collect::<Result<_, _>>()?;
        changes.into_iter().for_each(|change| self.settings.apply(change));
        self.settings.sleeps = flash.sleeps;
        self.history.clear();
        for (idc_ua, vdc_mv, unix_s) in flash.history.iter().copied() {
            self.history.push(Record { idc_ua, vdc_mv, unix_s });
        }
        self.log.clear();
        self.log.append(flash.log.as_bytes());
        self.restart(Cause::PowerOn);
        Ok(())
    }

    /// `NULL` and other defaults that no set would take are as good as what a set takes.
    fn change(&self, (name, value): (&String, &String)) -> Result<Change, FlashError> {
        let error = || FlashError::Setting { name: name.clone(), value: value.clone() };
        let entry = Entry::find(name).filter(|_| self.profile.knows(name)).ok_or_else(error)?;
        let Kind::Stored(check, default) = entry.kind() else { return Err(error()) };
        let stored = match check.read(value, &self.profile) {
            Ok(stored) => stored == *value,
            // Refused, and taken to flash by a later write all the same.
            Err(refusal) => refusal.kept.as_ref() == Some(value),
        };
        let known = stored || value == default || value == self.settings.text(name);
        known.then(|| Change { name: entry.name(), value: value.clone() }).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::device::DeviceConfig;
    use crate::profile::Profile;

    fn device(profile: &str) -> Device {
        Device::new(DeviceConfig::new(Profile::load(profile).unwrap(), 1))
    }

    fn set(device: &mut Device, line: &str) {
        let now = device.now();
        device.feed(now, b"604218\r");
        device.advance(now + Duration::from_secs(5));
        let now = device.now();
        device.feed(now, format!("{line}\r").as_bytes());
        device.advance(now + Duration::from_secs(10));
    }

    #[test]
    fn an_image_is_the_same_device_again() {
        let mut first = device("nb-1.1");
        first.advance(Duration::from_secs(3600));
        let before = first.flash_writes();
        set(&mut first, "AT+TDC=1500");
        assert!(first.flash_writes() > before);
        let image = first.flash();
        assert!(!image.history.is_empty() && image.log.contains("Upload start"));
        let mut second = device("nb-1.1");
        second.restore(&image).unwrap();
        assert_eq!(second.flash(), image);
    }

    #[test]
    fn what_an_image_holds_is_in_effect_from_the_first_boot_on() {
        let mut image = device("nb-1.1").flash();
        image.settings.insert("AT+PRO".to_owned(), "3,5".to_owned());
        let mut second = device("nb-1.1");
        second.restore(&image).unwrap();
        second.advance(Duration::from_secs(60));
        let said = String::from_utf8(second.take_output(Duration::from_secs(60))).unwrap();
        assert!(said.contains("Protocol in Used: MQTT") && said.contains("MQTT parameter"), "{said}");
    }

    #[test]
    fn another_firmwares_image_and_an_impossible_setting_are_refused() {
        let mut image = device("nb-1.0.5").flash();
        let mut device = device("nb-1.1");
        assert!(matches!(device.restore(&image), Err(FlashError::Profile { .. })));
        image = device.flash();
        image.settings.insert("AT+TDC".to_owned(), "5".to_owned());
        assert!(matches!(device.restore(&image), Err(FlashError::Setting { .. })));
        image.settings.remove("AT+TDC");
        image.settings.insert("AT+NONE".to_owned(), "5".to_owned());
        assert!(matches!(device.restore(&image), Err(FlashError::Setting { .. })));
    }
}
