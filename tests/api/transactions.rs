//! Locks, deadlocks, and a transaction whose connection or whose service goes away in the middle.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::{Duration, Instant},
};

use mysql_async::Row;

use crate::{
    samples::{UPDATE, filling, order, orders, variant},
    support::{Session, TestApp, create_database, drop_database, query, stand_between},
};

fn count(app: &TestApp) -> i64 {
    app.query::<i64>("SELECT COUNT(*) FROM orders")[0]
}

/// A session that has this order locked until it is dropped.
fn lock(app: &TestApp, order_id: i32) -> Session {
    let mut session = Session::open(&app.database_url);
    session.query::<Row>("START TRANSACTION");
    session.query::<Row>(&format!("SELECT * FROM orders WHERE order_id = {order_id} FOR UPDATE"));
    session
}

/// The connection of the service on which this statement is under way.
fn wait_for_statement(app: &TestApp, like: &str) -> u64 {
    let sql =
        format!("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE '{like}%' LIMIT 1");
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        if let [id] = app.query::<u64>(&sql)[..] {
            return id;
        }
        assert!(Instant::now() < deadline, "no statement like {like}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_loser_of_a_deadlock_is_tried_again() {
    let app = TestApp::start();
    app.execute("CREATE TABLE ballast (id INT PRIMARY KEY)");
    app.post("/create_order", order(9000));
    let mut other = Session::open(&app.database_url);
    other.query::<Row>("START TRANSACTION");
    // The one that has changed less loses.
    other.query::<Row>("INSERT INTO ballast SELECT seq FROM seq_1_to_5000");
    other.query::<Row>("UPDATE orders SET order_id = 900 WHERE order_id = 9000"); // as if it were inserted

    let status = thread::scope(|scope| {
        let asking = scope.spawn(|| app.post("/create_orders", orders(0..1000)).status);
        wait_for_statement(&app, "INSERT INTO orders");
        while app.query::<i64>("SELECT COUNT(*) FROM information_schema.innodb_lock_waits") == [0] {
            thread::sleep(Duration::from_millis(150));
        }
        other.query::<Row>("SELECT * FROM orders WHERE order_id = 5 FOR UPDATE"); // the deadlock
        other.query::<Row>("ROLLBACK");
        asking.join().unwrap()
    });

    assert_eq!((status, count(&app)), (200, 1001));
}

#[test]
fn a_lock_that_others_hold_for_a_moment_is_waited_for() {
    let app = TestApp::start();
    app.post("/create_orders", orders(0..10));
    let held = lock(&app, 3);

    let (status, took) = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let asked = Instant::now();
            (app.post("/update_order", UPDATE).status, asked.elapsed())
        });
        thread::sleep(Duration::from_millis(2500)); // longer than one try waits
        assert_eq!(app.get("/orders/3").status, 200, "who only reads does not wait");
        drop(held);
        asking.join().unwrap()
    });

    assert_eq!(status, 200);
    assert!(took > Duration::from_secs(2), "it had to wait: {took:?}");
}

#[test]
fn a_lock_that_others_keep_is_503_in_time_and_changes_nothing() {
    let app = TestApp::start();
    app.post("/create_orders", orders(0..10));
    let held = lock(&app, 3);
    let before = app.get("/orders").body;

    let asked = Instant::now();
    let reply = app.post("/update_order", variant(3, 1));
    let took = asked.elapsed();

    let problem = reply.problem(503);
    assert_eq!(reply.header("retry-after"), "1");
    assert!(took < Duration::from_millis(5500), "took {took:?}");
    assert!(!problem.to_string().to_lowercase().contains("lock wait"), "{problem}");
    drop(held);
    assert_eq!(app.get("/orders").body, before);
    assert_eq!(app.post("/update_order", UPDATE).status, 200);
}

/// Its late answer must not be taken for the next one's.
#[test]
fn an_answer_that_comes_after_its_time_is_nobody_s() {
    let app = TestApp::start_with(&[("DB_POOL_SIZE", "1"), ("DB_TIMEOUT", "0.5")]);
    app.post("/create_orders", orders(0..10));

    for _ in 0..5 {
        let held = lock(&app, 3);
        app.post("/update_order", UPDATE).problem(503);
        thread::sleep(Duration::from_millis(200));
        drop(held);

        let deadline = Instant::now() + Duration::from_secs(3);
        while app.get("/readyz").status != 200 {
            assert!(Instant::now() < deadline, "the only connection does not come back");
        }
        let missing = order(999);
        for id in 4..8 {
            app.post("/update_order", &missing).problem(404);
            assert_eq!(app.get(&format!("/orders/{id}")).json()["order_id"], id);
        }
    }
}

