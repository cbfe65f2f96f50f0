//! Orders that others send as events.

use mysql_async::Conn;
use serde_json::value::RawValue;
use tokio::task::yield_now;

use super::{Order, bulk::PART, store};
use crate::{error::Error, webhooks::Subscription};

/// The events that are applied here.
pub const SUBSCRIPTIONS: &[Subscription] =
    &[Subscription { kind: "order.import", apply: |_, conn, data| Box::pin(import(conn, data)) }];

/// Inserts an order, or an array of orders, all or none.
async fn import(conn: &mut Conn, data: &RawValue) -> Result<(), Error> {
    let text = data.get().as_bytes();
    let orders = if text.starts_with(b"[") {
        let mut array = Order::array();
        for part in text.chunks(PART) {
            array.push(part)?;
            yield_now().await; // others have their turn
        }
        array.finish()?;
        array.take()
    } else {
        vec![Order::from_json(text)?]
    };
    store::insert_all(conn, &orders).await
}
