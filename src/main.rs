//! Start-up: configuration, database, listener, serve. The only place that ends the process.

use anyhow::Context;
use service::{App, ROUTES, config::Config, events, log, self_check, server, system};
use tokio::time::timeout_at;

#[cfg(all(target_os = "wasi", target_env = "p1"))]
#[global_allocator]
static ALLOCATOR: size_classes::SizeClasses = size_classes::SizeClasses::new();

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // In a task of its own: WasmEdge's tokio sleeps on when a task wakes the future of `main` itself.
    tokio::spawn(async {
        let code = match run().await {
            Ok(()) => 0,
            Err(error) => {
                log::message(&format!("error: {error:#}"));
                1
            }
        };
        std::process::exit(code)
    });
    std::future::pending().await
}

async fn run() -> anyhow::Result<()> {
    if self_check::runs_interpreted() {
        log::message(
            "warning: this module runs interpreted, many times slower than compiled; see docs/deploy.md, 'WasmEdge itself'",
        );
    }
    let config = Config::from_variables(|name| std::env::var(name).ok())?;
    if config.api_tokens.is_empty() {
        log::message(
            "warning: API_TOKENS is not set: whoever reaches this service may read and change everything in it",
        );
    }
    let (address, admin_address) = (config.address, config.admin_address);
    if admin_address.is_some_and(|address| !address.ip().is_loopback()) {
        log::message("warning: ADMIN_BIND is no loopback address: whoever reaches it may end this process");
    }
    let open =
        |address| server::listen(address).with_context(|| format!("cannot listen on {address} (is the port taken?)"));
    let listener = open(address)?;
    let admin_listener = admin_address.map(open).transpose()?;

    let app = App::new(config)?;
    tokio::spawn(app.clone().migrate_until_done());
    let telling = tokio::spawn(events::deliver(app.clone()));
    if let Some(listener) = admin_listener {
        tokio::spawn(server::serve(app.clone(), listener, &[system::ADMIN_ROUTES], 256));
    }

    log::message(&format!("listening on http://{address}"));
    server::serve(app.clone(), listener, ROUTES, app.config.max_connections).await;
    let _ = timeout_at(app.drain.deadline(app.config.drain_timeout), telling).await;
    app.db.close().await;
    log::message("drained");
    Ok(())
}
