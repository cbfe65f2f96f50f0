//! The router: from a method and a path to a handler. 404, 405 with `Allow`, `OPTIONS` and `HEAD` come from the same
//! table. It takes a request and gives an answer, and does not know who listens.

use std::{borrow::Cow, collections::HashSet, future::Future, pin::Pin, sync::Arc};

use hyper::{Body, Method, Response, header::HeaderMap};
use percent_encoding::percent_decode_str;

use crate::{
    App,
    config::Config,
    error::Error,
    operation::{Header, Operation, Parameter, Shape},
    request::Request,
    response,
};

/// What a handler's call gives.
pub type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

/// A handler: everything it can reach, and the request.
pub type Handler = fn(Arc<App>, Request) -> Answer;

/// One endpoint.
pub struct Route {
    /// The method that it answers.
    pub method: Method,
    /// Its path; a segment in braces stands for any one segment and is a path parameter.
    pub path: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    handler: Handler,
    answers_head: bool,
    /// Whether it asks for no token.
    pub is_open: bool,
    is_open_to: fn(&HeaderMap) -> bool,
    /// What it takes and gives.
    pub operation: Operation,
    condition: fn(&Config) -> bool,
}

impl Route {
    /// Reads; `HEAD` is answered too.
    pub const fn get(path: &'static str, summary: &'static str, handler: Handler) -> Route {
        Route::new(Method::GET, path, summary, handler, true)
    }

    /// A `GET` that changes data. Do not copy: caches, crawlers and prefetching browsers call a GET unasked.
    /// It is for URLs that people know already; at least `HEAD` does not set it off, nor does a page of another site (403).
    pub const fn get_that_writes(path: &'static str, summary: &'static str, handler: Handler) -> Route {
        Route::new(Method::GET, path, summary, handler, false)
    }

    /// Creates, or does what no other method says.
    pub const fn post(path: &'static str, summary: &'static str, handler: Handler) -> Route {
        Route::new(Method::POST, path, summary, handler, false)
    }

    /// Replaces.
    pub const fn put(path: &'static str, summary: &'static str, handler: Handler) -> Route {
        Route::new(Method::PUT, path, summary, handler, false)
    }

    /// Deletes.
    pub const fn delete(path: &'static str, summary: &'static str, handler: Handler) -> Route {
        Route::new(Method::DELETE, path, summary, handler, false)
    }

    /// Answers `OPTIONS` itself, a browser's preflight too.
    pub const fn options(path: &'static str, summary: &'static str, handler: Handler) -> Route {
        Route::new(Method::OPTIONS, path, summary, handler, false)
    }

    const fn new(
        method: Method,
        path: &'static str,
        summary: &'static str,
        handler: Handler,
        answers_head: bool,
    ) -> Route {
        Route {
            method,
            path,
            summary,
            handler,
            answers_head,
            is_open: false,
            is_open_to: |_| false,
            operation: Operation::new(),
            condition: |_| true,
        }
    }

    /// Asks for no token, whatever `API_TOKENS` says.
    pub const fn open(mut self) -> Route {
        self.is_open = true;
        self
    }

    /// Asks for no token where the request's headers say that `condition` holds.
    pub const fn open_to(mut self, condition: fn(&HeaderMap) -> bool) -> Route {
        self.is_open_to = condition;
        self
    }

    /// The value of a created row's key: the answer's member `key` is what the braces of `PATH/{…}` stand for. It is
    /// described as a link (OpenAPI), so that programs find a row without knowing the entity.
    pub const fn identified_by(mut self, key: &'static str) -> Route {
        self.operation.key = Some(key);
        self
    }

    /// Is there only where `condition` holds.
    pub const fn when(mut self, condition: fn(&Config) -> bool) -> Route {
        self.condition = condition;
        self
    }

    /// Takes these parameters besides those in its path.
    pub const fn parameters(mut self, parameters: &'static [Parameter]) -> Route {
        self.operation.parameters = parameters;
        self
    }

    /// Takes a body of this shape.
    pub const fn takes(mut self, shape: Shape) -> Route {
        self.operation.request = shape;
        self
    }

    /// Answers with this status and a body of this shape when all went well; without it, 200 and no body.
    pub const fn gives(mut self, status: u16, shape: Shape) -> Route {
        self.operation.status = status;
        self.operation.response = shape;
        self
    }

    /// Answers otherwise, too, when all went well.
    pub const fn or_gives(mut self, others: &'static [(u16, Shape)]) -> Route {
        self.operation.others = others;
        self
    }

    /// Such an answer carries these headers.
    pub const fn headers(mut self, headers: &'static [Header]) -> Route {
        self.operation.headers = headers;
        self
    }

    /// May answer with these problems, besides those that follow from what it takes.
    pub const fn refuses(mut self, statuses: &'static [u16]) -> Route {
        self.operation.refusals = statuses;
        self
    }

    /// May answer with these problems too, where `condition` holds.
    pub const fn refuses_when(mut self, condition: fn(&Config) -> bool, statuses: &'static [u16]) -> Route {
        self.operation.conditional_refusals = (condition, statuses);
        self
    }

