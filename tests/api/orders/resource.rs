//! The endpoints as an HTTP API is written today.

use serde_json::{Value, json};

use crate::{
    samples::{ORDERS, variant},
    support::TestApp,
};

fn sample(index: usize) -> Value {
    serde_json::from_str::<Value>(ORDERS).unwrap()[index].clone()
}

#[test]
fn an_order_lives_from_post_to_delete() {
    let app = TestApp::start();
    let order = sample(0);

    let created = app.post("/orders", order.to_string());
    assert_eq!((created.status, created.header("location")), (201, "/orders/1"));
    assert_eq!(created.json(), order);
    assert_eq!(app.get("/orders/1").json(), order);

    let changed: Value = serde_json::from_str(&variant(1, 1)).unwrap();
    let replaced = app.send("PUT", "/orders/1", &[], changed.to_string());
    assert_eq!((replaced.status, replaced.json()), (200, changed.clone()));
    assert_eq!(app.get("/orders/1").json(), changed);

    let deleted = app.send("DELETE", "/orders/1", &[], "");
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    for (method, body) in [("GET", ""), ("DELETE", ""), ("PUT", &changed.to_string())] {
        app.send(method, "/orders/1", &[], body).problem(404);
    }
}

#[test]
fn pages_link_to_the_next_until_the_last() {
    let app = TestApp::start();
    app.post("/create_orders", ORDERS);

    let mut path = "/orders?limit=2".to_string();
    let mut pages = Vec::new();
    loop {
        let reply = app.get(&path);
        let ids: Vec<i64> =
            reply.json().as_array().unwrap().iter().map(|order| order["order_id"].as_i64().unwrap()).collect();
        pages.push(ids);
        let link = reply.header("link");
        if link.is_empty() {
            break;
        }
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_string();
    }

    assert_eq!(pages, [vec![1, 2], vec![3, 4], vec![5]]);
    assert_eq!(app.get("/orders?limit=5").header("link"), "", "a full last page has no next one");
    assert_eq!(app.get("/orders?after=4").json(), json!([sample(4)]), "the limit has a default");
    assert_eq!(app.get("/orders?limit=3&after=5").json(), json!([]));
}

#[test]
fn parameters_that_are_wrong_are_named() {
    let app = TestApp::start();
    app.post("/create_orders", ORDERS);

    let table = [
        ("GET", "/orders?limit=0", "limit"),
        ("GET", "/orders?limit=1001", "limit"),
        ("GET", "/orders?limit=ten", "limit"),
        ("GET", "/orders?limit=1&limit=2", "limit"),
        ("GET", "/orders?after=-1", "after"),
        ("GET", "/orders?after=", "after"),
        ("GET", "/orders?limt=5", "limt"),
        ("GET", "/orders/one", "id"),
        ("GET", "/orders/2147483648", "id"),
        ("DELETE", "/orders/+1", "id"),
        ("GET", "/delete_order", "id"),
        ("GET", "/delete_order?id=1%20OR%201=1", "id"),
        ("GET", "/delete_order?order_id=1", "order_id"),
    ];

    for (method, path, parameter) in table {
        let problem = app.send(method, path, &[], "").problem(400);
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{method} {path}: {problem}");
    }
    assert_eq!(app.get("/orders").json().as_array().unwrap().len(), 5, "nothing was deleted");
}

#[test]
fn the_id_in_the_path_and_in_the_body_are_the_same() {
    let app = TestApp::start();
    app.post("/create_orders", ORDERS);

    let problem = app.send("PUT", "/orders/2", &[], sample(0).to_string()).problem(409);

    assert_eq!(problem["detail"], "order_id must be 2, as in the path");
    assert_eq!(app.get("/orders").json(), serde_json::from_str::<Value>(ORDERS).unwrap(), "nothing has changed");
}
