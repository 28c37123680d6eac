//! What every engine must do. An engine is given as a store that can be opened again.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Batch, Index, Item, Key, Order, Page, Range, Store, Table, Write, keys};

fn item(sort: &str, value: u64) -> Item {
    let Value::Object(body) = json!({ "value": value, "text": "°C \"quoted\"\u{0}" }) else { return empty(sort) };
    Item { body, ..empty(sort) }
}

fn empty(sort: &str) -> Item {
    Item::new(Key::new(Table::Readings, "DEVICE#sensor-1", sort), Map::new())
}

fn range(from: &str, to: &str, order: Order) -> Range {
    let partition = "DEVICE#sensor-1".to_owned();
    Range { table: Table::Readings, partition, from: from.to_owned(), to: to.to_owned(), order }
}

async fn open(dir: &Path) -> Store {
    Store::open_sqlite(&dir.join("store.sqlite")).await.unwrap()
}

async fn put(store: &Store, items: Vec<Item>) {
    store.commit(&items.into_iter().map(Write::Put).collect::<Vec<_>>()).await.unwrap();
}

fn sorts(items: Vec<Item>) -> Vec<String> {
    items.into_iter().map(|item| item.key.sort).collect()
}

#[tokio::test]
async fn an_item_reads_back_whole_also_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let written = item("READING#1", 1).first("one").second("two").expires_at(1_768_127_400);
    put(&store, vec![written.clone(), empty("READING#2")]).await;
    assert_eq!(store.get(&written.key).await.unwrap(), Some(written.clone()));
    store.close().await;
    let store = open(dir.path()).await;
    assert_eq!(store.get(&written.key).await.unwrap(), Some(written));
    assert_eq!(store.get(&empty("READING#3").key).await.unwrap(), None);
    let elsewhere = Key::new(Table::Alerts, "DEVICE#sensor-1", "READING#1");
    assert_eq!(store.get(&elsewhere).await.unwrap(), None, "tables are apart");
}

#[tokio::test]
async fn a_range_has_its_ends_its_order_and_its_page() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    put(&store, ["A#1", "A#2", "A#3", "B#1"].map(|sort| item(sort, 0)).to_vec()).await;
    let rows = [
        (range("A#", "A#~", Order::Rising), 10, vec!["A#1", "A#2", "A#3"]),
        (range("A#", "A#~", Order::Falling), 2, vec!["A#3", "A#2"]),
        (range("A#2", "A#3", Order::Rising), 10, vec!["A#2"]),
        (range("A#3", "A#2", Order::Rising), 10, vec![]),
    ];
    for (range, page, expected) in rows {
        assert_eq!(sorts(store.query(&range, Page(page)).await.unwrap()), expected, "{range:?}");
    }
}

#[tokio::test]
async fn an_item_is_in_an_index_only_while_it_carries_a_value_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let active = keys::active_alerts_of(&"cust-1".parse().unwrap());
    put(
        &store,
        vec![item("1", 1).first(active.clone()), item("2", 2).first(active.clone()).second("id"), item("3", 3)],
    )
    .await;
    let found = |index, value: String| {
        let store = store.clone();
        async move { sorts(store.query_index(Table::Readings, (index, &value), Page(10)).await.unwrap()) }
    };
    assert_eq!(found(Index::First, active.clone()).await, ["1", "2"]);
    assert_eq!(found(Index::Second, "id".to_owned()).await, ["2"]);
    put(&store, vec![item("2", 2).second("id")]).await;
    assert_eq!(found(Index::First, active).await, ["1"]);
    assert_eq!(found(Index::Second, "id".to_owned()).await, ["2"]);
}

#[tokio::test]
async fn a_batch_sees_its_own_writes_and_nobody_else_does_before_the_commit() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    put(&store, vec![item("1", 1)]).await;
    let mut batch = Batch::new(&store);
    batch.put_last(item("last", 1));
    batch.put(item("1", 2));
    batch.put(item("1", 3));
    assert_eq!(batch.get(&item("1", 0).key).await.unwrap(), Some(item("1", 3)));
    assert_eq!(batch.get(&item("last", 0).key).await.unwrap(), Some(item("last", 1)));
    assert_eq!(batch.len(), 2);
    assert_eq!(store.get(&item("1", 0).key).await.unwrap(), Some(item("1", 1)));
    batch.put_last(item("1", 4));
    assert_eq!((batch.len(), batch.get(&item("1", 0).key).await.unwrap()), (2, Some(item("1", 4))));
    batch.commit().await.unwrap();
    assert_eq!(store.get(&item("1", 0).key).await.unwrap(), Some(item("1", 4)));
}

#[tokio::test]
async fn damage_is_an_error_that_names_the_item() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    put(&store, vec![item("1", 1)]).await;
    store.close().await;
    let pool =
        sqlx::SqlitePool::connect(&format!("sqlite:{}", dir.path().join("store.sqlite").display())).await.unwrap();
    sqlx::query("UPDATE \"VisionDrive-SensorReadings\" SET item = '{'").execute(&pool).await.unwrap();
    pool.close().await;
    let error = open(dir.path()).await.get(&item("1", 1).key).await.unwrap_err().to_string();
    assert!(error.contains("`DEVICE#sensor-1` `1` is damaged"), "{error}");
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("store.sqlite"),
        "a shopping list, longer than a header of SQLite would be ".repeat(9),
    )
    .unwrap();
    assert!(Store::open_sqlite(&dir.path().join("store.sqlite")).await.is_err());
    assert!(Store::open_sqlite(&dir.path().join("missing/store.sqlite")).await.is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn behaves_as_a_map_by_key(commits in prop::collection::vec(prop::collection::vec((0u64..30, any::<u32>()), 0..8), 1..8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let mut model = std::collections::BTreeMap::new();
            for commit in commits {
                // Each commit is by a process of its own.
                let store = open(dir.path()).await;
                let items: Vec<_> = commit.iter().map(|(key, value)| item(&format!("{key:04}"), u64::from(*value))).collect();
                model.extend(items.iter().cloned().map(|item| (item.key.sort.clone(), item)));
                put(&store, items).await;
                let all = store.query(&range("", "~", Order::Rising), Page(100)).await.unwrap();
                assert_eq!(all, model.values().cloned().collect::<Vec<_>>());
                store.close().await;
            }
        });
    }
}
