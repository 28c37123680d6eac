//! What the store holds after the cloud has ended, read from its file without our own code: the proof of "every sequence
//! number exactly once, and judged".
#![allow(dead_code, reason = "two test binaries share this file and neither needs all of it")]

use std::collections::BTreeMap;

use hw_sim::bench::Layout;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

/// Everything stored, by epoch.
pub(crate) struct Evidence {
    /// Stored records: epoch and sequence number, and each copy of it.
    pub(crate) records: BTreeMap<(String, u64), Vec<Value>>,
    /// The ledger: epoch and its ranges.
    ledger: BTreeMap<String, Vec<(u64, u64)>>,
    /// The last will that the gateway left last.
    pub(crate) last_will: Option<Value>,
    /// The signed envelopes, in the order in which they came.
    pub(crate) envelopes: Vec<String>,
    /// Items kept aside, signed or not.
    pub(crate) aside: usize,
}

impl Evidence {
    /// Reads the store's file.
    pub(crate) async fn of(layout: &Layout) -> Self {
        let file = layout.dir().join("data/store.sqlite");
        let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(file).read_only(true)).await.unwrap();
        let mut records: BTreeMap<_, Vec<Value>> = BTreeMap::new();
        let (mut envelopes, mut aside) = (Vec::new(), 0);
        for (sort, item) in items(&pool, "VisionDrive-SensorReadings").await {
            if sort.starts_with("READING#") || sort.starts_with("RECORD#") {
                let epoch = item["epoch"].as_str().unwrap().to_owned();
                let seq = item["record"]["seq"].as_u64().unwrap();
                records.entry((epoch, seq)).or_default().push(item);
            } else if sort.starts_with("ENVELOPE#") {
                envelopes.push(item["envelope"].as_str().unwrap().to_owned());
            } else {
                aside += 1;
            }
        }
        let mut ledger: BTreeMap<String, Vec<(u64, u64)>> = BTreeMap::new();
        let mut last_will = None;
        for (sort, item) in items(&pool, "VisionDrive-Devices").await {
            if let Some((epoch, _block)) = sort.strip_prefix("EPOCH#").and_then(|rest| rest.split_once('#')) {
                let ranges = serde_json::from_value(item["ranges"].clone()).unwrap();
                join(ledger.entry(epoch.to_owned()).or_default(), ranges);
            } else if sort == "LASTWILL" {
                last_will = Some(item);
            }
        }
        pool.close().await;
        Self { records, ledger, last_will, envelopes, aside }
    }

    /// The records of each run of the agent, in the order of the runs.
    pub(crate) fn runs(&self) -> Vec<Vec<Value>> {
        let mut runs: BTreeMap<&String, Vec<Value>> = BTreeMap::new();
        for ((epoch, _), copies) in &self.records {
            runs.entry(epoch).or_default().extend(copies.iter().map(|item| item["record"].clone()));
        }
        let mut runs: Vec<Vec<Value>> = runs.into_values().collect();
        runs.sort_by_key(|run| run[0]["timestamp"].as_str().unwrap_or_default().to_owned());
        runs
    }

    /// How long each record took from its time to the cloud.
    pub(crate) fn lags_ms(&self) -> impl Iterator<Item = i64> {
        let time = |value: &Value| -> jiff::Timestamp { value.as_str().unwrap().parse().unwrap() };
        self.records
            .values()
            .flatten()
            .map(move |item| (time(&item["receivedAt"]) - time(&item["record"]["timestamp"])).get_milliseconds())
    }

    /// How many epochs left a trace.
    pub(crate) fn epochs(&self) -> usize {
        self.ledger.len()
    }

    /// As [`Evidence::is_stored_and_judged`], and nothing was kept aside.
    pub(crate) fn is_whole(&self) {
        self.is_stored_and_judged();
        assert_eq!(self.aside, 0, "something was kept aside");
    }

    /// Every epoch is stored from 1 to its last sequence number without a hole, each number exactly once, each reading
    /// judged; and the epochs are linked without a break.
    pub(crate) fn is_stored_and_judged(&self) {
        assert!(!self.ledger.is_empty(), "nothing was stored");
        for (epoch, ranges) in &self.ledger {
            assert_eq!(ranges.len(), 1, "{epoch} has holes: {ranges:?}");
            let (from, to) = ranges[0];
            assert_eq!(from, 1, "{epoch} begins late: {ranges:?}");
            for seq in from..=to {
                let copies = self.records.get(&(epoch.clone(), seq)).map_or(0, Vec::len);
                assert_eq!(copies, 1, "{epoch} {seq} is stored {copies} times");
            }
        }
        let promised: u64 = self.ledger.values().flatten().map(|(from, to)| to - from + 1).sum();
        assert_eq!(self.records.len() as u64, promised, "stored and ledger differ");
        self.is_judged();
        self.is_linked();
    }

    fn is_judged(&self) {
        for (identity, copies) in &self.records {
            for item in copies.iter().filter(|item| item["record"]["kind"] == "reading") {
                assert!(item["verdict"].is_string(), "{identity:?} is not judged");
            }
        }
    }

    /// Every epoch's first record names the epoch before and where it ended on disk; all of that is stored.
    fn is_linked(&self) {
        let mut first = 0;
        for epoch in self.ledger.keys() {
            let event = &self.records[&(epoch.clone(), 1)][0]["record"]["event"];
            assert_eq!(event["type"], "agentStarted", "{epoch} does not begin with its start");
            let Some(previous) = event["previous"]["epoch"].as_str() else {
                first += 1;
                continue;
            };
            let last = event["previous"]["lastSeq"].as_u64().unwrap();
            let stored = self.ledger.get(previous).map_or(0, |ranges| ranges[0].1);
            assert_eq!(stored, last, "{epoch} says that {previous} ended at {last}");
        }
        assert_eq!(first, 1, "{first} epochs know of none before");
    }
}

async fn items(pool: &SqlitePool, table: &str) -> Vec<(String, Value)> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT sk, item FROM \"{table}\" ORDER BY sk"));
    let rows = sqlx::query(sql).fetch_all(pool).await.unwrap();
    rows.iter().map(|row| (row.get(0), serde_json::from_str(row.get(1)).unwrap())).collect()
}

/// The ledger of an epoch comes in blocks, in rising order; what continues over the end of one is one range.
fn join(known: &mut Vec<(u64, u64)>, ranges: Vec<(u64, u64)>) {
    for (from, to) in ranges {
        match known.last_mut() {
            Some(last) if last.1 + 1 == from => last.1 = to,
            _ => known.push((from, to)),
        }
    }
}
