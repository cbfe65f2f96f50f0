//! The entity's names, in each spelling: `line_items`, `line_item`, `LineItem`, `LINE_ITEM`, `line-items`.

use crate::reserved;

/// An entity's name, of many and of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Names {
    /// `bookings`: the table, the path, the folder, the package.
    pub plural: String,
    /// `booking`.
    pub singular: String,
}

/// The longest identifier that MySQL takes.
pub const MOST_LENGTH: usize = 64;

impl Names {
    /// From what was given. `None` when there is no use in going on.
    pub fn new(plural: &str, singular: Option<&str>, problems: &mut Vec<String>) -> Option<Names> {
        let before = problems.len();
        check("NAME", plural, problems);
        let derived = singular.map(str::to_string).or_else(|| singular_of(plural));
        match &derived {
            None if problems.len() == before => {
                problems.push(format!("what is one of '{plural}' called? Say so: SINGULAR=…"));
            }
            Some(singular) if singular == plural => {
                problems.push(format!("one and many have to differ: SINGULAR={singular} is NAME"));
            }
            Some(singular) => check("SINGULAR", singular, problems),
            None => {}
        }
        let names = Names { plural: plural.to_string(), singular: derived? };
        (problems.len() == before).then_some(names)
    }

    /// `booking_id`: the key's column and field.
    pub fn key(&self) -> String {
        format!("{}_id", self.singular)
    }

    /// `a` or `an`, as it is said before one.
    pub fn article(&self) -> &'static str {
        let sounds_like = |starts: &[&str]| starts.iter().any(|start| self.singular.starts_with(start));
        let vowel = self.singular.starts_with(['a', 'e', 'i', 'o', 'u']);
        let like_you = ["uni", "use", "usa", "usu", "uti", "ura", "eu", "ewe", "one", "once"];
        let silent_h = ["hour", "heir", "honest", "honor", "honour"];
        if sounds_like(&silent_h) || (vowel && !sounds_like(&like_you)) { "an" } else { "a" }
    }
}

/// `LineItem` for `line_item`.
pub fn camel(snake: &str) -> String {
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    snake.split('_').filter(|word| !word.is_empty()).map(capital).collect()
}

/// What is wrong with a name that becomes an identifier in Rust and in SQL.
pub fn check(what: &str, name: &str, problems: &mut Vec<String>) {
    let mut words = name.split('_');
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !words.all(is_word) || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        problems.push(format!("{what} '{name}': small letters, digits and single underscores, such as line_items"));
    } else if name.len() + "update_".len() > MOST_LENGTH {
        problems.push(format!("{what} '{name}' is too long: {} characters at most", MOST_LENGTH - "update_".len()));
    } else if reserved::RUST.contains(&name) {
        problems.push(format!("{what} '{name}' is a word of Rust's own; choose another one"));
    } else if reserved::SQL.contains(&name) {
        problems.push(format!("{what} '{name}' is a reserved word of MariaDB or MySQL; choose another one"));
    }
}

/// One of many, where English is regular.
fn singular_of(plural: &str) -> Option<String> {
    let irregular =
        [("movies", "movie"), ("cookies", "cookie"), ("caches", "cache"), ("heroes", "hero"), ("buses", "bus")];
    let regular = [("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", "")];
    let mut endings = irregular.iter().chain(&regular);
    let (ending, one) = endings.find(|(ending, _)| plural.ends_with(ending))?;
    let stem = plural.strip_suffix(ending)?;
    (stem.len() + one.len() > 1 && !plural.ends_with("ss") && !plural.ends_with("us")).then(|| format!("{stem}{one}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(plural: &str, singular: Option<&str>) -> Result<Names, Vec<String>> {
        let mut problems = Vec::new();
        Names::new(plural, singular, &mut problems).ok_or(problems)
    }

    #[test]
    fn the_singular_is_found_where_it_is_regular() {
        let table = [
            ("bookings", "booking"),
            ("line_items", "line_item"),
            ("parties", "party"),
            ("addresses", "address"),
            ("taxes", "tax"),
            ("branches", "branch"),
            ("houses", "house"),
            ("sizes", "size"),
            ("movies", "movie"),
            ("http_caches", "http_cache"),
        ];
        for (plural, singular) in table {
            assert_eq!(names(plural, None).unwrap().singular, singular);
        }
        assert_eq!(names("people", Some("person")).unwrap().singular, "person");
    }

    #[test]
    fn a_name_that_cannot_be_is_refused_with_the_reason() {
        let table = [
            ("sheep", None, "SINGULAR"),
            ("people", None, "SINGULAR"),
            ("status", None, "SINGULAR"),
            ("sheep", Some("sheep"), "differ"),
            ("Bookings", None, "small letters"),
            ("line-items", None, "small letters"),
            ("2fas", None, "small letters"),
            ("a__bs", None, "small letters"),
            ("bookings", Some("boo king"), "small letters"),
            ("keys", None, "reserved"),
            ("groups", None, "reserved"),
            ("types", None, "Rust"),
            ("matches", None, "Rust"),
            ("bookingsbookingsbookingsbookingsbookingsbookingsbookingsbookings", None, "too long"),
        ];
        for (plural, singular, reason) in table {
            let problems = names(plural, singular).unwrap_err();
            assert!(problems[0].contains(reason), "{plural}: {problems:?}");
        }
    }

    #[test]
    fn the_article_is_as_it_is_said() {
        for (singular, article) in [("booking", "a"), ("order", "an"), ("user", "a"), ("invoice", "an"), ("hour", "an")]
        {
            let names = Names { plural: format!("{singular}s"), singular: singular.to_string() };
            assert_eq!(names.article(), article, "{singular}");
        }
    }

    #[test]
    fn a_camel_has_no_underscores() {
        assert_eq!(camel("line_item2"), "LineItem2");
    }
}
