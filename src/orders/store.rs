//! Orders in the database. All SQL stands here, fixed, with its bindings beside it; what a client sends is only
//! ever bound.

use std::time::Duration;

use mysql_async::{Conn, Params, Row, prelude::Queryable};

use serde_json::json;
use tokio::time::timeout;

use super::{
    Order,
    columns::{self, assignments, columns, placeholders},
};
use crate::{
    db::{DUPLICATE_KEY, Database, LongTransaction},
    error::Error,
    events::outbox::{Change, Outbox},
    migrations::{self, Migration},
};

/// The steps of the table.
pub const MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_orders", sql: include_str!("../../sql/0001_orders.sql") },
    Migration { name: "0003_orders_version", sql: include_str!("../../sql/0003_orders_version.sql") },
    Migration { name: "0010_orders_version_default", sql: include_str!("../../sql/0010_orders_version_default.sql") },
];

const TRUNCATE: &str = "TRUNCATE TABLE orders";
const IS_THERE: &str = "SELECT order_id FROM orders LIMIT 1";
const PAGE: &str = concat!("SELECT ", columns!(), " FROM orders WHERE order_id > ? ORDER BY order_id LIMIT ?");
const ONE: &str = concat!("SELECT ", columns!(), " FROM orders WHERE order_id = ?");
const INSERT: &str = concat!("INSERT INTO orders (", columns!(), ") VALUES ", placeholders!());
const ONE_MORE_ROW: &str = concat!(", ", placeholders!());
const VERSION: &str = "SELECT version FROM orders WHERE order_id = ?";
// What LAST_INSERT_ID gets is told with the statement's result.
const REPLACE: &str =
    concat!("UPDATE orders SET ", assignments!(), ", version = LAST_INSERT_ID(version + 1) WHERE order_id = ?");
const LOCK: &str = concat!("SELECT ", columns!(), ", version FROM orders WHERE order_id = ? FOR UPDATE");
const DELETE: &str = "DELETE FROM orders WHERE order_id = ?";
const LOCK_PAGE: &str =
    concat!("SELECT ", columns!(), ", version FROM orders WHERE order_id > ? ORDER BY order_id LIMIT ? FOR UPDATE");
// Not a range: others may have inserted into it.
const DELETE_THESE: &str = "DELETE t FROM JSON_TABLE(?, '$[*]' COLUMNS (order_id INT PATH '$')) j
    STRAIGHT_JOIN orders t ON t.order_id = j.order_id";

// What is told of orders.
const CREATED: &str = "order.created";
const UPDATED: &str = "order.updated";
const DELETED: &str = "order.deleted";

/// The most rows that one INSERT carries: 512 rows of 127 columns have fewer than 65,536 placeholders.
const MOST_ROWS: usize = 512;

/// How long it may take to empty the table where others are told of it.
const MOST_TIME_TO_EMPTY: Duration = Duration::from_secs(60);

/// Empties the table, or creates it if there is none. If anybody is told, then one by one, in one transaction that takes
/// a minute at most.
pub async fn empty(db: &Database, outbox: &Outbox) -> Result<(), Error> {
    if !outbox.is_on() {
        return migrations::empty(db, TRUNCATE, MIGRATIONS).await;
    }
    migrations::empty(db, IS_THERE, MIGRATIONS).await?;
    let delete_all = async {
        let mut transaction = db.begin().await?;
        let mut after = Some(-1); // no id is negative
        while let Some(last) = after {
            after = transaction.run(async |conn| delete_page(conn, outbox, last).await).await?;
        }
        outbox.commit(transaction).await
    };
    let too_long = |_| Error::Unavailable("there are too many orders to tell everybody of their end", None);
    timeout(MOST_TIME_TO_EMPTY, delete_all).await.map_err(too_long)?
}

/// Deletes the first orders whose `order_id` is greater than `after`; gives the last one's.
async fn delete_page(conn: &mut Conn, outbox: &Outbox, after: i32) -> Result<Option<i32>, Error> {
    let rows: Vec<Row> = conn.exec(LOCK_PAGE, (after, MOST_ROWS)).await?;
    let orders = rows.into_iter().map(columns::read_versioned).collect::<Result<Vec<_>, _>>()?;
    let Some((last, _)) = orders.last() else { return Ok(None) };
    let ids: Vec<i32> = orders.iter().map(|(order, _)| order.order_id).collect();
    conn.exec_drop(DELETE_THESE, (json!(ids).to_string(),)).await?;
    outbox.add(conn, DELETED, orders.iter().map(|(order, version)| change(order, version.saturating_add(1)))).await?;
    Ok(Some(last.order_id))
}

/// The first `limit` orders whose `order_id` is greater than `after`, by `order_id`.
pub async fn page(db: &Database, after: Option<i32>, limit: i32) -> Result<Vec<Order>, Error> {
    let after = after.unwrap_or(-1); // no id is negative
    let rows: Vec<Row> = db.run(async |conn| Ok(conn.exec(PAGE, (after, limit)).await?)).await?;
    rows.into_iter().map(columns::read).collect()
}

