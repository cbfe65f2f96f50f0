//! Values come back as they went in, each field's by its type, from edge to edge; what does not fit is refused where it
//! stands.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    samples::{self, order},
    support::TestApp,
};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(dead_code)] // an entity need not have each of them
enum Kind {
    Integer,
    Money,
    Text,
    Boolean,
    Date,
    DateTime,
}

const FIELDS: &[(&str, Kind)] = &[
    ("order_id", Kind::Integer),
    ("product_id", Kind::Integer),
    ("quantity", Kind::Integer),
    ("amount", Kind::Money),
    ("shipping", Kind::Money),
    ("tax", Kind::Money),
    ("shipping_address", Kind::Text),
];

impl Kind {
    /// What fits: as it is sent, as it is answered, as it stands in the table.
    fn fits(self) -> Vec<[String; 3]> {
        let rows: &[[&str; 3]] = match self {
            Kind::Integer => &[
                ["0", "0", "0"],
                ["7.0", "7", "7"],
                ["1e3", "1000", "1000"],
                ["2147483647", "2147483647", "2147483647"],
            ],
            Kind::Money => &[
                ["0.1", "0.1", "0.10"],
                ["16777217.01", "16777217.01", "16777217.01"],
                ["99999999.99", "99999999.99", "99999999.99"],
                ["0.29", "0.29", "0.29"],
                ["20", "20.0", "20.00"],
                ["20.00", "20.0", "20.00"],
                ["1.005e3", "1005.0", "1005.00"],
                ["-0.0", "0.0", "0.00"],
            ],
            Kind::Text => {
                let texts = [
                    "Ünter den Linden 🐓🏳️‍🌈",
                    "東京都千代田区千代田1-1",
                    "قصر الحمراء، غرناطة",
                    "'); DROP TABLE orders;--",
                    "a \"quoted\" \\ back\nnew line\ttab",
                    "\u{0}\u{7f}\u{feff}",
                    " spaces around ",
                    "1",
                    &"界".repeat(255),
                ];
                return texts.map(|text| [json!(text).to_string(), json!(text).to_string(), text.to_string()]).to_vec();
            }
            Kind::Boolean => &[["true", "true", "1"], ["false", "false", "0"]],
            Kind::Date => &[
                ["\"2024-02-29\"", "\"2024-02-29\"", "2024-02-29"],
                ["\"1000-01-01\"", "\"1000-01-01\"", "1000-01-01"],
                ["\"9999-12-31\"", "\"9999-12-31\"", "9999-12-31"],
            ],
            Kind::DateTime => &[
                ["\"2026-11-21T09:30:00Z\"", "\"2026-11-21T09:30:00Z\"", "2026-11-21 09:30:00.000000"],
                ["\"2026-11-21T00:30:00+01:00\"", "\"2026-11-20T23:30:00Z\"", "2026-11-20 23:30:00.000000"],
                ["\"2024-02-29T12:00:00.000001z\"", "\"2024-02-29T12:00:00.000001Z\"", "2024-02-29 12:00:00.000001"],
                ["\"2026-11-21T09:30:00.5Z\"", "\"2026-11-21T09:30:00.5Z\"", "2026-11-21 09:30:00.500000"],
                ["\"1000-01-01T00:00:00Z\"", "\"1000-01-01T00:00:00Z\"", "1000-01-01 00:00:00.000000"],
                ["\"9999-12-31T23:59:59.999999Z\"", "\"9999-12-31T23:59:59.999999Z\"", "9999-12-31 23:59:59.999999"],
            ],
        };
        rows.iter().map(|row| row.map(str::to_string)).collect()
    }

