//! The options of a sink: `name=value` parted by `&`. A `+` is a plus, as in Base64; what parts options or sinks (`&`, `%`,
//! a comma) is percent-encoded in a value.

use percent_encoding::percent_decode_str;

/// Options that nobody has asked for yet. Their values are secrets.
pub struct Options(Vec<(String, String)>);

impl Options {
    /// Reads options.
    ///
    /// # Errors
    /// What is wrong, without quoting it.
    pub fn parse(text: &str) -> Result<Options, String> {
        let mut options = Vec::new();
        for option in text.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').ok_or("has an option without a value")?;
            let value = percent_decode_str(value).decode_utf8().map_err(|_| "has an option that is not UTF-8")?;
            if value.is_empty() {
                return Err("has an option with an empty value".to_string());
            }
            options.push((name.to_string(), value.into_owned()));
        }
        Ok(Options(options))
    }

    /// The values that are nobody's business.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let is_secret = |name: &str| ["secret", "key", "token"].contains(&name);
        self.0.iter().filter(move |(name, _)| is_secret(name)).map(|(_, value)| value.as_str())
    }

    /// All values of this name.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        let (taken, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.0).into_iter().partition(|(known, _)| known == name);
        self.0 = others;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// The value of this name, if there is one.
    ///
    /// # Errors
    /// When there are several.
    pub fn one(&mut self, name: &str) -> Result<Option<String>, String> {
        let mut values = self.all(name).into_iter();
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(format!("gives the option {name} more than once")),
        }
    }

    /// The value of this name as a number from 1 to `most`, if there is one.
    ///
    /// # Errors
    /// When it is none, or there are several.
    pub fn number(&mut self, name: &str, most: usize) -> Result<Option<usize>, String> {
        let Some(value) = self.one(name)? else { return Ok(None) };
        match value.parse() {
            Ok(number) if (1..=most).contains(&number) => Ok(Some(number)),
            _ => Err(format!("has an option {name} that is not from 1 to {most}")),
        }
    }

    /// Nothing may be left: an option that nobody asks for is another one, misspelt.
    ///
    /// # Errors
    /// When something is.
    pub fn finish(self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err("has an option that its kind of sink does not know".to_string()) }
    }
}
