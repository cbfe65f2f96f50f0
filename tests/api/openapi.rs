//! `GET /openapi.json` says what the service does: every endpoint, and each answer in the shape that was promised.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    samples::{ORDERS, UPDATE},
    support::{Reply, TestApp},
};

const TOKEN: (&str, &str) = ("Authorization", "Bearer first-token-0123456");

fn described(api: &Value) -> BTreeSet<String> {
    let paths = api["paths"].as_object().unwrap();
    let operations = |(path, methods): (&String, &Value)| -> Vec<String> {
        methods.as_object().unwrap().keys().map(|method| format!("{} {path}", method.to_uppercase())).collect()
    };
    paths.iter().flat_map(operations).collect()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let app = TestApp::start_with(&[("EVENT_SECRET", "sixteen-characters")]);

    let reply = app.get("/openapi.json");

    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    let routes = service::ROUTES.iter().copied().flatten();
    let routes: BTreeSet<String> = routes.map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(described(&reply.json()), routes);
    assert!(reply.json()["openapi"].as_str().unwrap().starts_with("3.1."));
}

#[test]
fn what_is_turned_off_is_not_described() {
    let app = TestApp::start_with(&[("ALLOW_INIT", "false")]);

    let api = app.get("/openapi.json").json();

    assert!(!described(&api).contains("GET /init"));
    assert!(!described(&api).contains("POST /events"));
    assert!(described(&api).contains("GET /orders"));
}

#[test]
fn a_token_is_described_where_one_is_asked_for_and_only_there() {
    let open = TestApp::start();
    let guarded = TestApp::start_with(&[("API_TOKENS", "first-token-0123456")]);

    let api = guarded.send("GET", "/openapi.json", &[TOKEN], "").json();

    assert_eq!(api["components"]["securitySchemes"]["bearer"], json!({"type": "http", "scheme": "bearer"}));
    assert_eq!(api["security"], json!([{"bearer": []}]));
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let is_open = ["/livez", "/readyz"].contains(&path.as_str());
            assert_eq!(operation.get("security"), is_open.then_some(&json!([])), "{method} {path}");
            assert_eq!(operation["responses"].get("401").is_none(), is_open, "{method} {path}");
        }
    }
    let without = open.get("/openapi.json").body;
    assert!(!without.contains("bearer") && !without.contains("\"401\""), "{without}");
}

