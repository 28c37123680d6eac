//! Look-ups for people: the only place where a [`Scoped`] id is made.

use kitchen_contract::id::{CustomerId, DeviceId, KitchenId};

use super::things::{Device, Kitchen, thing};
use crate::store::{Index, Page, Store, StoreError, Table, keys};

/// The most things of one kind that are listed at once.
pub(super) const LIST_MAX: Page = Page(10_000);

/// The registry. Cheap to clone; all clones are one registry.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(super) store: Store,
}

/// For whom something is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// Someone of one customer, who sees nothing else.
    Tenant(CustomerId),
    /// An administrator, who sees every customer's.
    Admin,
}

/// An id that was found among what its viewer may see. Everything a person may read takes one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scoped<Id> {
    pub(super) id: Id,
    pub(super) viewer: Viewer,
}

impl<Id> Scoped<Id> {
    /// The id.
    pub const fn id(&self) -> &Id {
        &self.id
    }
}

impl Viewer {
    /// Whether something of `owner` may be seen.
    pub fn sees(&self, owner: &CustomerId) -> bool {
        match self {
            Self::Tenant(customer) => customer == owner,
            Self::Admin => true,
        }
    }
}

impl Registry {
    /// The registry in a store.
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// The viewer's kitchens.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn kitchens(&self, viewer: &Viewer) -> Result<Vec<(Scoped<KitchenId>, Kitchen)>, StoreError> {
        let items = match viewer {
            Viewer::Tenant(customer) => {
                let value = keys::kitchens_of(customer);
                self.store.query_index(Table::Devices, (Index::First, &value), LIST_MAX).await?
            }
            Viewer::Admin => {
                self.store.query_index(Table::Devices, (Index::Second, keys::ALL_KITCHENS), LIST_MAX).await?
            }
        };
        let kitchens = items.into_iter().map(|item| {
            let kitchen: Kitchen = thing(item)?;
            Ok((Scoped { id: kitchen.kitchen_id.clone(), viewer: viewer.clone() }, kitchen))
        });
        kitchens.collect()
    }

    /// A kitchen, if the viewer may see it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn kitchen(
        &self,
        viewer: &Viewer,
        id: &KitchenId,
    ) -> Result<Option<(Scoped<KitchenId>, Kitchen)>, StoreError> {
        let Some(item) = self.store.get(&keys::kitchen(id)).await? else { return Ok(None) };
        let kitchen: Kitchen = thing(item)?;
        let seen = viewer.sees(&kitchen.customer_id);
        Ok(seen.then(|| (Scoped { id: id.clone(), viewer: viewer.clone() }, kitchen)))
    }

    /// A measuring point, if the viewer may see it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn device(
        &self,
        viewer: &Viewer,
        id: &DeviceId,
    ) -> Result<Option<(Scoped<DeviceId>, Device)>, StoreError> {
        let Some(item) = self.store.get(&keys::device(id)).await? else { return Ok(None) };
        let device: Device = thing(item)?;
        let seen = viewer.sees(&device.customer_id);
        Ok(seen.then(|| (Scoped { id: id.clone(), viewer: viewer.clone() }, device)))
    }
}
