//! `GET /` is the page to a browser and text to everybody else. The page may run its own script and style, ask this
//! service, and nothing else. What it does is tested in tests/page, by a browser.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::support::{Reply, TestApp};

const PAGE: &str = include_str!("../../src/page.html");
const CHROMIUM: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
    application/signed-exchange;v=b3;q=0.7";
const FIREFOX: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn get(app: &TestApp, accept: &str) -> Reply {
    app.send("GET", "/", &[("Accept", accept)], "")
}

#[test]
fn browsers_get_the_page_and_programs_the_text() {
    let app = TestApp::start();
    let table = [
        (CHROMIUM, true),
        (FIREFOX, true),
        ("text/html", true),
        ("text/html, text/plain;q=0.9", true),
        ("*/*", false),
        ("text/plain, text/html;q=0.9", false),
        ("text/html;q=0", false),
        ("text/html;q=0, */*", false),
        ("application/json", false),
    ];

    for (accept, is_page) in table {
        let reply = get(&app, accept);

        let (media_type, begin) = match is_page {
            true => ("text/html; charset=utf-8", "<!doctype html>"),
            false => ("text/plain; charset=utf-8", concat!(env!("CARGO_PKG_NAME"), " ")),
        };
        assert_eq!((reply.status, reply.header("content-type")), (200, media_type), "{accept}");
        assert!(reply.body.starts_with(begin), "{accept}: {}", reply.body);
        assert_eq!(reply.header("vary"), "accept", "{accept}");
    }
    let bare = app.exchange("GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    assert!(bare.contains("content-type: text/plain"), "{bare}");
    let twice = app.exchange(
        "GET / HTTP/1.1\r\nHost: t\r\nAccept: text/plain;q=0.1\r\nAccept: text/html\r\nConnection: close\r\n\r\n",
    );
    assert!(twice.contains("content-type: text/html"), "{twice}");
}

#[test]
fn head_says_what_get_would_say() {
    let app = TestApp::start();

    for accept in [FIREFOX, "*/*"] {
        let (get, head) = (get(&app, accept), app.send("HEAD", "/", &[("Accept", accept)], ""));

        for name in ["content-type", "content-length", "content-security-policy", "vary"] {
            assert_eq!(head.header(name), get.header(name), "{name} to {accept}");
        }
        assert_eq!((head.status, head.body.as_str()), (200, ""));
    }
}

#[test]
fn the_page_may_run_its_own_blocks_and_ask_this_service_and_nothing_else() {
    let app = TestApp::start();

    let reply = get(&app, CHROMIUM);

    let policy = reply.header("content-security-policy");
    let hash = |tag: &str| {
        let (_, rest) = reply.body.split_once(&format!("<{tag}>")).unwrap();
        let (block, _) = rest.split_once(&format!("</{tag}>")).unwrap();
        format!("{tag}-src 'sha256-{}'", STANDARD.encode(Sha256::digest(block)))
    };
    let mut expected = vec![
        "default-src 'none'".to_string(),
        "connect-src 'self'".to_string(),
        "img-src data:".to_string(),
        "base-uri 'none'".to_string(),
        "form-action 'none'".to_string(),
        "frame-ancestors 'none'".to_string(),
        "require-trusted-types-for 'script'".to_string(),
        "trusted-types 'none'".to_string(),
    ];
    expected.extend(["style", "script"].map(hash));
    assert_eq!(policy.split("; ").collect::<Vec<_>>(), expected);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-cache"),
    ] {
        assert_eq!(reply.header(name), value, "{name}");
    }
}

#[test]
fn the_page_is_small_knows_no_other_host_and_makes_no_markup_of_what_it_is_told() {
    let app = TestApp::start();

    let page = get(&app, CHROMIUM).body;

    assert_eq!(page, PAGE);
    assert!(page.len() <= 61_000, "{} bytes", page.len());
    let without_namespace = page.replace("xmlns='http://www.w3.org/2000/svg'", "");
    for other_host in ["http://", "https://", " url(", "@import", "src=", "//cdn"] {
        assert!(!without_namespace.contains(other_host), "the page contains {other_host}");
    }
    for markup in ["innerHTML", "outerHTML", "insertAdjacentHTML", "api.write", "eval(", " onclick=", " style="] {
        assert!(!page.contains(markup), "the page contains {markup}");
    }
}

#[test]
fn the_page_knows_no_entity() {
    let app = TestApp::start();
    let api = app.get("/openapi.json").json();

    let schemas = api["components"]["schemas"].as_object().unwrap();
    let entity = schemas.iter().filter(|(name, _)| !["Problem", "Done", "Replay"].contains(&name.as_str()));
    for (name, schema) in entity {
        for word in schema["properties"].as_object().unwrap().keys().chain([name]).filter(|word| word.contains('_')) {
            assert!(!PAGE.contains(word.as_str()), "the page knows {word}");
        }
    }
    let paths = api["paths"].as_object().unwrap().keys();
    let used = ["/", "/openapi.json", "/readyz", "/livez", "/metrics"];
    for path in paths.filter(|path| !used.contains(&path.as_str())) {
        assert!(!PAGE.contains(path.as_str()), "the page knows {path}");
    }
}

#[test]
fn the_page_needs_no_token_and_everything_else_at_the_same_address_does() {
    let app = TestApp::start_with(&[("API_TOKENS", "first-token-0123456"), ("CORS_ALLOW_ORIGIN", "https://a.example")]);

    let page = get(&app, CHROMIUM);

    assert_eq!((page.status, page.body.as_str()), (200, PAGE));
    let vary: Vec<&str> = page.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(vary, ["accept", "origin"]);
    get(&app, "*/*").problem(401);
    app.send("POST", "/", &[("Accept", CHROMIUM)], "").problem(401);
    app.send("GET", "/nowhere", &[("Accept", CHROMIUM)], "").problem(401);
    app.send("GET", "/openapi.json", &[("Accept", CHROMIUM)], "").problem(401);
}
