//! What a long life does to the memory.

use std::{path::Path, process::Command};

use crate::{
    alone,
    samples::orders,
    support::{TestApp, root},
};

/// Sends so many requests over 32 connections with h2load; all must succeed.
fn load(app: &TestApp, requests: usize, body: Option<&Path>, paths: &[&str]) {
    let mut command = Command::new("h2load");
    command.args(["--h1", "-c32", "-t1", "-n", &requests.to_string()]);
    if let Some(body) = body {
        command.arg("-d").arg(body);
    }
    let output = command.args(paths.iter().map(|path| app.url(path))).output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains(&format!("status codes: {requests} 2xx, 0 3xx, 0 4xx, 0 5xx")), "{report}");
}

#[test]
#[ignore = "takes a minute: make test-faults"]
fn a_million_requests_leave_the_memory_as_it_was() {
    let _alone = alone();
    let mut app = TestApp::start();
    app.post("/create_orders", orders(0..1000));
    let update = root().join("update_order.json");
    let round = |thousands: usize| {
        load(&app, thousands * 800, None, &["/orders/7", "/livez", "/orders?limit=10", "/"]);
        load(&app, thousands * 200, Some(&update), &["/update_order"]);
    };

    round(20);
    let before = app.peak_memory();
    round(1000);
    let after = app.peak_memory();

    eprintln!("{before} bytes before, {after} bytes after one million requests");
    assert!(after - before < 1 << 20, "{} bytes more", after - before);
    app.assert_still_the_same_process();
}
