//! The network to the database falls silent without closing anything, as a firewall or a cut cable does.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    alone,
    samples::orders,
    support::{TestApp, create_database, drop_database, stand_between},
};

/// Leads to the database of a URL. Connections fall silent after so many bytes from the database, and stay open.
struct Wire {
    url: String,
    silent_after: Arc<AtomicUsize>,
}

impl Wire {
    fn new(url: &str, silent_after: usize) -> Wire {
        let (listener, server, url) = stand_between(url);
        let silent_after = Arc::new(AtomicUsize::new(silent_after));
        let wire = Wire { url, silent_after: silent_after.clone() };
        thread::spawn(move || {
            for service in listener.incoming().map_while(Result::ok) {
                let Ok(database) = TcpStream::connect(&server) else { return };
                let limit = silent_after.load(Ordering::Relaxed);
                let passed = Arc::new(AtomicUsize::new(0));
                let (back, forth) = (database.try_clone().unwrap(), service.try_clone().unwrap());
                let counter = passed.clone();
                thread::spawn(move || pass(database, service, &counter, limit, true));
                thread::spawn(move || pass(forth, back, &passed, limit, false));
            }
        });
        wire
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, passed: &AtomicUsize, limit: usize, counts: bool) {
    let mut room = vec![0; 4096];
    while let Ok(size @ 1..) = from.read(&mut room) {
        if counts {
            passed.fetch_add(size, Ordering::Relaxed);
        }
        if passed.load(Ordering::Relaxed) > limit {
            thread::sleep(Duration::from_secs(60)); // silent, and open
            return;
        }
        if to.write_all(&room[..size]).is_err() {
            return;
        }
    }
}

#[test]
fn connections_that_fall_silent_in_the_middle_of_an_answer_do_not_use_up_the_pool() {
    let _alone = alone();
    let url = create_database();
    // A thousand rows of the smallest kind are more.
    let wire = Wire::new(&url, 8_000);
    let mut app = TestApp::launch(&wire.url, &[("DB_POOL_SIZE", "4"), ("DB_TIMEOUT", "0.5")]);
    app.wait_until_ready();
    let writer = TestApp::launch(&url, &[]);
    writer.wait_until_ready();
    assert_eq!(writer.post("/create_orders", orders(0..1000)).status, 200);

    for _ in 0..8 {
        app.get("/orders?limit=1000").problem(503);
    }
    wire.silent_after.store(usize::MAX, Ordering::Relaxed);

    let began = Instant::now();
    let mut answered = 0;
    while answered < 8 {
        answered = if app.get("/orders?limit=1000").status == 200 { answered + 1 } else { 0 };
        assert!(began.elapsed() < Duration::from_secs(8), "the pool has not recovered");
    }
    app.assert_still_the_same_process();
    drop((app, writer));
    drop_database(&url);
}

#[test]
fn one_silent_connection_at_the_start_is_given_up() {
    let _alone = alone();
    let url = create_database();
    let wire = Wire::new(&url, 0);
    let mut app = TestApp::launch(&wire.url, &[("DB_TIMEOUT", "0.5")]);
    app.get("/readyz").problem(503);

    wire.silent_after.store(usize::MAX, Ordering::Relaxed);

    let began = Instant::now();
    while app.get("/readyz").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(5), "it still waits for the first connection");
        thread::sleep(Duration::from_millis(20));
    }
    app.assert_still_the_same_process();
    drop(app);
    drop_database(&url);
}
