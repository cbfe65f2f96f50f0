//! `POST /events`: who may tell of events, how they are written, and the handshakes before that. What becomes of them is
//! tested in `inbox`.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use service::standard_webhooks::Key;

use crate::{
    openapi::assert_agrees,
    peer::Peer,
    samples::{order, orders},
    support::{Reply, TestApp, module, serve},
};

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const DAPR_TOKEN: &str = "sidecar-token-0123456";
pub const SETTINGS: &[(&str, &str)] = &[("EVENT_SECRET", SECRET), ("APP_API_TOKEN", DAPR_TOKEN)];
pub const BEARER: (&str, &str) = ("Authorization", "Bearer whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
pub const DAPR: (&str, &str) = ("dapr-api-token", DAPR_TOKEN);
pub const ONE: (&str, &str) = ("Content-Type", "application/cloudevents+json");
pub const BATCH: (&str, &str) = ("Content-Type", "application/cloudevents-batch+json; charset=utf-8");
pub const JSON: (&str, &str) = ("Content-Type", "application/json");

/// An event in structured mode.
pub fn event(id: &str, data: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"/there","type":"order.import","data":{data}}}"#)
}

pub fn tell(app: &TestApp, event: &str) -> Reply {
    app.send("POST", "/events", &[BEARER, ONE], event)
}

pub fn stored(app: &TestApp) -> Vec<i64> {
    app.query("SELECT order_id FROM orders ORDER BY order_id")
}

pub fn heard(app: &TestApp) -> i64 {
    app.query("SELECT COUNT(*) FROM inbox")[0]
}

/// How Event Grid asks.
pub const VALIDATION: &str = r#"[{"id":"2d1781af","topic":"/subscriptions/1","subject":"","data":{"validationCode":"512d38b6","validationUrl":"http://127.0.0.1:1/"},"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","eventTime":"2026-11-21T10:00:00Z","metadataVersion":"1","dataVersion":"2"}]"#;

#[test]
fn without_a_secret_the_endpoint_is_not_there() {
    let app = TestApp::start();

    for method in ["POST", "OPTIONS", "GET"] {
        app.send(method, "/events", &[BEARER, DAPR, ONE], "{}").problem(404);
    }
    assert!(!app.get("/").body.contains("/events "));
}

#[test]
fn whoever_shows_any_one_proof_may_speak_and_nobody_else() {
    let app = TestApp::start_with(&[("API_TOKENS", "reader-token-0123456"), SETTINGS[0], SETTINGS[1]]);
    let body = event("1", &order(1));
    let signed = |text: &str, at: SystemTime| {
        let headers = Key::sign(&[Key::parse(text).ok().unwrap()], "msg_1", at, body.as_bytes()).unwrap();
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_string()))
    };
    let (now, other) = (SystemTime::now(), "whsec_AfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let mut several = signed(SECRET, now);
    several[2].1 = format!("v1,AAAA v2,BBBB {}", several[2].1);
    let pairs =
        |headers: &[(&str, &str)]| headers.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect::<Vec<_>>();
    let in_query = |name: &str, token: &str| format!("/events?api-version=1&{name}={token}");
    let table = [
        (signed(SECRET, now).to_vec(), "/events".to_string(), true),
        (several.to_vec(), "/events".to_string(), true),
        (signed(SECRET, now - Duration::from_secs(299)).to_vec(), "/events".to_string(), true),
        (signed(SECRET, now - Duration::from_secs(302)).to_vec(), "/events".to_string(), false),
        (signed(SECRET, now + Duration::from_secs(310)).to_vec(), "/events".to_string(), false),
        (signed(other, now).to_vec(), "/events".to_string(), false),
        (signed(SECRET, now)[1..].to_vec(), "/events".to_string(), false),
        (pairs(&[BEARER]), "/events".to_string(), true),
        (pairs(&[("Authorization", &format!("bearer {SECRET}"))]), "/events".to_string(), true),
        (pairs(&[("Authorization", &format!("Basic {SECRET}"))]), "/events".to_string(), false),
        (pairs(&[("Authorization", &format!("Bearer {SECRET}x"))]), "/events".to_string(), false),
        (pairs(&[("Authorization", "Bearer reader-token-0123456")]), "/events".to_string(), false),
        (pairs(&[("Authorization", &format!("Bearer {DAPR_TOKEN}"))]), "/events".to_string(), false),
        (pairs(&[]), in_query("access_token", SECRET), true),
        (pairs(&[]), in_query("access_token", SECRET.trim_start_matches('w')), false),
        (pairs(&[]), in_query("token", SECRET), false),
        (pairs(&[DAPR]), "/events".to_string(), true),
        (pairs(&[("dapr-api-token", "sidecar-token-0123457")]), "/events".to_string(), false),
        (pairs(&[("dapr-api-token", SECRET)]), "/events".to_string(), false),
        (pairs(&[]), "/events".to_string(), false),
    ];

    for (number, (headers, path, may)) in table.iter().enumerate() {
        let mut headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers.push(ONE);
        let reply = app.send("POST", path, &headers, &body);
        if *may {
            assert_eq!(
                (reply.status, reply.json()),
                (200, json!({"status": "SUCCESS"})),
                "row {number}: {}",
                reply.body
            );
        } else {
            reply.problem(401);
            assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"api\"", "row {number}");
        }
    }

    assert_eq!(app.query::<i64>("SELECT COUNT(*) FROM orders"), [1]);
    app.send("GET", "/orders", &[BEARER], "").problem(401);
    let output = app.output();
    assert!(!output.contains(SECRET) && !output.contains("MfKQ9r8") && !output.contains(DAPR_TOKEN), "{output}");
}

