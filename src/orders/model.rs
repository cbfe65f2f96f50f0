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
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::error::Place;

    fn from_json(body: &[u8]) -> Result<Order, Error> {
        Draft::from_json(body, true).map(|draft| draft.order)
    }

    fn money() -> impl Strategy<Value = Money> {
        (0..=9_999_999_999_i64).prop_map(|cents| Money::parse(&format!("{}.{:02}", cents / 100, cents % 100)).unwrap())
    }

    fn order() -> impl Strategy<Value = Order> {
        let number = 0..=i32::MAX;
        let address = prop::collection::vec(any::<char>(), 1..=255).prop_map(String::from_iter);
        (number.clone(), number.clone(), number, money(), money(), money(), address).prop_map(
            |(order_id, product_id, quantity, amount, shipping, tax, shipping_address)| Order {
                order_id,
                product_id,
                quantity,
                amount,
                shipping,
                tax,
                shipping_address,
            },
        )
    }

    /// A JSON value, as text, and which kinds of field may have it: a whole number, money, a text.
    fn value() -> impl Strategy<Value = (String, [bool; 3])> {
        // Most faults stand at the edges.
        let edges = prop_oneof![-2..2_i64, 2_147_483_647..2_147_483_649_i64, 9_999_999_999..10_000_000_001_i64];
        let digits = prop_oneof![4 => edges, 1 => -20_000..20_000_i64, 1 => any::<i64>()];
        let decimal = (digits, 0..4_u32).prop_map(|(digits, decimals)| {
            let scale = 10_i64.pow(decimals);
            let sign = if digits < 0 { "-" } else { "" };
            let (whole, rest) = ((digits / scale).unsigned_abs(), (digits % scale).unsigned_abs());
            let text = match decimals {
                0 => digits.to_string(),
                _ => format!("{sign}{whole}.{rest:0width$}", width = decimals as usize),
            };
            let digits = i128::from(digits);
            let scaled = |times: i128, most: i128| {
                digits * times % i128::from(scale) == 0 && (0..=most * i128::from(scale)).contains(&(digits * times))
            };
            (text, [scaled(1, i32::MAX.into()), scaled(100, 9_999_999_999), false])
        });
        let text = prop_oneof![0..3_usize, 254..258_usize]
            .prop_flat_map(|length| prop::collection::vec(any::<char>(), length));
        let text = text.prop_map(|characters| {
            let fits = (1..=255).contains(&characters.len());
            (json!(String::from_iter(characters)).to_string(), [false, false, fits])
        });
        let other = prop::sample::select(vec!["null", "true", "[]", "{}", "[1]", "\"1\"", "1e400", "-1e-400"]);
        let other = other.prop_map(|text| (text.to_string(), [false, false, text == "\"1\""]));
        prop_oneof![3 => decimal, 2 => text, 1 => other]
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_order_or_an_error(body: Vec<u8>, order in order(), at: prop::sample::Index, byte: u8) {
            let _ = from_json(&body);
            let mut nearly = serde_json::to_vec(&order).unwrap();
            let at = at.index(nearly.len());
            nearly[at] = byte;
            let _ = from_json(&nearly);
        }

        #[test]
        fn any_order_reads_as_it_was_written(order in order()) {
            let body = serde_json::to_vec(&order).unwrap();

            prop_assert_eq!(from_json(&body).unwrap(), order);
        }

        #[test]
        fn one_field_that_is_changed_is_valid_or_is_the_one_that_is_named(
            order in order(),
            (field, kind) in prop::sample::select(vec![
                ("order_id", 0),
                ("product_id", 0),
                ("quantity", 0),
                ("amount", 1),
                ("shipping", 1),
                ("tax", 1),
                // Twice, because it is the only text.
                ("shipping_address", 2),
                ("shipping_address", 2),
            ]),
            (value, fits) in value(),
        ) {
            let mut changed = serde_json::to_value(&order).unwrap();
            changed[field] = Value::Null;
            let body = changed.to_string().replace(&format!("\"{field}\":null"), &format!("\"{field}\":{value}"));

            match from_json(body.as_bytes()) {
                Ok(_) => prop_assert!(fits[kind], "{field}: {value} was taken"),
                Err(Error::Invalid(faults)) => {
                    prop_assert!(!fits[kind], "{field}: {value} was refused");
                    let places: Vec<&Place> = faults.iter().map(|fault| &fault.place).collect();
                    let named = matches!(places[..], [Place::Pointer(pointer)] if *pointer == format!("/{field}"));
                    prop_assert!(named, "{:?}", faults);
                }
                Err(error) => prop_assert!(false, "{error:?}: {body}"),
            }
        }
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

        let without_spaces = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
        assert_eq!(serde_json::to_value(&orders).unwrap(), without_spaces(samples));
        assert_eq!(serde_json::to_value(&order).unwrap(), without_spaces(update));
    }
}
