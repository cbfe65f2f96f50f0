//! The entity's samples, as every other test needs them. What they look like is taken from the sample files at run time:
//! this file names no field but the key, and knows no rule of a field but what its value in the sample shows.

use std::{ops::Range, sync::LazyLock};

use serde_json::{Map, Value, json};

/// An array of five with the ids 1 to 5, which differ. Money is written with decimals: `2.0`.
pub const ORDERS: &str = include_str!("../../orders.json");

/// The third of them, changed in some field.
pub const UPDATE: &str = include_str!("../../update_order.json");

const KEY: &str = "order_id";

/// What an order has besides its key.
static FIELDS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let mut order: Map<String, Value> = serde_json::from_str(UPDATE).unwrap();
    order.remove(KEY).unwrap();
    assert!(!order.is_empty(), "an order has nothing but its key");
    order
});

/// The field in which variants differ: the one whose type has the most values that are easy to make.
static VARIED: LazyLock<&str> = LazyLock::new(|| {
    let rank = |value: &Value| match value {
        Value::Number(number) => usize::from(!number.is_i64()),
        value if is_text(value) => 2,
        value if value.is_string() => 3,
        _ => 4,
    };
    FIELDS.iter().min_by_key(|(_, value)| rank(value)).unwrap().0
});

/// An order with this id, as JSON.
pub fn order(id: i32) -> String {
    with_fields(id, &FIELDS)
}

/// A JSON array of orders with these ids.
pub fn orders(ids: Range<i32>) -> String {
    let fields = pairs(&FIELDS);
    format!("[{}]", ids.map(|id| format!("{{\"{KEY}\":{id},{fields}")).collect::<Vec<_>>().join(","))
}

/// How many orders take so many MiB of JSON: an order may be small or large.
pub fn filling(mebibytes: usize) -> i32 {
    let bytes = order(100_000).len() + 1;
    i32::try_from((mebibytes << 20) / bytes).unwrap()
}

/// An order with this id that differs in one field: from [`order`] unless `number` is 0, and from that of the next number.
/// Two that are not neighbours are the same only where the field's type has too few values.
pub fn variant(id: i32, number: i32) -> String {
    let mut fields = FIELDS.clone();
    fields[*VARIED] = varied(&FIELDS[*VARIED], number);
    with_fields(id, &fields)
}

/// What tells this order from its other variants.
pub fn mark(order: &Value) -> &Value {
    &order[*VARIED]
}

/// An order with this id of which one value is refused, and where in it: a JSON Pointer.
pub fn invalid(id: i32) -> (String, String) {
    let mut fields = FIELDS.clone();
    fields[*VARIED] = json!([]);
    (with_fields(id, &fields), format!("/{}", *VARIED))
}

/// An order with this id of which one field has a name that is not known, and that field's own name.
pub fn misnamed(id: i32, name: &str) -> (String, String) {
    let mut fields = FIELDS.clone();
    let value = fields.remove(*VARIED).unwrap();
    fields.insert(name.to_string(), value);
    (with_fields(id, &fields), VARIED.to_string())
}

/// The names of an order's fields besides its key, each with its value in the sample.
pub fn fields() -> impl Iterator<Item = (&'static str, &'static Value)> {
    FIELDS.iter().map(|(name, value)| (name.as_str(), value))
}

/// The name of a field of text; of another one where there is none.
pub fn text_field() -> &'static str {
    fields().find(|(_, value)| is_text(value)).map_or(*VARIED, |(name, _)| name)
}

/// Whether a field with this value takes any text, and not dates only.
pub fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| date(text).is_none())
}

fn with_fields(id: i32, fields: &Map<String, Value>) -> String {
    // The key comes first, so that tests can find it, with a comma behind it.
    format!("{{\"{KEY}\":{id},{}", pairs(fields))
}

/// The end of an object's text: without its first brace.
fn pairs(fields: &Map<String, Value>) -> String {
    json!(fields).to_string().split_off(1)
}

/// Another value of the same type for each number, as far as there are some; for 0 the value itself.
pub fn varied(value: &Value, number: i32) -> Value {
    match value {
        _ if number == 0 => value.clone(),
        Value::Number(sample) => match sample.as_i64() {
            Some(sample) => json!(sample + i64::from(number)),
            // To the cent, as money has it.
            None => json!(((sample.as_f64().unwrap() + f64::from(number)) * 100.0).round() / 100.0),
        },
        Value::Bool(sample) => json!(*sample == (number % 2 == 0)),
        Value::String(text) => match date(text) {
            // A year that every database takes; and each has a 28th of February.
            Some((year, rest)) => {
                let year = 2000 + (year + number).rem_euclid(1000);
                json!(format!("{year}{}", rest.replacen("-02-29", "-02-28", 1)))
            }
            None => json!(format!("{text} {number}")),
        },
        other => panic!("{other} is of no type that a field has"),
    }
}

/// A date, or a date and time (RFC 3339): its year and what follows it. Nothing where the text is neither.
fn date(text: &str) -> Option<(i32, &str)> {
    let (year, rest) = text.split_at_checked(4)?;
    let (day, time) = rest.split_at_checked(6)?;
    let is_day = day.chars().zip("-00-00".chars()).all(|(c, like)| c == like || (like == '0' && c.is_ascii_digit()));
    let is_date = is_day && (time.is_empty() || time.starts_with('T'));
    Some((year.parse().ok().filter(|_| is_date)?, rest))
}
