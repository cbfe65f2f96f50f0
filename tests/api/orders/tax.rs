//! An order without a tax: the tax service is asked, and what it says is stored, or nothing is.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};

use crate::{
    certificates::{Authority, file},
    https::HttpsServer,
    peer::{Peer, reply},
    settings::run,
    support::{Reply, TestApp},
};

/// What it answers.
pub const TAX: &str = r#"{"tax": 4.73}"#;

/// An order without a tax.
pub fn untaxed(id: i32) -> Value {
    json!({"order_id": id, "product_id": 12, "quantity": 2, "amount": 24.9, "shipping": 15.0,
        "shipping_address": "Mataderos 2312"})
}

/// A service that asks this peer.
pub fn start(peer: &Peer, settings: &[(&str, &str)]) -> TestApp {
    TestApp::start_with(&[&[("TAX_SERVICE_URL", peer.url("/tax").as_str())], settings].concat())
}

pub fn assert_nothing_is_stored(app: &TestApp) {
    assert_eq!(app.query::<i64>("SELECT COUNT(*) FROM orders"), [0]);
}

/// A problem that names the service and nothing internal.
pub fn assert_names_the_service(reply: &Reply, status: u16) -> Value {
    let problem = reply.problem(status);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("the tax service "), "{detail}");
    let text = problem.to_string();
    for word in ["127.0.0.1", "http", "refused", "OUTBOUND", "TAX_SERVICE"] {
        assert!(!text.contains(word), "'{word}' has reached the client: {text}");
    }
    assert_eq!(reply.header("retry-after").is_empty(), status != 503, "{problem}");
    problem
}

#[test]
fn an_order_without_tax_gets_it_from_the_tax_service_on_every_way_in() {
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[]);
    let ways = [("POST", "/orders", 201), ("POST", "/update_order", 200), ("PUT", "/orders/1", 200)];

    for (method, path, status) in ways {
        let reply = app.send(method, path, &[], untaxed(1).to_string());
        assert_eq!(reply.status, status, "{path}: {}", reply.body);
        assert_eq!(app.get("/orders/1").json()["tax"].to_string(), "4.73", "{path}");
        app.execute("UPDATE orders SET tax = 0");
    }
    assert_eq!(app.post("/create_order", untaxed(2).to_string()).status, 200);
    assert_eq!(app.post("/create_orders", json!([untaxed(3), untaxed(4)]).to_string()).status, 200);

    let taxes = app.query::<String>("SELECT CAST(tax AS CHAR) FROM orders WHERE order_id > 1");
    assert_eq!(taxes, ["4.73"; 3]);
    let received = peer.received();
    assert_eq!(received.len(), 6);
    let calls = format!("http_client_requests_total{{host=\"127.0.0.1:{}\",outcome=\"2xx\"}} 6\n", peer.port);
    assert!(app.get("/metrics").body.contains(&calls), "{calls} is not counted");
    for request in received {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/tax"));
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(request.text(), r#"{"shipping_address":"Mataderos 2312","amount":24.9}"#);
    }
}

#[test]
fn a_tax_that_is_given_is_nobodys_question() {
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[]);
    let mut order = untaxed(1);
    order["tax"] = json!(1.5);

    let reply = app.post("/orders", order.to_string());

    assert_eq!(reply.json()["tax"].to_string(), "1.5");
    order["tax"] = json!(null);
    let problem = app.post("/orders", order.to_string()).problem(422);
    assert_eq!(problem["errors"][0]["pointer"], json!("/tax"));
    assert!(peer.received().is_empty());
}

#[test]
fn without_a_tax_service_a_tax_is_required() {
    let app = TestApp::start();

    for (path, body, pointer) in [
        ("/orders", untaxed(1).to_string(), "/tax"),
        ("/update_order", untaxed(1).to_string(), "/tax"),
        ("/create_orders", json!([untaxed(1)]).to_string(), "/0/tax"),
    ] {
        let problem = app.post(path, body).problem(422);
        assert_eq!(problem["errors"][0]["pointer"], json!(pointer), "{problem}");
    }
}

