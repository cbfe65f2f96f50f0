//! The `Idempotency-Key` header (IETF draft `idempotency-key-header`): a client that does not know whether its POST was
//! done sends it again with the same key, and it is done once. The first answer is kept for a day, in the transaction of
//! the change itself: so the two are there together or not at all, and any instance can give it again.
//!
//! An answer that is given again says what was true then: the row may be gone since.
//!
//! Only success is kept. A request that was refused has changed nothing and may be sent again, mended, with its key.

use hyper::{
    Body, Response, StatusCode, body,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION},
};
use mysql_async::{Conn, Row, from_row_opt, prelude::Queryable};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    App,
    db::DUPLICATE_KEY,
    error::{Error, Fault, Place},
    migrations::Migration,
    operation::{self, Header, Parameter},
    purge::Purge,
    request::Request,
};

/// The steps of the table.
pub const MIGRATIONS: &[Migration] =
    &[Migration { name: "0002_idempotency_keys", sql: include_str!("../sql/0002_idempotency_keys.sql") }];

const FIND: &str = "SELECT fingerprint, status, content_type, location, body, created_at < NOW() - INTERVAL 24 HOUR
    FROM idempotency_keys WHERE idempotency_key = ? FOR UPDATE NOWAIT";
const FORGET: &str = "DELETE FROM idempotency_keys WHERE idempotency_key = ?";
const CLAIM: &str = "INSERT INTO idempotency_keys (idempotency_key, fingerprint) VALUES (?, ?)";
const KEEP: &str = "UPDATE idempotency_keys
    SET status = ?, content_type = ?, location = ?, body = ? WHERE idempotency_key = ?";

/// Deletes the old ones.
pub const PURGE: Purge = Purge {
    what: "idempotency keys",
    statement: "DELETE FROM idempotency_keys WHERE created_at < NOW() - INTERVAL 24 HOUR LIMIT ?",
};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What a POST that is done once takes besides its body.
pub const PARAMETERS: &[Parameter] = &[Parameter {
    name: "Idempotency-Key",
    place: operation::Place::Header,
    required: false,
    schema: || json!({ "type": "string", "pattern": "^[!-~]{1,255}$" }),
    meaning: "the same for each try of the same request, which is then done once",
}];

/// What it says when it gives its first answer again.
pub const REPLAYED: Header =
    Header { name: "Idempotent-Replayed", required: false, meaning: "true: this is the first answer, again" };

/// Whether this request is to be done once.
pub fn is_asked_for(request: &Request) -> bool {
    request.head.headers.contains_key(KEY)
}

/// Does the work of a POST on a connection: in a transaction and at most once a day for the key that `request` carries,
/// or just so if it carries none.
///
/// # Errors
/// [`Error::BadRequest`] for a key that is none, [`Error::Invalid`] if it was used for another request,
/// [`Error::Conflict`] while the first one is still running; otherwise the work's own.
pub async fn once(
    app: &App,
    request: &Request,
    body: &[u8],
    work: impl AsyncFnOnce(&mut Conn) -> Result<Response<Body>, Error> + Clone,
) -> Result<Response<Body>, Error> {
    let Some(key) = key(request)? else { return app.outbox.change(&app.db, work).await };
    let fingerprint = fingerprint(request, body);
    app.outbox
        .change_together(&app.db, async |conn| {
            if let Some(answer) = find(conn, key, &fingerprint).await? {
                return Ok(answer);
            }
            conn.exec_drop(CLAIM, (key, &fingerprint)).await.map_err(still_running)?;
            let answer = work(conn).await?;
            keep(conn, key, answer).await
        })
        .await
}

/// The answer that a request with a key has got already, if there is one: for those who have something to do before
/// [`once`] that need not be done again.
///
/// # Errors
/// As [`once`].
pub async fn first_answer(app: &App, request: &Request, body: &[u8]) -> Result<Option<Response<Body>>, Error> {
    let Some(key) = key(request)? else { return Ok(None) };
    let fingerprint = fingerprint(request, body);
    app.db.run(async |conn| find(conn, key, &fingerprint).await).await
}

fn key(request: &Request) -> Result<Option<&str>, Error> {
    let mut given = request.head.headers.get_all(KEY).iter();
    let Some(value) = given.next() else { return Ok(None) };
    match value.to_str() {
        _ if given.next().is_some() => Err(Error::parameter("Idempotency-Key", "is given more than once")),
        Ok(key) if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(key)),
        _ => Err(Error::parameter("Idempotency-Key", "must be 1 to 255 visible ASCII characters")),
    }
}

/// By which the same request is known again.
fn fingerprint(request: &Request, body: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(request.head.method.as_str());
    hash.update(" ");
    hash.update(request.head.uri.path());
    hash.update("\n");
    // One client's answer is not another's.
    hash.update(request.head.headers.get(AUTHORIZATION).map_or(&[][..], |value| value.as_bytes()));
    hash.update("\n");
    hash.update(body);
    hash.finalize().to_vec()
}

/// The answer that is kept under `key`, if there is one.
async fn find(conn: &mut Conn, key: &str, fingerprint: &[u8]) -> Result<Option<Response<Body>>, Error> {
    type Columns = (Vec<u8>, Option<u16>, Option<String>, Option<String>, Option<Vec<u8>>, bool);

    let row: Option<Row> = conn.exec_first(FIND, (key,)).await.map_err(still_running)?;
    let Some(row) = row else { return Ok(None) };
    let unreadable = |_| Error::Internal(anyhow::anyhow!("a row of the table idempotency_keys does not read"));
    let (first, status, content_type, location, body, is_old) = from_row_opt::<Columns>(row).map_err(unreadable)?;
    if is_old {
        conn.exec_drop(FORGET, (key,)).await?;
        return Ok(None);
    }
    if first != fingerprint {
        let place = Place::Parameter("Idempotency-Key".to_string());
        return Err(Error::Invalid(vec![Fault { place, detail: "was used for another request".to_string() }]));
    }
    let mut answer = Response::new(Body::from(body.unwrap_or_default()));
    *answer.status_mut() = status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or_default();
    let headers = answer.headers_mut();
    headers.insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
    for (name, value) in [(CONTENT_TYPE, content_type), (LOCATION, location)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    Ok(Some(answer))
}

/// Keeps what of `answer` makes it the same when it is given again.
async fn keep(conn: &mut Conn, key: &str, answer: Response<Body>) -> Result<Response<Body>, Error> {
    let (head, body) = answer.into_parts();
    let body = body::to_bytes(body).await.map_err(|error| Error::Internal(error.into()))?;
    let header = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let params = (head.status.as_u16(), header(CONTENT_TYPE), header(LOCATION), body.as_ref(), key);
    conn.exec_drop(KEEP, params).await?;
    Ok(Response::from_parts(head, Body::from(body)))
}

fn still_running(error: mysql_async::Error) -> Error {
    match error {
        // It has ended just now: trying again finds its answer.
        mysql_async::Error::Server(server) if server.code == DUPLICATE_KEY => Error::Locked(anyhow::anyhow!(server)),
        error => match Error::from(error) {
            Error::Locked(_) => Error::Conflict("the first request with this Idempotency-Key is still running".into()),
            error => error,
        },
    }
}
