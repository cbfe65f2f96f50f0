//! Orders that others send as events.

use mysql_async::Conn;
use serde_json::value::RawValue;

use super::{Order, store};
use crate::{error::Error, webhooks::Subscription};

/// The events that are applied here.
pub const SUBSCRIPTIONS: &[Subscription] =
    &[Subscription { kind: "order.import", apply: |conn, data| Box::pin(import(conn, data)) }];

/// Inserts an order, or an array of orders, all or none.
async fn import(conn: &mut Conn, data: &RawValue) -> Result<(), Error> {
    let text = data.get().as_bytes();
    let orders = if text.starts_with(b"[") {
        let mut array = Order::array();
        array.push(text)?;
        array.finish()?;
        array.take()
    } else {
        vec![Order::from_json(text)?]
    };
    store::insert_all(conn, &orders).await
}
