//! What `/openapi.json` says of the tax, which may be left out where there is a tax service.

use std::{thread, time::Duration};

use serde_json::{Value, json};

use crate::{
    openapi::{assert_agrees, assert_valid},
    peer::{Peer, reply},
    support::TestApp,
};

#[test]
fn a_tax_may_be_left_out_where_there_is_a_tax_service_and_is_in_every_answer() {
    let peer = Peer::start(|request, stream| match request.text() {
        text if text.contains("liar") => reply(stream, 200, &[], "{}"),
        text if text.contains("sleeper") => thread::sleep(Duration::from_secs(2)),
        _ => reply(stream, 200, &[], r#"{"tax": 4.73}"#),
    });
    let app = TestApp::start_with(&[("TAX_SERVICE_URL", &peer.url("/")), ("OUTBOUND_TIMEOUT", "1")]);
    let api = app.get("/openapi.json").json();
    let post = &api["paths"]["/orders"]["post"];

    for (address, status) in [("here", 201), ("liar", 502), ("sleeper", 504)] {
        let order = json!({"order_id": 1, "product_id": 1, "quantity": 1, "amount": 1, "shipping": 1,
            "shipping_address": address});
        let reply = app.post("/orders", order.to_string());

        assert_eq!(reply.status, status, "{address}: {}", reply.body);
        assert_agrees(&api, post, &reply, address);
        assert_valid(&api, &post["requestBody"]["content"]["application/json"]["schema"], &order, address);
    }
    let required = |name: &str| api["components"]["schemas"][name]["required"].as_array().unwrap().clone();
    assert!(required("Order").contains(&json!("tax")) && !required("OrderRequest").contains(&json!("tax")));
    let without = TestApp::start().get("/openapi.json").json();
    let statuses = |api: &Value| {
        let responses = api["paths"]["/orders"]["post"]["responses"].as_object().unwrap().clone();
        ["502", "503", "504"].map(|status| responses.contains_key(status))
    };
    assert_eq!((statuses(&api), statuses(&without)), ([true; 3], [false, true, false]));
    assert_eq!(without["components"]["schemas"]["OrderRequest"], without["components"]["schemas"]["Order"]);
}
