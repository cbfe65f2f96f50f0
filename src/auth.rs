//! Who may call: whoever sends one of the configured tokens (RFC 6750, section 2.1). Knows no endpoint.

use hyper::header::{AUTHORIZATION, HeaderMap};
use subtle::{Choice, ConstantTimeEq};

use crate::error::Error;

/// A shorter token could be guessed.
const FEWEST_CHARACTERS: usize = 16;

/// The tokens of which each request has to carry one; none: everybody may call. They are secrets, so there is no
/// `Debug`.
pub struct Tokens(Vec<String>);

impl Tokens {
    /// Reads tokens that are parted by commas. White space round them and empty entries do not count.
    ///
    /// # Errors
    /// What is wrong, without quoting a token: one is too short or cannot stand in a header, or there is none although
    /// `text` is not empty.
    pub fn parse(text: &str) -> Result<Tokens, String> {
        let tokens: Vec<&str> = text.split(',').map(str::trim).filter(|token| !token.is_empty()).collect();
        for (number, token) in (1..).zip(&tokens) {
            check_token(token).map_err(|problem| format!("has in token {number} {problem}"))?;
        }
        if tokens.is_empty() && !text.is_empty() {
            return Err("is set and names no token".to_string());
        }
        Ok(Tokens(tokens.into_iter().map(str::to_owned).collect()))
    }

    /// Whether no token is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lets a request with these headers in, or not.
    ///
    /// # Errors
    /// [`Error::Unauthorized`].
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(());
        }
        if !headers.contains_key(AUTHORIZATION) {
            return Err(Error::Unauthorized("a bearer token is needed", None));
        }
        if bearer_token(headers).is_some_and(|token| self.contain(token)) {
            return Ok(());
        }
        Err(Error::Unauthorized("this is no bearer token that is known here", Some("invalid_token")))
    }

    /// How long it takes tells nothing about the tokens but their lengths.
    fn contain(&self, given: &[u8]) -> bool {
        let found = self.0.iter().fold(Choice::from(0), |found, token| found | token.as_bytes().ct_eq(given));
        found.into()
    }
}

/// Whether this is fit to be a token.
///
/// # Errors
/// What it has that it should not have, without quoting it.
pub fn check_token(token: &str) -> Result<(), String> {
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a character that is not visible ASCII".to_string());
    }
    if token.len() < FEWEST_CHARACTERS {
        return Err(format!("less than {FEWEST_CHARACTERS} characters"));
    }
    Ok(())
}

/// Whether a token is the one that is known. How long it takes tells nothing but the length.
pub fn is_same(known: &str, given: &[u8]) -> bool {
    known.as_bytes().ct_eq(given).into()
}

/// The bearer token of a request, if it has just one.
pub fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    match (given.next(), given.next()) {
        (Some(value), None) => bearer(value.as_bytes()),
        _ => None,
    }
}

/// The token of `Bearer <token>`; a scheme's name may be written in any case (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_or_it_is_not() {
        let tokens = Tokens::parse(" first-token-0123456 ,, second-token-012345,").ok().unwrap();
        let table = [
            ("Bearer first-token-0123456", true),
            ("bearer  second-token-012345", true),
            ("Bearer first-token-0123457", false),
            ("Bearer first-token-01234567", false),
            ("Bearer first-token-012345", false),
            ("Bearer first-token-0123456,second-token-012345", false),
            ("Bearer ", false),
            ("Bearer", false),
            ("", false),
            ("Basic first-token-0123456", false),
            ("first-token-0123456", false),
        ];

        for (value, known) in table {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            assert_eq!(tokens.check(&headers).is_ok(), known, "{value}");
        }
        let twice =
            HeaderMap::from_iter(["Bearer first-token-0123456"; 2].map(|v| (AUTHORIZATION, v.parse().unwrap())));
        assert!(tokens.check(&twice).is_err());
    }

    #[test]
    fn tokens_that_cannot_be_meant_are_refused_and_not_quoted() {
        for (text, problem) in [
            ("0123456789abcdef,hunter2", "token 2 less than 16"),
            ("hunter2-hunter2-hünter2", "token 1 a character"),
            ("hunter2-hunter2 hunter2-hunter2", "token 1 a character"),
            (" , ", "names no token"),
        ] {
            let message = Tokens::parse(text).err().unwrap();
            assert!(message.contains(problem) && !message.contains("nter2"), "{message}");
        }
        assert!(Tokens::parse("").is_ok_and(|tokens| tokens.is_empty()));
    }
}
