//! The project's README, out of `README.md.in`.

use std::{fs, path::Path};

use crate::{entity::UPDATED, fields::Field, names::Names, rename, samples};

/// The row that the README deletes.
const DELETED: usize = 1;

/// Writes it.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write(root: &Path, folder: &Path, names: &Names, fields: &[Field]) -> Result<(), String> {
    let template =
        fs::read_to_string(root.join("template/README.md.in")).map_err(|error| format!("README.md.in: {error}"))?;
    let row = |row: usize, turned: usize| compact(names, fields, row, turned);
    let all: Vec<String> = (0..samples::ROWS).map(|index| row(index, 0)).collect();
    let after: Vec<String> = (0..samples::ROWS)
        .filter(|index| *index != DELETED)
        .map(|index| row(index, usize::from(index == UPDATED)))
        .collect();
    let described: String =
        fields.iter().map(|field| format!("| `{}` | {} |\n", field.name, field.kind.meaning())).collect();
    let text = rename::text(&template.replace("{endpoints}", &endpoints(root)?), names)
        .replace("{list}", &format!("[{}]", all.join(",")))
        .replace("{list after}", &format!("[{}]", after.join(",")))
        .replace("{fields}", described.trim_end());
    fs::write(folder.join("README.md"), text).map_err(|error| format!("README.md: {error}"))
}

/// A sample as the service answers it.
fn compact(names: &Names, fields: &[Field], row: usize, turned: usize) -> String {
    let members = samples::members(names, fields, row, turned);
    let members: Vec<String> = members.map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// The rows of this README's table of endpoints: a test holds them against the routes.
fn endpoints(root: &Path) -> Result<String, String> {
    let readme = fs::read_to_string(root.join("README.md")).map_err(|error| format!("README.md: {error}"))?;
    let rows = readme.lines().skip_while(|line| !line.starts_with("| Request |")).skip(2);
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    if rows.is_empty() { Err("README.md has no table of endpoints".to_string()) } else { Ok(rows.join("\n")) }
}
