//! The tax of an order that came without one: asked of the service at `TAX_SERVICE_URL`, before the database is.
//!
//! `POST {"shipping_address": "…", "amount": 24.9}` is answered with `{"tax": 4.73}` and status 200. It changes nothing
//! there, so it may be sent again.

use std::sync::Arc;

use anyhow::anyhow;
use hyper::{
    HeaderMap, Method, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
};
use reqwest::Url;
use serde::Serialize;
use tokio::{task::JoinSet, time::Instant};

use super::{Draft, Order};
use crate::{
    App,
    error::{Error, Fault, Upstream},
    fields,
    http_client::{Answer, Call, CallError, Context},
    money::Money,
};

/// How the client knows it.
const SERVICE: &str = "the tax service";

/// So many of an array's orders are asked about at the same time.
const AT_ONCE: usize = 8;

/// How often it is asked for one order.
const TRIES: u32 = 3;

/// Completes one order.
///
/// # Errors
/// [`Error::Upstream`] when the tax service does not say what the tax is.
pub async fn complete(app: &App, draft: Draft, context: &Context) -> Result<Order, Error> {
    let mut order = draft.order;
    if draft.lacks_tax {
        order.tax = ask(app, &order, context, app.http.deadline()).await?;
    }
    Ok(order)
}

/// Completes the orders of an array, all or none, within the time of one call.
///
/// # Errors
/// As [`complete`], with the element's JSON Pointer.
pub async fn complete_all(app: &Arc<App>, drafts: Vec<Draft>, context: &Context) -> Result<Vec<Order>, Error> {
    let deadline = app.http.deadline();
    let lacking: Vec<usize> = (0..).zip(&drafts).filter(|(_, draft)| draft.lacks_tax).map(|(place, _)| place).collect();
    let mut orders: Vec<Order> = drafts.into_iter().map(|draft| draft.order).collect();
    let mut lacking = lacking.into_iter();
    let mut asking = JoinSet::new(); // dropped, it asks no more
    loop {
        while asking.len() < AT_ONCE {
            let Some(place) = lacking.next() else { break };
            let Some(order) = orders.get(place).cloned() else { break };
            let (app, context) = (app.clone(), context.clone());
            asking.spawn(async move { (place, ask(&app, &order, &context, deadline).await) });
        }
        let Some(asked) = asking.join_next().await else { return Ok(orders) };
        let (place, tax) = asked.map_err(|error| Error::Internal(error.into()))?;
        let tax = tax.map_err(|error| at(place, error))?;
        if let Some(order) = orders.get_mut(place) {
            order.tax = tax;
        }
    }
}

/// Takes the orders of an array that is too long to be completed; `before` are those that came before them.
///
/// # Errors
/// [`Error::Invalid`] if one lacks its tax.
pub fn complete_already(drafts: Vec<Draft>, before: usize) -> Result<Vec<Order>, Error> {
    let lacking = (before..).zip(&drafts).filter(|(_, draft)| draft.lacks_tax);
    let detail = "is missing; in an array of this length each tax has to be given";
    let faults: Vec<Fault> =
        lacking.map(|(place, _)| Fault::at(pointer(place), detail)).take(fields::MOST_FAULTS).collect();
    if faults.is_empty() {
        Ok(drafts.into_iter().map(|draft| draft.order).collect())
    } else {
        Err(Error::Invalid(faults))
    }
}

async fn ask(app: &App, order: &Order, context: &Context, deadline: Instant) -> Result<Money, Error> {
    #[derive(Serialize)]
    struct Question<'a> {
        shipping_address: &'a str,
        amount: Money,
    }

    let Some(url) = &app.config.tax_service_url else {
        return Err(Error::Internal(anyhow!("an order lacks its tax, and TAX_SERVICE_URL is not set")));
    };
    let question = Question { shipping_address: &order.shipping_address, amount: order.amount };
    let body = serde_json::to_vec(&question).map_err(|error| Error::Internal(error.into()))?;
    let answer = app.http.call_by(deadline, call(url, body), context).await;
    read(&answer.map_err(|error| error.about(SERVICE))?)
}

fn call(url: &Url, body: Vec<u8>) -> Call {
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, json.clone()), (ACCEPT, json)]);
    let (method, url, body) = (Method::POST, url.clone(), body.into());
    Call { method, url, headers, body, tries: TRIES, follows_redirects: false, shows_path: true }
}

/// The tax that `answer` names, as strictly as a client's. What else it says does not matter.
fn read(answer: &Answer) -> Result<Money, Error> {
    let nonsense = |problem: String| CallError::Nonsense(anyhow!(problem)).about(SERVICE);
    if answer.status != StatusCode::OK {
        return Err(answer.refused_by(SERVICE));
    }
    let tax = fields::document(&answer.body).and_then(|value| {
        fields::one(value, |fields| {
            let tax = fields.money("tax");
            fields.ignore_the_rest();
            tax
        })
    });
    tax.map_err(|error| match error {
        Error::Invalid(faults) => {
            let faults: Vec<String> = faults.iter().map(|fault| format!("tax {}", fault.detail)).collect();
            nonsense(faults.join(", "))
        }
        error => nonsense(error.to_string()),
    })
}

/// `error` as that of the element at `place`.
fn at(place: usize, error: Error) -> Error {
    match error {
        Error::Upstream(upstream) => {
            let fault = Some(Fault::at(pointer(place), "is missing, and the tax service did not say it"));
            Error::Upstream(Upstream { fault, ..upstream })
        }
        error => error,
    }
}

fn pointer(place: usize) -> String {
    format!("/{place}/tax")
}
