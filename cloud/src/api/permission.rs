//! Which role may do what: the customer's table, as it stands in the specification.
//!
//! | role | view | acknowledge | settings | users | customers |
//! |---|---|---|---|---|---|
//! | staff | yes | – | – | – | – |
//! | manager | yes | yes | – | – | – |
//! | owner | yes | yes | yes | yes | – |
//! | admin | yes | yes | yes | yes | yes |

use crate::accounts::Role;

/// What a route lets somebody do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See kitchens, sensors, readings and alerts.
    View,
    /// Acknowledge alerts.
    Acknowledge,
    /// Change kitchens and sensors.
    Settings,
    /// Invite, change and remove users.
    Users,
    /// Create and deactivate customers, across all of them.
    Customers,
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a token.
    Public,
    /// Somebody whose role has this permission.
    Needs(Permission),
}

impl Role {
    /// Whether the role has a permission.
    pub const fn may(self, permission: Permission) -> bool {
        match self {
            Self::Staff => matches!(permission, Permission::View),
            Self::Manager => matches!(permission, Permission::View | Permission::Acknowledge),
            Self::Owner => !matches!(permission, Permission::Customers),
            Self::Admin => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_customers_table_holds() {
        use Permission::{Acknowledge, Customers, Settings, Users, View};
        for (role, allowed) in [
            (Role::Staff, vec![View]),
            (Role::Manager, vec![View, Acknowledge]),
            (Role::Owner, vec![View, Acknowledge, Settings, Users]),
            (Role::Admin, vec![View, Acknowledge, Settings, Users, Customers]),
        ] {
            for permission in [View, Acknowledge, Settings, Users, Customers] {
                assert_eq!(role.may(permission), allowed.contains(&permission), "{role:?} {permission:?}");
            }
        }
    }
}