#[test]
fn secrets_that_cannot_be_meant_are_refused_at_the_start_and_not_printed() {
    for (name, value, problem) in [
        ("EVENT_SECRET", "hunter2", "less than 16 characters"),
        ("EVENT_SECRET", "whsec_aHVudGVyMg==", "less than 16"),
        ("EVENT_SECRET", "whsec_hunter2-hunter2-hunter2", "no Base64"),
        ("EVENT_SECRET", "hunter2 hunter2 hunter2", "visible ASCII"),
        ("APP_API_TOKEN", "hunter2", "less than 16 characters"),
        ("EVENT_SINKS", "https://example.com/#secret=hunter2", "less than 16"),
        (
            "EVENT_SINKS",
            "https://example.com/?token=hunter2,https://example.com/?token=hunter22",
            "the same place twice",
        ),
    ] {
        let settings = [("DATABASE_URL", "mysql://user@127.0.0.1:1/demo"), (name, value)];
        let output = serve(module()).envs(settings).output().unwrap();

        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(message.contains(name) && message.contains(problem), "{value}: {message}");
        assert!(!message.contains("hunter2") && !message.contains("aHVud"), "a secret has been printed: {message}");
    }
}

#[test]
fn every_format_carries_one_row_or_an_array_of_them() {
    let app = TestApp::start_with(SETTINGS);
    let of_event_grid = |id: i32, data: &str| {
        json!([{ "id": id.to_string(), "topic": "/subscriptions/1", "subject": "s", "eventType": "order.import",
            "eventTime": "2026-11-21T10:00:00Z", "data": serde_json::from_str::<Value>(data).unwrap(), "dataVersion": "1" }])
        .to_string()
    };
    let binary = |id| {
        let attributes =
            [("ce-specversion", "1.0"), ("ce-id", id), ("ce-source", "%2Fthere"), ("ce-type", "order.import")];
        [&attributes[..], &[BEARER, JSON]].concat()
    };

    let replies = [
        tell(&app, &event("one", &order(1))),
        tell(&app, &event("two", &orders(2..4))),
        app.send("POST", "/events", &binary("three"), order(4)),
        app.send("POST", "/events", &binary("f%C3%BCnf"), orders(5..7)),
        app.send(
            "POST",
            "/events",
            &[BEARER, BATCH],
            format!("[{},{}]", event("4", &order(7)), event("5", &orders(8..10))),
        ),
        app.send("POST", "/events", &[BEARER, BATCH], "[]"),
        app.send("POST", "/events", &[BEARER, JSON, ("aeg-event-type", "Notification")], of_event_grid(1, &order(10))),
        app.send("POST", "/events", &[BEARER, JSON], of_event_grid(2, &orders(11..13))),
    ];

    for reply in replies {
        assert_eq!((reply.status, reply.json()), (200, json!({"status": "SUCCESS"})), "{}", reply.body);
    }
    assert_eq!(stored(&app), (1..13).collect::<Vec<i64>>());
    assert_eq!(app.get("/orders/9").json(), serde_json::from_str::<Value>(&order(9)).unwrap());
    let ids: Vec<(String, String)> =
        app.query("SELECT CAST(source AS CHAR), CAST(id AS CHAR) FROM inbox WHERE id LIKE 'f%'");
    assert_eq!(ids, [("/there".to_string(), "fünf".to_string())]);
}

