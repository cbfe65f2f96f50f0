//! Every setting of the service. WASI has no command line to speak of, so settings come as environment
//! variables (`wasmedge --env NAME=VALUE`), all read here, once, and all mistakes are reported together.

use std::{net::IpAddr, net::SocketAddr, str::FromStr, time::Duration};

use anyhow::bail;
use mysql_async::Opts;

use crate::auth::Tokens;

/// An environment variable that the service reads.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds when it is not set; `None`: it has to be set.
    pub default: Option<&'static str>,
    /// What it means, in a few words.
    pub meaning: &'static str,
}

/// Every variable there is. README's table and the launcher's list are checked against this one.
pub const VARIABLES: &[Variable] = &[
    variable("DATABASE_URL", None, "`mysql://user:password@host:port/database`"),
    variable("PORT", Some("8080"), "TCP port to listen on"),
    variable("BIND", Some("0.0.0.0"), "IP address to listen on"),
    variable(
        "API_TOKENS",
        Some(""),
        "tokens, parted by commas, of which a request has to carry one; not set: open to all",
    ),
    variable("ALLOW_INIT", Some("true"), "`false`: `GET /init`, which empties the table, is not there"),
    variable("CORS_ALLOW_ORIGIN", Some("*"), "origin of the browser clients that may call, or `*`"),
    variable(
        "ADMIN_BIND",
        Some(""),
        "loopback address and port for `POST /drain`, such as `127.0.0.1:8081`; none if empty",
    ),
    variable("MAX_BODY_BYTES", Some("16777216"), "largest request body; more is 413"),
    variable(
        "MAX_BODIES_BYTES",
        Some("134217728"),
        "bodies over 64 KiB, of requests and answers, in memory all together; more is 503",
    ),
    variable("MAX_CONNECTIONS", Some("2048"), "clients' connections at most; the next one gets 503 and is closed"),
    variable("HEADER_TIMEOUT", Some("10"), "seconds for a request's head to arrive, then 408"),
    variable("BODY_TIMEOUT", Some("20"), "seconds that a body may lag behind 16 KiB a second, then 408"),
    variable("SEND_TIMEOUT", Some("30"), "seconds for a client to take the next part of an answer, then it is cut off"),
    variable("KEEP_ALIVE_TIMEOUT", Some("75"), "seconds until a connection without a request is closed"),
    variable("DB_POOL_SIZE", Some("16"), "connections to the database at most"),
    variable("DB_ACQUIRE_TIMEOUT", Some("2"), "seconds to wait for a free connection, then 503"),
    variable("DB_TIMEOUT", Some("5"), "seconds a request may wait for the database, that one included, then 503"),
    variable(
        "DRAIN_DELAY",
        Some("5"),
        "seconds from `POST /drain`, when `/readyz` turns to 503, to the end of accepting",
    ),
    variable("DRAIN_TIMEOUT", Some("20"), "seconds to finish what is in flight after that"),
];

const fn variable(name: &'static str, default: Option<&'static str>, meaning: &'static str) -> Variable {
    Variable { name, default, meaning }
}

/// The settings of one process. It holds a password and tokens, so it has no `Debug`.
pub struct Config {
    /// Where the database is and who we are there (`DATABASE_URL`).
    pub database: Opts,
    /// Where to listen (`BIND`, `PORT`).
    pub address: SocketAddr,
    /// Who may call (`API_TOKENS`).
    pub api_tokens: Tokens,
    /// Whether the table may be emptied by a request.
    pub allow_init: bool,
    /// The value of `Access-Control-Allow-Origin`.
    pub cors_allow_origin: hyper::header::HeaderValue,
    /// Where to listen for `POST /drain` (`ADMIN_BIND`).
    pub admin_address: Option<SocketAddr>,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// The most bytes of bodies in memory at once.
    pub max_bodies_bytes: usize,
    /// The most connections of clients.
    pub max_connections: usize,
    /// The longest time from a request's first byte to the end of its head.
    pub header_timeout: Duration,
    /// How far a body may lag behind the least speed.
    pub body_timeout: Duration,
    /// The longest wait for a client to take the next part of an answer.
    pub send_timeout: Duration,
    /// The longest time that a connection stays open without a request.
    pub keep_alive_timeout: Duration,
    /// The most connections to the database.
    pub db_pool_size: usize,
    /// The longest wait for one of them.
    pub db_acquire_timeout: Duration,
    /// The longest time that one request may wait for the database, and for a connection to it.
    pub db_timeout: Duration,
    /// How long requests are still taken once the process has been asked to end.
    pub drain_delay: Duration,
    /// The longest time to finish what is in flight after that.
    pub drain_timeout: Duration,
}