    /// Whether it changes data on a `GET`.
    pub fn is_get_that_writes(&self) -> bool {
        self.method == Method::GET && !self.answers_head
    }

    /// Whether it is there with these settings.
    pub fn is_on(&self, config: &Config) -> bool {
        (self.condition)(config)
    }

    fn answers(&self, method: &Method) -> bool {
        self.method == method || (self.answers_head && method == Method::HEAD)
    }
}

/// Answers one request from `tables`. `path` is set to that of the route, as its table has it, if there is one.
///
/// # Errors
/// [`Error::Unauthorized`], before anything is told about the path, [`Error::NotFound`], [`Error::MethodNotAllowed`],
/// [`Error::Forbidden`], or whatever the handler says.
pub async fn dispatch(
    tables: &[&[Route]],
    app: Arc<App>,
    mut request: Request,
    path: &mut Option<&'static str>,
) -> Result<Response<Body>, Error> {
    let found = find(tables, &app.config, &request.head.method, request.head.uri.path());
    let is_open = match &found {
        Ok(Found::Route(route, _)) => {
            *path = Some(route.path);
            route.is_open || (route.is_open_to)(&request.head.headers)
        }
        // A browser sends its preflight without a token.
        Ok(Found::Preflight(_)) => true,
        Err(_) => false,
    };
    if !is_open {
        app.config.api_tokens.check(&request.head.headers)?;
    }
    match found? {
        Found::Route(route, _) if route.is_get_that_writes() && is_from_another_site(&request.head.headers) => {
            Err(Error::Forbidden("no page of another site may have a browser do this"))
        }
        Found::Route(route, path_params) => {
            request.path_params = path_params;
            (route.handler)(app, request).await
        }
        Found::Preflight(methods) => response::preflight(&methods),
    }
}

/// Browsers say so of a link, an image or a script's request (Fetch Metadata): any page has one, and its visitor need not
/// know. Programs say nothing.
fn is_from_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
}

enum Found<'a> {
    /// A route, and what the braces of its path stand for.
    Route(&'a Route, Vec<(&'static str, String)>),
    /// `OPTIONS` on a path that answers these methods.
    Preflight(String),
}

fn find<'a>(tables: &[&'a [Route]], config: &Config, method: &Method, path: &str) -> Result<Found<'a>, Error> {
    let mut on_this_path = Vec::new();
    let path = segments(path);
    for route in tables.iter().copied().flatten() {
        let Some(path_params) = capture(route.path, &path).filter(|_| route.is_on(config)) else { continue };
        if route.answers(method) {
            return Ok(Found::Route(route, path_params));
        }
        on_this_path.push(route);
    }
    if on_this_path.is_empty() {
        return Err(Error::NotFound("there is no such endpoint; GET / lists them all".to_string()));
    }
    let methods = allowed_methods(&on_this_path);
    if method == Method::OPTIONS { Ok(Found::Preflight(methods)) } else { Err(Error::MethodNotAllowed(methods)) }
}

/// The segments of `path`. `%31` is a `1` (RFC 3986, section 6.2.2.2); bytes that are no text become replacement
/// characters, which no parameter takes.
fn segments(path: &str) -> Vec<Cow<'_, str>> {
    let decode = |segment| percent_decode_str(segment).decode_utf8_lossy();
    path.split('/').map(|segment| if segment.contains('%') { decode(segment) } else { segment.into() }).collect()
}

/// What the braces of `pattern` stand for in the path of these segments, or `None` if the two do not match.
fn capture(pattern: &'static str, path: &[Cow<str>]) -> Option<Vec<(&'static str, String)>> {
    let mut captured = Vec::new();
    let mut segments = path.iter();
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        match expected.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if !segment.is_empty() => captured.push((name, segment.to_string())),
            None if expected == segment => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(captured)
}

fn allowed_methods(routes: &[&Route]) -> String {
    let mut methods = Vec::new();
    for route in routes {
        methods.push(route.method.as_str());
        if route.answers_head {
            methods.push(Method::HEAD.as_str());
        }
    }
    methods.push(Method::OPTIONS.as_str());
    // Two routes may answer on one path: `/things/{id}` and `/things/newest`.
    let mut known = HashSet::new();
    methods.retain(|method| known.insert(*method));
    methods.join(", ")
}

#[cfg(test)]
mod tests {
    fn capture(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
        super::capture(pattern, &super::segments(path))
    }

    #[test]
    fn a_path_matches_segment_by_segment() {
        assert_eq!(capture("/things/{id}", "/things/42"), Some(vec![("id", "42".to_string())]));
        assert_eq!(capture("/things", "/things"), Some(vec![]));
        assert_eq!(capture("/things/{id}", "/%74hings/%34%32"), Some(vec![("id", "42".to_string())]));
        assert_eq!(capture("/things/{id}", "/things/a%2Fb%zz%ff"), Some(vec![("id", "a/b%zz\u{fffd}".to_string())]));
        assert_eq!(capture("/things/{id}", "/things/"), None);
        for path in ["/things/42", "/thing", "/things/", "things", "", "/"] {
            assert_eq!(capture("/things", path), None, "{path}");
        }
    }
}
