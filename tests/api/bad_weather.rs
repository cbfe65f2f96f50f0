//! The database is away, slow, busy or strange: bounded waits, 503 with `Retry-After`, and recovery without a restart.

use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use mysql_async::Row;
use serde_json::json;

use crate::{
    samples::ORDERS,
    support::{Reply, Session, TestApp, create_database, execute, free_port, module, serve},
};

/// Words that only the database, its driver or its address would say.
const INTERNAL: &[&str] = &["mysql", "mariadb", "sql", "denied", "127.0.0.1", "os error", "table", "column", "passwd"];

fn assert_unavailable(reply: &Reply) {
    let problem = reply.problem(503);
    let seconds: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&seconds));
    assert_says_nothing_internal(&problem.to_string());
}

fn assert_says_nothing_internal(text: &str) {
    let text = text.to_lowercase();
    for word in INTERNAL {
        assert!(!text.contains(word), "'{word}' has reached the client: {text}");
    }
}

#[test]
fn without_a_database_the_process_lives_and_says_that_it_is_not_ready() {
    let nobody = format!("mysql://user:passwd@127.0.0.1:{}/demo", free_port());
    let mut app = TestApp::launch(&nobody, &[]);

    for path in ["/readyz", "/orders", "/init"] {
        let asked = Instant::now();
        assert_unavailable(&app.get(path));
        assert!(asked.elapsed() < Duration::from_secs(2), "{path} took {:?}", asked.elapsed());
    }
    assert_eq!(app.get("/livez").status, 200);
    app.post("/create_order", "{").problem(400);
    app.assert_still_the_same_process();
}

#[test]
fn a_database_that_appears_later_is_found_without_a_restart() {
    let url = create_database();
    let name = url.rsplit('/').next().unwrap();
    execute(&url, &format!("DROP DATABASE {name}"));
    let mut app = TestApp::launch(&url, &[]);
    assert_unavailable(&app.get("/readyz"));

    let (server, _) = url.rsplit_once('/').unwrap();
    execute(&format!("{server}/demo"), &format!("CREATE DATABASE {name}"));

    let created = Instant::now();
    app.wait_until_ready();
    assert!(created.elapsed() < Duration::from_secs(2), "ready after {:?}", created.elapsed());
    assert_eq!(app.post("/create_orders", ORDERS).status, 200);
    app.assert_still_the_same_process();
    drop(app);
    execute(&url, &format!("DROP DATABASE {name}"));
}

#[test]
fn what_the_database_says_goes_to_the_log_with_the_request_s_id_and_not_to_the_client() {
    let app = TestApp::start();
    app.post("/create_orders", ORDERS);
    app.execute("ALTER TABLE orders DROP COLUMN order_id");

    let reply = app.get("/orders");

    let problem = reply.problem(500);
    assert_says_nothing_internal(&problem.to_string());
    let line = app.log_of(reply.header("x-request-id"));
    assert_eq!(line["status"], 500);
    assert!(line["error"].as_str().unwrap().contains("order_id"), "{line}");
}

#[test]
fn work_that_takes_too_long_is_given_up_and_the_next_succeeds() {
    let mut app = TestApp::start_with(&[("DB_TIMEOUT", "0.5")]);
    app.post("/create_orders", ORDERS);
    let lock = lock_table(&app);

    let asked = Instant::now();
    assert_unavailable(&app.get("/orders"));
    assert!(asked.elapsed() < Duration::from_secs(2), "took {:?}", asked.elapsed());
    assert_unavailable(&app.send("DELETE", "/orders/1", &[], ""));

    drop(lock);
    assert_eq!(app.get("/orders").status, 200);
    app.assert_still_the_same_process();
}

#[test]
fn a_waiter_for_a_connection_gives_up_and_the_one_before_it_is_served() {
    let app = TestApp::start_with(&[("DB_POOL_SIZE", "1"), ("DB_ACQUIRE_TIMEOUT", "0.3"), ("DB_TIMEOUT", "20")]);
    app.post("/create_orders", ORDERS);
    let mut lock = lock_table(&app);

    thread::scope(|scope| {
        let first = scope.spawn(|| app.get("/orders/1"));
        lock.wait_for_waiters(1, WAITING);

        let asked = Instant::now();
        assert_unavailable(&app.get("/orders/2"));
        let waited = asked.elapsed();
        assert!((Duration::from_millis(250)..Duration::from_secs(2)).contains(&waited), "waited {waited:?}");

        drop(lock);
        assert_eq!(first.join().unwrap().status, 200);
    });
}

/// Its answer is still under way when the connection goes back: nobody else may be given it.
#[test]
fn a_client_that_leaves_in_the_middle_does_not_mix_up_the_answers_of_others() {
    let app = TestApp::start_with(&[("DB_POOL_SIZE", "1")]);
    app.post("/create_orders", ORDERS);

    for _ in 0..5 {
        let mut lock = lock_table(&app);
        let mut leaving = app.connect();
        leaving.write_all(b"GET /orders/1 HTTP/1.1\r\nHost: t\r\n\r\n").unwrap();
        lock.wait_for_waiters(1, WAITING);
        drop(leaving);
        drop(lock);

        for id in [2, 3, 4, 5] {
            assert_eq!(app.get(&format!("/orders/{id}")).json()["order_id"], json!(id));
        }
    }
}

#[test]
fn a_log_whose_reader_has_gone_does_not_end_the_service() {
    let port = free_port();
    let mut process = serve(module())
        .envs([("DATABASE_URL", "mysql://user@127.0.0.1:1/demo"), ("BIND", "127.0.0.1"), ("PORT", &port.to_string())])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut says = String::new();
    let mut messages = BufReader::new(process.stderr.take().unwrap());
    while !says.contains("listening") {
        assert!(messages.read_line(&mut says).unwrap() > 0, "it has ended: {says}");
    }
    drop((process.stdout.take(), messages));

    let answers: Vec<bool> =
        (0..5).map(|_| ureq::get(format!("http://127.0.0.1:{port}/livez")).call().is_ok()).collect();

    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(answers, [true; 5]);
}

/// It interrupts the wait for sockets, of which WasmEdge leaves things behind.
#[test]
fn being_stopped_and_continued_does_not_end_the_service() {
    let mut app = TestApp::start();
    app.post("/create_orders", ORDERS);

    for _ in 0..5 {
        app.signal("STOP");
        app.signal("CONT");
        assert_eq!(app.get("/orders/1").status, 200, "when idle");
    }
    thread::scope(|scope| {
        let clients: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..200).all(|_| app.get("/orders/1").status == 200))).collect();
        for _ in 0..20 {
            app.signal("STOP");
            thread::sleep(Duration::from_millis(5));
            app.signal("CONT");
            thread::sleep(Duration::from_millis(10));
        }
        assert!(clients.into_iter().all(|client| client.join().unwrap()), "under load");
    });

    app.assert_still_the_same_process();
}

/// Somebody else holds the table until this is dropped, so whoever needs it waits.
fn lock_table(app: &TestApp) -> Session {
    let mut session = Session::open(&app.database_url);
    session.query::<Row>("LOCK TABLES orders WRITE");
    session
}

const WAITING: &str = "Waiting for table%";
