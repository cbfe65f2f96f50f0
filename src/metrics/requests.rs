//! Requests by method, route and status. Clients cannot make them more than there are routes, methods and statuses: what
//! they send is no label, but what it was found to be.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper::{Method, StatusCode};

use super::{
    histogram::{Gauge, Histogram},
    text::Text,
};

const DURATION: &str = "http_server_request_duration_seconds";

/// What a method is called that HTTP does not have (OpenTelemetry's semantic conventions).
const OTHER: &str = "_OTHER";

/// Those that have been answered, and those that have not.
#[derive(Default)]
pub struct Requests {
    answered: Mutex<BTreeMap<Kind, Histogram>>,
    /// Those that are being answered.
    pub active: Gauge,
    /// The connections that they come on.
    pub connections: Gauge,
}

/// The status first, because it tells most of them apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    status: u16,
    route: &'static str,
    method: &'static str,
}

impl Requests {
    /// One more was answered. `route` is the path as the table has it; none where no route was found. `method` is none
    /// where what came was no request.
    pub fn observe(
        &self,
        method: Option<&Method>,
        route: Option<&'static str>,
        status: StatusCode,
        duration: Duration,
    ) {
        let kind =
            Kind { status: status.as_u16(), route: route.unwrap_or_default(), method: method.map_or(OTHER, known) };
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.entry(kind).or_default().observe(duration);
    }

    /// Writes them down.
    pub fn write(&self, text: &mut Text) {
        text.family(
            DURATION,
            "histogram",
            "From a request's head to its answer's head; the rest of a body comes later.",
        );
        for (kind, histogram) in self.answered.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let status = kind.status.to_string();
            let labels = [
                ("http_request_method", kind.method),
                ("http_route", kind.route),
                ("http_response_status_code", status.as_str()),
            ];
            text.histogram(DURATION, &labels, histogram);
        }
        text.single("http_server_active_requests", "gauge", "Requests that are being answered.", self.active.get());
        text.single("http_server_open_connections", "gauge", "Clients' connections.", self.connections.get());
    }
}

fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => OTHER,
    }
}
