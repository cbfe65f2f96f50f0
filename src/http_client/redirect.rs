//! Where an answer points to (RFC 9110, section 15.4).

use anyhow::anyhow;
use hyper::{
    Method,
    body::Bytes,
    header::{
        AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, COOKIE, LOCATION,
        PROXY_AUTHORIZATION,
    },
};

use super::{Answer, Call, CallError, authority};

/// So many are followed for one call.
pub const MOST: usize = 5;

/// The call that follows from `answer`; `None` if it points nowhere else, or is not to be followed. Whether that host
/// may be called is not looked at.
///
/// # Errors
/// [`CallError::Nonsense`] when it leads nowhere, or from HTTPS to HTTP.
pub fn next(call: &Call, answer: &Answer) -> Result<Option<Call>, CallError> {
    let keeps_method = match answer.status.as_u16() {
        // A POST becomes a GET, as browsers have always done.
        301 | 302 => call.method != Method::POST,
        303 => call.method == Method::HEAD,
        307 | 308 => true,
        _ => return Ok(None),
    };
    let Some(location) = answer.headers.get(LOCATION).filter(|_| call.follows_redirects) else { return Ok(None) };
    let nonsense = |what: &str| CallError::Nonsense(anyhow!("a redirect {what}"));
    let location = location.to_str().map_err(|_| nonsense("to what is no URL"))?;
    let url = call.url.join(location).map_err(|_| nonsense("to what is no URL"))?;
    if call.url.scheme() == "https" && url.scheme() != "https" {
        return Err(nonsense("from https to something else"));
    }

    let mut next = call.clone();
    if !keeps_method {
        next.method = Method::GET;
        next.body = Bytes::new();
        for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION] {
            next.headers.remove(name);
        }
    }
    if (url.scheme(), authority(&url)) != (call.url.scheme(), authority(&call.url)) {
        // Meant for one host and no other.
        for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
            next.headers.remove(name);
        }
    }
    next.url = url;
    Ok(Some(next))
}

#[cfg(test)]
mod tests {
    use hyper::{HeaderMap, StatusCode, header::HeaderValue};
    use reqwest::Url;

    use super::*;

    fn redirected(method: Method, from: &str, status: u16, to: &str) -> Result<Option<Call>, CallError> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        let url = Url::parse(from).unwrap();
        let call =
            Call { method, url, headers, body: "body".into(), tries: 1, follows_redirects: true, shows_path: true };
        let headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_str(to).unwrap())]);
        next(&call, &Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: Bytes::new() })
    }

    #[test]
    fn method_and_body_are_kept_as_the_status_says() {
        let table = [
            (Method::POST, 301, Method::GET),
            (Method::POST, 302, Method::GET),
            (Method::PUT, 302, Method::PUT),
            (Method::PUT, 303, Method::GET),
            (Method::HEAD, 303, Method::HEAD),
            (Method::POST, 307, Method::POST),
            (Method::POST, 308, Method::POST),
        ];

        for (method, status, becomes) in table {
            let next = redirected(method, "http://a/x", status, "/y").unwrap().unwrap();
            assert_eq!((&next.method, next.url.as_str()), (&becomes, "http://a/y"), "{status}");
            let is_kept = becomes != Method::GET;
            assert_eq!((!next.body.is_empty(), next.headers.contains_key(CONTENT_TYPE)), (is_kept, is_kept));
            assert!(next.headers.contains_key(AUTHORIZATION));
        }
        assert!(redirected(Method::GET, "http://a/", 304, "/y").unwrap().is_none());
    }

    #[test]
    fn a_token_goes_to_no_other_host_and_nothing_goes_from_https_to_http() {
        for to in ["http://b/", "http://a:81/", "https://a/", "//b/"] {
            let next = redirected(Method::GET, "http://a/", 302, to).unwrap().unwrap();
            assert!(!next.headers.contains_key(AUTHORIZATION), "{to}");
        }
        assert!(redirected(Method::GET, "https://a/", 302, "http://a/").is_err());
        assert!(redirected(Method::GET, "http://a/", 302, "http://[").is_err());
    }
}
