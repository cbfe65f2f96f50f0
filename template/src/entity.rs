//! What depends on the fields: the table, the model, the columns, the sample files, the tests of values. It is written into a
//! copy that has been renamed already.

use std::{fs, path::Path};

use crate::{
    blocks,
    fields::{Field, Kind},
    names::{Names, camel},
    samples,
};

/// This one's fields, besides the key.
const OURS: &[&str] = &["product_id", "quantity", "amount", "shipping", "tax", "shipping_address"];

/// The samples' row that the update changes, counted from 0.
pub const UPDATED: usize = 2;

/// Writes it all.
///
/// # Errors
/// When a file is not as it is expected: something has moved since this was written.
pub fn write(folder: &Path, names: &Names, fields: &[Field]) -> Result<(), String> {
    let Names { plural, singular } = names;
    let all = with_key(names, fields);
    create(folder, &format!("sql/0001_{plural}.sql"), &table(names, &all))?;
    create(folder, &format!("{plural}.json"), &sample_file(names, fields))?;
    create(folder, &format!("update_{singular}.json"), &(object(names, fields, UPDATED, 1, "\n    ", "\n") + "\n"))?;
    edit(folder, &format!("src/{plural}/model.rs"), |text| model(text, names, &all))?;
    edit(folder, &format!("src/{plural}/columns.rs"), |text| columns(text, names, &all))?;
    edit(folder, &format!("tests/api/{plural}/values.rs"), |text| blocks::replace(text, KINDS, "];", &kinds(&all)))
}

/// The table of fields in tests: this line and what follows it.
const KINDS: &str = "const FIELDS: &[(&str, Kind)] = &[";

fn kinds(all: &[Field]) -> Vec<String> {
    all.iter().map(|Field { name, kind }| format!("        (\"{name}\", Kind::{}),", kind.property())).collect()
}

/// All fields, the key first.
fn with_key(names: &Names, fields: &[Field]) -> Vec<Field> {
    let key = Field { name: names.key(), kind: Kind::Int };
    [&[key], fields].concat()
}

fn table(names: &Names, all: &[Field]) -> String {
    let width = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or_default();
    let name_width = width(&mut all.iter().map(|field| field.name.len())).max("version".len());
    let type_width = width(&mut all.iter().map(|field| field.kind.column().len())).max("BIGINT UNSIGNED".len());
    let column =
        |name: &str, kind: &str, rest: &str| format!("    {name:name_width$} {kind:type_width$} NOT NULL{rest}\n");
    let mut text = String::from(
        "-- A step is never edited once it has been applied somewhere: the next change is the next file.\n\
         -- A step may be cut off half-way (DDL commits by itself), so it must be fit to run twice: IF NOT EXISTS.\n",
    );
    text += &format!("CREATE TABLE IF NOT EXISTS {} (\n", names.plural);
    for (place, field) in all.iter().enumerate() {
        let rest = if place == 0 { " PRIMARY KEY, -- given by the client" } else { "," };
        text += &column(&field.name, field.kind.column(), rest);
    }
    text += "    -- What an event's `sequence` says: each change raises it. It starts at the database's clock, in microseconds since\n\
             \x20   -- 1970, so that a row that is deleted and made again does not go back.\n";
    let clock = " DEFAULT (TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)))";
    text += &column("version", "BIGINT UNSIGNED", clock);
    text + ") ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 -- utf8mb4: all of Unicode; MySQL's 'utf8' has no emoji\n"
}

fn model(text: &mut String, names: &Names, all: &[Field]) -> Result<(), String> {
    let one = camel(&names.singular);
    let lines = |line: &dyn Fn(&Field) -> String| all.iter().map(line).collect::<Vec<String>>();
    let mut declared = lines(&|Field { name, kind }| {
        format!("    /// {}.\n    pub {name}: {},", capital(kind.meaning()), kind.rust())
    });
    declared[0] = format!("    /// Its key, which the client gives.\n    pub {}: i32,", names.key());
    let read = lines(&|Field { name, kind }| format!("        {name}: fields.{}(\"{name}\"),", kind.reader()));
    blocks::replace(text, &format!("pub struct {one} {{"), "}", &declared)?;
    blocks::replace(text, &format!("{one} {{"), "}", &read)?;
    blocks::replace(text, KINDS, "];", &kinds(all))?;
    let has = |kind| all.iter().any(|field| field.kind == kind);
    let types =
        [("money::Money", Kind::Money), ("date_time::Date", Kind::Date), ("date_time::DateTime", Kind::DateTime)];
    let imports =
        types.iter().filter(|(_, kind)| has(*kind)).map(|(path, _)| format!("    {path},\n")).collect::<String>();
    substitute(text, "    money::Money,\n", &imports)
}

fn columns(text: &mut String, names: &Names, all: &[Field]) -> Result<(), String> {
    let one = &names.singular;
    let joined = |all: &[Field], end: &str| all.iter().map(|f| f.name.clone() + end).collect::<Vec<_>>().join(", ");
    let ours = format!("\"{}, {}\"", names.key(), OURS.join(", "));
    substitute(text, &ours, &format!("\"{}\"", joined(all, "")))?;
    substitute(text, "\"(?, ?, ?, ?, ?, ?, ?)\"", &format!("\"({})\"", vec!["?"; all.len()].join(", ")))?;
    let set = OURS.iter().map(|name| format!("{name} = ?")).collect::<Vec<_>>().join(", ");
    substitute(text, &set, &joined(&all[1..], " = ?"))?;
    substitute(text, "[Value; 7]", &format!("[Value; {}]", all.len()))?;
    let bound = all.iter().map(|Field { name, kind }| {
        format!("        {one}.{name}{}.into(),", if *kind == Kind::Text { ".as_str()" } else { "" })
    });
    blocks::replace(text, "[", "]", &bound.collect::<Vec<_>>())?;
    let read = all.iter().map(|field| format!("        {}: columns.read()?,", field.name));
    blocks::replace(text, &format!("Ok({} {{", camel(one)), "})", &read.collect::<Vec<_>>())
}

/// `A day` for `a day`.
fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().collect::<String>() + rest.as_str()).unwrap_or_default()
}

/// One sample, each member after `before`, and `after` at the end.
fn object(names: &Names, fields: &[Field], row: usize, turned: usize, before: &str, after: &str) -> String {
    let members = samples::members(names, fields, row, turned);
    let members: Vec<String> = members.map(|(name, value)| format!("\"{name}\": {value}")).collect();
    format!("{{{before}{}{after}}}", members.join(&format!(",{before}")))
}

fn sample_file(names: &Names, fields: &[Field]) -> String {
    let rows = (0..samples::ROWS).map(|row| format!("    {}", object(names, fields, row, 0, "\n        ", "\n    ")));
    format!("[\n{}\n]\n", rows.collect::<Vec<_>>().join(",\n"))
}

/// Puts `new` in the place of `old`.
fn substitute(text: &mut String, old: &str, new: &str) -> Result<(), String> {
    if !text.contains(old) {
        return Err(format!("there is no '{old}'"));
    }
    *text = text.replace(old, new);
    Ok(())
}

fn create(folder: &Path, name: &str, text: &str) -> Result<(), String> {
    fs::write(folder.join(name), text).map_err(|error| format!("{name}: {error}"))
}

fn edit(folder: &Path, name: &str, change: impl FnOnce(&mut String) -> Result<(), String>) -> Result<(), String> {
    let mut text = fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
    change(&mut text).map_err(|problem| format!("{name} is not as it was when `make new` was written: {problem}"))?;
    create(folder, name, &text)
}
