//! Which names are something else here already: derived from the files, because any of them may change.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    copy,
    names::{Names, camel},
};

/// What there is.
pub struct Taken {
    modules: HashSet<String>,
    tables_and_paths: HashSet<String>,
    packages: HashSet<String>,
    /// A name that would be two things in a Rust file, and the file.
    words: HashMap<String, String>,
}

impl Taken {
    /// Reads it from the files.
    pub fn read(root: &Path) -> Taken {
        let mut files = Vec::new();
        for folder in ["src", "tests"] {
            rust_files(&root.join(folder), &mut files);
        }
        files.retain(|file| !copy::stays(file.strip_prefix(root).unwrap_or(file)));
        let mut words = HashMap::new();
        for file in &files {
            let shown = file.strip_prefix(root).unwrap_or(file).display().to_string();
            let text = fs::read_to_string(file).unwrap_or_default().replace("\\\"", "  "); // no end of a string
            words.extend(colliding(&text).into_iter().map(|word| (word.to_string(), shown.clone())));
        }
        let tables_and_paths = tables_and_paths(root, &files);
        Taken { modules: modules(root), tables_and_paths, packages: packages(root), words }
    }

    /// Why these names cannot be: nothing if they can.
    pub fn problems(&self, names: &Names) -> Vec<String> {
        let both = [names.plural.as_str(), names.singular.as_str()];
        // An entity by the name of this one's is this one.
        let both = both.into_iter().filter(|name| !["order", "orders"].contains(name));
        let what = |name: &str| {
            let spellings = [name.to_string(), camel(name), name.to_uppercase()];
            if self.modules.contains(name) {
                Some("a module".to_string())
            } else if self.tables_and_paths.contains(name) {
                Some("a table or a path".to_string())
            } else if self.packages.contains(name) {
                Some("a package".to_string())
            } else {
                spellings.iter().find_map(|name| self.words.get(name)).map(|file| format!("a name in {file}"))
            }
        };
        both.filter_map(|name| Some(format!("'{name}' is {} here already; choose another name", what(name)?))).collect()
    }
}

/// The names that would be two things in a Rust file, was one of them this entity's: they stand in an item that is renamed
/// too, or are an item's own.
fn colliding(rust: &str) -> HashSet<&str> {
    let is_renamed =
        |words: &HashSet<&str>| ["order", "orders", "Order", "Orders"].iter().any(|word| words.contains(word));
    // The first of these has what is imported.
    let mut words: HashSet<&str> = rust.split("\n}\n").map(identifiers).filter(is_renamed).flatten().collect();
    if !words.is_empty() {
        let kinds = ["fn ", "mod ", "struct ", "enum ", "type ", "const ", "static "];
        words.extend(rust.lines().filter_map(|line| {
            let line = line.strip_prefix("pub ").unwrap_or(line);
            let rest = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
        }));
    }
    words
}

/// The names of the modules at the top of `src` and of the tests, and of those that the pages have one add.
fn modules(root: &Path) -> HashSet<String> {
    let entries = |folder: &str| fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    let mut modules: HashSet<String> = ["src", "tests/api"]
        .into_iter()
        .flat_map(entries)
        .filter_map(|entry| Some(entry.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    for page in entries("docs").filter(|entry| entry.path().extension().is_some_and(|end| end == "md")) {
        let text = fs::read_to_string(page.path()).unwrap_or_default();
        let added = text.split("A new file, [src/").skip(1).filter_map(|rest| rest.split_once(".rs]"));
        modules.extend(added.map(|(name, _)| name.to_string()));
    }
    modules
}

/// The first names after `CREATE TABLE` in `sql/`, and after `"/` in the tables of routes.
fn tables_and_paths(root: &Path, rust: &[PathBuf]) -> HashSet<String> {
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
            let mut place = 0;
            for word in outside.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_') {
                let (before, after) = (&outside[..place], &outside[place + word.len()..]);
                let name = word.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_');
                let is_inside = (before.ends_with('.') && !before.ends_with("..")) || before.ends_with("::");
                // In `use a::{b::c, d::{self, e}}` b is nothing that this file could name.
                let is_path = before.starts_with("use ")
                    && before.contains('{')
                    && word.ends_with(':')
                    && !after.starts_with(":{");
                if !name.is_empty() && !is_inside && !is_path {
                    words.insert(name);
                }
                place += word.len();
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Names, Taken, colliding, identifiers};

    #[test]
    fn names_that_people_choose_are_free() {
        let taken = Taken::read(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
        let names = "greetings rates addresses articles bookings books comments companies customers devices documents employees invoices items \
                     members messages notes payments people posts products projects questions rooms tasks tickets users";

        for plural in names.split_whitespace() {
            let singular = (plural == "people").then_some("person");
            let names = Names::new(plural, singular, &mut Vec::new()).unwrap();

            assert_eq!(taken.problems(&names), Vec::<String>::new());
        }
    }

    #[test]
    fn what_the_pages_have_one_add_is_taken() {
        let taken = Taken::read(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
        let names = Names::new("jottings", None, &mut Vec::new()).unwrap();

        assert_eq!(taken.problems(&names).len(), 1);
    }

    #[test]
    fn comments_and_strings_are_no_identifiers() {
        let words = identifiers("let a_b = f(\"c d\", e.j, k::l()); // g\n//! h\nstruct I;");

        let mut words: Vec<&str> = words.into_iter().collect();
        words.sort_unstable();
        assert_eq!(words, ["I", "a_b", "e", "f", "k", "let", "struct"]);
    }

    #[test]
    fn a_path_within_the_braces_of_a_use_is_no_identifier() {
        let mut words: Vec<&str> = identifiers("use a::{b, c::d, e::{self, f}};\nuse g::h;").into_iter().collect();
        words.sort_unstable();
        assert_eq!(words, ["a", "b", "e", "f", "g", "self", "use"]);
    }

    #[test]
    fn a_name_collides_where_the_entity_stands_beside_it_or_it_is_an_items_own() {
        let rust = "use a::{b, order};\n\nfn c() {\n    let d = 1;\n}\n\nfn e() {\n    let f = order(1);\n}\n";

        let words = colliding(rust);

        for (word, collides) in [("b", true), ("c", true), ("e", true), ("f", true), ("g", false)] {
            assert_eq!(words.contains(word), collides, "{word}");
        }
        assert!(colliding("fn c() {}\n").is_empty());
    }
}
