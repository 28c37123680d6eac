//! What a person is: the customer's roles. A membership has one of three; admin is a property of the user.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A role, as tokens and the API name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Views.
    Staff,
    /// Views and acknowledges alerts.
    Manager,
    /// Everything within the customer.
    Owner,
    /// VisionDrive: everything, for all customers.
    Admin,
}

/// Not a role that a membership can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role: owner, manager, staff or admin")]
pub struct RoleError(String);

impl Role {
    /// Every role, from the least to the most powerful.
    pub const ALL: [Self; 4] = [Self::Staff, Self::Manager, Self::Owner, Self::Admin];

    /// As the API names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Manager => "manager",
            Self::Owner => "owner",
            Self::Admin => "admin",
        }
    }

    /// The `kitchen_role` of a membership; `None` for admin, who is one without a membership.
    pub const fn membership(self) -> Option<&'static str> {
        match self {
            Self::Staff => Some("KITCHEN_STAFF"),
            Self::Manager => Some("KITCHEN_MANAGER"),
            Self::Owner => Some("KITCHEN_OWNER"),
            Self::Admin => None,
        }
    }

    /// The role of a membership's `kitchen_role`.
    pub fn from_membership(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.membership() == Some(text))
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| RoleError(text.to_owned()))
    }
}
