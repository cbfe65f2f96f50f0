//! Orders that others send as events.

use mysql_async::Conn;
use serde_json::value::RawValue;

use super::{Draft, Order, bulk, store};
use crate::{App, error::Error, webhooks::Subscription};

/// The events that are applied here.
pub const SUBSCRIPTIONS: &[Subscription] =
    &[Subscription { kind: "order.import", apply: |app, conn, data| Box::pin(import(app, conn, data)) }];

/// Inserts an order, or an array of orders, all or none.
async fn import(app: &App, conn: &mut Conn, data: &RawValue) -> Result<(), Error> {
    let text = data.get().as_bytes();
    // The tax has to be there: nobody else is waited for in a transaction.
    let drafts =
        if text.starts_with(b"[") { bulk::read_all(text, true).await? } else { vec![Draft::from_json(text, true)?] };
    let orders: Vec<Order> = drafts.into_iter().map(|draft| draft.order).collect();
    store::insert_all(conn, &app.outbox, &orders).await
}
