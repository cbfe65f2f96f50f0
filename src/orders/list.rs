//! `GET /orders`: a page of them, or all of them in little memory.

use std::sync::Arc;

use hyper::{Body, Response, body::Sender, header::LINK};
use serde_json::{Value, json};

use super::{Order, store};
use crate::{
    App,
    error::Error,
    fields::integer_schema,
    log,
    memory::Reserved,
    operation::{Parameter, query},
    request::Request,
    response,
};

/// What asks for a page.
pub const PARAMETERS: &[Parameter] = &[
    query("limit", false, limit_schema, "a page of so many at most; 100 where only `after` is given, else all of them"),
    query("after", false, integer_schema, "those whose order_id is greater"),
];

fn limit_schema() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": MOST_LIMIT })
}

const DEFAULT_LIMIT: i32 = 100;
const MOST_LIMIT: i32 = 1000;

/// All orders, or one page where `limit` or `after` is given. A page that is not the last one carries the next
/// one's address in a `Link` header (RFC 8288).
///
/// # Errors
/// [`Error::BadRequest`] for a parameter, and those of the database.
pub async fn list(app: Arc<App>, request: Request) -> Result<Response<Body>, Error> {
    let query = request.query(&["limit", "after"])?;
    let (limit, after) = (query.integer("limit")?, query.integer("after")?);
    if limit.is_none() && after.is_none() {
        return list_all(app, request.id.clone()).await;
    }
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MOST_LIMIT).contains(&limit) {
        return Err(Error::parameter("limit", format!("must be from 1 to {MOST_LIMIT}")));
    }
    // One more than asked for tells whether there is a next page.
    let mut orders = store::page(&app.db, after, limit.saturating_add(1)).await?;
    let more = orders.len() > limit.unsigned_abs() as usize;
    if more {
        orders.pop();
    }
    let mut response = response::json(&orders)?;
    if let Some(last) = orders.last().filter(|_| more) {
        let next = format!("</orders?limit={limit}&after={}>; rel=\"next\"", last.order_id);
        response.headers_mut().insert(LINK, response::header(&next)?);
    }
    Ok(response)
}

/// Page by page, so that neither memory nor a connection to the database is held for a client that reads slowly.
/// Orders that come or go while the list is on its way may be in it or not.
async fn list_all(app: Arc<App>, request_id: String) -> Result<Response<Body>, Error> {
    let first = store::page(&app.db, None, MOST_LIMIT).await?;
    let Some(after) = last_of_a_full(&first) else { return response::json(&first) };
    let chunk = written(b'[', first)?;
    let mut memory = Pages { app, bytes: 0, reserved: None };
    memory.make_room_for(&chunk)?;
    let (mut sender, body) = Body::channel();
    tokio::spawn(async move {
        if let Err((after, error)) = send_pages(chunk, after, memory, &mut sender).await {
            // The status has been sent. A body that ends too early is how the client is told.
            log::message(&format!("request {request_id} was cut off after order_id {after}: {error}"));
            sender.abort();
        }
    });
    Ok(response::json_body(body))
}

/// Sends `chunk`, and then the orders whose order_id is greater than `after`. Gives an error with the last order_id that
/// was sent before it.
async fn send_pages(
    mut chunk: Vec<u8>,
    mut after: i32,
    mut memory: Pages,
    sender: &mut Sender,
) -> Result<(), (i32, Error)> {
    while sender.send_data(chunk.into()).await.is_ok() {
        let mut page = store::page(&memory.app.db, Some(after), MOST_LIMIT).await;
        if page.is_err() {
            // The client cannot try again.
            page = store::page(&memory.app.db, Some(after), MOST_LIMIT).await;
        }
        let page = page.map_err(|error| (after, error))?;
        let next = last_of_a_full(&page);
        chunk = written(b',', page).map_err(|error| (after, error))?;
        memory.make_room_for(&chunk).map_err(|error| (after, error))?;
        let Some(next) = next else {
            chunk.push(b']');
            let _ = sender.send_data(chunk.into()).await; // a client that has left misses nothing
            break;
        };
        after = next;
    }
    Ok(())
}

/// The order_id after which there may be more.
fn last_of_a_full(page: &[Order]) -> Option<i32> {
    page.last().filter(|_| page.len() >= MOST_LIMIT.unsigned_abs() as usize).map(|order| order.order_id)
}

/// The page as a part of an array, behind the bracket or the comma. The page is in memory no more.
fn written(mut before: u8, page: Vec<Order>) -> Result<Vec<u8>, Error> {
    let mut chunk = Vec::new();
    for order in page {
        chunk.push(before);
        before = b',';
        serde_json::to_writer(&mut chunk, &order).map_err(|error| Error::Internal(error.into()))?;
    }
    Ok(chunk)
}

/// The memory of a list on its way.
struct Pages {
    app: Arc<App>,
    bytes: u32,
    reserved: Option<Reserved>,
}

impl Pages {
    /// There are three pages at most: one that the client takes, one that waits for that, and one that is read.
    fn make_room_for(&mut self, chunk: &[u8]) -> Result<(), Error> {
        let needed = u32::try_from(chunk.len().saturating_mul(3)).unwrap_or(u32::MAX);
        let missing = needed.saturating_sub(self.bytes);
        if missing > 0 {
            let more = self.app.memory.reserve(missing)?;
            match &mut self.reserved {
                Some(reserved) => reserved.merge(more),
                reserved => *reserved = Some(more),
            }
            self.bytes = needed;
        }
        Ok(())
    }
}
