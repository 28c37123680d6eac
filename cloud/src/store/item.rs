//! Items, keys, ranges: what both engines understand.

use serde_json::{Map, Value};

/// One of the customer's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// `VisionDrive-SensorReadings`.
    Readings,
    /// `VisionDrive-Devices`.
    Devices,
    /// `VisionDrive-Alerts`.
    Alerts,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 3] = [Self::Readings, Self::Devices, Self::Alerts];

    /// The customer's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Readings => "VisionDrive-SensorReadings",
            Self::Devices => "VisionDrive-Devices",
            Self::Alerts => "VisionDrive-Alerts",
        }
    }
}

/// The place of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which table.
    pub table: Table,
    /// PK.
    pub partition: String,
    /// SK.
    pub sort: String,
}

impl Key {
    /// A key from its parts.
    pub fn new(table: Table, partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self { table, partition: partition.into(), sort: sort.into() }
    }
}

/// One of the two indexes that every table has; items are in it only while they carry a value for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// Index 1 of the table in the module's doc.
    First,
    /// Index 2 of the table in the module's doc.
    Second,
}

/// An item with its place, its indexes and its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Where it is.
    pub key: Key,
    /// What it is.
    pub body: Map<String, Value>,
    /// Its value in index 1.
    pub first: Option<String>,
    /// Its value in index 2.
    pub second: Option<String>,
    /// When it may go, in Unix seconds; absent means never.
    pub expires_at: Option<i64>,
}

impl Item {
    /// An item in no index that stays for ever.
    pub const fn new(key: Key, body: Map<String, Value>) -> Self {
        Self { key, body, first: None, second: None, expires_at: None }
    }

    /// The same item, found in index 1 under `value`.
    #[must_use]
    pub fn first(mut self, value: impl Into<String>) -> Self {
        self.first = Some(value.into());
        self
    }

    /// The same item, found in index 2 under `value`.
    #[must_use]
    pub fn second(mut self, value: impl Into<String>) -> Self {
        self.second = Some(value.into());
        self
    }

    /// The same item, which may go after a moment.
    #[must_use]
    pub const fn expires_at(mut self, unix_seconds: i64) -> Self {
        self.expires_at = Some(unix_seconds);
        self
    }
}

/// A change.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Puts the item, over whatever stood there.
    Put(Item),
}

/// In which order a range is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest sort key first.
    Rising,
    /// Largest sort key first.
    Falling,
}

/// A part of one partition: sort keys from `from` (included) to `to` (excluded).
#[derive(Clone, Debug)]
pub struct Range {
    /// Which table.
    pub table: Table,
    /// PK.
    pub partition: String,
    /// First sort key.
    pub from: String,
    /// First sort key no longer in the range.
    pub to: String,
    /// In which order.
    pub order: Order,
}

/// How much is read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page(pub u32);
