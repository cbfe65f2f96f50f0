//! Which names are something else here already: derived from the files, because any of them may change.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use crate::names::{Names, camel};

/// Why these names cannot be: none if they can.
pub fn problems(root: &Path, names: &Names) -> Vec<String> {
    let refuse =
        |what: &str, name: &str| Some(format!("'{name}' is {what} of the template already; choose another name"));
    let mut rust = Vec::new();
    for folder in ["src", "tests"] {
        rust_files(&root.join(folder), &mut rust);
    }
    let both = [names.plural.as_str(), names.singular.as_str()];
    // An entity by the name of this one's is this one.
    let both = both.into_iter().filter(|name| !["order", "orders"].contains(name));
    both.filter_map(|name| {
        if modules(root).contains(name) {
            return refuse("a module", name);
        }
        if tables_and_routes(root, &rust).contains(name) {
            return refuse("a table or a path", name);
        }
        if packages(root).contains(name) {
            return refuse("a package that something depends on, or one", name);
        }
        let spellings = [name.to_string(), camel(name), name.to_uppercase()];
        let mut files = rust.iter().filter_map(|file| fs::read_to_string(file).ok());
        let collides = files.any(|text| spellings.iter().any(|spelling| collides(&text, spelling)));
        if collides { refuse("a word in the code", name) } else { None }
    })
    .collect()
}

/// Whether this name would be two things in a Rust file: it stands in an item that is renamed too, or it is an item's own.
fn collides(rust: &str, name: &str) -> bool {
    // The first of these has what is imported.
    let items = || rust.split("\n}\n").map(identifiers);
    let is_renamed =
        |words: &HashSet<&str>| ["order", "orders", "Order", "Orders"].iter().any(|word| words.contains(word));
    let is_item = |line: &str| {
        let kinds = ["fn ", "mod ", "struct ", "enum ", "type ", "const ", "static "];
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let rest = kinds.iter().find_map(|kind| line.strip_prefix(kind));
        rest.is_some_and(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next() == Some(name))
    };
    items().any(|words| is_renamed(&words) && words.contains(name))
        || (items().any(|words| is_renamed(&words)) && rust.lines().any(is_item))
}

/// The names of the modules at the top of `src` and of the tests.
fn modules(root: &Path) -> HashSet<String> {
    let entries = ["src", "tests/api"].into_iter().filter_map(|folder| fs::read_dir(root.join(folder)).ok()).flatten();
    entries.flatten().filter_map(|entry| Some(entry.path().file_stem()?.to_string_lossy().into_owned())).collect()
}

/// The first names after `CREATE TABLE` in `sql/`, and after `"/` in the tables of routes.
fn tables_and_routes(root: &Path, rust: &[PathBuf]) -> HashSet<String> {
    let word =
        |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default().to_string();
    let mut names = HashSet::new();
    for entry in fs::read_dir(root.join("sql")).into_iter().flatten().flatten() {
        let sql = fs::read_to_string(entry.path()).unwrap_or_default();
        names.extend(sql.split("CREATE TABLE IF NOT EXISTS ").skip(1).map(word));
    }
    for file in rust.iter().filter(|file| file.starts_with(root.join("src"))) {
        let text = fs::read_to_string(file).unwrap_or_default();
        names.extend(text.split("(\"/").skip(1).map(word));
    }
    names
}

fn packages(root: &Path) -> HashSet<String> {
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    names.map(|name| name.replace('-', "_")).chain(["core", "std", "alloc", "test"].map(str::to_string)).collect()
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

/// The words of Rust outside comments and strings, but for fields, methods and what is named with its module: those are
/// nobody else's names.
fn identifiers(rust: &str) -> HashSet<&str> {
    let mut words = HashSet::new();
    for line in rust.lines() {
        let code = line.split("//").next().unwrap_or_default();
        // What stands between quotes is a string; one that goes on in the next line is rare, and costs a name at worst.
        for outside in code.split('"').step_by(2) {
            let mut before = "";
            for word in outside.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_') {
                let name = word.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_');
                let is_inside = (before.ends_with('.') && !before.ends_with("..")) || before.ends_with("::");
                if !name.is_empty() && !is_inside {
                    words.insert(name);
                }
                before = &outside[..word.as_ptr() as usize - outside.as_ptr() as usize + word.len()];
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::identifiers;

    #[test]
    fn comments_and_strings_are_no_identifiers() {
        let words = identifiers("let a_b = f(\"c d\", e.j, k::l()); // g\n//! h\nstruct I;");

        let mut words: Vec<&str> = words.into_iter().collect();
        words.sort_unstable();
        assert_eq!(words, ["I", "a_b", "e", "f", "k", "let", "struct"]);
    }
}
