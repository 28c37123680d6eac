//! The engines behind one face.

use std::path::Path;

use super::item::{Index, Item, Key, Page, Range, Table, Write};
use super::sqlite::Sqlite;

/// The store. Cheap to clone; all clones are one store.
#[derive(Clone, Debug)]
pub struct Store(Engine);

#[derive(Clone, Debug)]
enum Engine {
    Sqlite(Sqlite),
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine refused.
    #[error("cannot {what} the store: {source}")]
    Engine {
        /// The operation.
        what: &'static str,
        /// The engine's words.
        source: sqlx::Error,
    },
    /// An item is not what was put there.
    #[error("the item `{partition}` `{sort}` is damaged: {reason}")]
    Damaged {
        /// PK.
        partition: String,
        /// SK.
        sort: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Store {
    /// Opens the SQLite engine, and makes file and tables if they are not there.
    ///
    /// # Errors
    /// The file cannot be opened or is no database of ours.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        Sqlite::open(path).await.map(Engine::Sqlite).map(Self)
    }

    /// One item.
    ///
    /// # Errors
    /// The engine refuses, or the item is damaged.
    pub async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.get(key).await,
        }
    }

    /// A part of a partition, at most a page of it.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn query(&self, range: &Range, page: Page) -> Result<Vec<Item>, StoreError> {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.query(range, page).await,
        }
    }

    /// The items with `value` in an index, by partition and sort key, at most a page of them.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn query_index(&self, table: Table, index: (Index, &str), page: Page) -> Result<Vec<Item>, StoreError> {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.query_index(table, index, page).await,
        }
    }

    /// Makes the changes durable, in order; in SQLite all of them or none. On disk when it returns.
    ///
    /// # Errors
    /// The engine refuses: nothing is promised then, and the same changes may be committed again.
    pub async fn commit(&self, writes: &[Write]) -> Result<(), StoreError> {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.commit(writes).await,
        }
    }

    /// Finishes what is running and closes the engine.
    pub async fn close(&self) {
        match &self.0 {
            Engine::Sqlite(sqlite) => sqlite.close().await,
        }
    }
}