/// The second waits for the first, and does what the first did not.

#[test]
fn event_grid_s_handshake_is_answered_with_its_code() {
    let offered = Peer::json(200, "{}");
    let validation = VALIDATION.replace("http://127.0.0.1:1/", &offered.url("/validate"));
    // Its host may be called, so that this is not what keeps it from being so.
    let sink = format!("{}#name=sink", offered.url("/"));
    let app = TestApp::start_with(&[SETTINGS[0], ("EVENT_SINKS", &sink)]);
    let kind = ("aeg-event-type", "SubscriptionValidation");

    let reply = app.send("POST", &format!("/events?access_token={SECRET}"), &[JSON, kind], validation);

    assert_eq!((reply.status, reply.json()), (200, json!({"validationResponse": "512d38b6"})));
    assert_eq!(reply.header("content-type"), "application/json");
    app.send("POST", "/events", &[JSON, kind], VALIDATION).problem(401);
    let without = VALIDATION.replace("validationCode", "code");
    app.send("POST", "/events", &[BEARER, JSON, kind], without).problem(400);
    // Whatever it would have called, it would have called before this.
    app.post("/create_order", order(1));
    let paths: Vec<String> = offered.wait_for(1).into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/"], "the address that is offered is not to be called");
}

#[test]
fn the_handshake_of_cloudevents_lets_in_the_origins_that_are_named() {
    let all = TestApp::start_with(&[SETTINGS[0], ("API_TOKENS", "reader-token-0123456")]);
    let some = TestApp::start_with(&[SETTINGS[0], ("WEBHOOK_ALLOWED_ORIGINS", "Eventgrid.Azure.net, other.example")]);
    let ask = |app: &TestApp, origin: &str| {
        let reply =
            app.send("OPTIONS", "/events", &[("WebHook-Request-Origin", origin), ("WebHook-Request-Rate", "120")], "");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("allow"), "POST, OPTIONS");
        [reply.header("webhook-allowed-origin"), reply.header("webhook-allowed-rate")].map(str::to_string)
    };

    assert_eq!(ask(&all, "anybody.example"), ["anybody.example", "*"]);
    assert_eq!(ask(&some, "eventgrid.azure.net"), ["eventgrid.azure.net", "*"]);
    assert_eq!(ask(&some, "other.example"), ["other.example", "*"]);
    assert_eq!(ask(&some, "anybody.example"), ["", ""]);
    let preflight = all.send(
        "OPTIONS",
        "/events",
        &[("Origin", "https://shop.example"), ("Access-Control-Request-Method", "POST")],
        "",
    );
    assert_eq!((preflight.status, preflight.header("access-control-allow-methods")), (204, "POST, OPTIONS"));
    assert_eq!(
        (preflight.header("access-control-allow-origin"), preflight.header("webhook-allowed-origin")),
        ("*", "")
    );
    assert_eq!(
        all.send("GET", "/events", &[("Authorization", "Bearer reader-token-0123456")], "").problem(405)["status"],
        405
    );
    assert_eq!(
        all.send("GET", "/events", &[("Authorization", "Bearer reader-token-0123456")], "").header("allow"),
        "POST, OPTIONS"
    );
}

#[test]
fn what_is_answered_is_what_is_described() {
    let app = TestApp::start_with(&[SETTINGS[0], ("MAX_BODY_BYTES", "2000")]);
    let api = app.get("/openapi.json").json();
    let unknown = event("1", "{}").replace("order.import", "unknown");

    for (method, headers, body, status) in [
        ("POST", &[BEARER, ONE][..], event("1", &order(1)), 200),
        ("POST", &[BEARER, ONE], unknown, 202),
        ("POST", &[BEARER, ONE], event("2", "{}"), 400),
        ("POST", &[ONE], event("2", "{}"), 401),
        ("POST", &[BEARER, ONE], " ".repeat(2001), 413),
        ("POST", &[BEARER], event("2", "{}"), 415),
        ("OPTIONS", &[("WebHook-Request-Origin", "anybody")], String::new(), 200),
        ("OPTIONS", &[], String::new(), 204),
    ] {
        let reply = app.send(method, "/events", headers, body);

        assert_eq!(reply.status, status, "{method}: {}", reply.body);
        let operation = &api["paths"]["/events"][method.to_lowercase()];
        assert_agrees(&api, operation, &reply, &format!("{method} {status}"));
    }
}
