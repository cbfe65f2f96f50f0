//! Reads the fields of a JSON object one by one, so that everything that is wrong can be told at once, each
//! fault at its JSON Pointer. Knows JSON and faults, no entity.

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, missing_docs)]
pub mod properties;

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, json, value::RawValue};

use crate::{
    date_time::{Date, DateTime},
    decimal,
    error::{Error, Fault},
    money::Money,
};

/// More faults than this are not listed: nobody reads them, and a body can hold millions.
pub const MOST_FAULTS: usize = 100;

/// So many characters of a field's name are told: it may be as long as the body.
const MOST_NAME: usize = 100;

/// Checks that `body` is one JSON text (RFC 8259), whatever it holds.
///
/// # Errors
/// [`Error::BadRequest`], with the line and column of the first fault.
pub fn document(body: &[u8]) -> Result<&RawValue, Error> {
    let refuse = |detail: String| Error::BadRequest(detail, Vec::new());
    let text = std::str::from_utf8(body).map_err(|error| not_utf8(&error))?;
    if text.trim_ascii().is_empty() {
        return Err(refuse("the body is empty; JSON is expected".to_string()));
    }
    serde_json::from_str(text).map_err(|error| refuse(format!("the body is not JSON: {error}")))
}

/// The error for a body that is no text.
pub fn not_utf8(error: &std::str::Utf8Error) -> Error {
    Error::BadRequest(format!("the body is not UTF-8: {error}"), Vec::new())
}

/// Reads one value with `read`, which gets a [`Fields`] for it.
///
/// # Errors
/// [`Error::Invalid`], with every fault that was found.
pub fn one<T>(value: &RawValue, read: impl Fn(&mut Fields) -> T) -> Result<T, Error> {
    let mut faults = Vec::new();
    let item = read_item(value, String::new(), &read, &mut faults);
    if faults.is_empty() { Ok(item) } else { Err(Error::Invalid(faults)) }
}

/// Reads one value whose faults stand below `pointer`, and adds them to `faults`.
pub fn read_item<T>(value: &RawValue, pointer: String, read: impl Fn(&mut Fields) -> T, faults: &mut Vec<Fault>) -> T {
    let mut fields = Fields { pointer, members: Vec::new(), faults, described: None };
    match serde_json::from_str(value.get()) {
        Ok(Members(members)) => fields.members = members,
        Err(_) => {
            fields.faults.push(Fault::at(fields.pointer.clone(), "must be an object"));
            // Each field would be missing: one fault says it all.
            let mut ignored = Vec::new();
            return read(&mut Fields { faults: &mut ignored, ..fields });
        }
    }
    let item = read(&mut fields);
    fields.refuse_the_rest();
    item
}

/// The JSON Schema (draft 2020-12) of what `read` reads: it is run on nothing, and each field that it asks for is noted.
pub fn schema<T>(read: impl Fn(&mut Fields) -> T) -> Value {
    let (mut faults, mut described) = (Vec::new(), Described::default());
    read(&mut Fields {
        pointer: String::new(),
        members: Vec::new(),
        faults: &mut faults,
        described: Some(&mut described),
    });
    let Described { properties, required } = described;
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// A whole number as [`Fields::integer`] takes it, in JSON Schema.
pub fn integer_schema() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": i32::MAX })
}

/// The fields of one JSON object that have not been read yet. A field that is missing or wrong is noted as a
/// fault and reads as its type's default, so that the next one can be read too.
pub struct Fields<'a> {
    pointer: String,
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    faults: &'a mut Vec<Fault>,
    /// Where a field's schema is noted, in place of reading it.
    described: Option<&'a mut Described>,
}

/// The fields that were asked for.
#[derive(Default)]
struct Described {
    properties: Map<String, Value>,
    required: Vec<String>,
}

impl<'a> Fields<'a> {
    /// A whole number that a signed INT column holds, and not negative.
    pub fn integer(&mut self, name: &str) -> i32 {
        self.read(name, "must be a whole number from 0 to 2147483647", integer_schema, |raw| {
            decimal::scaled(raw.get(), 0).and_then(|number| i32::try_from(number).ok()).filter(|number| *number >= 0)
        })
    }

    /// An amount of money that is not negative.
    pub fn money(&mut self, name: &str) -> Money {
        let schema = || json!({ "type": "number", "minimum": 0, "maximum": 99_999_999.99, "multipleOf": 0.01 });
        self.read(name, "must be an amount from 0 to 99999999.99 with at most two decimals", schema, |raw| {
            Money::parse(raw.get()).filter(|money| (Money::ZERO..=Money::MAX).contains(money))
        })
    }

    /// The same where it may be missing.
    pub fn optional_money(&mut self, name: &str) -> Option<Money> {
        let is_there = self.described.is_some() || self.members.iter().any(|(member, _)| member == name);
        let money = is_there.then(|| self.money(name));
        if let Some(described) = &mut self.described {
            described.required.retain(|required| required != name);
        }
        money
    }

