//! Start-up: configuration, database, listener, serve. The only place that ends the process.

use std::process::ExitCode;

use anyhow::Context;
use service::{App, config::Config, log, self_check, server};

#[cfg(all(target_os = "wasi", target_env = "p1"))]
#[global_allocator]
static ALLOCATOR: size_classes::SizeClasses = size_classes::SizeClasses::new();

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::message(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    if self_check::runs_interpreted() {
        log::message(
            "warning: this module runs interpreted, many times slower than compiled; see README, 'WasmEdge itself'",
        );
    }
    let config = Config::from_variables(|name| std::env::var(name).ok())?;
    if config.api_tokens.is_empty() {
        log::message(
            "warning: API_TOKENS is not set: whoever reaches this service may read and change everything in it",
        );
    }
    let address = config.address;
    let listener =
        server::listen(address).with_context(|| format!("cannot listen on {address} (is the port taken?)"))?;

    let app = App::new(config);
    tokio::spawn(app.clone().migrate_until_done());

    log::message(&format!("listening on http://{address}"));
    server::serve(app, listener).await;
    Ok(())
}