impl Config {
    /// Reads the settings through `look_up`, a variable's name to its value. An empty value counts as not set.
    ///
    /// # Errors
    /// One message that names every variable that is missing or wrong. No value is quoted: it may be a secret.
    pub fn from_variables(look_up: impl Fn(&str) -> Option<String>) -> anyhow::Result<Config> {
        let mut reader = Reader { look_up, mistakes: Vec::new() };
        let database = reader.read("DATABASE_URL", database_url);
        let port = reader.read("PORT", number_in(1..=u16::MAX));
        let ip = reader.read("BIND", |text| IpAddr::from_str(text).map_err(|_| "must be an IP address".into()));
        let api_tokens = reader.read("API_TOKENS", Tokens::parse);
        let allow_init = reader.read("ALLOW_INIT", true_or_false);
        let cors_allow_origin =
            reader.read("CORS_ALLOW_ORIGIN", |text| text.parse().map_err(|_| "must be an origin or *".into()));
        let admin_address = reader.read("ADMIN_BIND", loopback_address);
        let max_body_bytes = reader.read("MAX_BODY_BYTES", number_in(1..=1 << 28));
        let max_bodies_bytes = reader.read("MAX_BODIES_BYTES", number_in(1..=1 << 28));
        let max_connections = reader.read("MAX_CONNECTIONS", number_in(1..=1_000_000));
        let header_timeout = reader.read("HEADER_TIMEOUT", seconds);
        let body_timeout = reader.read("BODY_TIMEOUT", seconds);
        let send_timeout = reader.read("SEND_TIMEOUT", seconds);
        let keep_alive_timeout = reader.read("KEEP_ALIVE_TIMEOUT", seconds);
        let db_pool_size = reader.read("DB_POOL_SIZE", number_in(1..=1000));
        let db_acquire_timeout = reader.read("DB_ACQUIRE_TIMEOUT", seconds);
        let db_timeout = reader.read("DB_TIMEOUT", seconds);
        let drain_delay = reader.read("DRAIN_DELAY", seconds);
        let drain_timeout = reader.read("DRAIN_TIMEOUT", seconds);

        if let (Some(body), Some(bodies)) = (max_body_bytes, max_bodies_bytes) {
            if body > bodies {
                reader.mistakes.push("MAX_BODIES_BYTES must not be less than MAX_BODY_BYTES".to_string());
            }
        }

        let read = (|| {
            Some(Config {
                database: database?,
                address: SocketAddr::new(ip?, port?),
                api_tokens: api_tokens?,
                allow_init: allow_init?,
                cors_allow_origin: cors_allow_origin?,
                admin_address: admin_address?,
                max_body_bytes: max_body_bytes?,
                max_bodies_bytes: max_bodies_bytes?,
                max_connections: max_connections?,
                header_timeout: header_timeout?,
                body_timeout: body_timeout?,
                send_timeout: send_timeout?,
                keep_alive_timeout: keep_alive_timeout?,
                db_pool_size: db_pool_size?,
                db_acquire_timeout: db_acquire_timeout?,
                db_timeout: db_timeout?,
                drain_delay: drain_delay?,
                drain_timeout: drain_timeout?,
            })
        })();
        match read {
            Some(config) if reader.mistakes.is_empty() => Ok(config),
            _ => bail!("the configuration is not usable:\n  {}", reader.mistakes.join("\n  ")),
        }
    }
}

struct Reader<L> {
    look_up: L,
    mistakes: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn read<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
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

fn loopback_address(text: &str) -> Result<Option<SocketAddr>, String> {
    match SocketAddr::from_str(text) {
        _ if text.is_empty() => Ok(None),
        Ok(address @ SocketAddr::V4(_)) if address.ip().is_loopback() => Ok(Some(address)),
        _ => Err("must be an IPv4 address and port that only this machine reaches, such as 127.0.0.1:8081".into()),
    }
}

fn database_url(text: &str) -> Result<Opts, String> {
    const FORM: &str = "must have the form mysql://user:password@host:port/database";
    // The driver's own message could quote the password.
    let opts = Opts::from_url(text).map_err(|_| FORM.to_string())?;
    match opts.db_name() {
        None | Some("") => Err(format!("names no database; it {FORM}")),
        Some(_) => Ok(opts),
    }
}

fn number_in<T>(range: std::ops::RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    move |text| match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("must be a whole number from {} to {}", range.start(), range.end())),
    }
}

fn true_or_false(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "must be true or false".into())
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.001..=3600.0).contains(&number) => Ok(Duration::from_secs_f64(number)),
        _ => Err("must be a number of seconds from 0.001 to 3600".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> anyhow::Result<Config> {
        Config::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
        })
    }

    #[test]
    fn only_the_database_has_to_be_named() {
        let config = read(&[("DATABASE_URL", "mysql://user:passwd@127.0.0.1:3306/mysql")]).unwrap();

        assert_eq!(config.address.to_string(), "0.0.0.0:8080");
        assert!(config.api_tokens.is_empty() && config.allow_init);
        assert_eq!(config.max_body_bytes, 16 << 20);
        assert_eq!(config.db_timeout, Duration::from_secs(5));
        assert_eq!(config.database.db_name(), Some("mysql"));
    }

    #[test]
    fn all_mistakes_are_reported_together_and_no_password_is_quoted() {
        let message = read(&[
            ("DATABASE_URL", "postgres://user:hunter2@127.0.0.1/mysql"),
            ("PORT", "99999"),
            ("BIND", "localhost"),
            ("API_TOKENS", "hunter2"),
            ("ALLOW_INIT", "no"),
            ("DB_TIMEOUT", "soon"),
        ])
        .err()
        .unwrap()
        .to_string();

        for name in ["DATABASE_URL", "PORT", "BIND", "API_TOKENS", "ALLOW_INIT", "DB_TIMEOUT"] {
            assert!(message.contains(name), "{message}");
        }
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn a_body_that_is_allowed_fits_into_what_all_may_take() {
        let url = ("DATABASE_URL", "mysql://user@127.0.0.1/demo");
        let message = read(&[url, ("MAX_BODY_BYTES", "2000"), ("MAX_BODIES_BYTES", "1999")]).err().unwrap().to_string();

        assert!(message.contains("MAX_BODIES_BYTES"), "{message}");
    }

    #[test]
    fn a_database_url_without_a_database_is_refused() {
        let message = read(&[("DATABASE_URL", "mysql://user@127.0.0.1:3306")]).err().unwrap().to_string();

        assert!(message.contains("names no database"), "{message}");
    }
}
