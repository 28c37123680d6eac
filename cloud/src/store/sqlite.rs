//! The SQLite engine: write-ahead log, `synchronous=FULL`, so that a commit that has returned survives a power cut.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Row};

use super::engine::StoreError;
use super::item::{Index, Item, Key, Order, Page, Range, Table, Write};

/// Readers at once, beside the one writer.
const READERS: u32 = 4;
/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// One SQLite file: a pool that writes, one at a time, and a pool that reads.
#[derive(Clone, Debug)]
pub(super) struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Sqlite {
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let open = |connections| SqlitePoolOptions::new().max_connections(connections).connect_with(options.clone());
        let writer = open(1).await.map_err(engine("open"))?;
        for table in Table::ALL {
            for statement in schema(table.name()) {
                sqlx::query(AssertSqlSafe(statement)).execute(&writer).await.map_err(engine("open"))?;
            }
        }
        let readers = open(READERS).await.map_err(engine("open"))?;
        Ok(Self { writer, readers })
    }

    pub(super) async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        let sql = format!("{} WHERE pk = $1 AND sk = $2", select(key.table));
        let query = sqlx::query(AssertSqlSafe(sql)).bind(&key.partition).bind(&key.sort);
        let row = query.fetch_optional(&self.readers).await.map_err(engine("read"))?;
        row.map(|row| item(key.table, &row)).transpose()
    }

    pub(super) async fn query(&self, range: &Range, page: Page) -> Result<Vec<Item>, StoreError> {
        let order = match range.order {
            Order::Rising => "ASC",
            Order::Falling => "DESC",
        };
        let select = select(range.table);
        let sql = format!("{select} WHERE pk = $1 AND sk >= $2 AND sk < $3 ORDER BY sk {order} LIMIT $4");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(&range.partition).bind(&range.from).bind(&range.to);
        let rows = query.bind(page.0).fetch_all(&self.readers).await.map_err(engine("read"))?;
        rows.iter().map(|row| item(range.table, row)).collect()
    }

    pub(super) async fn query_index(
        &self,
        table: Table,
        (index, value): (Index, &str),
        page: Page,
    ) -> Result<Vec<Item>, StoreError> {
        let column = match index {
            Index::First => "index1",
            Index::Second => "index2",
        };
        let sql = format!("{} WHERE {column} = $1 ORDER BY pk, sk LIMIT $2", select(table));
        let query = sqlx::query(AssertSqlSafe(sql)).bind(value).bind(page.0);
        let rows = query.fetch_all(&self.readers).await.map_err(engine("read"))?;
        rows.iter().map(|row| item(table, row)).collect()
    }

    pub(super) async fn commit(&self, writes: &[Write]) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(engine("write to"))?;
        for Write::Put(item) in writes {
            let sql = format!(
                "INSERT INTO \"{}\" (pk, sk, item, index1, index2, expires_at) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (pk, sk) DO UPDATE SET item = excluded.item, index1 = excluded.index1, \
                 index2 = excluded.index2, expires_at = excluded.expires_at",
                item.key.table.name()
            );
            sqlx::query(AssertSqlSafe(sql))
                .bind(&item.key.partition)
                .bind(&item.key.sort)
                .bind(Value::Object(item.body.clone()).to_string())
                .bind(&item.first)
                .bind(&item.second)
                .bind(item.expires_at)
                .execute(&mut *transaction)
                .await
                .map_err(engine("write to"))?;
        }
        transaction.commit().await.map_err(engine("write to"))
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn engine(what: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |source| StoreError::Engine { what, source }
}

fn schema(table: &str) -> [String; 4] {
    let index = |column: &str| {
        format!(
            "CREATE INDEX IF NOT EXISTS \"{table}-{column}\" ON \"{table}\" ({column}, pk, sk) WHERE {column} IS NOT NULL"
        )
    };
    [
        format!(
            "CREATE TABLE IF NOT EXISTS \"{table}\" (pk TEXT NOT NULL, sk TEXT NOT NULL, item TEXT NOT NULL, \
             index1 TEXT, index2 TEXT, expires_at INTEGER, PRIMARY KEY (pk, sk)) STRICT, WITHOUT ROWID"
        ),
        index("index1"),
        index("index2"),
        index("expires_at"),
    ]
}

fn select(table: Table) -> String {
    format!("SELECT pk, sk, item, index1, index2, expires_at FROM \"{}\"", table.name())
}

fn item(table: Table, row: &SqliteRow) -> Result<Item, StoreError> {
    let read = engine("read");
    let key = Key::new(table, row.try_get::<String, _>(0).map_err(&read)?, row.try_get::<String, _>(1).map_err(&read)?);
    let text: String = row.try_get(2).map_err(&read)?;
    let body: Map<String, Value> = serde_json::from_str(&text).map_err(|error| StoreError::Damaged {
        partition: key.partition.clone(),
        sort: key.sort.clone(),
        reason: error.to_string(),
    })?;
    let first = row.try_get(3).map_err(&read)?;
    let second = row.try_get(4).map_err(&read)?;
    let expires_at = row.try_get(5).map_err(&read)?;
    Ok(Item { key, body, first, second, expires_at })
}
