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
    pub const ENTITY: Entity = Entity { name: "Order", schema: |_| fields::schema(|fields| read(fields, true)) };
}

/// An order as a client sends it.
#[derive(Debug)]
pub struct Draft {
    /// The order; its tax is zero where none was given.
    pub order: Order,
    /// No tax was given.
    pub lacks_tax: bool,
}

impl Draft {
    /// What the API's description says of it. Without a tax service the tax has to be given.
    pub const ENTITY: Entity = Entity {
        name: "OrderRequest",
        schema: |config| fields::schema(|fields| read(fields, config.tax_service_url.is_none())),
    };

    /// Reads one order from a JSON object; it may lack its tax unless that is required.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when it is not JSON, [`Error::Invalid`] with one entry for each field that is wrong.
    pub fn from_json(body: &[u8], requires_tax: bool) -> Result<Draft, Error> {
        fields::one(fields::document(body)?, Draft::reader(requires_tax))
    }

    /// A JSON array of orders that is about to arrive.
    pub fn array(requires_tax: bool) -> Array<Draft> {
        Array::new(Draft::reader(requires_tax))
    }

    fn reader(requires_tax: bool) -> fn(&mut Fields) -> Draft {
        if requires_tax { |fields| read(fields, true) } else { |fields| read(fields, false) }
    }
}

fn read(fields: &mut Fields, requires_tax: bool) -> Draft {
    let mut lacks_tax = false;
    let order = Order {
        order_id: fields.integer("order_id"),
        product_id: fields.integer("product_id"),
        quantity: fields.integer("quantity"),
        amount: fields.money("amount"),
        shipping: fields.money("shipping"),
        tax: if requires_tax {
            fields.money("tax")
        } else {
            let tax = fields.optional_money("tax");
            lacks_tax = tax.is_none();
            tax.unwrap_or_default()
        },
        shipping_address: fields.text("shipping_address"),
    };
    Draft { order, lacks_tax }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_slice, to_value};

    use super::*;
    use crate::fields::properties::{self, Kind};

    const FIELDS: &[(&str, Kind)] = &[
        ("order_id", Kind::Integer),
        ("product_id", Kind::Integer),
        ("quantity", Kind::Integer),
        ("amount", Kind::Money),
        ("shipping", Kind::Money),
        ("tax", Kind::Money),
        ("shipping_address", Kind::Text),
    ];

    fn from_json(body: &[u8]) -> Result<Order, Error> {
        Draft::from_json(body, true).map(|draft| draft.order)
    }

    #[test]
    fn any_bytes_are_an_order_or_an_error() {
        properties::any_bytes_are_read_or_refused(FIELDS, from_json);
    }

    #[test]
    fn any_order_reads_as_it_was_written() {
        properties::what_is_read_is_written_as_it_came(FIELDS, from_json);
    }

    #[test]
    fn one_field_that_is_changed_is_valid_or_is_the_one_that_is_named() {
        properties::a_field_that_is_changed_is_valid_or_named(FIELDS, from_json);
    }

    #[test]
    fn the_sample_files_are_orders_and_come_out_as_they_went_in() {
        let samples = include_bytes!("../../orders.json");
        let update = include_bytes!("../../update_order.json");

        let mut array = Draft::array(true);
        array.push(samples).unwrap();
        array.finish().unwrap();
        let orders: Vec<Order> = array.take().into_iter().map(|draft| draft.order).collect();
        let order = from_json(update).unwrap();

        assert_eq!(to_value(&orders).unwrap(), from_slice::<Value>(samples).unwrap());
        assert_eq!(to_value(&order).unwrap(), from_slice::<Value>(update).unwrap());
    }
}
