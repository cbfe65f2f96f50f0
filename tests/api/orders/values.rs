//! Values come back as they went in: money to the cent, text in all scripts, whole numbers in their range.

use serde_json::{Value, json};

use crate::support::TestApp;

fn order(field: &str, value: &str) -> String {
    let mut order = json!({"order_id": 1, "product_id": 1, "quantity": 1, "amount": 1, "shipping": 1, "tax": 1,
        "shipping_address": "somewhere"});
    order[field] = json!("PLACEHOLDER");
    order.to_string().replace("\"PLACEHOLDER\"", value)
}

#[test]
fn money_is_exact_to_the_cent_on_the_wire_and_in_the_table() {
    let app = TestApp::start();

    let table = [
        ("0.1", "0.1", "0.10"),
        ("16777217.01", "16777217.01", "16777217.01"),
        ("99999999.99", "99999999.99", "99999999.99"),
        ("0.29", "0.29", "0.29"),
        ("20", "20.0", "20.00"),
        ("20.00", "20.0", "20.00"),
        ("1.005e3", "1005.0", "1005.00"),
        ("-0.0", "0.0", "0.00"),
    ];

    for (sent, answered, stored) in table {
        app.get("/init");
        for field in ["amount", "shipping", "tax"] {
            app.send("DELETE", "/orders/1", &[], "");
            assert_eq!(app.post("/create_order", order(field, sent)).status, 200, "{field} {sent}");

            // As text: a JSON parser would make a float of it.
            let body = app.get("/orders/1").body;
            assert!(body.contains(&format!("\"{field}\":{answered},")), "{sent}: {body}");
            let in_table: Vec<String> = app.query(&format!("SELECT {field} FROM orders"));
            assert_eq!(in_table, [stored]);
        }
    }
}

#[test]
fn text_survives_the_round_trip() {
    let app = TestApp::start();

    for address in [
        "Ünter den Linden 🐓🏳️‍🌈",
        "東京都千代田区千代田1-1",
        "قصر الحمراء، غرناطة",
        "'); DROP TABLE orders;--",
        "a \"quoted\" \\ back\nnew line\ttab",
        "\u{0}\u{7f}\u{feff}",
        " spaces around ",
        &"界".repeat(255),
    ] {
        app.send("DELETE", "/orders/1", &[], "");
        let body = order("shipping_address", &json!(address).to_string());

        assert_eq!(app.post("/create_order", body).status, 200, "{address}");

        assert_eq!(app.get("/orders/1").json()["shipping_address"], *address);
        assert_eq!(app.query::<String>("SELECT shipping_address FROM orders"), [address]);
    }
}

#[test]
fn whole_numbers_reach_from_zero_to_the_largest_of_an_int_column() {
    let app = TestApp::start();

    for (sent, value) in [("0", 0), ("2147483647", 2_147_483_647), ("7.0", 7), ("1e3", 1000)] {
        for field in ["order_id", "product_id", "quantity"] {
            app.get("/init");

            assert_eq!(app.post("/create_order", order(field, sent)).status, 200, "{field} {sent}");

            assert_eq!(app.get("/orders").json()[0][field], value);
        }
    }
}

#[test]
fn values_that_do_not_fit_are_refused_with_the_field_named() {
    let app = TestApp::start();

    let table = [
        ("amount", "0.125", "three decimals"),
        ("amount", "100000000", "one cent over the column"),
        ("amount", "-0.01", "negative"),
        ("amount", "1e400", "too large for anything"),
        ("tax", "\"12\"", "a text"),
        ("shipping", "null", "null"),
        ("shipping", "true", "a boolean"),
        ("quantity", "2147483648", "past i32"),
        ("quantity", "-1", "negative"),
        ("quantity", "1.5", "a fraction"),
        ("order_id", "[1]", "an array"),
        ("product_id", "{}", "an object"),
        ("shipping_address", "5", "a number"),
        ("shipping_address", "\"\"", "empty"),
        ("shipping_address", "\"\\ud800\"", "half a surrogate pair"),
        ("shipping_address", &json!("x".repeat(256)).to_string(), "too long"),
    ];

    for (field, value, reason) in table {
        let problem = app.post("/create_order", order(field, value)).problem(422);

        let pointers: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
        assert_eq!(pointers, [&json!(format!("/{field}"))], "{reason}: {problem}");
    }
    assert_eq!(app.get("/orders").json(), json!([]));
}
