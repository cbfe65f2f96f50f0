//! A database-backed microservice that runs as WebAssembly on WasmEdge.
//!
//! The modules, as one reads them:
//!
//! - [`config`]: every environment variable, its default and its meaning.
//! - [`server`]: takes connections, gives each request to the router, logs it.
//! - [`routes`]: finds the handler of a method and a path.
//! - [`auth`]: who may call.
//! - [`operation`], [`openapi`]: what each route tells of itself, and how that is written down.
//! - [`system`]: the endpoints that know no entity.
//! - [`page`]: what `/` is to a browser.
//! - [`orders`]: the entity. All that knows what an order is stands there, and nowhere else.
//! - [`request`], [`array`], [`fields`], [`decimal`], [`money`], [`date_time`]: from a request's bytes to checked values.
//! - [`response`], [`error`]: from values and errors to a response.
//! - [`db`], [`migrations`]: the pool, transactions, and the schema.
//! - [`tls`]: whom to trust, and what is wrong with a certificate.
//! - [`http_client`]: asks other services.
//! - [`events`]: tells others of every change.
//! - [`webhooks`]: hears of the changes of others.
//! - [`standard_webhooks`]: how such messages are signed.
//! - [`idempotency`]: a POST that is sent twice is done once.
//! - [`purge`]: what has been kept long enough is deleted.
//! - [`memory`]: how much of it bodies may take.
//! - [`drain`]: how the process ends without cutting anybody off.
//! - [`random`], [`jitter`]: numbers, and pauses before the next try, by chance.
//! - [`log`]: one line of JSON a request.
//! - [`trace`]: to which trace a request belongs.
//! - [`metrics`]: counts and durations, for Prometheus.
//! - [`self_check`]: whether the module runs compiled.

pub mod array;
pub mod auth;
pub mod config;
pub mod date_time;
pub mod db;
pub mod decimal;
pub mod drain;
pub mod error;
pub mod events;
pub mod fields;
pub mod http_client;
pub mod idempotency;
pub mod jitter;
pub mod log;
pub mod memory;
pub mod metrics;
pub mod migrations;
pub mod money;
pub mod openapi;
pub mod operation;
pub mod orders;
pub mod page;
pub mod purge;
pub mod random;
pub mod request;
pub mod response;
pub mod routes;
pub mod self_check;
pub mod server;
pub mod standard_webhooks;
pub mod system;
pub mod tls;
pub mod trace;
pub mod webhooks;

use std::{sync::Arc, time::Duration};

use config::Config;
use db::Database;
use drain::Drain;
use events::outbox::Outbox;
use http_client::HttpClient;
use memory::Memory;
use metrics::Metrics;
use migrations::Migration;
use purge::Purge;
use routes::Route;
use webhooks::Subscription;

/// Every endpoint, as `GET /` lists them. An entity is wired in here.
pub const ROUTES: &[&[Route]] = &[system::ROUTES, orders::ROUTES, events::handlers::ROUTES, webhooks::ROUTES];

/// Every step of the schema. An entity is wired in here.
pub const MIGRATIONS: &[&[Migration]] =
    &[orders::MIGRATIONS, idempotency::MIGRATIONS, events::MIGRATIONS, webhooks::MIGRATIONS];

/// What is done with events of others. An entity is wired in here.
pub const SUBSCRIPTIONS: &[&[Subscription]] = &[orders::SUBSCRIPTIONS];

/// What grows old.
pub const PURGES: &[Purge] = &[idempotency::PURGE, webhooks::PURGE];

/// What every handler can reach.
pub struct App {
    /// The settings of this process.
    pub config: Config,
    /// The database.
    pub db: Database,
    /// Whether the process is about to end.
    pub drain: Drain,
    /// What bodies may still take of the memory.
    pub memory: Memory,
    /// What calls other services.
    pub http: HttpClient,
    /// Where changes are noted for those who are told of them.
    pub outbox: Outbox,
    /// What has been counted.
    pub metrics: Metrics,
}

impl App {
    /// Puts the parts together. Nothing is connected yet: the service starts whether or not the database is up.
    ///
    /// # Errors
    /// When what the configuration names cannot be used.
    pub fn new(config: Config) -> anyhow::Result<Arc<App>> {
        tls::trust(config.ca_file.as_deref())?;
        let db = Database::new(&config);
        let memory = Memory::new(config.max_bodies_bytes);
        let http = HttpClient::new(&config.outbound, config.ca_file.as_deref())?;
        let outbox = Outbox::new(!config.events.sinks.is_empty());
        let metrics = Metrics::new(&config);
        Ok(Arc::new(App { config, db, drain: Drain::default(), memory, http, outbox, metrics }))
    }

    /// Brings the schema up to date, trying until it is; until then every use of the database is a 503.
    pub async fn migrate_until_done(self: Arc<App>) {
        const PAUSE: Duration = Duration::from_millis(500);
        let mut last_problem = String::new();
        loop {
            match migrations::apply(&self.db, MIGRATIONS).await {
                Ok(applied) => {
                    log::message(&format!("schema up to date ({applied} steps applied now)"));
                    self.db.open();
                    return purge::run(self, PURGES).await;
                }
                Err(error) => {
                    let problem = error.to_string();
                    if problem != last_problem {
                        log::message(&format!("waiting for the database: {problem}"));
                        last_problem = problem;
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
