//! Orders in the database. All SQL stands here, fixed, with its bindings beside it; what a client sends is only
//! ever bound.

use mysql_async::{Conn, FromRowError, Params, Row, Value, from_row_opt, prelude::Queryable};

use super::Order;
use crate::{
    db::{Database, LongTransaction},
    error::Error,
    migrations::{self, Migration},
    money::Money,
};

/// The steps of the table.
pub const MIGRATIONS: &[Migration] =
    &[Migration { name: "0001_orders", sql: include_str!("../../sql/0001_orders.sql") }];

const TRUNCATE: &str = "TRUNCATE TABLE orders";
const PAGE: &str = "SELECT order_id, product_id, quantity, amount, shipping, tax, shipping_address
    FROM orders WHERE order_id > ? ORDER BY order_id LIMIT ?";
const ONE: &str = "SELECT order_id, product_id, quantity, amount, shipping, tax, shipping_address
    FROM orders WHERE order_id = ?";
const INSERT: &str = "INSERT INTO orders
    (order_id, product_id, quantity, amount, shipping, tax, shipping_address) VALUES (?, ?, ?, ?, ?, ?, ?)";
const ONE_MORE_ROW: &str = ", (?, ?, ?, ?, ?, ?, ?)";
const REPLACE: &str = "UPDATE orders
    SET product_id = ?, quantity = ?, amount = ?, shipping = ?, tax = ?, shipping_address = ? WHERE order_id = ?";
const DELETE: &str = "DELETE FROM orders WHERE order_id = ?";

/// The most rows that one INSERT carries: 512 rows are half a megabyte at most, and 3,584 of 65,535 placeholders.
const MOST_ROWS: usize = 512;

/// The server's code for a key that is there already.
const DUPLICATE_KEY: u16 = 1062;

/// Empties the table, or creates it if there is none.
pub async fn empty(db: &Database) -> Result<(), Error> {
    migrations::empty(db, TRUNCATE, MIGRATIONS).await
}

/// The first `limit` orders whose `order_id` is greater than `after`, by `order_id`.
pub async fn page(db: &Database, after: Option<i32>, limit: i32) -> Result<Vec<Order>, Error> {
    let after = after.unwrap_or(-1); // no id is negative
    let rows: Vec<Row> = db.run(async |conn| Ok(conn.exec(PAGE, (after, limit)).await?)).await?;
    rows.into_iter().map(from_row).collect()
}

/// The order with this id, if there is one.
pub async fn get(db: &Database, order_id: i32) -> Result<Option<Order>, Error> {
    let row: Option<Row> = db.run(async |conn| Ok(conn.exec_first(ONE, (order_id,)).await?)).await?;
    row.map(from_row).transpose()
}

/// Inserts an order.
///
/// # Errors
/// [`Error::Conflict`] when its `order_id` is there already.
pub async fn insert(conn: &mut Conn, order: &Order) -> Result<(), Error> {
    let params = Params::Positional(insert_params(order).into());
    conn.exec_drop(INSERT, params).await.map_err(conflict)
}

/// Inserts orders: all or none, in a transaction.
///
/// # Errors
/// [`Error::Conflict`] when an `order_id` is there already, or twice among them.
pub async fn insert_all(conn: &mut Conn, orders: &[Order]) -> Result<(), Error> {
    let mut rest = orders;
    while !rest.is_empty() {
        rest = insert_some(conn, rest).await?;
    }
    Ok(())
}

/// Inserts orders that are still on their way, in one transaction. Dropped before [`commit`](Inserting::commit), it
/// inserts nothing.
pub struct Inserting {
    transaction: LongTransaction,
    orders: Vec<Order>,
}

impl Inserting {
    /// Begins.
    ///
    /// # Errors
    /// As [`Database::begin`].
    pub async fn begin(db: &Database) -> Result<Inserting, Error> {
        Ok(Inserting { transaction: db.begin().await?, orders: Vec::new() })
    }

    /// Inserts these too.
    ///
    /// # Errors
    /// As [`insert_all`].
    pub async fn add(&mut self, orders: Vec<Order>) -> Result<(), Error> {
        self.orders.extend(orders);
        self.insert_while(MOST_ROWS).await
    }

    /// Keeps them all.
    ///
    /// # Errors
    /// As [`insert_all`].
    pub async fn commit(mut self) -> Result<(), Error> {
        self.insert_while(1).await?;
        self.transaction.commit().await
    }

    async fn insert_while(&mut self, at_least: usize) -> Result<(), Error> {
        while self.orders.len() >= at_least {
            let orders = &self.orders;
            let left = self.transaction.run(async |conn| Ok(insert_some(conn, orders).await?.len())).await?;
            self.orders.drain(..self.orders.len().saturating_sub(left));
        }
        Ok(())
    }
}

/// Inserts the first of `orders`, as many as one statement carries; gives the others.
async fn insert_some<'a>(conn: &mut Conn, orders: &'a [Order]) -> Result<&'a [Order], Error> {
    // Powers of two, so that any number of rows takes ten texts at most: each is prepared once a connection.
    let rows = orders.len().min(MOST_ROWS).checked_ilog2().map_or(0, |power| 1_usize << power);
    let (some, others) = orders.split_at_checked(rows).unwrap_or((orders, &[]));
    let statement = INSERT.to_owned() + &ONE_MORE_ROW.repeat(rows.saturating_sub(1));
    let params = Params::Positional(some.iter().flat_map(insert_params).collect());
    conn.exec_drop(statement, params).await.map_err(conflict)?;
    Ok(others)
}

/// Replaces the order with the same `order_id`; false if there is none.
pub async fn replace(conn: &mut Conn, order: &Order) -> Result<bool, Error> {
    let [order_id, product_id, quantity, amount, shipping, tax, shipping_address] = insert_params(order);
    let params = vec![product_id, quantity, amount, shipping, tax, shipping_address, order_id];
    conn.exec_drop(REPLACE, Params::Positional(params)).await?;
    Ok(conn.affected_rows() > 0)
}

/// Deletes the order with this id; false if there is none.
pub async fn delete(conn: &mut Conn, order_id: i32) -> Result<bool, Error> {
    conn.exec_drop(DELETE, (order_id,)).await?;
    Ok(conn.affected_rows() > 0)
}

fn insert_params(order: &Order) -> [Value; 7] {
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

fn from_row(row: Row) -> Result<Order, Error> {
    type Columns = (i32, i32, i32, Money, Money, Money, String);
    // The message without the row's values, which belong in no log.
    let unreadable = |_: FromRowError| Error::Internal(anyhow::anyhow!("a row of the table orders does not read"));
    let (order_id, product_id, quantity, amount, shipping, tax, shipping_address) =
        from_row_opt::<Columns>(row).map_err(unreadable)?;
    Ok(Order { order_id, product_id, quantity, amount, shipping, tax, shipping_address })
}

fn conflict(error: mysql_async::Error) -> Error {
    match error {
        mysql_async::Error::Server(server) if server.code == DUPLICATE_KEY => {
            // "Duplicate entry '3' for key 'PRIMARY'": the key is what stands between the first two quotes.
            let key = server.message.split('\'').nth(1).and_then(|key| key.parse::<i32>().ok());
            Error::Conflict(match key {
                Some(order_id) => format!("an order with order_id {order_id} exists already"),
                None => "an order with this order_id exists already".to_string(),
            })
        }
        error => error.into(),
    }
}
