//! The endpoints for orders: first the article's, then the same as an HTTP API is written today.

use std::sync::Arc;

use hyper::{Body, Response, StatusCode, header::LOCATION};

use mysql_async::Conn;

use super::{Draft, Order, bulk, list, store, tax};
use crate::{
    App,
    config::Config,
    error::Error,
    events::outbox::Outbox,
    fields::integer_schema,
    idempotency,
    operation::{Header, Shape, query},
    request::Request,
    response,
    routes::Route,
};

/// The endpoints of this module.
pub const ROUTES: &[Route] = &[
    // The article's. Two of them change data on GET, because people know them so; do not copy that.
    Route::get_that_writes("/init", "empties the table, or creates it", |app, _| Box::pin(init(app)))
        .gives(200, Shape::Done)
        .when(|config| config.allow_init),
    Route::post("/create_order", "inserts an order", |app, request| Box::pin(create_one(app, request)))
        .parameters(idempotency::PARAMETERS)
        .takes(DRAFT)
        .gives(200, Shape::Done)
        .headers(&[idempotency::REPLAYED])
        .refuses(&[409])
        .refuses_when(asks_for_taxes, ASKING),
    Route::post("/create_orders", "inserts an array of orders, all or none", |app, request| {
        Box::pin(bulk::create_all(app, request))
    })
    .parameters(idempotency::PARAMETERS)
    .takes(DRAFTS)
    .gives(200, Shape::Done)
    .headers(&[idempotency::REPLAYED])
    .refuses(&[409])
    .refuses_when(asks_for_taxes, ASKING),
    Route::get("/orders", "lists the orders; ?limit= and ?after= give a page", |app, request| {
        Box::pin(list::list(app, request))
    })
    .parameters(list::PARAMETERS)
    .gives(200, ORDERS)
    .headers(&[Header { name: "Link", required: false, meaning: "the next page (RFC 8288), where there is one" }]),
    Route::post("/update_order", "replaces the order with that order_id", |app, request| {
        Box::pin(update(app, request))
    })
    .parameters(idempotency::PARAMETERS)
    .takes(DRAFT)
    .gives(200, Shape::Done)
    .headers(&[idempotency::REPLAYED])
    .refuses(&[404, 409])
    .refuses_when(asks_for_taxes, ASKING),
    Route::get_that_writes("/delete_order", "deletes the order ?id=", |app, request| {
        Box::pin(delete_by_query(app, request))
    })
    .parameters(&[query("id", true, integer_schema, "the order_id")])
    .gives(200, Shape::Done)
    .refuses(&[404]),
    // Today's.
    Route::post("/orders", "creates an order", |app, request| Box::pin(create(app, request)))
        .parameters(idempotency::PARAMETERS)
        .takes(DRAFT)
        .gives(201, ORDER)
        .identified_by("order_id")
        .headers(&[Header { name: "Location", required: true, meaning: "the new order's path" }, idempotency::REPLAYED])
        .refuses(&[409])
        .refuses_when(asks_for_taxes, ASKING),
    Route::get("/orders/{id}", "gives one order", |app, request| Box::pin(get(app, request)))
        .gives(200, ORDER)
        .refuses(&[404]),
    Route::put("/orders/{id}", "replaces it", |app, request| Box::pin(replace(app, request)))
        .takes(DRAFT)
        .gives(200, ORDER)
        .refuses(&[404, 409])
        .refuses_when(asks_for_taxes, ASKING),
    Route::delete("/orders/{id}", "deletes it", |app, request| Box::pin(delete(app, request)))
        .gives(204, Shape::Nothing)
        .refuses(&[404]),
];

/// What goes wrong besides where another service is asked.
const ASKING: &[u16] = &[502, 504];

fn asks_for_taxes(config: &Config) -> bool {
    config.tax_service_url.is_some()
}