/// Each operation once as it is meant, then in each way of being refused that a client can bring about.
#[test]
fn each_operation_answers_as_it_is_described() {
    let most = 2 * ORDERS.len();
    let app = TestApp::start_with(&[("MAX_BODY_BYTES", &most.to_string()), ("API_TOKENS", "first-token-0123456")]);
    let api = app.send("GET", "/openapi.json", &[TOKEN], "").json();
    let order = serde_json::from_str::<Value>(ORDERS).unwrap()[0].to_string();
    let third = UPDATE;
    let large = " ".repeat(most + 1);
    let table: &[(&str, &str, &str, u16)] = &[
        ("GET", "/", "", 200),
        ("GET", "/openapi.json", "", 200),
        ("POST", "/echo", "\0\x01 any", 200),
        ("POST", "/echo", &large, 413),
        ("GET", "/livez", "", 200),
        ("GET", "/readyz", "", 200),
        ("GET", "/metrics", "", 200),
        ("POST", "/create_orders", ORDERS, 200),
        ("POST", "/create_orders", ORDERS, 409),
        ("POST", "/create_orders", "", 400),
        ("POST", "/create_orders", "{}", 422),
        ("POST", "/create_orders", &large, 413),
        ("GET", "/init", "", 200),
        ("POST", "/create_order", third, 200),
        ("POST", "/create_order", third, 409),
        ("POST", "/create_order", "{", 400),
        ("POST", "/create_order", "{}", 422),
        ("POST", "/create_order", &large, 413),
        ("POST", "/orders", &order, 201),
        ("POST", "/orders", &order, 409),
        ("POST", "/orders", "{", 400),
        ("POST", "/orders", "{}", 422),
        ("POST", "/orders", &large, 413),
        ("GET", "/orders", "", 200),
        ("GET", "/orders?limit=1", "", 200),
        ("GET", "/orders?limit=1001", "", 400),
        ("POST", "/update_order", third, 200),
        ("POST", "/update_order", "{", 400),
        ("POST", "/update_order", "{}", 422),
        ("POST", "/update_order", &large, 413),
        ("GET", "/orders/1", "", 200),
        ("GET", "/orders/1.0", "", 200),
        ("GET", "/orders/%31", "", 200),
        ("GET", "/orders/9", "", 404),
        ("GET", "/orders/one", "", 400),
        ("PUT", "/orders/1", &order, 200),
        ("PUT", "/orders/2", &order, 409),
        ("PUT", "/orders/one", &order, 400),
        ("PUT", "/orders/1", "{}", 422),
        ("PUT", "/orders/1", &large, 413),
        ("DELETE", "/orders/1", "", 204),
        ("DELETE", "/orders/1", "", 404),
        ("DELETE", "/orders/one", "", 400),
        ("PUT", "/orders/1", &order, 404),
        ("GET", "/delete_order?id=3", "", 200),
        ("GET", "/delete_order?id=3", "", 404),
        ("GET", "/delete_order", "", 400),
        ("POST", "/update_order", third, 404),
        ("GET", "/events/parked?limit=10", "", 200),
        ("GET", "/events/parked?limit=0", "", 400),
        ("POST", "/events/replay", "{}", 200),
        ("POST", "/events/replay", "{\"sink\":\"none\"}", 404),
        ("POST", "/events/replay", "{\"sink\":1}", 422),
        ("POST", "/events/replay", "{", 400),
        ("POST", "/events/replay", &large, 413),
    ];

    // That needs a second one with the same key at the same time: see `idempotency`.
    let mut seen = BTreeSet::from(["POST /update_order 409".to_string()]);
    for (method, path, body, status) in table {
        let reply = app.send(method, path, &[TOKEN], body);

        let case = format!("{method} {path} {status}");
        assert_eq!(reply.status, *status, "{case}: {}", reply.body);
        let path = path.split('?').next().unwrap();
        let path = if path.starts_with("/orders/") { "/orders/{id}" } else { path };
        let operation = &api["paths"][path][method.to_lowercase()];
        assert_agrees(&api, operation, &reply, &case);
        if *status < 300 && !body.is_empty() {
            let content = &operation["requestBody"]["content"];
            let (media_type, content) = content.as_object().unwrap().iter().next().unwrap();
            if media_type == "application/json" {
                assert_valid(&api, &content["schema"], &serde_json::from_str(body).unwrap(), &case);
            }
        }
        seen.insert(format!("{method} {path} {status}"));
    }

    // What is left can not be brought about by one request with a token: slowness, our own faults, a database that is
    // away.
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for status in operation["responses"].as_object().unwrap().keys() {
                let case = format!("{} {path} {status}", method.to_uppercase());
                assert!(
                    ["401", "403", "408", "500", "503"].contains(&status.as_str()) || seen.contains(&case),
                    "nobody tried {case}"
                );
            }
        }
    }
}

#[test]
fn refusals_that_no_body_brings_about_are_described_too() {
    let guarded = TestApp::start_with(&[("API_TOKENS", "first-token-0123456")]);
    let away = TestApp::launch("mysql://user:passwd@127.0.0.1:1/demo", &[]);

    for (app, headers, status) in [(&guarded, &[][..], 401), (&away, &[TOKEN][..], 503)] {
        let api = app.send("GET", "/openapi.json", &[TOKEN], "").json();
        for (method, path) in [("GET", "/orders"), ("POST", "/orders"), ("GET", "/orders/{id}"), ("GET", "/init")] {
            let reply =
                app.send(method, &path.replace("{id}", "1"), headers, if method == "POST" { UPDATE } else { "" });

            assert_eq!(reply.status, status, "{method} {path}");
            assert_agrees(&api, &api["paths"][path][method.to_lowercase()], &reply, path);
        }
    }
}

/// By it a program finds what it has created, without knowing the entity.
#[test]
fn the_link_of_what_is_created_leads_to_it() {
    let app = TestApp::start();
    let api = app.get("/openapi.json").json();
    let link = &api["paths"]["/orders"]["post"]["responses"]["201"]["links"]["item"];
    let created = app.post("/orders", UPDATE);

    let (name, expression) = link["parameters"].as_object().unwrap().iter().next().unwrap();
    let pointer = expression.as_str().unwrap().strip_prefix("$response.body#").unwrap();
    let path = format!("/orders/{{{name}}}");
    let key = created.json().pointer(pointer).unwrap().to_string();

    assert_eq!(api["paths"][&path]["get"]["operationId"], link["operationId"]);
    assert_eq!(path.replace(&format!("{{{name}}}"), &key), created.header("location"));
    assert_eq!(app.get(created.header("location")).json(), created.json());
}

