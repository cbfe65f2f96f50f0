//! Clients that want more of the memory, the processor or the log than is theirs.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    samples::{filling, order, orders, text_field},
    support::TestApp,
};

const MIB: usize = 1 << 20;

#[test]
fn answers_that_nobody_reads_take_no_more_memory_than_the_limit() {
    let mut app = TestApp::start_with(&[("MAX_BODIES_BYTES", "33554432")]);
    let before = app.peak_memory();

    let body = vec![b'x'; 8 * MIB];
    let mut clients: Vec<TcpStream> = Vec::new();
    for _ in 0..40 {
        let mut client = app.connect();
        client.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
        write!(client, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
        let _ = client.write_all(&body);
        clients.push(client);
    }

    assert_eq!(app.get("/livez").status, 200);
    let grown = app.peak_memory() - before;
    assert!(grown < 160 * MIB, "{} MiB more for 320 MiB that nobody reads", grown / MIB);
    drop(clients);
    let deadline = Instant::now() + Duration::from_secs(5);
    while app.post("/echo", &body).status != 200 {
        assert!(Instant::now() < deadline, "the memory of those that have left is not free again");
    }
    app.assert_still_the_same_process();
}

#[test]
fn an_array_s_element_of_any_length_takes_little_memory() {
    let mut app = TestApp::start();
    let before = app.peak_memory();

    let in_a_field = format!("[{{\"{}\": \"", text_field());
    for begin in ["[1,\"", "[\"", "{\"", "\"", &in_a_field] {
        let body = format!("{begin}{}", "a".repeat(15 * MIB));
        let problem = app.post("/create_orders", body).problem(422);
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{problem}");
    }

    let grown = app.peak_memory() - before;
    assert!(grown < 8 * MIB, "{} MiB more", grown / MIB);
    app.assert_still_the_same_process();
}

/// hyper reads chunk extensions and trailers for as long as they come.
#[test]
fn bytes_without_an_end_delay_nobody_and_are_cut_off() {
    let mut app = TestApp::start_with(&[("BODY_TIMEOUT", "1")]);

    for begin in ["5;", "5\r\nhello\r\n0\r\nX: "] {
        let done = AtomicBool::new(false);
        let (flooded, worst) = thread::scope(|scope| {
            let flood = scope.spawn(|| {
                let began = Instant::now();
                let mut client = app.connect();
                write!(client, "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n{begin}").unwrap();
                let bytes = vec![b'a'; MIB];
                while began.elapsed() < Duration::from_secs(15) && client.write_all(&bytes).is_ok() {}
                done.store(true, Ordering::Relaxed);
                began.elapsed()
            });
            let mut worst = Duration::ZERO;
            let began = Instant::now();
            while !done.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(60) {
                let asked = Instant::now();
                app.get("/livez");
                worst = worst.max(asked.elapsed());
            }
            (flood.join().unwrap(), worst)
        });

        assert!(worst < Duration::from_secs(1), "{begin:?}: somebody waited {worst:?}");
        assert!(flooded < Duration::from_secs(10), "{begin:?}: it went on for {flooded:?}");
    }
    app.assert_still_the_same_process();
}

#[test]
fn names_of_any_length_are_told_and_logged_in_short() {
    let app = TestApp::start();
    let name = "~".repeat(MIB);

    let unknown_field = app.post("/create_order", format!("{{\"{name}\": 1}}"));
    let parameter = "p".repeat(50_000);
    let unknown_parameter = app.get(&format!("/orders?{parameter}=1"));
    let unknown_path = app.send("GET", &format!("/{}", "p".repeat(50_000)), &[("X-Request-Id", "long-path")], "");

    unknown_field.problem(422);
    assert!(unknown_field.body.len() < 3000, "{} bytes", unknown_field.body.len());
    unknown_parameter.problem(400);
    assert!(unknown_parameter.body.len() < 1000, "{} bytes", unknown_parameter.body.len());
    unknown_path.problem(404);
    assert_eq!(app.log_of("long-path")["path"].as_str().unwrap().len(), 1000);
}

#[test]
fn many_long_lists_at_once_take_no_more_memory_than_the_limit() {
    let page = 1000 * (order(100_000).len() + 1);
    let limit = (13 * page).to_string();
    let app = TestApp::start_with(&[("MAX_BODIES_BYTES", &limit), ("MAX_BODY_BYTES", &limit)]);
    for page in 100..100 + filling(10) / 1000 {
        assert_eq!(app.post("/create_orders", orders(page * 1000..(page + 1) * 1000)).status, 200);
    }

    let mut clients: Vec<TcpStream> = (0..8).map(|_| app.connect()).collect();
    let mut refused = 0;
    for client in &mut clients {
        client.write_all(b"GET /orders HTTP/1.1\r\nHost: t\r\n\r\n").unwrap();
        let mut status = [0; 12];
        client.read_exact(&mut status).unwrap();
        refused += usize::from(status.ends_with(b"503"));
    }

    assert_eq!(refused, 4, "each takes three pages");
    drop(clients);
    let deadline = Instant::now() + Duration::from_secs(5);
    while app.get("/orders").status != 200 {
        assert!(Instant::now() < deadline, "the memory of those that have left is not free again");
    }
}
