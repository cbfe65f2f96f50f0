//! Several expressions that are matched together.

use regex_lite::{Error, Regex};

/// The expressions.
#[derive(Debug, Clone)]
pub struct RegexSet(Vec<Regex>);

impl RegexSet {
    /// Compiles them.
    ///
    /// # Errors
    /// When one of them is none.
    pub fn new(expressions: impl IntoIterator<Item = impl AsRef<str>>) -> Result<RegexSet, Error> {
        expressions
            .into_iter()
            .map(|expression| Regex::new(expression.as_ref()))
            .collect::<Result<_, _>>()
            .map(RegexSet)
    }

    /// Whether any of them is found in `text`.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.iter().any(|expression| expression.is_match(text))
    }

    /// Which of them are found in `text`.
    pub fn matches(&self, text: &str) -> SetMatches {
        let found = self.0.iter().enumerate().filter(|(_, expression)| expression.is_match(text));
        SetMatches(found.map(|(index, _)| index).collect())
    }
}

/// Their places in the set, ascending.
#[derive(Debug, Clone)]
pub struct SetMatches(Vec<usize>);

impl SetMatches {
    /// Whether there is one.
    pub fn matched_any(&self) -> bool {
        !self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a SetMatches {
    type Item = usize;
    type IntoIter = std::iter::Copied<std::slice::Iter<'a, usize>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().copied()
    }
}
