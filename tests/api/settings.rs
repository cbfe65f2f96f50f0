//! What is missing or wrong is said at once, on stderr, with an exit code that is not zero.

use std::{net::TcpListener, process::Output};

use crate::support::{module, root, serve};

/// Starts it and waits for its end.
pub fn run(settings: &[(&str, &str)]) -> Output {
    serve(module()).envs(settings.iter().copied()).output().unwrap()
}

#[test]
fn a_missing_database_url_is_a_clear_message_and_a_failure() {
    let output = run(&[]);

    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(message.contains("DATABASE_URL is not set"), "{message}");
    assert!(!message.contains("panicked"), "{message}");
}

#[test]
fn a_host_that_may_not_be_called_is_refused_at_the_start() {
    // Should it not be refused, it ends all the same.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let others = [("DATABASE_URL", "mysql://user:passwd@127.0.0.1/demo"), ("BIND", "127.0.0.1"), ("PORT", &port)];
    let refused = [
        (&[("EVENT_SINKS", "http://127.0.0.1:8081/")][..], "other.test", "EVENT_SINKS"),
        (&[("EVENT_SINKS", "http://127.0.0.1:8081/")], "127.0.0.1", "EVENT_SINKS"),
        (&[("EVENT_SINKS", "http://a.test/, http://b.test/")], "a.test", "EVENT_SINKS"),
        (&[], "http://a.test/", "OUTBOUND_ALLOWED_HOSTS"),
    ];

    for (settings, hosts, name) in refused {
        let output = run(&[settings, &others, &[("OUTBOUND_ALLOWED_HOSTS", hosts)]].concat());

        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(message.contains(&format!("\n  {name} ")), "{name} is not in: {message}");
    }
}

#[test]
fn all_mistakes_are_reported_together() {
    let output = run(&[
        ("DATABASE_URL", "mysql//user:hunter2@nowhere"),
        ("PORT", "http"),
        ("BIND", "everywhere"),
        ("MAX_BODY_BYTES", "-1"),
        ("DB_TIMEOUT", "0"),
        ("ADMIN_BIND", "localhost:8081"),
        ("CORS_ALLOW_ORIGIN", "a\nb"),
    ]);

    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for name in ["DATABASE_URL", "PORT", "BIND", "MAX_BODY_BYTES", "DB_TIMEOUT", "CORS_ALLOW_ORIGIN", "ADMIN_BIND"] {
        assert!(message.contains(name), "{name} is not in: {message}");
    }
    assert!(!message.contains("hunter2"), "a password has been printed: {message}");
}

/// WasmEdge says nothing when it interprets a compiled module; the launcher has to know how each version is told.
#[test]
fn the_launcher_runs_the_module_compiled_and_the_module_notices_when_it_is_not() {
    let warns = |module: &std::path::Path| {
        let output = serve(module).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains("DATABASE_URL is not set"), "{message}");
        message.contains("runs interpreted")
    };

    assert!(!warns(module()), "the compiled module runs interpreted");
    assert!(warns(&root().join("target/wasm32-wasip1/release/order_demo_service.wasm")));
}

#[test]
fn a_taken_port_is_a_clear_message_and_a_failure() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();

    let output = run(&[("DATABASE_URL", "mysql://user:passwd@127.0.0.1/demo"), ("BIND", "127.0.0.1"), ("PORT", &port)]);

    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(message.contains("cannot listen") && message.contains(&port), "{message}");
}
