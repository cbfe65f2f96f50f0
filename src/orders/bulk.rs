//! An array of orders of any length, inserted while it arrives: all or none, in little memory.

use std::{sync::Arc, time::Duration};

use hyper::{Body, Response};
use tokio::{join, task::yield_now, time::timeout};

use super::{Draft, store, tax};
use crate::{App, array::Array, error::Error, idempotency, request::Request, response};

/// How much of an array is read before a connection to the database is taken: a client that sends less holds none up
/// while it sends.
const READ_AHEAD: usize = 1 << 20;

/// How much of the rest is read while the database is busy with what was read before.
const PIECE: usize = 1 << 17;

/// So many bytes are read at a time; after that others have their turn.
const PART: usize = 1 << 14;

/// How far the client may lag behind, and how long the rest of it may take, because a connection is held up for it.
const PATIENCE: Duration = Duration::from_secs(3);
const MOST_TIME: Duration = Duration::from_secs(60);

/// `POST /create_orders`.
///
/// # Errors
/// As [`Array`] and [`store::insert_all`].
pub async fn create_all(app: Arc<App>, mut request: Request) -> Result<Response<Body>, Error> {
    let requires_tax = app.config.tax_service_url.is_none();
    if idempotency::is_asked_for(&request) {
        let body = request.body().await?;
        let drafts = read_all(&body, requires_tax).await?;
        if drafts.iter().any(|draft| draft.lacks_tax) {
            if let Some(answer) = idempotency::first_answer(&app, &request, &body).await? {
                return Ok(answer);
            }
        }
        let orders = tax::complete_all(&app, drafts, &request.context()).await?;
        return idempotency::once(&app, &request, &body, async |conn| {
            store::insert_all(conn, &app.outbox, &orders).await?;
            Ok(response::done())
        })
        .await;
    }
    let mut array = Draft::array(requires_tax);
    if read_on(&mut array, &mut request, READ_AHEAD).await? {
        let orders = tax::complete_all(&app, array.take(), &request.context()).await?;
        app.outbox.change_together(&app.db, async |conn| store::insert_all(conn, &app.outbox, &orders).await).await?;
        return Ok(response::done());
    }
    while array.has_faults() {
        request.forget();
        read_on(&mut array, &mut request, PIECE).await?; // to the end, where they are told
    }
    // Nobody else is waited for while a connection is held up.
    let mut count = 0_usize;
    let mut complete = |drafts: Vec<Draft>| {
        let before = count;
        count = count.saturating_add(drafts.len());
        tax::complete_already(drafts, before)
    };
    let mut orders = complete(array.take())?;
    request.hurry(PATIENCE);
    let rest = async {
        let mut inserting = store::Inserting::begin(&app.db, &app.outbox).await?;
        loop {
            request.forget();
            // The next ones are read while the database is busy with these.
            let (inserted, read) = join!(inserting.add(orders), read_on(&mut array, &mut request, PIECE));
            inserted?;
            let is_end = read?;
            orders = complete(array.take())?;
            if is_end {
                break;
            }
        }
        inserting.add(orders).await?;
        Ok(inserting)
    };
    let inserting = timeout(MOST_TIME, rest).await;
    inserting.unwrap_or(Err(Error::RequestTimeout("the orders took too long to arrive")))?.commit().await?;
    Ok(response::done())
}

/// Reads an array that is in memory already.
///
/// # Errors
/// As [`Array`].
pub async fn read_all(json: &[u8], requires_tax: bool) -> Result<Vec<Draft>, Error> {
    let mut array = Draft::array(requires_tax);
    for part in json.chunks(PART) {
        array.push(part)?;
        yield_now().await;
    }
    array.finish()?;
    Ok(array.take())
}

/// Reads so many bytes or more of the body, and says whether that was the end of it, and all of it valid.
async fn read_on(array: &mut Array<Draft>, request: &mut Request, bytes: usize) -> Result<bool, Error> {
    let mut left = bytes;
    while left > 0 {
        let Some(chunk) = request.chunk().await? else {
            array.finish()?;
            return Ok(true);
        };
        left = left.saturating_sub(chunk.len());
        for part in chunk.chunks(PART) {
            array.push(part)?;
            yield_now().await;
        }
    }
    Ok(false)
}