    /// Takes what has not been read for fields that do not matter here: others may say more than they are asked.
    pub fn ignore_the_rest(&mut self) {
        self.members.clear();
    }

    /// Text of 1 to 255 characters, as a VARCHAR(255) column holds it.
    pub fn text(&mut self, name: &str) -> String {
        let schema = || json!({ "type": "string", "minLength": 1, "maxLength": 255 });
        self.read(name, "must be a text of 1 to 255 characters", schema, |raw| {
            serde_json::from_str::<String>(raw.get()).ok().filter(|text| (1..=255).contains(&text.chars().count()))
        })
    }

    /// True or false.
    pub fn boolean(&mut self, name: &str) -> bool {
        let schema = || json!({ "type": "boolean" });
        self.read(name, "must be true or false", schema, |raw| serde_json::from_str(raw.get()).ok())
    }

    /// A day, as a DATE column holds it.
    pub fn date(&mut self, name: &str) -> Date {
        let schema = || json!({ "type": "string", "format": "date" });
        self.read(name, "must be a date such as 2026-11-21, from the year 1000 on", schema, |raw| {
            Date::parse(&serde_json::from_str::<Cow<str>>(raw.get()).ok()?)
        })
    }

    /// A moment, as a DATETIME(6) column holds it.
    pub fn date_time(&mut self, name: &str) -> DateTime {
        let schema = || json!({ "type": "string", "format": "date-time" });
        let rule = "must be a date and time with its offset (RFC 3339) such as 2026-11-21T09:30:00Z, with at most six \
                    decimals, from the year 1000 on";
        self.read(name, rule, schema, |raw| DateTime::parse(&serde_json::from_str::<Cow<str>>(raw.get()).ok()?))
    }

    fn read<T: Default>(
        &mut self,
        name: &str,
        rule: &str,
        schema: fn() -> Value,
        parse: impl Fn(&RawValue) -> Option<T>,
    ) -> T {
        if let Some(described) = &mut self.described {
            described.properties.insert(name.to_string(), schema());
            described.required.push(name.to_string());
            return T::default();
        }
        let Some(position) = self.members.iter().position(|(member, _)| member == name) else {
            self.fault(name, format!("is missing; it {rule}"));
            return T::default();
        };
        let (_, raw) = self.members.swap_remove(position);
        if self.members.iter().any(|(member, _)| member == name) {
            self.members.retain(|(member, _)| member != name);
            self.fault(name, "is given more than once".to_string());
            return T::default();
        }
        parse(raw).unwrap_or_else(|| {
            self.fault(name, rule.to_string());
            T::default()
        })
    }

    /// A name that nobody reads is a fault too: it is most often another one, misspelt.
    fn refuse_the_rest(&mut self) {
        for (name, _) in std::mem::take(&mut self.members) {
            self.fault(&name, "is not a known field".to_string());
            if self.faults.len() >= MOST_FAULTS {
                break;
            }
        }
    }

    /// Notes that the field `name` does not hold: what the functions of this type cannot see, such as a rule over several
    /// fields. `detail` is what the client is told, without quoting what it sent.
    pub fn fault(&mut self, name: &str, detail: String) {
        let name: String = name.chars().take(MOST_NAME).collect();
        let name = name.replace('~', "~0").replace('/', "~1"); // RFC 6901, section 3
        self.faults.push(Fault::at(format!("{}/{name}", self.pointer), detail));
    }
}

/// The members of a JSON object as they stand, also those that are given twice.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(8);
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(body: &str) -> Vec<(String, String)> {
        let value = document(body.as_bytes()).unwrap();
        let read = |fields: &mut Fields| (fields.integer("count"), fields.money("price"), fields.text("name"));
        let Err(Error::Invalid(faults)) = one(value, read) else { panic!("accepted: {body}") };
        faults
            .into_iter()
            .map(|fault| match fault.place {
                crate::error::Place::Pointer(pointer) => (pointer, fault.detail),
                crate::error::Place::Parameter(name) => panic!("no parameter: {name}"),
            })
            .collect()
    }

    #[test]
    fn every_fault_is_told_at_its_own_pointer() {
        let table = [
            ("5", vec![""]),
            (r#"{"count": -1, "price": 0.125, "name": ""}"#, vec!["/count", "/price", "/name"]),
            (r#"{"count": 1, "price": 1}"#, vec!["/name"]),
            (r#"{"count": 1, "count": 2, "price": 1, "name": "a"}"#, vec!["/count"]),
            (r#"{"count": 1, "price": 1, "name": "a", "a/b~": 1}"#, vec!["/a~1b~0"]),
        ];

        for (body, pointers) in table {
            let found: Vec<String> = faults(body).into_iter().map(|(pointer, _)| pointer).collect();
            assert_eq!(found, pointers, "{body}");
        }
    }
}
