//! What the shop is about.

use serde::{Deserialize, Serialize};

/// An order that was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number, from 1.
    pub id: u64,
    /// What was ordered.
    pub item: String,
    /// How many.
    pub quantity: u32,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

/// An order as it is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    item: String,
    quantity: u32,
}

impl NewOrder {
    /// Reads one, or says what is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let mut order: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        order.item = order.item.trim().to_owned();
        let length = order.item.chars().count();
        if !(1..=80).contains(&length) || order.item.chars().any(char::is_control) {
            return Err("an item has 1 to 80 characters".to_owned());
        }
        if !(1..=999).contains(&order.quantity) {
            return Err("a quantity is a number from 1 to 999".to_owned());
        }
        Ok(order)
    }

    /// Places it under a number.
    #[must_use]
    pub fn placed(self, id: u64, at: u64) -> Order {
        Order {
            id,
            item: self.item,
            quantity: self.quantity,
            at,
        }
    }
}
