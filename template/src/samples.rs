//! Values for the sample files: five rows that differ, plausible by type and name, each as the service writes it.

use crate::{
    fields::{Field, Kind},
    names::Names,
};

/// How many rows there are.
pub const ROWS: usize = 5;

type Values = [&'static str; ROWS];

const PEOPLE: Values = ["Ada Lovelace", "Jürgen Groß", "陳小明", "Chloé O'Neill", "João Almeida 🐓"];
const MAIL: Values =
    ["ada@example.com", "juergen@example.org", "ming@example.net", "chloe@example.com", "j@example.org"];
const CITIES: Values = ["Berlin", "Cork", "台北市", "Porto", "Rotterdam"];
const ADDRESSES: Values = [
    "Lindenstraße 14, 10969 Berlin",
    "18 Harbour View, Cork",
    "台北市信義路五段7號",
    "Rua do Almada 200, Porto 🐓",
    "Dock 9, Rotterdam",
];
const COUNTRIES: Values = ["Deutschland", "Éire", "臺灣", "Portugal", "Nederland"];
const PHONES: Values =
    ["+49 30 90 18 20", "+353 21 555 0100", "+886 2 2345 6789", "+351 22 555 0100", "+31 10 555 0100"];
const URLS: Values = [
    "https://example.com/",
    "https://example.org/größe",
    "https://example.net/?q=1",
    "http://example.com/a/b",
    "https://example.org/5",
];
const TEXTS: Values = ["first", "zweites, größer", "第三", "quatrième 🐓", "fifth, and the last"];
const NUMBERS: Values = ["2", "1", "12", "6", "400"];
const KEYS: Values = ["31", "7", "52", "30", "19"];
const YEARS: Values = ["1998", "2026", "1969", "2011", "1984"];
const MONEY: Values = ["24.9", "0.1", "1188.0", "74.75", "16777217.01"];
const BOOLS: Values = ["true", "false", "true", "false", "true"];
const BIRTHDAYS: Values = ["1815-12-10", "1990-02-28", "2004-02-29", "1969-07-20", "1984-11-05"];
const DATES: Values = ["2026-11-21", "2026-12-24", "2027-01-01", "2027-02-14", "2028-02-29"];
const MOMENTS: Values = [
    "2026-11-21T09:30:00Z",
    "2026-12-24T18:00:00Z",
    "2027-01-01T00:00:00Z",
    "2027-02-14T19:45:30.5Z",
    "2028-02-29T12:00:00Z",
];

/// What stands in a text by words of its name.
const BY_NAME: [(&[&str], &Values); 7] = [
    (&["mail"], &MAIL),
    (&["address", "street"], &ADDRESSES),
    (&["phone", "mobile", "fax"], &PHONES),
    (&["url", "link", "website"], &URLS),
    (&["city", "town", "place", "location"], &CITIES),
    (&["country", "nation"], &COUNTRIES),
    (&["name", "customer", "guest", "owner", "author", "contact", "person", "host"], &PEOPLE),
];

/// The names and values of a row, counted from 0, the key first. `turned`: the first field has its
/// value of so many rows later.
pub fn members(names: &Names, fields: &[Field], row: usize, turned: usize) -> impl Iterator<Item = (String, String)> {
    let key = (names.key(), (row + 1).to_string());
    let others = fields.iter().enumerate().map(move |(place, field)| {
        let nth = fields[..place].iter().filter(|other| other.kind == field.kind).count();
        (field.name.clone(), json(field, nth, if place == 0 { row + turned } else { row }))
    });
    [key].into_iter().chain(others)
}

/// The value of a field in a row, as JSON. `nth` is its place among those of its type, so that they differ.
fn json(field: &Field, nth: usize, row: usize) -> String {
    let is_called = |words: &[&str]| words.iter().any(|word| field.name.contains(word));
    let values = match field.kind {
        Kind::Text => BY_NAME.iter().find(|(words, _)| is_called(words)).map_or(&TEXTS, |(_, values)| values),
        Kind::Int if field.name.ends_with("_id") => &KEYS,
        Kind::Int if is_called(&["year"]) => &YEARS,
        Kind::Int => &NUMBERS,
        Kind::Money => &MONEY,
        Kind::Bool => &BOOLS,
        Kind::Date if is_called(&["born", "birth"]) => &BIRTHDAYS,
        Kind::Date => &DATES,
        Kind::DateTime => &MOMENTS,
    };
    let turned = if field.kind == Kind::Text { row } else { row + nth };
    let value = values[turned % ROWS];
    match field.kind {
        Kind::Text | Kind::Date | Kind::DateTime => format!("\"{value}\""),
        Kind::Int | Kind::Money | Kind::Bool => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::UPDATED;

    #[test]
    fn the_update_differs_from_the_row_whatever_the_one_field_holds() {
        let names = Names { plural: "bookings".into(), singular: "booking".into() };
        for kind in [Kind::Text, Kind::Int, Kind::Money, Kind::Bool, Kind::Date, Kind::DateTime] {
            let values = |turned| {
                let field = Field { name: "a".into(), kind };
                members(&names, &[field], UPDATED, turned).collect::<Vec<_>>()
            };
            assert_ne!(values(0), values(1), "{kind:?}");
        }
    }

    #[test]
    fn a_value_suits_its_name() {
        let json = |name: &str, kind| json(&Field { name: name.into(), kind }, 0, 0);

        assert_eq!(json("customer", Kind::Text), "\"Ada Lovelace\"");
        assert_eq!(json("e_mail", Kind::Text), "\"ada@example.com\"");
        assert_eq!(json("room_id", Kind::Int), "31");
        assert_eq!(json("born", Kind::Date), "\"1815-12-10\"");
    }
}
