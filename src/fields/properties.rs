//! What holds for each function that reads the fields of an object, whatever is sent: inputs that nobody thought of.

use proptest::{collection::vec, prelude::*, sample::Index, test_runner::TestRunner};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{Error, Place};

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Integer,
    Money,
    Text,
    Boolean,
    Date,
    DateTime,
}

/// Any bytes are read or refused, also those that are nearly right.
pub fn any_bytes_are_read_or_refused<T>(fields: &[(&'static str, Kind)], read: impl Fn(&[u8]) -> Result<T, Error>) {
    let input = (any::<Vec<u8>>(), object(fields), any::<Index>(), any::<u8>());
    let holds = |(body, right, at, byte): (Vec<u8>, Value, Index, u8)| {
        let _ = read(&body);
        let mut nearly = right.to_string().into_bytes();
        let at = at.index(nearly.len());
        nearly[at] = byte;
        let _ = read(&nearly);
        Ok(())
    };
    TestRunner::default().run(&input, holds).unwrap();
}

/// What is read is written as it came.
pub fn what_is_read_is_written_as_it_came<T: Serialize>(
    fields: &[(&'static str, Kind)],
    read: impl Fn(&[u8]) -> Result<T, Error>,
) {
    let holds = |object: Value| {
        let written = serde_json::to_value(read(object.to_string().as_bytes()).unwrap()).unwrap();
        prop_assert_eq!(written, object);
        Ok(())
    };
    TestRunner::default().run(&object(fields), holds).unwrap();
}

/// One field that is changed is valid, or is the one that is named.
pub fn a_field_that_is_changed_is_valid_or_named<T>(
    fields: &[(&'static str, Kind)],
    read: impl Fn(&[u8]) -> Result<T, Error>,
) {
    let input = (object(fields), prop::sample::select(fields.to_vec()), value());
    let holds = |(mut object, (field, kind), (value, kinds)): (Value, (&str, Kind), (String, Vec<Kind>))| {
        object[field] = Value::Null;
        let body = object.to_string().replace(&format!("\"{field}\":null"), &format!("\"{field}\":{value}"));
        match read(body.as_bytes()) {
            Ok(_) => prop_assert!(kinds.contains(&kind), "{field}: {value} was taken"),
            Err(Error::Invalid(faults)) => {
                prop_assert!(!kinds.contains(&kind), "{field}: {value} was refused");
                let places: Vec<&Place> = faults.iter().map(|fault| &fault.place).collect();
                let named = matches!(places[..], [Place::Pointer(pointer)] if *pointer == format!("/{field}"));
                prop_assert!(named, "{faults:?}");
            }
            Err(error) => prop_assert!(false, "{error:?}: {body}"),
        }
        Ok(())
    };
    TestRunner::default().run(&input, holds).unwrap();
}

/// An object with these fields, each as it is written.
fn object(fields: &[(&'static str, Kind)]) -> impl Strategy<Value = Value> {
    let names: Vec<String> = fields.iter().map(|(name, _)| (*name).to_string()).collect();
    let values: Vec<BoxedStrategy<Value>> = fields.iter().map(|(_, kind)| fitting(*kind)).collect();
    values.prop_map(move |values| Value::Object(names.clone().into_iter().zip(values).collect()))
}

fn fitting(kind: Kind) -> BoxedStrategy<Value> {
    let day = || (1000..=9999, 1..=12, 1..=28).prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
    match kind {
        Kind::Integer => (0..=i32::MAX).prop_map(Value::from).boxed(),
        Kind::Money => (0..=9_999_999_999_i64).prop_map(|cents| Value::from(cents as f64 / 100.0)).boxed(),
        Kind::Text => vec(any::<char>(), 1..=255).prop_map(|text| Value::from(String::from_iter(text))).boxed(),
        Kind::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Date => day().prop_map(Value::from).boxed(),
        Kind::DateTime => (day(), 0..24, 0..60, 0..60)
            .prop_map(|(day, hour, minute, second)| json!(format!("{day}T{hour:02}:{minute:02}:{second:02}Z")))
            .boxed(),
    }
}

/// A JSON value, as text, and the kinds of field that take it.
fn value() -> impl Strategy<Value = (String, Vec<Kind>)> {
    // Most faults stand at the edges.
    let edges = prop_oneof![-2..2_i64, 2_147_483_647..2_147_483_649_i64, 9_999_999_999..10_000_000_001_i64];
    let digits = prop_oneof![4 => edges, 1 => -20_000..20_000_i64, 1 => any::<i64>()];
    let decimal = (digits, 0..4_u32).prop_map(|(digits, decimals)| {
        let scale = 10_i64.pow(decimals);
        let sign = if digits < 0 { "-" } else { "" };
        let (whole, rest) = ((digits / scale).unsigned_abs(), (digits % scale).unsigned_abs());
        let text = match decimals {
            0 => digits.to_string(),
            _ => format!("{sign}{whole}.{rest:0width$}", width = decimals as usize),
        };
        let (digits, scale) = (i128::from(digits), i128::from(scale));
        let fits = |(_, times, most): &(Kind, i128, i128)| {
            digits * times % scale == 0 && (0..=most * scale).contains(&(digits * times))
        };
        let kinds = [(Kind::Integer, 1, i32::MAX.into()), (Kind::Money, 100, 9_999_999_999)];
        (text, kinds.iter().filter(|kind| fits(kind)).map(|(kind, ..)| *kind).collect())
    });
    let text = prop_oneof![0..3_usize, 254..258_usize].prop_flat_map(|length| vec(any::<char>(), length));
    let text = text.prop_map(|characters| {
        let kinds = if (1..=255).contains(&characters.len()) { vec![Kind::Text] } else { vec![] };
        (json!(String::from_iter(characters)).to_string(), kinds)
    });
    let other = prop::sample::select(vec![
        ("null", vec![]),
        ("true", vec![Kind::Boolean]),
        ("false", vec![Kind::Boolean]),
        ("[]", vec![]),
        ("{}", vec![]),
        ("[1]", vec![]),
        ("1e400", vec![]),
        ("-1e-400", vec![]),
        ("\"1\"", vec![Kind::Text]),
        ("\"true\"", vec![Kind::Text]),
        ("\"2024-02-29\"", vec![Kind::Text, Kind::Date]),
        ("\"2023-02-29\"", vec![Kind::Text]),
        ("\"2026-11-21T09:30:00.000001+01:00\"", vec![Kind::Text, Kind::DateTime]),
        ("\"2026-11-21T09:30:00\"", vec![Kind::Text]),
    ]);
    let other = other.prop_map(|(text, kinds)| (text.to_string(), kinds));
    prop_oneof![3 => decimal, 2 => text, 2 => other]
}