#[test]
fn an_answer_that_is_no_tax_is_502_and_nothing_is_stored() {
    let answers: &[(u16, &str, &str)] = &[
        (200, r#"{"tax": -0.01}"#, "negative"),
        (200, r#"{"tax": "4.73"}"#, "a text"),
        (200, r#"{"tax": 4.731}"#, "three decimals"),
        (200, r#"{"tax": 100000000}"#, "too large"),
        (200, r#"{"tax": 1e400}"#, "far too large"),
        (200, r#"{"tax": null}"#, "null"),
        (200, r#"{"tax": 1, "tax": 2}"#, "two of them"),
        (200, r#"{}"#, "missing"),
        (200, r#"[4.73]"#, "no object"),
        (200, r#"4.73"#, "no object"),
        (200, r#"{"tax": 4.73"#, "not JSON"),
        (200, "", "empty"),
        (200, "\u{0}", "not JSON"),
        (201, TAX, "another status"),
        (204, "", "another status"),
        (302, TAX, "a redirect"),
        (404, TAX, "a refusal"),
        (500, TAX, "a failure"),
    ];
    let turn = Arc::new(AtomicUsize::new(0));
    let peer = {
        let (turn, answers) = (turn.clone(), answers.to_vec());
        Peer::start(move |_, stream| {
            let (status, body, _) = answers[turn.load(Ordering::SeqCst)];
            reply(stream, status, &[("location", "/elsewhere")], body);
        })
    };
    let app = start(&peer, &[]);

    for (index, (_, _, reason)) in answers.iter().enumerate() {
        turn.store(index, Ordering::SeqCst);
        let reply = app.post("/orders", untaxed(1).to_string());
        assert_eq!(reply.status, 502, "{reason}: {}", reply.body);
        assert_names_the_service(&reply, 502);
        let line = app.log_of(reply.header("x-request-id"));
        assert!(line["error"].as_str().unwrap().starts_with("the tax service: "), "{line}");
    }

    assert_eq!(peer.received().len(), answers.len(), "such an answer would come again");
    assert_nothing_is_stored(&app);
}

#[test]
fn a_tax_service_that_is_busy_or_waits_in_vain_is_told_as_that_and_when_to_come_again() {
    let answers = [
        (503, "", 503, "1"),
        (503, "20", 503, "20"),
        (429, "20", 503, "20"),
        (429, "99999999999999999999", 503, "3600"),
        (504, "20", 504, ""),
    ];

    for (status, retry_after, expected, told) in answers {
        let peer = Peer::start(move |_, stream| match retry_after {
            "" => reply(stream, status, &[], TAX),
            seconds => reply(stream, status, &[("retry-after", seconds)], TAX),
        });
        let app = start(&peer, &[]);

        let reply = app.post("/orders", untaxed(1).to_string());

        assert_names_the_service(&reply, expected);
        assert_eq!(reply.header("retry-after"), told, "{status} {retry_after}");
        let line = app.log_of(reply.header("x-request-id"));
        assert!(line["error"].as_str().unwrap().ends_with(&format!("answers with status {status}")), "{line}");
        assert_nothing_is_stored(&app);
    }
}

#[test]
fn what_else_the_answer_says_does_not_matter() {
    let peer = Peer::json(200, r#"{"rate": 0.19, "tax": 4.73, "notes": [{}]}"#);
    let app = start(&peer, &[]);

    assert_eq!(app.post("/orders", untaxed(1).to_string()).json()["tax"].to_string(), "4.73");
}

#[test]
fn with_a_key_a_failure_is_not_kept_and_the_first_answer_comes_again_without_a_call() {
    let lies = Arc::new(AtomicBool::new(true));
    let peer = {
        let lies = lies.clone();
        Peer::start(move |_, stream| {
            reply(stream, 200, &[], if lies.load(Ordering::SeqCst) { "no" } else { TAX });
        })
    };
    let app = start(&peer, &[]);

    for (path, key, body) in [
        ("/orders", "one", untaxed(1).to_string()),
        ("/create_orders", "many", json!([untaxed(2), untaxed(3)]).to_string()),
    ] {
        let post = || app.send("POST", path, &[("Idempotency-Key", key)], &body);
        lies.store(true, Ordering::SeqCst);
        assert_names_the_service(&post(), 502);
        lies.store(false, Ordering::SeqCst);
        let first = post();
        let calls = peer.received().len();
        lies.store(true, Ordering::SeqCst);
        let again = post();

        assert!(first.status < 300, "{}", first.body);
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(peer.received().len(), calls, "{path} asked again");
    }
}

/// Another instance of this service is no tax service: what it sends back is the question, which has no tax in it.
#[test]
fn two_instances_know_a_request_by_the_same_id() {
    let other = TestApp::start();
    let app = TestApp::start_with(&[("TAX_SERVICE_URL", &other.url("/echo"))]);
    let id = "the-same-in-both-logs";

    let reply = app.send("POST", "/orders", &[("X-Request-Id", id)], untaxed(1).to_string());

    assert_names_the_service(&reply, 502);
    assert_eq!(other.log_of(id)["path"], json!("/echo"));
    assert!(app.log_of(id)["error"].as_str().unwrap().contains("tax is missing"), "{}", app.log_of(id));
    assert_nothing_is_stored(&app);
}

#[test]
fn a_tax_service_is_asked_over_https_and_one_that_is_not_trusted_is_not_and_the_log_says_why() {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n{\"tax\": 4.73}";
    let authority = Authority::new("ours");
    let ca_file = file("tax.pem", authority.pem());
    let start = |server: &HttpsServer| {
        let url = format!("https://localhost:{}/", server.port);
        TestApp::start_with(&[("TAX_SERVICE_URL", &url), ("SSL_CERT_FILE", ca_file.to_str().unwrap())])
    };
    let good = HttpsServer::start(&authority.issue("localhost"), ANSWER);
    let app = start(&good);

    let reply = app.post("/orders", untaxed(1).to_string());

    assert_eq!((reply.status, reply.json()["tax"].as_f64()), (201, Some(4.73)), "{}", reply.body);
    assert!(good.requests()[0].starts_with("POST / HTTP/1.1"));
    for (identity, says) in [
        (Authority::new("theirs").issue("localhost"), "unknown issuer"),
        (authority.issue("other.test"), "wrong host name"),
        (authority.issue_for_days("localhost", -9, -3), "it has expired"),
        (authority.issue_for_days("localhost", 3, 9), "it is not yet valid"),
    ] {
        let server = HttpsServer::start(&identity, ANSWER);
        let app = start(&server);

        let problem = app.post("/orders", untaxed(1).to_string()).problem(502);

        let line = app.log_of(problem["request_id"].as_str().unwrap());
        assert!(line["error"].as_str().unwrap().contains(says), "{line}");
        assert_eq!(app.get("/orders").body, "[]");
        assert_eq!(server.requests(), [""; 0]);
    }
}

#[test]
fn a_tax_service_that_may_not_be_called_is_refused_at_the_start() {
    let url = ("TAX_SERVICE_URL", "http://127.0.0.1:8081/");
    // Should it not be refused, it ends all the same.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let others = [("DATABASE_URL", "mysql://user@127.0.0.1:1/demo"), ("BIND", "127.0.0.1"), ("PORT", &port)];

    for hosts in ["other.test", "127.0.0.1"] {
        let output = run(&[&[url, ("OUTBOUND_ALLOWED_HOSTS", hosts)], &others[..]].concat());

        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(message.contains("\n  TAX_SERVICE_URL "), "{hosts}: {message}");
    }
}
