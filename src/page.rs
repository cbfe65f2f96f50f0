//! The page: what `GET /` gives to a browser. It is one file, `page.html`, that knows no entity: all that it shows it
//! reads from `/openapi.json`. Its policy lets it run its own script and style, ask this service, and nothing else.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{
    Body, Response,
    header::{
        ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, VARY,
    },
};
use sha2::{Digest, Sha256};

use crate::{error::Error, response};

const PAGE: &str = include_str!("page.html");

/// Besides its hashes (CSP, level 3). The icon stands in the page itself.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// Whether a request with these headers prefers the page to plain text (RFC 9110, section 12.5.1). Where both are as
/// welcome, as to curl's `*/*`, it is text, unless `text/html` is named.
pub fn is_asked_for(headers: &HeaderMap) -> bool {
    let (page, is_named) = quality(headers, "text/html");
    let (text, _) = quality(headers, "text/plain");
    page > text || (page == text && page > 0.0 && is_named)
}

/// The page.
///
/// # Errors
/// [`Error::Internal`] if its policy cannot stand in a header.
pub fn show() -> Result<Response<Body>, Error> {
    static FULL_POLICY: LazyLock<String> = LazyLock::new(|| {
        let [style, script] = ["style", "script"].map(hash);
        format!("{POLICY}; style-src '{style}'; script-src '{script}'")
    });
    let mut response = response::with_type("text/html; charset=utf-8", PAGE);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, response::header(&FULL_POLICY)?);
    for (name, value) in [
        (VARY, "accept"),
        (CACHE_CONTROL, "no-cache"), // it belongs to this very version of the service
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// What a policy calls the page's inline block of this tag.
fn hash(tag: &str) -> String {
    let block = PAGE.split_once(&format!("<{tag}>")).and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")));
    let (block, _) = block.unwrap_or_default();
    format!("sha256-{}", STANDARD.encode(Sha256::digest(block)))
}

/// How welcome a media type is, from 0 to 1: as the most specific range says that matches it; and whether that is its
/// own name. A weight that is none counts as 0.
fn quality(headers: &HeaderMap, media_type: &str) -> (f32, bool) {
    let ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
    let matching = ranges.filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let precision = match parts.next().unwrap_or_default() {
            "*/*" => 1,
            "text/*" => 2,
            name if name.eq_ignore_ascii_case(media_type) => 3,
            _ => return None,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        Some((precision, if (0.0..=1.0).contains(&weight) { weight } else { 0.0 }))
    });
    matching
        .max_by_key(|(precision, _)| *precision)
        .map_or((0.0, false), |(precision, weight)| (weight, precision == 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_the_page_and_programs_the_text() {
        let table = [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", true),
            ("text/html", true),
            ("TEXT/HTML; charset=utf-8; Q=0.5", true),
            ("text/html, text/plain", true),
            ("text/plain;q=0.5, text/html;q=0.6", true),
            ("text/plain;q=0, */*", true),
            ("*/*;q=0.1,text/html;level=1;q=0.2", true),
            ("*/*", false),
            ("text/*", false),
            ("", false),
            ("application/json", false),
            ("application/json, */*;q=0.1", false),
            ("text/html;q=0", false),
            ("text/html;q=0, */*", false),
            ("text/html;q=0.5, text/plain", false),
            ("text/html;q=nan", false),
            ("text/html;q=2", false),
            ("text/htmlx", false),
            (", ;;q=1,,", false),
        ];

        for (accept, expected) in table {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(is_asked_for(&headers), expected, "{accept}");
        }
        assert!(!is_asked_for(&HeaderMap::new()));
    }

    #[test]
    fn the_page_has_the_blocks_that_its_policy_names() {
        for tag in ["style", "script"] {
            assert_eq!(PAGE.matches(&format!("<{tag}")).count(), 1, "{tag}");
            assert_ne!(hash(tag), format!("sha256-{}", STANDARD.encode(Sha256::digest(""))), "{tag}");
        }
    }
}