#[test]
fn a_connection_that_is_cut_in_the_middle_of_a_transaction_is_no_success() {
    let mut app = TestApp::start();
    app.post("/create_orders", orders(900..901));

    for _ in 0..3 {
        let held = lock(&app, 900);
        // Its first statement is done, its second waits for the lock.
        let status = thread::scope(|scope| {
            let asking = scope.spawn(|| app.post("/create_orders", orders(0..1000)).status);
            let id = wait_for_statement(&app, "INSERT INTO orders");
            app.execute(&format!("KILL {id}"));
            asking.join().unwrap()
        });
        drop(held);

        assert_eq!((status, count(&app)), (503, 1));
    }
    assert_eq!(app.post("/create_orders", orders(0..800)).status, 200);
    app.assert_still_the_same_process();
}

/// Whether or not the COMMIT has reached the database, its answer has not come back.
#[test]
fn a_connection_that_is_cut_at_the_commit_is_no_success_and_the_key_makes_it_safe_to_ask_again() {
    for (commit_arrives, stored) in [(false, 0), (true, 1000)] {
        let url = create_database();
        let mut app = TestApp::launch(&cut_at_commit(&url, commit_arrives), &[]);
        app.wait_until_ready();
        let ask = |app: &TestApp| app.send("POST", "/create_orders", &[("Idempotency-Key", "key")], orders(0..1000));

        ask(&app).problem(503);
        let after_the_cut = query::<i64>(&url, "SELECT COUNT(*) FROM orders");
        let other = TestApp::launch(&url, &[]);
        other.wait_until_ready();
        let again = ask(&other);

        assert_eq!(after_the_cut, [stored]);
        assert_eq!((again.status, again.header("idempotent-replayed") == "true"), (200, commit_arrives));
        assert_eq!(query::<i64>(&url, "SELECT COUNT(*) FROM orders"), [1000]);
        app.assert_still_the_same_process();
        drop((app, other));
        drop_database(&url);
    }
}

/// An address that leads to the database of `url`, and cuts a connection when a COMMIT comes along.
fn cut_at_commit(url: &str, let_it_through: bool) -> String {
    let (listener, server, address) = stand_between(url);
    thread::spawn(move || {
        for service in listener.incoming().map_while(Result::ok) {
            let Ok(database) = TcpStream::connect(&server) else { return };
            let (mut from, mut to) = (database.try_clone().unwrap(), service.try_clone().unwrap());
            thread::spawn(move || io::copy(&mut from, &mut to));
            thread::spawn(move || {
                let (mut service, mut database, mut room) = (service, database, vec![0; 1 << 20]);
                while let Ok(size @ 1..) = service.read(&mut room) {
                    let sent = &room[..size];
                    if sent.ends_with(b"\x03COMMIT") {
                        let _ = service.shutdown(Shutdown::Both); // before the answer can come
                        if let_it_through {
                            let _ = database.write_all(sent);
                            thread::sleep(Duration::from_millis(100)); // so that it is heard
                        }
                        break;
                    }
                    if database.write_all(sent).is_err() {
                        break;
                    }
                }
                let _ = database.shutdown(Shutdown::Both);
            });
        }
    });
    address
}

#[test]
fn a_service_that_is_killed_in_the_middle_of_an_insert_leaves_all_of_it_or_nothing() {
    let url = create_database();
    let all = filling(13);
    let body = orders(0..all);
    let mut outcomes = Vec::new();

    for pause in [60, 120, 180, 240, 300] {
        let app = TestApp::launch(&url, &[]);
        app.wait_until_ready();
        app.get("/init");
        thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let mut stream = app.connect();
                let head = format!("POST /create_orders HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n", body.len());
                let _ = stream.write_all((head + &body).as_bytes());
                let _ = stream.read(&mut [0; 100]);
            });
            wait_for_statement(&app, "INSERT INTO orders");
            thread::sleep(Duration::from_millis(pause));
            app.signal_launcher("KILL"); // and the service with it
            asking.join().unwrap();
        });
        // The server rolls back when it notices that its client has gone.
        let mut session = Session::open(&url);
        let others =
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
        while session.query::<i64>(others) != [0] {
            thread::sleep(Duration::from_millis(10));
        }
        outcomes.push(session.query::<i64>("SELECT COUNT(*) FROM orders")[0]);
    }

    drop_database(&url);
    assert!(outcomes.iter().all(|count| [0, i64::from(all)].contains(count)), "{outcomes:?}");
    assert!(outcomes.contains(&0), "none of them was killed in the middle: {outcomes:?}");
}
