//! Every setting of the service. WASI has no command line to speak of, so settings come as environment
//! variables (`wasmedge --env NAME=VALUE`), all read here, once, and all mistakes are reported together.

mod reader;
mod variables;

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use anyhow::bail;
use mysql_async::Opts;
use reqwest::Url;

pub use variables::{VARIABLES, Variable};

use crate::{
    auth::Tokens,
    events,
    http_client::{self, AllowedHost},
    webhooks,
};
use reader::{
    Reader, database_url, http_url, list, number_in, optional, optional_address, seconds, true_or_false, uri_reference,
};

/// The `source` of our events if it is not set: a reference without a host (CloudEvents 1.0, section `source`).
const OUR_NAME: &str = concat!("/", env!("CARGO_PKG_NAME"));

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
    /// Where to listen for `/drain` and for metrics without a token (`ADMIN_BIND`).
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
    /// A PEM file of certificate authorities to trust besides the public ones (`SSL_CERT_FILE`).
    pub ca_file: Option<PathBuf>,
    /// How other services are called.
    pub outbound: http_client::Settings,
    /// Who is asked for what is not known here (`TAX_SERVICE_URL`).
    pub tax_service_url: Option<Url>,
    /// Who is told of changes.
    pub events: events::Settings,
    /// Who may tell us of theirs.
    pub webhooks: webhooks::Settings,
}

impl Config {
    /// Reads the settings through `look_up`, a variable's name to its value. An empty value counts as not set.
    ///
    /// # Errors
    /// One message that names every variable that is missing or wrong. No value is quoted: it may be a secret.
    pub fn from_variables(look_up: impl Fn(&str) -> Option<String>) -> anyhow::Result<Config> {
        let mut reader = Reader::new(look_up);
        let database = reader.read("DATABASE_URL", database_url);
        let port = reader.read("PORT", number_in(1..=u16::MAX));
        let ip = reader.read("BIND", |text| IpAddr::from_str(text).map_err(|_| "must be an IP address".into()));
        let api_tokens = reader.read("API_TOKENS", Tokens::parse);
        let allow_init = reader.read("ALLOW_INIT", true_or_false);
        let cors_allow_origin =
            reader.read("CORS_ALLOW_ORIGIN", |text| text.parse().map_err(|_| "must be an origin or *".into()));
        let admin_address = reader.read("ADMIN_BIND", optional_address);
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
        let ca_file = reader.read("SSL_CERT_FILE", optional(|path| Ok(path.into())));
        let allowed_hosts = reader.read("OUTBOUND_ALLOWED_HOSTS", list(AllowedHost::parse));
        let connect_timeout = reader.read("OUTBOUND_CONNECT_TIMEOUT", seconds);
        let timeout = reader.read("OUTBOUND_TIMEOUT", seconds);
        let max_calls = reader.read("OUTBOUND_MAX_CALLS", number_in(1..=1000));
        let max_bytes = reader.read("OUTBOUND_MAX_BYTES", number_in(1..=1 << 28));
        let tax_service_url = reader.read("TAX_SERVICE_URL", optional(http_url));
        let sinks = reader.read("EVENT_SINKS", list(events::sinks::Sink::parse));
        let source = reader.read("EVENT_SOURCE", |text| uri_reference(if text.is_empty() { OUR_NAME } else { text }));
        let max_attempts = reader.read("EVENT_MAX_ATTEMPTS", number_in(1..=1_000_000));
        let parked_holds = reader.read("EVENT_PARKED_HOLDS", true_or_false);
        let event_secret = reader.read("EVENT_SECRET", optional(webhooks::secret));
        let app_api_token = reader.read("APP_API_TOKEN", optional(webhooks::token));
        let webhook_origins = reader.read("WEBHOOK_ALLOWED_ORIGINS", list(|origin| Ok(origin.to_ascii_lowercase())));

        if let (Some(body), Some(bodies)) = (max_body_bytes, max_bodies_bytes) {
            if body > bodies {
                reader.mistakes.push("MAX_BODIES_BYTES must not be less than MAX_BODY_BYTES".to_string());
            }
        }
        let mut names: Vec<&str> = sinks.iter().flatten().map(|sink| sink.name.as_str()).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        if names.len() < count {
            reader.mistakes.push("EVENT_SINKS names the same place twice".to_string());
        }

        let allowed_hosts = allowed_hosts.map(|hosts: Vec<AllowedHost>| {
            let tax_service = tax_service_url.iter().flatten().map(|url| ("TAX_SERVICE_URL", url));
            let called = tax_service.chain(sinks.iter().flatten().map(|sink| ("EVENT_SINKS", &sink.url)));
            if hosts.is_empty() {
                return called.filter_map(|(_, url)| AllowedHost::of(url)).collect();
            }
            for (name, _) in called.filter(|(_, url)| !hosts.iter().any(|host| host.allows(url))) {
                reader.mistakes.push(format!("{name} names a host that is not in OUTBOUND_ALLOWED_HOSTS"));
            }
            hosts
        });

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
                ca_file: ca_file?,
                outbound: http_client::Settings {
                    allowed_hosts: allowed_hosts?,
                    connect_timeout: connect_timeout?,
                    timeout: timeout?,
                    max_calls: max_calls?,
                    max_bytes: max_bytes?,
                },
                tax_service_url: tax_service_url?,
                events: events::Settings {
                    sinks: sinks?,
                    source: source?,
                    max_attempts: max_attempts?,
                    parked_holds: parked_holds?,
                },
                webhooks: webhooks::Settings {
                    secret: event_secret?,
                    app_api_token: app_api_token?,
                    allowed_origins: webhook_origins?,
                },
            })
        })();
        match read {
            Some(config) if reader.mistakes.is_empty() => Ok(config),
            _ => bail!("the configuration is not usable:\n  {}", reader.mistakes.join("\n  ")),
        }
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
    fn only_hosts_that_are_allowed_may_be_named() {
        let tax = ("TAX_SERVICE_URL", "http://tax.test:8080/");
        let with =
            |hosts| read(&[("DATABASE_URL", "mysql://user@127.0.0.1/demo"), tax, ("OUTBOUND_ALLOWED_HOSTS", hosts)]);

        let config = with("").unwrap();
        assert_eq!(config.outbound.allowed_hosts, [AllowedHost::parse("tax.test:8080").unwrap()]);
        assert!(with("other.test, tax.test:8080").is_ok());
        for hosts in ["tax.test", "tax.test:8081", "other.test"] {
            let message = with(hosts).err().unwrap().to_string();
            assert!(message.contains("TAX_SERVICE_URL names a host that"), "{message}");
        }
    }

    #[test]
    fn the_source_of_our_events_is_a_uri_reference() {
        let with = |source| read(&[("DATABASE_URL", "mysql://user@127.0.0.1/demo"), ("EVENT_SOURCE", source)]);

        assert_eq!(with("").unwrap().events.source, OUR_NAME);
        for source in ["/shop", "https://shop.test/a?b=%20#c", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "shop"]
        {
            assert_eq!(with(source).unwrap().events.source, source);
        }
        for source in ["two words", " /shop", "/sh\nop", "/caf\u{e9}", "<shop>", &"s".repeat(256)] {
            let message = with(source).err().unwrap().to_string();
            assert!(message.contains("EVENT_SOURCE must be"), "{message}");
        }
    }

    #[test]
    fn a_database_url_without_a_database_is_refused() {
        let message = read(&[("DATABASE_URL", "mysql://user@127.0.0.1:3306")]).err().unwrap().to_string();

        assert!(message.contains("names no database"), "{message}");
    }
}
