//! What the platform below hyper owes the service: peers that refuse, many that are idle, clients that vanish.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpStream},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{
    alone,
    samples::ORDERS,
    support::{TestApp, create_database, drop_database, free_port, stand_between},
};

#[test]
fn a_database_that_refuses_at_the_start_is_said_to_refuse() {
    let _alone = alone();
    let app = TestApp::launch(&format!("mysql://user:passwd@127.0.0.1:{}/demo", free_port()), &[]);

    app.wait_for_output("waiting for the database: ");
    let output = app.output();
    assert!(output.contains("Connection refused"), "{output}");
}

#[test]
fn a_database_that_refuses_later_is_said_to_refuse_in_the_access_log() {
    let _alone = alone();
    let url = create_database();
    let (only, through) = let_one_through(&url);
    let app = TestApp::launch(&through, &[("DB_POOL_SIZE", "1")]);
    app.wait_until_ready();

    only.join().unwrap().shutdown(Shutdown::Both).unwrap();
    app.get("/orders"); // may be the one to notice
    let reply = app.get("/orders");

    reply.problem(503);
    let line = app.log_of(reply.header("x-request-id"));
    assert!(line["error"].as_str().unwrap().contains("Connection refused"), "{line}");
    drop(app);
    drop_database(&url);
}

/// A port that leads to the database of `url`, but refuses every connection after the first, which it gives.
fn let_one_through(url: &str) -> (thread::JoinHandle<TcpStream>, String) {
    let (listener, server, through) = stand_between(url);
    let first = thread::spawn(move || {
        let service = listener.accept().unwrap().0;
        let database = TcpStream::connect(server).unwrap();
        for (from, to) in [(&service, &database), (&database, &service)] {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
        service
    });
    (first, through)
}

/// Idle connections are asked about now and then only.
#[test]
fn nine_hundred_idle_connections_cost_a_busy_client_at_most_its_latency_again() {
    let _alone = alone();
    let app = TestApp::start();
    app.post("/create_orders", ORDERS);
    let mut busy = app.connect();

    for path in ["/livez", "/orders/1"] {
        // The fastest of a few rounds each, because how fast a round is depends on the processor's moods as well.
        let (mut alone, mut beside) = (Duration::MAX, Duration::MAX);
        for _ in 0..15 {
            alone = alone.min(median(&mut busy, path));
            let idle = used_connections(&app, 900);
            beside = beside.min(median(&mut busy, path));
            drop(idle);
            if beside <= 2 * alone {
                break;
            }
        }

        assert!(beside <= 2 * alone, "{path}: half of the answers took {alone:?} alone, {beside:?} beside 900 others");
    }
}

/// How long half of those that were idle may wait for an answer.
const ALONE: Duration = Duration::from_millis(8);
/// The same while others ask.
const BUSY: Duration = Duration::from_millis(25);

#[test]
fn whoever_speaks_among_two_thousand_idle_connections_is_heard_soon() {
    let _alone = alone();
    let app = TestApp::start();
    let mut idle = used_connections(&app, 1000);
    idle.extend((0..1000).map(|_| app.connect()));

    // The fastest of a few rounds, each with others of them: how soon one is heard depends on the processor's moods as well.
    let (mut alone, mut busy) = (Duration::MAX, Duration::MAX);
    for round in 0..5 {
        let mut ask_every_20th =
            |first| idle.iter_mut().skip(first).step_by(20).map(|stream| ask(stream, "/livez")).collect();
        alone = alone.min(middle(ask_every_20th(round)));
        busy = busy.min(middle(while_busy(&app, || ask_every_20th(10 + round))));
        if alone <= ALONE && busy <= BUSY {
            break;
        }
    }

    assert!(alone <= ALONE, "half took {alone:?} or more while nobody else spoke");
    assert!(busy <= BUSY, "half took {busy:?} or more while the service was busy");
}

/// What is done while another client asks without a pause.
fn while_busy<T>(app: &TestApp, work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (done, stop) = std::sync::mpsc::channel::<()>();
        let mut client = app.connect();
        scope.spawn(move || {
            while stop.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                ask(&mut client, "/livez");
            }
        });
        let result = work();
        drop(done);
        result
    })
}

#[test]
fn a_hundred_clients_that_reset_before_they_are_accepted_delay_nobody() {
    let _alone = alone();
    let app = TestApp::start();
    let mut probe = app.connect();
    ask(&mut probe, "/livez");

    app.signal("STOP");
    reset(&app, 100);
    app.signal("CONT");
    let mut worst = Duration::ZERO;
    for _ in 0..50 {
        worst = worst.max(ask(&mut probe, "/livez")).max(ask(&mut app.connect(), "/livez"));
    }

    assert!(worst <= Duration::from_millis(50), "one answer took {worst:?}");
    assert!(!app.output().contains("cannot accept"), "{}", app.output());
}

/// So many clients that connect and reset (RST) at once.
fn reset(app: &TestApp, count: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..count {
            let stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, app.port)).await.unwrap();
            stream.set_zero_linger().unwrap();
        }
    });
}

/// So many connections, each of which has been used once.
fn used_connections(app: &TestApp, count: usize) -> Vec<TcpStream> {
    raise_file_limit(5000);
    let mut streams: Vec<TcpStream> = (0..count).map(|_| app.connect()).collect();
    for stream in &mut streams {
        ask(stream, "/livez");
    }
    streams
}

/// Half of the answers take no longer than this, asked for one after the other.
fn median(stream: &mut TcpStream, path: &str) -> Duration {
    middle((0..5001).map(|_| ask(stream, path)).collect())
}

fn middle(mut durations: Vec<Duration>) -> Duration {
    durations.sort();
    durations[durations.len() / 2]
}

/// Asks on a connection that is kept, reads the answer, which fits a packet, and gives how long it took.
fn ask(stream: &mut TcpStream, path: &str) -> Duration {
    let asked = Instant::now();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: t\r\n\r\n").as_bytes()).unwrap();
    let read = stream.read(&mut [0; 4096]).unwrap();
    let took = asked.elapsed();
    assert!(read > 0, "the service has closed the connection");
    took
}

/// Lets this process, and what it starts, open so many files.
fn raise_file_limit(files: u32) {
    let status = Command::new("prlimit")
        .args([format!("--pid={}", std::process::id()), format!("--nofile={files}:")])
        .status()
        .unwrap();
    assert!(status.success(), "this user may not open {files} files");
}