/// A parameter that is described is known, and no other: the one that is refused lists those that are known.
#[test]
fn the_parameters_of_a_query_are_those_that_are_described() {
    let app = TestApp::start();
    let api = app.get("/openapi.json").json();

    for path in ["/orders", "/delete_order"] {
        let parameters = api["paths"][path]["get"]["parameters"].as_array().unwrap();
        let names: Vec<&str> = parameters.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();

        let problem = app.get(&format!("{path}?unheard_of=1")).problem(400);

        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.ends_with(&format!("known: {}", names.join(", "))), "{detail}, described: {names:?}");
    }
}

/// What was answered is what is described.
pub fn assert_agrees(api: &Value, operation: &Value, reply: &Reply, case: &str) {
    let response = resolve(api, &operation["responses"][reply.status.to_string()]);
    assert!(response.is_object(), "{case}: this status is not described");
    for (name, header) in response["headers"].as_object().unwrap() {
        assert!(header["required"] == false || !reply.header(name).is_empty(), "{case}: no {name}");
    }
    for name in ["link", "location", "retry-after", "www-authenticate"] {
        let described = response["headers"].as_object().unwrap().keys().any(|known| known.eq_ignore_ascii_case(name));
        assert!(described || reply.header(name).is_empty(), "{case}: {name} is not described");
    }
    let Some(content) = response["content"].as_object() else {
        assert_eq!((reply.body.as_str(), reply.header("content-type")), ("", ""), "{case}");
        return;
    };
    let media_type = reply.header("content-type").split(';').next().unwrap();
    let described = content.get(media_type).unwrap_or_else(|| panic!("{case}: {media_type} is not described"));
    if media_type.ends_with("json") {
        assert_valid(api, &described["schema"], &reply.json(), case);
    }
}

fn resolve<'a>(api: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => api.pointer(reference.strip_prefix('#').unwrap()).expect(reference),
        None => value,
    }
}

/// The value is one of those that the schema describes: JSON Schema, as much of it as the description uses; a word that is not known here fails.
pub fn assert_valid(api: &Value, schema: &Value, value: &Value, case: &str) {
    let schema = resolve(api, schema).as_object().unwrap();
    for (word, rule) in schema {
        let valid = match word.as_str() {
            "type" => match rule.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "number" => value.is_number(),
                "integer" => value.is_i64(),
                "boolean" => value.is_boolean(),
                other => panic!("{case}: type {other}"),
            },
            "const" => value == rule,
            "required" => rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
            "properties" => {
                for (name, schema) in rule.as_object().unwrap() {
                    value.get(name).into_iter().for_each(|member| assert_valid(api, schema, member, case));
                }
                true
            }
            "additionalProperties" => {
                assert_eq!(rule, false);
                value.as_object().unwrap().keys().all(|name| schema["properties"].get(name).is_some())
            }
            "items" => {
                value.as_array().unwrap().iter().for_each(|item| assert_valid(api, rule, item, case));
                true
            }
            "minimum" => value.as_f64() >= rule.as_f64(),
            "maximum" => value.as_f64() <= rule.as_f64(),
            "multipleOf" => {
                let times = value.as_f64().unwrap() / rule.as_f64().unwrap();
                (times - times.round()).abs() < 1e-6 * times.abs().max(1.0)
            }
            "minLength" => value.as_str().unwrap().chars().count() as u64 >= rule.as_u64().unwrap(),
            "maxLength" => value.as_str().unwrap().chars().count() as u64 <= rule.as_u64().unwrap(),
            "oneOf" => {
                let has = |option: &&Value| value.get(option["required"][0].as_str().unwrap()).is_some();
                rule.as_array().unwrap().iter().filter(has).count() == 1
            }
            "format" => true, // says more than it asks
            other => panic!("{case}: this test does not know {other}"),
        };
        assert!(valid, "{case}: {value} is not valid by {word}: {rule}");
    }
}
