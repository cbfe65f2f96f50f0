//! What each row means: its name for people, its unit, and what compiled must reach.

use crate::report::Target;

/// A row's name for people.
pub fn title(row: &str) -> String {
    let title = match row {
        "livez" => "`GET /livez`, 32 connections",
        "get_order" => "`GET /orders/{id}`, 32 connections",
        "list_5" => "`GET /orders`, 5 rows, 32 connections",
        "create_one" => "`POST /create_order`, 32 connections",
        "p99_get_order" => "`GET /orders/{id}`, p99 at half of the peak load",
        "bulk_1k" => "`POST /create_orders`, 1,000 orders",
        "bulk_100k" => "`POST /create_orders`, 100,000 orders",
        "bulk_100k_events" => "`POST /create_orders`, 100,000 orders, with events on",
        "create_one_events" => "`POST /create_order` with events on, 32 connections",
        "call_out" => "`POST /create_order` that asks the tax service, 32 connections",
        "call_out_tls" => "the same over TLS",
        "load_data_100k" => "100,000 rows by `LOAD DATA LOCAL INFILE`",
        "list_1m" => "`GET /orders`, 1,000,000 rows, to the last byte",
        "start_ms" => "start, to the first 200",
        "wasmedge_version_ms" => "`wasmedge --version`",
        "rss_idle" => "memory when idle",
        "rss_hello" => "memory of a compiled hello world",
        "rss_list_1m" => "memory at its peak while 1,000,000 rows go out",
        "rss_bulk_100k" => "memory at its peak while 100,000 orders come in",
        "module_mb" => "module",
        "compiled_mb" => "module, compiled (native: the program)",
        "compile_s" => "time to compile the module",
        "two_behind_haproxy" => "`GET /livez` behind HAProxy, two instances against one",
        row => return title_of_series(row),
    };
    title.to_string()
}

/// The rows that are measured for several sizes.
fn title_of_series(row: &str) -> String {
    let size = |name: &str| name.replace('k', ",000").replace("1m", "1,000,000");
    if let Some((what, connections)) = row.split_once("_c") {
        let path = if what == "livez" { "/livez" } else { "/orders/{id}" };
        return format!("`GET {path}`, {connections} connections");
    }
    if let Some(rows) = row.strip_prefix("get_order_of_") {
        return format!("`GET /orders/{{id}}` of {} rows", size(rows));
    }
    if let Some(rows) = row.strip_prefix("bulk_1k_into_") {
        return format!("`POST /create_orders`, 1,000 more to {} rows", size(rows));
    }
    if let Some(rows) = row.strip_prefix("list_") {
        return format!("`GET /orders`, {} rows", size(rows));
    }
    row.to_string()
}

/// A row's unit.
pub fn unit(row: &str) -> &'static str {
    match row {
        _ if row.ends_with("_mb") => "MB",
        _ if row.ends_with("_s") => "s",
        _ if row.starts_with("rss_") => "MiB",
        "two_behind_haproxy" => "×",
        _ if more_is_better(row) => "requests/s",
        _ => "ms",
    }
}

/// Whether a row counts requests (more is better) or time and memory (less is better).
pub fn more_is_better(row: &str) -> bool {
    ["livez", "get_order", "list_5", "create_one", "call_out", "two_"].iter().any(|start| row.starts_with(start))
}

/// Those that README shows.
pub const SUMMARY: [&str; 6] = ["get_order", "list_5", "create_one", "bulk_100k", "start_ms", "rss_idle"];

/// Whether a row is one of the main table's.
pub fn is_of_interest(row: &str) -> bool {
    target(row).is_some()
        || ["wasmedge_version_ms", "rss_hello", "call_out", "call_out_tls", "create_one_events"].contains(&row)
}

/// What compiled must reach.
pub fn target(row: &str) -> Option<Target> {
    Some(match row {
        "livez" => Target::AtLeast(0.85),
        "get_order" | "list_5" | "create_one" => Target::AtLeast(0.95),
        "bulk_100k_events" => Target::AtMostTimes("bulk_100k", 1.5),
        "p99_get_order" => Target::AtMost(1.3),
        "bulk_1k" => Target::AtMost(1.1),
        "bulk_100k" => Target::AtMost(1.1),
        "load_data_100k" => Target::TimesMore("bulk_100k", 1.3),
        "list_1m" => Target::AtMost(1.2),
        "start_ms" => Target::AtMostAbove("wasmedge_version_ms", 10.0),
        "rss_idle" => Target::AtMostAbove("rss_hello", 8.0),
        "rss_list_1m" | "rss_bulk_100k" => Target::AtMostAbove("rss_idle", 8.0),
        "module_mb" => Target::Below(2.0),
        "compiled_mb" => Target::Below(5.0),
        "compile_s" => Target::Below(30.0),
        _ => return None,
    })
}