/// The order with this id, if there is one.
pub async fn get(db: &Database, order_id: i32) -> Result<Option<Order>, Error> {
    let row: Option<Row> = db.run(async |conn| Ok(conn.exec_first(ONE, (order_id,)).await?)).await?;
    row.map(columns::read).transpose()
}

/// Inserts an order.
///
/// # Errors
/// [`Error::Conflict`] when its `order_id` is there already.
pub async fn insert(conn: &mut Conn, outbox: &Outbox, order: &Order) -> Result<(), Error> {
    insert_some(conn, outbox, std::slice::from_ref(order)).await?;
    Ok(())
}

/// Inserts orders: all or none, in a transaction.
///
/// # Errors
/// [`Error::Conflict`] when an `order_id` is there already, or twice among them.
pub async fn insert_all(conn: &mut Conn, outbox: &Outbox, orders: &[Order]) -> Result<(), Error> {
    let mut rest = orders;
    while !rest.is_empty() {
        rest = insert_some(conn, outbox, rest).await?;
    }
    Ok(())
}

/// Inserts orders that are still on their way, in one transaction. Dropped before [`commit`](Inserting::commit), it
/// inserts nothing.
pub struct Inserting<'a> {
    outbox: &'a Outbox,
    transaction: LongTransaction,
    orders: Vec<Order>,
}

impl Inserting<'_> {
    /// Begins.
    ///
    /// # Errors
    /// As [`Database::begin`].
    pub async fn begin<'a>(db: &Database, outbox: &'a Outbox) -> Result<Inserting<'a>, Error> {
        Ok(Inserting { outbox, transaction: db.begin().await?, orders: Vec::new() })
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
        self.outbox.commit(self.transaction).await
    }

    async fn insert_while(&mut self, at_least: usize) -> Result<(), Error> {
        while self.orders.len() >= at_least {
            let (outbox, orders) = (self.outbox, &self.orders);
            let left = self.transaction.run(async |conn| Ok(insert_some(conn, outbox, orders).await?.len())).await?;
            self.orders.drain(..self.orders.len().saturating_sub(left));
        }
        Ok(())
    }
}

/// Inserts the first of `orders`, as many as one statement carries; gives the others.
async fn insert_some<'a>(conn: &mut Conn, outbox: &Outbox, orders: &'a [Order]) -> Result<&'a [Order], Error> {
    // Powers of two, so that any number of rows takes ten texts at most: each is prepared once a connection.
    let rows = orders.len().min(MOST_ROWS).checked_ilog2().map_or(0, |power| 1_usize << power);
    let (some, others) = orders.split_at_checked(rows).unwrap_or((orders, &[]));
    let statement = INSERT.to_owned() + &ONE_MORE_ROW.repeat(rows.saturating_sub(1));
    let params = Params::Positional(some.iter().flat_map(columns::values).collect());
    conn.exec_drop(statement, params).await.map_err(conflict)?;
    if let Some(first) = some.first().filter(|_| outbox.is_on()) {
        // The clock is the same for each row of a statement.
        let version: Option<u64> = conn.exec_first(VERSION, (first.order_id,)).await?;
        let version = version.ok_or_else(no_version)?;
        outbox.add(conn, CREATED, some.iter().map(|order| change(order, version))).await?;
    }
    Ok(others)
}

/// Replaces the order with the same `order_id`; false if there is none.
pub async fn replace(conn: &mut Conn, outbox: &Outbox, order: &Order) -> Result<bool, Error> {
    let mut params = columns::values(order);
    params.rotate_left(1); // the key stands last
    conn.exec_drop(REPLACE, Params::Positional(params.into())).await?;
    if conn.affected_rows() == 0 {
        return Ok(false);
    }
    let version = conn.last_insert_id().ok_or_else(no_version)?;
    outbox.add(conn, UPDATED, [change(order, version)]).await?;
    Ok(true)
}

/// Deletes the order with this id; false if there is none.
pub async fn delete(conn: &mut Conn, outbox: &Outbox, order_id: i32) -> Result<bool, Error> {
    if !outbox.is_on() {
        conn.exec_drop(DELETE, (order_id,)).await?;
        return Ok(conn.affected_rows() > 0);
    }
    let row: Option<Row> = conn.exec_first(LOCK, (order_id,)).await?;
    let Some(row) = row else { return Ok(false) };
    let (order, version) = columns::read_versioned(row)?;
    conn.exec_drop(DELETE, (order_id,)).await?;
    outbox.add(conn, DELETED, [change(&order, version.saturating_add(1))]).await?;
    Ok(true)
}

fn change(order: &Order, version: u64) -> Change<'_, Order> {
    Change { key: format!("orders/{}", order.order_id), sequence: version, data: order }
}

fn no_version() -> Error {
    Error::Internal(anyhow::anyhow!("the database gives no version for a row of the table orders"))
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
