//! The columns of an order: their names, how they are bound, how they are read. A new field is a line in each.

use mysql_async::{Row, Value};

use super::Order;
use crate::{db::Columns, error::Error};

/// All that a client gives, the key first.
macro_rules! columns {
    () => {
        "order_id, product_id, quantity, amount, shipping, tax, shipping_address"
    };
}

/// A placeholder for each of them.
macro_rules! placeholders {
    () => {
        "(?, ?, ?, ?, ?, ?, ?)"
    };
}

/// All but the key, with a placeholder for each.
macro_rules! assignments {
    () => {
        "product_id = ?, quantity = ?, amount = ?, shipping = ?, tax = ?, shipping_address = ?"
    };
}

pub(super) use {assignments, columns, placeholders};

/// What is bound to the placeholders.
pub fn values(order: &Order) -> [Value; 7] {
    [
        order.order_id.into(),
        order.product_id.into(),
        order.quantity.into(),
        order.amount.into(),
        order.shipping.into(),
        order.tax.into(),
        order.shipping_address.as_str().into(),
    ]
}

/// An order from a row of these columns.
///
/// # Errors
/// As [`Columns::read`].
pub fn read(row: Row) -> Result<Order, Error> {
    read_fields(&mut Columns::new(row))
}

/// An order and its version, from a row that ends with that.
///
/// # Errors
/// As [`Columns::read`].
pub fn read_versioned(row: Row) -> Result<(Order, u64), Error> {
    let mut columns = Columns::new(row);
    Ok((read_fields(&mut columns)?, columns.read()?))
}

fn read_fields(columns: &mut Columns) -> Result<Order, Error> {
    Ok(Order {
        order_id: columns.read()?,
        product_id: columns.read()?,
        quantity: columns.read()?,
        amount: columns.read()?,
        shipping: columns.read()?,
        tax: columns.read()?,
        shipping_address: columns.read()?,
    })
}
