//! Load, made by wrk (as fast as the service answers) and h2load (at a given rate).

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::{subject::Service, support::root};

/// Requests per second that `connections` connections get answered.
pub fn requests_per_second(service: &Service, path: &str, connections: usize, time: Duration) -> f64 {
    wrk(&service.url(path), connections, time, &[])
}

/// The same, of orders created one by one, each with this tax or without one.
pub fn creates_per_second(service: &Service, connections: usize, time: Duration, tax: Option<&str>) -> f64 {
    // Each run has ids of its own.
    static RUNS: AtomicU64 = AtomicU64::new(1);
    let first = RUNS.fetch_add(1, Ordering::Relaxed) * 2_000_000;
    let script = root().join("bench/create_order.lua");
    let (script, first) = (script.to_str().unwrap(), first.to_string());
    let arguments: Vec<&str> = ["-s", script, "--", &first].into_iter().chain(tax).collect();
    wrk(&service.url("/create_order"), connections, time, &arguments)
}

/// wrk on any address.
pub fn wrk(url: &str, connections: usize, time: Duration, script: &[&str]) -> f64 {
    let mut command = Command::new("wrk");
    command.args(["-t1", &format!("-c{connections}"), &format!("-d{}", time.as_secs()), "--timeout", "20"]);
    let (options, arguments) = script.split_at(script.len().min(2));
    let output = command.args(options).arg(url).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !text.contains("Non-2xx"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    rate.unwrap_or_else(|| panic!("no rate in: {text}")).trim().parse().unwrap()
}

/// The 99th percentile of the time to an answer, in milliseconds, at a given rate on 32 connections.
pub fn p99(service: &Service, path: &str, rate: f64, time: Duration) -> f64 {
    const CONNECTIONS: f64 = 32.0;
    let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("h2load-{}.tsv", service.port));
    let _ = fs::remove_file(&log);
    let output = Command::new("h2load")
        .args(["--h1", "-t1", &format!("-c{CONNECTIONS}"), &format!("-D{}", time.as_secs())])
        .args([format!("--rps={:.0}", (rate / CONNECTIONS).max(1.0)), format!("--log-file={}", log.display())])
        .arg(service.url(path))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    // Start, status, microseconds.
    let lines = fs::read_to_string(&log).unwrap();
    let mut times: Vec<u64> = lines.lines().map(|line| line.rsplit('\t').next().unwrap().parse().unwrap()).collect();
    let _ = fs::remove_file(&log);
    times.sort_unstable();
    times[times.len() * 99 / 100] as f64 / 1e3
}
