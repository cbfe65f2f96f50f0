//! What is asked for, checked: every problem is told at once.

use std::path::{Path, PathBuf};

use crate::{
    copy,
    fields::{self, Field},
    names::Names,
    taken::Taken,
};

/// How `make new` is called.
pub const USAGE: &str = "make new NAME=bookings FIELDS='customer:text, starts_at:datetime, price:money, seats:int'";

/// A project to write.
pub struct Request {
    pub names: Names,
    pub fields: Vec<Field>,
    /// Where it goes.
    pub folder: PathBuf,
}

impl Request {
    /// Reads what is asked for through `look_up`, a variable's name to its value.
    ///
    /// # Errors
    /// A message for each problem.
    pub fn read(root: &Path, look_up: impl Fn(&str) -> Option<String>) -> Result<Request, Vec<String>> {
        let value = |name| look_up(name).map(|value| value.trim().to_string()).filter(|value| !value.is_empty());
        let (name, list) = (value("NAME"), value("FIELDS"));
        let (Some(name), Some(list)) = (name, list) else {
            return Err(vec![format!("NAME and FIELDS have to be given: {USAGE}")]);
        };
        let mut problems = Vec::new();
        let names = Names::new(&name, value("SINGULAR").as_deref(), &mut problems);
        let fields = fields::parse(&list, names.as_ref(), &mut problems);
        if let Some(names) = &names {
            problems.extend(Taken::read(root).problems(names));
        }
        let folder = root.join(value("DIR").unwrap_or_else(|| format!("../{name}")));
        if folder.exists() {
            problems.push(format!("{} is there already; say where else: DIR=…", folder.display()));
        } else if copy::would_belong(root, &folder) {
            let shown = folder.display();
            problems.push(format!("{shown} would be a part of this repository; say a DIR outside, or below target/"));
        }
        match names {
            Some(names) if problems.is_empty() => Ok(Request { names, fields, folder }),
            _ => Err(problems),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    fn problems(variables: &[(&str, &str)]) -> Vec<String> {
        let look_up =
            |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| value.to_string());
        Request::read(root(), look_up).err().unwrap_or_default()
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let told = problems(&[("NAME", "sheep"), ("FIELDS", "a:text, a:int, b:float"), ("DIR", "src")]);

        let words = ["SINGULAR", "'a' is given twice", "float", "is there already"];
        assert_eq!(told.len(), words.len(), "{told:?}");
        for (told, word) in told.iter().zip(words) {
            assert!(told.contains(word), "{told}");
        }
    }

    #[test]
    fn without_a_name_or_fields_it_says_how_it_is_called() {
        for variables in
            [&[][..], &[("NAME", "bookings")], &[("FIELDS", "a:int")], &[("NAME", " "), ("FIELDS", "a:int")]]
        {
            assert!(problems(variables)[0].contains(USAGE));
        }
    }

    #[test]
    fn a_project_does_not_become_a_part_of_this_repository() {
        let refused = |folder| {
            let told = problems(&[("NAME", "bookings"), ("FIELDS", "a:int"), ("DIR", folder)]);
            told.iter().any(|problem| problem.contains("a part of this repository"))
        };

        for folder in ["bookings", "./new/bookings", "src/bookings", "src/../bookings"] {
            assert!(refused(folder), "{folder}");
        }
        for folder in ["../bookings", "target/new/bookings", "/nowhere/bookings", "src/../../bookings"] {
            assert!(!refused(folder), "{folder}");
        }
    }

    #[test]
    fn what_is_there_already_is_no_name() {
        let taken = Taken::read(root());
        let is_free = |plural: &str, singular: &str| {
            taken.problems(&Names { plural: plural.into(), singular: singular.into() }).is_empty()
        };

        for name in ["event", "webhook", "metric", "route", "value", "page", "tokio", "request"] {
            assert!(!is_free(&format!("{name}s"), name), "{name}");
        }
        for name in ["booking", "invoice", "party", "tag", "book", "customer", "product", "ticket", "order"] {
            assert!(is_free(&format!("{name}s"), name), "{name}");
        }
    }
}
