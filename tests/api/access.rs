//! Who may call what: the tokens of `API_TOKENS`, and `ALLOW_INIT`.

use crate::{
    openapi::assert_agrees,
    samples::{ORDERS, order},
    support::{TestApp, module, serve},
};

const TOKENS: &str = "first-token-0123456, second-token-012345";
const FIRST: (&str, &str) = ("Authorization", "Bearer first-token-0123456");
const SECOND: (&str, &str) = ("Authorization", "Bearer second-token-012345");

/// Every route as it is called, a path that is not there, and a method that is not. Who may speak at `/events` is said in
/// `webhooks`.
fn requests() -> Vec<(String, String, bool)> {
    let mut requests: Vec<(String, String, bool)> = service::ROUTES
        .iter()
        .copied()
        .flatten()
        .filter(|route| route.path != "/events")
        .map(|route| (route.method.to_string(), route.path.replace("{id}", "1"), route.is_open))
        .collect();
    for (method, path) in [("HEAD", "/orders"), ("GET", "/nowhere"), ("OPTIONS", "/nowhere"), ("PATCH", "/orders")] {
        requests.push((method.into(), path.into(), false));
    }
    requests
}

#[test]
fn without_a_token_nothing_but_the_probes_and_the_preflight_answers() {
    let app = TestApp::start_with(&[("API_TOKENS", TOKENS)]);
    app.send("POST", "/create_orders", &[FIRST], ORDERS);

    let mut open = Vec::new();
    for (method, path, is_open) in requests() {
        if is_open {
            assert_eq!(app.send(&method, &path, &[], "").status, 200, "{method} {path}");
            open.push(path);
            continue;
        }
        let body = if method == "HEAD" { "" } else { "{}" };
        let without = app.send(&method, &path, &[], body);
        assert_eq!(
            (without.status, without.header("www-authenticate")),
            (401, "Bearer realm=\"api\""),
            "{method} {path}"
        );
        for wrong in ["Bearer first-token-0123457", "Bearer", "Basic first-token-0123456"] {
            let reply = app.send(&method, &path, &[("Authorization", wrong)], "");
            assert_eq!(reply.status, 401, "{method} {path} with {wrong}");
            assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"api\", error=\"invalid_token\"");
        }
        let preflight = app.send("OPTIONS", &path, &[("Origin", "https://shop.example")], "");
        assert_eq!(preflight.status, if path == "/nowhere" { 401 } else { 204 }, "{path}");
    }

    assert_eq!(open, ["/livez", "/readyz"]);
    app.get("/orders").problem(401);
    let orders = app.send("GET", "/orders", &[SECOND], "").json();
    assert_eq!(orders, serde_json::from_str::<serde_json::Value>(ORDERS).unwrap(), "nothing has changed");
    assert!(app.send("OPTIONS", "/orders", &[], "").header("access-control-allow-headers").contains("authorization"));
    assert!(!app.output().contains("-token-") && !app.output().contains("API_TOKENS"), "{}", app.output());
}

#[test]
fn with_any_of_the_tokens_everything_answers_as_it_does_without_the_setting() {
    let guarded = TestApp::start_with(&[("API_TOKENS", TOKENS)]);
    let unguarded = TestApp::start();

    for token in [FIRST, SECOND] {
        for (method, path, _) in requests() {
            let [with, without] = [&guarded, &unguarded].map(|app| app.send(&method, &path, &[token], ""));
            assert_eq!(with.status, without.status, "{method} {path}");
            assert_ne!(with.status, 401, "{method} {path}");
        }
    }
    unguarded.wait_for_output("warning: API_TOKENS is not set");
}

#[test]
fn tokens_that_cannot_be_meant_are_refused_at_the_start_and_not_printed() {
    for (tokens, problem) in [
        ("hunter2", "less than 16 characters"),
        ("0123456789abcdef,hunter2", "token 2"),
        ("hunter2-hunter2 hunter2", "visible ASCII"),
        (" , ", "names no token"),
    ] {
        let settings = [("DATABASE_URL", "mysql://user@127.0.0.1:1/demo"), ("API_TOKENS", tokens)];
        let output = serve(module()).envs(settings).output().unwrap();

        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(message.contains("API_TOKENS") && message.contains(problem), "{message}");
        assert!(!message.contains("hunter2"), "a token has been printed: {message}");
    }
}

#[test]
fn init_can_be_turned_off_and_is_then_not_there_at_all() {
    let app = TestApp::start_with(&[("ALLOW_INIT", "false")]);
    app.post("/create_orders", ORDERS);

    for method in ["GET", "HEAD", "POST", "OPTIONS"] {
        assert_eq!(app.send(method, "/init", &[], "").status, 404, "{method}");
    }

    assert!(!app.get("/").body.contains("/init"));
    assert_eq!(app.get("/orders").json().as_array().unwrap().len(), 5, "nothing was emptied");
}

/// A link or an image is enough to have a visitor's browser send a GET, to a service on that visitor's own machine too.
#[test]
fn a_page_of_another_site_sets_off_no_get_that_changes_data() {
    let app = TestApp::start();
    app.post("/create_order", order(1));

    for path in ["/init", "/delete_order?id=1"] {
        let from = |site: &str| app.send("GET", path, &[("Sec-Fetch-Site", site)], "");
        let api = app.get("/openapi.json").json();

        let refused = from("cross-site");
        refused.problem(403);

        let operation = &api["paths"][path.split('?').next().unwrap()]["get"];
        assert_agrees(&api, operation, &refused, path);
        assert_eq!(app.get("/orders/1").status, 200, "{path}");
    }
    for site in ["same-origin", "same-site", "none"] {
        assert_eq!(app.send("GET", "/init", &[("Sec-Fetch-Site", site)], "").status, 200, "{site}");
    }
    assert_eq!(app.send("GET", "/orders", &[("Sec-Fetch-Site", "cross-site")], "").status, 200, "it changes nothing");
}
