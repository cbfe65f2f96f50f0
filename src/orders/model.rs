//! What an order is: its fields, their rules, its JSON. No I/O, no HTTP, no SQL.

use serde::Serialize;

use crate::{
    array::Array,
    error::Error,
    fields::{self, Fields},
    money::Money,
    operation::Entity,
};

/// An order, as it stands in JSON and in the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Order {
    /// Its key, which the client gives.
    pub order_id: i32,
    /// What is bought.
    pub product_id: i32,
    /// How many of it.
    pub quantity: i32,
    /// The price of the goods.
    pub amount: Money,
    /// The price of sending them.
    pub shipping: Money,
    /// The tax on both.
    pub tax: Money,
    /// Where they go, 1 to 255 characters.
    pub shipping_address: String,
}

impl Order {
    /// What the API's description says of it.
    pub const ENTITY: Entity = Entity { name: "Order", schema: || fields::schema(Order::read) };

    /// Reads one order from a JSON object.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when it is not JSON, [`Error::Invalid`] with one entry for each field that is wrong.
    pub fn from_json(body: &[u8]) -> Result<Order, Error> {
        fields::one(fields::document(body)?, Order::read)
    }

    /// A JSON array of orders that is about to arrive.
    pub fn array() -> Array<Order> {
        Array::new(Order::read)
    }

    fn read(fields: &mut Fields) -> Order {
        Order {
            order_id: fields.integer("order_id"),
            product_id: fields.integer("product_id"),
            quantity: fields.integer("quantity"),
            amount: fields.money("amount"),
            shipping: fields.money("shipping"),
            tax: fields.money("tax"),
            shipping_address: fields.text("shipping_address"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_files_are_orders_and_come_out_as_they_went_in() {
        let samples = include_bytes!("../../orders.json");
        let update = include_bytes!("../../update_order.json");

        let mut array = Order::array();
        array.push(samples).unwrap();
        array.finish().unwrap();
        let orders = array.take();
        let order = Order::from_json(update).unwrap();

        let without_spaces = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
        assert_eq!(serde_json::to_value(&orders).unwrap(), without_spaces(samples));
        assert_eq!(serde_json::to_value(&order).unwrap(), without_spaces(update));
    }
}
