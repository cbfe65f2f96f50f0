//! The table of all settings, as docs/settings.md shows it.

/// An environment variable that the service reads.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What holds when it is not set; `None`: it has to be set.
    pub default: Option<&'static str>,
    /// What it means, in a few words.
    pub meaning: &'static str,
}

/// Every variable there is. The table in docs/settings.md and the launcher's list are checked against this one.
pub const VARIABLES: &[Variable] = &[
    variable("DATABASE_URL", None, "`mysql://user:password@host:port/database`, with `?require_ssl=true` for TLS"),
    variable("PORT", Some("8080"), "TCP port to listen on"),
    variable("BIND", Some("0.0.0.0"), "IP address to listen on"),
    variable(
        "API_TOKENS",
        Some(""),
        "tokens, parted by commas, of which a request has to carry one; not set: open to all",
    ),
    variable("ALLOW_INIT", Some("true"), "`false`: `GET /init`, which empties the table, is not there"),
    variable("CORS_ALLOW_ORIGIN", Some("*"), "origin of the pages in browsers that may read answers, or `*`"),
    variable(
        "ADMIN_BIND",
        Some(""),
        "IPv4 address and port for `/drain` and, without a token, `GET /metrics`, such as `127.0.0.1:8081`: whoever reaches it may end the process; none if empty",
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
    variable("SSL_CERT_FILE", Some(""), "PEM file of certificate authorities to trust besides the public ones"),
    variable(
        "OUTBOUND_ALLOWED_HOSTS",
        Some(""),
        "hosts, parted by commas, that may be called: `host:port`, or `host` for 80 and 443; not set: those that other settings name",
    ),
    variable("OUTBOUND_CONNECT_TIMEOUT", Some("2"), "seconds for a connection to another service"),
    variable(
        "OUTBOUND_TIMEOUT",
        Some("5"),
        "seconds for a call to another service, tries and pauses included, then 504",
    ),
    variable(
        "OUTBOUND_MAX_CALLS",
        Some("64"),
        "calls in flight at most; one that waits for half of `OUTBOUND_TIMEOUT` gets 503",
    ),
    variable("OUTBOUND_MAX_BYTES", Some("1048576"), "largest answer of another service; more is 502"),
    variable(
        "TAX_SERVICE_URL",
        Some(""),
        "URL that is asked for the tax of what is sent without one; not set: it has to be given",
    ),
    variable("EVENT_SINKS", Some(""), "URLs, parted by commas, that are told of every change"),
    variable(
        "EVENT_SOURCE",
        Some(""),
        "the `source` of our events, a URI reference of 255 characters at most; not set: `/` and the package's name",
    ),
    variable("EVENT_MAX_ATTEMPTS", Some("30"), "tries to deliver an event before it is parked"),
    variable("EVENT_PARKED_HOLDS", Some("true"), "`false`: what follows a parked event is delivered all the same"),
    variable(
        "EVENT_SECRET",
        Some(""),
        "what senders to `POST /events` sign with (`whsec_…`) or send as their token; without it and `APP_API_TOKEN` the endpoint is not there",
    ),
    variable(
        "APP_API_TOKEN",
        Some(""),
        "the token that a Dapr sidecar sends to `POST /events`; it opens the endpoint as well",
    ),
    variable(
        "WEBHOOK_ALLOWED_ORIGINS",
        Some("*"),
        "origins, parted by commas, that the handshake of CloudEvents' webhooks lets in, or `*`",
    ),
];

const fn variable(name: &'static str, default: Option<&'static str>, meaning: &'static str) -> Variable {
    Variable { name, default, meaning }
}
