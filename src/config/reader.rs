//! From a variable's text to its value.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use mysql_async::{Opts, SslOpts};
use reqwest::Url;

use super::VARIABLES;

/// Reads one variable after the other, and keeps what is wrong with them.
pub struct Reader<L> {
    look_up: L,
    /// One line each.
    pub mistakes: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// Wraps a look-up, a variable's name to its value.
    pub fn new(look_up: L) -> Reader<L> {
        Reader { look_up, mistakes: Vec::new() }
    }

    /// The value of `name`, or its default, as `parse` reads it; `None` when it is missing or wrong.
    pub fn read<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let default = VARIABLES.iter().find(|variable| variable.name == name).and_then(|variable| variable.default);
        let value = (self.look_up)(name).filter(|value| !value.is_empty());
        let problem = match value.as_deref().or(default) {
            None => "is not set".to_string(),
            Some(text) => match parse(text) {
                Ok(value) => return Some(value),
                Err(problem) => problem,
            },
        };
        self.mistakes.push(format!("{name} {problem}"));
        None
    }
}

/// An address to listen on, or none.
pub fn optional_address(text: &str) -> Result<Option<SocketAddr>, String> {
    match SocketAddr::from_str(text) {
        _ if text.is_empty() => Ok(None),
        Ok(address @ SocketAddr::V4(_)) => Ok(Some(address)),
        _ => Err("must be an IPv4 address and port, such as 127.0.0.1:8081".into()),
    }
}

/// Where the database is, and who we are there.
pub fn database_url(text: &str) -> Result<Opts, String> {
    const FORM: &str = "must have the form mysql://user:password@host:port/database";
    // The driver's own message could quote the password.
    let opts = Opts::from_url(text).map_err(|_| FORM.to_string())?;
    // The driver in the module cannot verify less, and nobody should.
    let verifies = |tls: &SslOpts| !tls.accept_invalid_certs() && !tls.skip_domain_validation();
    match opts.db_name() {
        None | Some("") => Err(format!("names no database; it {FORM}")),
        _ if !opts.ssl_opts().is_none_or(verifies) => {
            Err("turns off verify_ca or verify_identity; name the certificate's authority in SSL_CERT_FILE instead"
                .into())
        }
        Some(_) => Ok(opts),
    }
}

/// A whole number in `range`.
pub fn number_in<T>(range: std::ops::RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    move |text| match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("must be a whole number from {} to {}", range.start(), range.end())),
    }
}

/// `true` or `false`.
pub fn true_or_false(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "must be true or false".into())
}

/// A time in seconds, with a fraction if need be.
pub fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.001..=3600.0).contains(&number) => Ok(Duration::from_secs_f64(number)),
        _ => Err("must be a number of seconds from 0.001 to 3600".into()),
    }
}

/// An address of HTTP or HTTPS.
pub fn http_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        _ => Err("must be a URL such as http://host:port/path".into()),
    }
}

/// A URI reference (RFC 3986), as far as its characters go, that fits where others store it.
pub fn uri_reference(text: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    if (1..=255).contains(&text.len()) && text.bytes().all(is_allowed) {
        Ok(text.to_owned())
    } else {
        Err("must be a URI reference such as /shop or https://shop.example/, of 255 characters at most".into())
    }
}

/// What `parse` reads, or `None` where nothing is given.
pub fn optional<T>(parse: impl Fn(&str) -> Result<T, String>) -> impl Fn(&str) -> Result<Option<T>, String> {
    move |text| if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

/// What `parse` reads, parted by commas. White space round each and empty entries do not count.
pub fn list<T>(parse: impl Fn(&str) -> Result<T, String>) -> impl Fn(&str) -> Result<Vec<T>, String> {
    move |text| text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(&parse).collect()
}