    /// What does not fit, as it is sent, and why.
    fn refuses(self) -> Vec<(String, &'static str)> {
        let others =
            [(Kind::Integer, "1", "a number"), (Kind::Boolean, "true", "a boolean"), (Kind::Text, "\"12\"", "a text")];
        let others = others.into_iter().filter(|(kind, ..)| {
            *kind != self && (*kind, self) != (Kind::Integer, Kind::Money) // whole money is money
        });
        let rows: &[(&str, &str)] = match self {
            Kind::Integer => &[("2147483648", "past i32"), ("-1", "negative"), ("1.5", "a fraction")],
            Kind::Money => &[
                ("0.125", "three decimals"),
                ("100000000", "one cent over the column"),
                ("-0.01", "negative"),
                ("1e400", "too large for anything"),
            ],
            Kind::Text => &[("\"\"", "empty"), ("\"\\ud800\"", "half a surrogate pair")],
            Kind::Boolean => &[("0", "a number"), ("\"true\"", "a text")],
            Kind::Date => &[
                ("\"2023-02-29\"", "no such day"),
                ("\"0999-12-31\"", "before what a column holds"),
                ("\"2026-11-21T00:00:00Z\"", "a time too"),
            ],
            Kind::DateTime => &[
                ("\"2026-11-21\"", "no time"),
                ("\"2026-11-21T09:30:00\"", "no offset"),
                ("\"2016-12-31T23:59:60Z\"", "a leap second"),
                ("\"2026-11-21T09:30:00.1234567Z\"", "finer than a microsecond"),
                ("\"1000-01-01T00:00:00+00:01\"", "before what a column holds, in UTC"),
            ],
        };
        let for_all = [("null", "null"), ("[1]", "an array"), ("{}", "an object")];
        let mut all: Vec<(String, &str)> =
            rows.iter().chain(&for_all).map(|(value, why)| (value.to_string(), *why)).collect();
        all.extend(others.map(|(_, value, why)| (value.to_string(), why)));
        if self == Kind::Text {
            all.push((json!("x".repeat(256)).to_string(), "too long"));
        }
        all
    }
}

/// An order, each member as text: a parser would make a float of money.
fn pairs() -> BTreeMap<String, String> {
    let order: Value = serde_json::from_str(&order(1)).unwrap();
    order.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
}

fn object(pairs: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", pairs.join(","))
}

fn with(field: &str, value: &str) -> String {
    let mut pairs = pairs();
    pairs.insert(field.to_string(), value.to_string());
    object(&pairs)
}

#[test]
fn every_value_that_fits_comes_back_as_it_went_in_and_stands_so_in_the_table() {
    let app = TestApp::start();

    for (field, kind) in FIELDS {
        for [sent, answered, stored] in kind.fits() {
            app.execute("DELETE FROM orders");

            assert_eq!(app.post("/create_order", with(field, &sent)).status, 200, "{field}: {sent}");

            let body = app.get("/orders").body;
            let shown = body.contains(&format!("\"{field}\":{answered},"))
                || body.contains(&format!("\"{field}\":{answered}}}"));
            assert!(shown, "{field}: {sent}: {body}");
            let in_table: Vec<String> = app.query(&format!("SELECT CAST({field} AS CHAR) FROM orders"));
            assert_eq!(in_table, [stored], "{field}: {sent}");
        }
    }
}

#[test]
fn values_that_do_not_fit_are_refused_with_the_field_named() {
    let app = TestApp::start();

    for (field, kind) in FIELDS {
        for (value, reason) in kind.refuses() {
            let problem = app.post("/create_order", with(field, &value)).problem(422);

            assert_eq!(pointers(&problem), [format!("/{field}")], "{reason}: {problem}");
        }
    }
    assert_eq!(app.get("/orders").json(), json!([]));
}

#[test]
fn a_field_that_is_missing_or_given_twice_is_refused_with_its_name() {
    let app = TestApp::start();

    for (field, _) in FIELDS {
        let mut pairs = pairs();
        let value = pairs.remove(*field).unwrap();
        let twice = object(&pairs).replacen('{', &format!("{{\"{field}\":{value},\"{field}\":{value},"), 1);

        for body in [object(&pairs), twice] {
            let problem = app.post("/create_order", body).problem(422);

            assert_eq!(pointers(&problem), [format!("/{field}")], "{problem}");
        }
    }
    assert_eq!(app.get("/orders").json(), json!([]));
}

#[test]
fn the_fields_are_those_of_the_samples_and_of_the_description() {
    let app = TestApp::start();
    let mut names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();

    let samples: Value = serde_json::from_str(samples::ORDERS).unwrap();
    let described = app.get("/openapi.json").json()["components"]["schemas"]["Order"]["properties"].clone();

    for shown in [&samples[0], &described] {
        let mut shown: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
        shown.sort_unstable();
        assert_eq!(shown, names);
    }
}

fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect()
}
