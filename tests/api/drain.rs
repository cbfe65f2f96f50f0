//! `/drain` on `ADMIN_BIND`: the process ends without cutting anybody off.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use mysql_async::Row;

use crate::{
    samples::orders,
    support::{Session, TestApp, free_port},
};

/// A service with an admin port, which ends half a second after it has been asked to.
fn start(settings: &[(&str, &str)]) -> (TestApp, u16) {
    let admin = free_port();
    let bind = format!("127.0.0.1:{admin}");
    let settings = [&[("ADMIN_BIND", bind.as_str()), ("DRAIN_DELAY", "0.5")], settings].concat();
    (TestApp::start_with(&settings), admin)
}

fn drain(admin: u16) -> u16 {
    ureq::post(format!("http://127.0.0.1:{admin}/drain")).send_empty().unwrap().status().as_u16()
}

#[test]
fn what_is_in_flight_is_finished_and_the_process_ends_with_success() {
    let (mut app, admin) = start(&[]);
    app.post("/create_orders", orders(0..10));
    let mut idle = app.connect();
    let mut lock = Session::open(&app.database_url);
    lock.query::<Row>("LOCK TABLES orders WRITE");

    thread::scope(|scope| {
        let in_flight = scope.spawn(|| app.get("/orders/7").status);
        lock.wait_for_waiters(1, "Waiting for table%");
        assert_eq!(drain(admin), 202);
        let asked = Instant::now();

        app.get("/readyz").problem(503);
        let answer = app.exchange("GET /livez HTTP/1.1\r\nHost: t\r\n\r\n"); // returns because it is closed
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
        assert_eq!(drain(admin), 202, "asked again");
        while TcpStream::connect(("127.0.0.1", app.port)).is_ok() {
            assert!(asked.elapsed() < Duration::from_secs(2), "new connections are still taken");
            thread::sleep(Duration::from_millis(10));
        }
        assert!(asked.elapsed() > Duration::from_millis(400), "balancers had no time to notice");
        assert_eq!(idle.read(&mut [0; 100]).unwrap(), 0, "an idle connection is closed");
        thread::sleep(Duration::from_millis(1500)); // longer than the goodbye to the database may take
        drop(lock);
        assert_eq!(in_flight.join().unwrap(), 200);
    });

    assert_eq!(app.exit_code(), 0);
    assert!(app.output().contains("drained"), "{}", app.output());
    assert!(app.output().contains("\"path\":\"/orders/7\",\"status\":200"), "the last lines of the log are there");
}

#[test]
fn a_request_that_does_not_end_is_cut_off_when_its_time_is_up() {
    let (mut app, admin) = start(&[("DRAIN_TIMEOUT", "0.5")]);
    let mut slow = app.connect();
    slow.write_all(b"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nx").unwrap();
    while !app.get("/livez").body.contains("alive") {}

    drain(admin);

    assert_eq!(app.exit_code(), 0);
    assert!(app.output().contains("connections are cut off"), "{}", app.output());
}

/// Kubernetes can do no more before it ends a container without a shell: a GET, from outside of its network namespace.
#[test]
fn a_get_from_outside_drains_as_well_where_the_admin_port_is_open_to_it() {
    let admin = free_port();
    let mut app = TestApp::start_with(&[("ADMIN_BIND", &format!("0.0.0.0:{admin}")), ("DRAIN_DELAY", "0.1")]);
    let url = format!("http://127.0.0.1:{admin}/drain");

    let head = ureq::head(&url).config().http_status_as_error(false).build().call().unwrap().status();
    let get = ureq::get(&url).call().unwrap().status();

    assert_eq!((head.as_u16(), get.as_u16()), (405, 202));
    assert_eq!(app.exit_code(), 0);
    assert!(app.output().contains("warning: ADMIN_BIND is no loopback address"), "{}", app.output());
}

/// A page at any address can have the browser ask a loopback address.
#[test]
fn a_browser_ends_nothing() {
    let (app, admin) = start(&[]);
    let url = format!("http://127.0.0.1:{admin}/drain");

    for header in ["origin", "sec-fetch-site"] {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let agent: ureq::Agent = config.into();
        assert_eq!(agent.get(&url).header(header, "cross-site").call().unwrap().status(), 403);
        assert_eq!(agent.post(&url).header(header, "cross-site").send("").unwrap().status(), 403);
    }

    assert_eq!(app.get("/readyz").status, 200);
}

#[test]
fn the_admin_port_has_nothing_else_and_the_public_one_has_no_drain() {
    let (app, admin) = start(&[]);

    app.send("POST", "/drain", &[], "").problem(404);
    let url = format!("http://127.0.0.1:{admin}/orders");
    let reply = ureq::get(url).config().http_status_as_error(false).build().call().unwrap();

    assert_eq!(reply.status(), 404);
    assert_eq!(app.get("/readyz").status, 200);
}
