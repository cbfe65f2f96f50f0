//! Expressions on bytes. `regex-lite` reads text only, so bytes that are not UTF-8 match nothing.

use regex_lite::Error;

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Regex(regex_lite::Regex);

impl Regex {
    /// Compiles an expression.
    ///
    /// # Errors
    /// When it is not one.
    pub fn new(expression: &str) -> Result<Regex, Error> {
        regex_lite::Regex::new(expression).map(Regex)
    }

    /// Whether the expression is found in `bytes`.
    pub fn is_match(&self, bytes: &[u8]) -> bool {
        std::str::from_utf8(bytes).is_ok_and(|text| self.0.is_match(text))
    }

    /// Where the expression is first found in `bytes`, group by group.
    pub fn captures<'a>(&self, bytes: &'a [u8]) -> Option<Captures<'a>> {
        self.0.captures(std::str::from_utf8(bytes).ok()?).map(Captures)
    }
}

/// What was found.
#[derive(Debug)]
pub struct Captures<'a>(regex_lite::Captures<'a>);

impl<'a> Captures<'a> {
    /// What stood in a group, counted from 1; 0 is the whole.
    pub fn get(&self, group: usize) -> Option<Match<'a>> {
        self.0.get(group).map(|found| Match(found.as_str().as_bytes()))
    }
}

/// A part of the bytes.
#[derive(Debug)]
pub struct Match<'a>(&'a [u8]);

impl<'a> Match<'a> {
    /// The part.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Regex;

    #[test]
    fn a_server_s_version_is_read_and_bytes_that_are_no_text_match_nothing() {
        let version = Regex::new(r"^5.5.5-(\d{1,2})\.(\d{1,2})\.(\d{1,3})-MariaDB").unwrap();

        let found = version.captures(b"5.5.5-11.8.3-MariaDB-0+deb13u1").unwrap();

        assert_eq!(found.get(1).unwrap().as_bytes(), b"11");
        assert_eq!(found.get(3).unwrap().as_bytes(), b"3");
        assert!(found.get(4).is_none());
        assert!(!version.is_match(b"8.0.36"));
        assert!(!version.is_match(b"5.5.5-11.8.3-MariaDB\xff"));
    }
}
