//! Arrays too long to stand in memory are inserted while they arrive, all or none.

use std::{
    io::{Read, Write},
    time::{Duration, Instant},
};

use crate::{
    samples::{filling, invalid, order, orders},
    support::TestApp,
};

fn count(app: &TestApp) -> i64 {
    app.query("SELECT COUNT(*) FROM orders").remove(0)
}

#[test]
fn an_array_of_many_mebibytes_takes_no_memory_to_speak_of() {
    let mut app = TestApp::start();
    app.post("/create_orders", orders(0..1000));
    let all = 1000 + filling(13);
    let body = orders(1000..all);
    let before = app.peak_memory();

    assert_eq!(app.post("/create_orders", &body).status, 200);

    let grown = app.peak_memory() - before;
    assert!(grown < 8 << 20, "{grown} bytes for a body of {}", body.len());
    assert_eq!(count(&app), i64::from(all));
    app.assert_still_the_same_process();
}

#[test]
fn a_fault_at_the_end_of_a_long_array_keeps_all_of_it_out() {
    let app = TestApp::start();
    let all = filling(6);
    let last = format!("\"order_id\":{},", all - 1);
    let good = orders(0..all);
    let without_end = good.strip_suffix(']').unwrap();

    let wrong = good.replace(&last, "\"order_id\":-1,");
    let problem = app.post("/create_orders", &wrong).problem(422);
    assert_eq!(problem["errors"][0]["pointer"], format!("/{}/order_id", all - 1));
    app.post("/create_orders", without_end).problem(400);
    app.post("/create_orders", format!("{without_end},{{]")).problem(400);
    app.post("/create_orders", good.replace(&last, "\"order_id\":7,")).problem(409);

    assert_eq!(count(&app), 0);
    assert_eq!(app.post("/create_orders", &good).status, 200, "and what is right goes in afterwards");
    assert_eq!(count(&app), i64::from(all));
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_long_array_leaves_nothing_behind() {
    let mut app = TestApp::start_with(&[("DB_POOL_SIZE", "2")]);
    let body = orders(0..filling(6));

    for _ in 0..4 {
        let mut leaving = app.connect();
        begin(&mut leaving, &body, body.len() / 2);
        wait_for(&app, 1);
        drop(leaving);
    }

    wait_for(&app, 0);
    assert_eq!(count(&app), 0);
    assert_eq!(app.post("/create_orders", &body).status, 200);
    app.assert_still_the_same_process();
}

#[test]
fn a_client_that_sends_slowly_does_not_hold_a_connection_up_for_the_others() {
    let app = TestApp::start_with(&[("DB_POOL_SIZE", "1"), ("DB_ACQUIRE_TIMEOUT", "0.5")]);
    let body = orders(0..5_000);
    let mut slow = app.connect();

    begin(&mut slow, &body, body.len() - 1);
    std::thread::sleep(Duration::from_millis(100)); // for it to arrive; however long it takes, the next line holds

    assert_eq!(app.get("/orders").status, 200);
    slow.write_all(&body.as_bytes()[body.len() - 1..]).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(count(&app), 5_000);
}

/// Announces the whole body and sends the first `bytes` of it.
fn begin(stream: &mut impl Write, body: &str, bytes: usize) {
    let length = body.len();
    write!(stream, "POST /create_orders HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
        .unwrap();
    stream.write_all(&body.as_bytes()[..bytes]).unwrap();
}

/// Transactions of the service that have changed something and are not at their end.
fn open_transactions(app: &TestApp) -> i64 {
    app.query(
        "SELECT COUNT(*) FROM information_schema.innodb_trx JOIN information_schema.processlist ON trx_mysql_thread_id = id
         WHERE db = DATABASE() AND trx_rows_modified > 0",
    )
    .remove(0)
}

fn wait_for(app: &TestApp, transactions: i64) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let found = open_transactions(app);
        if found == transactions {
            return;
        }
        assert!(Instant::now() < deadline, "{found} transactions are open, not {transactions}");
        // innodb_trx is a copy, which MariaDB renews only when nobody has looked at it for 0.1 s.
        std::thread::sleep(Duration::from_millis(150));
    }
}

#[test]
fn a_long_array_with_a_fault_needs_no_database_to_be_refused() {
    let app = TestApp::launch("mysql://user@127.0.0.1:1/demo", &[]);
    let (wrong, fault) = invalid(0);
    let body = orders(0..filling(13)).replacen(&order(0), &wrong, 1);

    let problem = app.post("/create_orders", body).problem(422);

    assert_eq!(problem["errors"][0]["pointer"], format!("/0{fault}"));
}
