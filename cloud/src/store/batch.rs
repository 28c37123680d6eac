//! A unit of work: reads what it has written itself, and commits everything at once.
//!
//! The order of the writes is that in which an engine without transactions stays correct: what was put last is written
//! last, and [`Batch::put_last`] comes behind everything, so that the ledger never names what is not yet stored.

use std::collections::HashMap;

use super::engine::{Store, StoreError};
use super::item::{Item, Key, Write};

/// Changes on their way to the store.
#[derive(Debug)]
pub struct Batch<'a> {
    store: &'a Store,
    /// None where the item went to the last ones.
    puts: Vec<Option<Item>>,
    last: Vec<Item>,
    places: HashMap<Key, Place>,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Puts(usize),
    Last(usize),
}

impl<'a> Batch<'a> {
    /// An empty unit of work on a store.
    pub fn new(store: &'a Store) -> Self {
        Self { store, puts: Vec::new(), last: Vec::new(), places: HashMap::new() }
    }

    /// The item as this unit of work sees it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn get(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        match self.places.get(key) {
            Some(Place::Puts(index)) => Ok(self.puts[*index].clone()),
            Some(Place::Last(index)) => Ok(Some(self.last[*index].clone())),
            None => self.store.get(key).await,
        }
    }

    /// Puts an item.
    pub fn put(&mut self, item: Item) {
        match self.places.get(&item.key) {
            Some(Place::Puts(index)) => self.puts[*index] = Some(item),
            Some(Place::Last(index)) => self.last[*index] = item,
            None => {
                self.places.insert(item.key.clone(), Place::Puts(self.puts.len()));
                self.puts.push(Some(item));
            }
        }
    }

    /// Puts an item that must not be seen before all others are.
    pub fn put_last(&mut self, item: Item) {
        match self.places.insert(item.key.clone(), Place::Last(self.last.len())) {
            Some(Place::Last(index)) => {
                self.places.insert(item.key.clone(), Place::Last(index));
                self.last[index] = item;
                return;
            }
            Some(Place::Puts(index)) => self.puts[index] = None,
            None => {}
        }
        self.last.push(item);
    }

    /// How many items would be written.
    pub fn len(&self) -> usize {
        self.puts.iter().flatten().count() + self.last.len()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes everything durable; on disk when it returns.
    ///
    /// # Errors
    /// The store refuses: nothing is promised then.
    pub async fn commit(self) -> Result<(), StoreError> {
        if self.is_empty() {
            return Ok(());
        }
        let writes: Vec<Write> = self.puts.into_iter().flatten().chain(self.last).map(Write::Put).collect();
        self.store.commit(&writes).await
    }
}
