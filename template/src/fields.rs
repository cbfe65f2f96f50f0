//! The list of fields: `customer:text, starts_at:datetime, price:money, seats:int`.

use crate::names::{self, Names};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Text,
    Int,
    Money,
    Bool,
    Date,
    DateTime,
}

/// One field.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
}

/// What there is, as it is written in the list.
const KINDS: [(&str, Kind); 6] = [
    ("text", Kind::Text),
    ("int", Kind::Int),
    ("money", Kind::Money),
    ("bool", Kind::Bool),
    ("date", Kind::Date),
    ("datetime", Kind::DateTime),
];

/// More would not fit a statement of 512 rows: 65,535 placeholders, 16 MiB.
const MOST: usize = 100;
const MOST_TEXTS: usize = 20;

impl Kind {
    /// The type of the field in Rust.
    pub fn rust(self) -> &'static str {
        match self {
            Kind::Text => "String",
            Kind::Int => "i32",
            Kind::Money => "Money",
            Kind::Bool => "bool",
            Kind::Date => "Date",
            Kind::DateTime => "DateTime",
        }
    }

    /// The function of `Fields` that reads it.
    pub fn reader(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Int => "integer",
            Kind::Money => "money",
            Kind::Bool => "boolean",
            Kind::Date => "date",
            Kind::DateTime => "date_time",
        }
    }

    /// Its name among the kinds that the tests of the model know.
    pub fn property(self) -> &'static str {
        match self {
            Kind::Text => "Text",
            Kind::Int => "Integer",
            Kind::Money => "Money",
            Kind::Bool => "Boolean",
            Kind::Date => "Date",
            Kind::DateTime => "DateTime",
        }
    }

    /// The type of the column.
    pub fn column(self) -> &'static str {
        match self {
            Kind::Text => "VARCHAR(255)",
            Kind::Int => "INT",
            Kind::Money => "DECIMAL(10, 2)",
            Kind::Bool => "BOOLEAN",
            Kind::Date => "DATE",
            Kind::DateTime => "DATETIME(6)",
        }
    }

    /// What it may be, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Kind::Text => "text, 1 to 255 characters of Unicode",
            Kind::Int => "a whole number from 0 to 2147483647",
            Kind::Money => "money from 0 to 99999999.99, exact to the cent",
            Kind::Bool => "`true` or `false`",
            Kind::Date => "a day, `2026-11-21`, from the year 1000 on",
            Kind::DateTime => "a moment, `2026-11-21T09:30:00Z`, to the microsecond: any offset comes in, UTC goes out",
        }
    }
}

/// Reads the list; what is wrong goes to `problems`.
pub fn parse(list: &str, names: Option<&Names>, problems: &mut Vec<String>) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (name, kind) = entry.split_once(':').map_or((entry, ""), |(name, kind)| (name.trim(), kind.trim()));
        let what = format!("the field '{name}'");
        names::check("the field", name, problems);
        if fields.iter().any(|field| field.name == name) {
            problems.push(format!("{what} is given twice"));
        }
        if name == "version" {
            problems.push(format!("{what}: every row has a version already, which counts its changes"));
        }
        if names.is_some_and(|names| names.key() == name) {
            problems.push(format!("{what} is the key, which is there without being named"));
        }
        match KINDS.iter().find(|(known, _)| *known == kind) {
            Some((_, kind)) => fields.push(Field { name: name.to_string(), kind: *kind }),
            None => problems.push(if kind.is_empty() {
                format!("{what} has no type: write {name}:text, or int, money, bool, date, datetime")
            } else {
                format!("{what} has the type '{kind}'; there are text, int, money, bool, date, datetime")
            }),
        }
    }
    let texts = fields.iter().filter(|field| field.kind == Kind::Text).count();
    if list.split(',').all(|entry| entry.trim().is_empty()) {
        problems.push("FIELDS names no field: FIELDS='customer:text, seats:int'".to_string());
    }
    if fields.len() > MOST || texts > MOST_TEXTS {
        problems.push(format!("these are too many fields: {MOST} at most, of which {MOST_TEXTS} may be text"));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(list: &str) -> Vec<String> {
        let names = Names { plural: "bookings".into(), singular: "booking".into() };
        let mut problems = Vec::new();
        parse(list, Some(&names), &mut problems);
        problems
    }

    #[test]
    fn a_list_is_read_with_or_without_spaces() {
        let mut problems = Vec::new();
        let fields = parse("customer:text,starts_at : datetime ,, vip:bool,", None, &mut problems);

        let expected = [("customer", Kind::Text), ("starts_at", Kind::DateTime), ("vip", Kind::Bool)];
        assert_eq!(fields, expected.map(|(name, kind)| Field { name: name.into(), kind }));
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn what_is_wrong_with_a_field_is_told() {
        let table = [
            ("a", "has no type: write a:text"),
            ("a:string", "'string'"),
            ("A:int", "small letters"),
            ("a-b:int", "small letters"),
            ("type:int", "Rust"),
            ("rank:int", "reserved"),
            ("version:int", "version"),
            ("booking_id:int", "the key"),
            ("a:int, a:int", "twice"),
            (" , ", "no field"),
        ];
        for (list, reason) in table {
            assert!(problems(list)[0].contains(reason), "{list}: {:?}", problems(list));
        }
        let many = |count: usize, kind: &str| (0..count).map(|i| format!("f{i}:{kind},")).collect::<String>();
        for (list, fits) in
            [(many(100, "int"), true), (many(101, "int"), false), (many(20, "text"), true), (many(21, "text"), false)]
        {
            assert_eq!(problems(&list).is_empty(), fits);
        }
    }
}