const ORDER: Shape = Shape::One(Order::ENTITY);
const ORDERS: Shape = Shape::Many(Order::ENTITY);
const DRAFT: Shape = Shape::One(Draft::ENTITY);
const DRAFTS: Shape = Shape::Many(Draft::ENTITY);

async fn init(app: Arc<App>) -> Result<Response<Body>, Error> {
    store::empty(&app.db, &app.outbox).await?;
    Ok(response::done())
}

async fn create_one(app: Arc<App>, request: Request) -> Result<Response<Body>, Error> {
    once(app, request, async |conn, outbox, order| {
        store::insert(conn, outbox, order).await?;
        Ok(response::done())
    })
    .await
}

/// Does the work of a POST with the order in its body, whose tax is asked for before if it lacks one. A request that has
/// been answered already asks for nothing.
async fn once(
    app: Arc<App>,
    mut request: Request,
    work: impl AsyncFn(&mut Conn, &Outbox, &Order) -> Result<Response<Body>, Error>,
) -> Result<Response<Body>, Error> {
    let body = request.body().await?;
    let draft = Draft::from_json(&body, app.config.tax_service_url.is_none())?;
    if draft.lacks_tax {
        if let Some(answer) = idempotency::first_answer(&app, &request, &body).await? {
            return Ok(answer);
        }
    }
    let order = tax::complete(&app, draft, &request.context()).await?;
    idempotency::once(&app, &request, &body, async |conn| work(conn, &app.outbox, &order).await).await
}

async fn update(app: Arc<App>, request: Request) -> Result<Response<Body>, Error> {
    once(app, request, async |conn, outbox, order| {
        found(store::replace(conn, outbox, order).await?, order.order_id)?;
        Ok(response::done())
    })
    .await
}

async fn delete_by_query(app: Arc<App>, request: Request) -> Result<Response<Body>, Error> {
    let id = request.query(&["id"])?.integer("id")?;
    let id = id.ok_or_else(|| Error::parameter("id", "is missing: /delete_order?id=2"))?;
    found(app.outbox.change(&app.db, async |conn| store::delete(conn, &app.outbox, id).await).await?, id)?;
    Ok(response::done())
}

async fn create(app: Arc<App>, request: Request) -> Result<Response<Body>, Error> {
    once(app, request, async |conn, outbox, order| {
        store::insert(conn, outbox, order).await?;
        let mut response = response::json(order)?;
        *response.status_mut() = StatusCode::CREATED;
        response.headers_mut().insert(LOCATION, response::header(&format!("/orders/{}", order.order_id))?);
        Ok(response)
    })
    .await
}

async fn get(app: Arc<App>, request: Request) -> Result<Response<Body>, Error> {
    let id = request.path_integer("id")?;
    match store::get(&app.db, id).await? {
        Some(order) => response::json(&order),
        None => Err(not_found(id)),
    }
}

async fn replace(app: Arc<App>, mut request: Request) -> Result<Response<Body>, Error> {
    let id = request.path_integer("id")?;
    let draft = Draft::from_json(&request.body().await?, app.config.tax_service_url.is_none())?;
    if draft.order.order_id != id {
        // RFC 9110, section 9.3.4: what contradicts the resource that is named is a conflict.
        return Err(Error::Conflict(format!("order_id must be {id}, as in the path")));
    }
    let order = tax::complete(&app, draft, &request.context()).await?;
    found(app.outbox.change(&app.db, async |conn| store::replace(conn, &app.outbox, &order).await).await?, id)?;
    response::json(&order)
}

async fn delete(app: Arc<App>, request: Request) -> Result<Response<Body>, Error> {
    let id = request.path_integer("id")?;
    found(app.outbox.change(&app.db, async |conn| store::delete(conn, &app.outbox, id).await).await?, id)?;
    Ok(response::no_content())
}

fn found(found: bool, id: i32) -> Result<(), Error> {
    if found { Ok(()) } else { Err(not_found(id)) }
}

fn not_found(id: i32) -> Error {
    Error::NotFound(format!("there is no order with order_id {id}"))
}
