//! Events under everything that goes wrong at once: none is lost, none is made up, each key's are in sequence.

use std::{
    collections::HashSet,
    thread,
    time::{Duration, Instant},
};

use crate::{
    alone,
    changes::{self, Log, sink, taken},
    samples::{order, orders},
    server::Server,
    support::{TestApp, create_database, drop_database},
};

fn everything_at_once(least_changes: usize, many: i32, outage: Duration) {
    let _alone = alone();
    let url = create_database();
    changes::everything_at_once([&url, &url], least_changes, many, outage);
    drop_database(&url);
}

#[test]
fn no_event_is_lost_or_made_up_whatever_goes_wrong() {
    everything_at_once(2500, 1000, Duration::from_secs(3));
}

#[test]
#[ignore = "takes two minutes: make test-faults"]
fn no_event_is_lost_or_made_up_while_a_sink_is_away_for_a_minute() {
    everything_at_once(20_000, 5000, Duration::from_secs(60));
}

#[test]
fn a_database_that_is_away_holds_the_events_up_and_loses_none() {
    let _alone = alone();
    let server = Server::start();
    let log = Log::default();
    let sink = sink(0, &log, |number, _| {
        thread::sleep(Duration::from_millis(20));
        number % 3 != 0
    });
    let app = TestApp::launch(&server.url, &[("EVENT_SINKS", &sink.url("/")), ("DB_TIMEOUT", "1")]);
    app.wait_until_ready();
    assert_eq!(app.post("/create_orders", orders(0..300)).status, 200);

    sink.wait_for(50);
    server.kill();
    app.post("/create_order", order(1000)).problem(503);
    server.start_again();

    let deadline = Instant::now() + Duration::from_secs(60);
    while taken_rows(&log) < 300 {
        assert!(Instant::now() < deadline, "{} of 300:\n{}", taken_rows(&log), app.output());
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(taken("the sink", &log).len(), 300);
    let said: Vec<String> =
        app.output().lines().filter(|line| line.starts_with("events:")).map(str::to_string).collect();
    assert!((2..10).contains(&said.len()), "{said:?}");
}

fn taken_rows(log: &Log) -> usize {
    log.lock().unwrap().iter().filter(|(_, takes)| *takes).map(|(told, _)| told.row).collect::<HashSet<_>>().len()
}

/// How many rows of all tables the database server has read so far.
fn rows_read(app: &TestApp) -> u64 {
    let rows = "SELECT SUM(variable_value) FROM information_schema.global_status
        WHERE variable_name IN ('Handler_read_key', 'Handler_read_next', 'Handler_read_prev', 'Handler_read_first',
            'Handler_read_last', 'Handler_read_rnd', 'Handler_read_rnd_next')";
    app.query::<f64>(rows)[0] as u64
}

#[test]
#[ignore = "takes a minute: make test-faults"]
fn a_million_events_that_wait_cost_those_that_are_due_nothing() {
    let _alone = alone();
    let server = Server::start();
    let log = Log::default();
    let sink = sink(0, &log, |_, _| true);
    let app = TestApp::launch(&server.url, &[("EVENT_SINKS", &sink.url("/"))]);
    app.wait_until_ready();
    let measure = |first: i32| {
        thread::sleep(Duration::from_secs(2));
        let (rows, began) = (rows_read(&app), Instant::now());
        for id in first..first + 200 {
            assert_eq!(app.post("/create_order", order(id)).status, 200);
        }
        while log.lock().unwrap().len() < usize::try_from(first).unwrap() + 200 {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", app.output());
            thread::sleep(Duration::from_millis(1));
        }
        (rows_read(&app) - rows, began.elapsed())
    };

    let (rows_empty, time_empty) = measure(0);
    // Lines that wait for their next try, lines that a parked event holds, a line of a hundred thousand, parked events.
    for sql in [
        "INSERT INTO event_lines (sink, partition_key, due_at)
            SELECT 1, CONCAT('waiting/', seq), UTC_TIMESTAMP(6) + INTERVAL 1 DAY FROM seq_1_to_400000",
        "INSERT INTO event_lines (sink, partition_key) SELECT 1, CONCAT('held/', seq) FROM seq_1_to_300000",
        "INSERT INTO events (line, event_id, kind, time, sequence, data)
            SELECT id, id, 'thing.created', 1, 1, '{}' FROM event_lines",
        "INSERT INTO events (line, event_id, kind, time, sequence, data)
            SELECT 1000000000, seq, 'thing.created', 1, seq, '{}' FROM seq_1_to_100000",
        "INSERT INTO event_lines (id, sink, partition_key, due_at)
            SELECT 1000000000, 1, 'long', UTC_TIMESTAMP(6) + INTERVAL 1 DAY",
        "INSERT INTO parked_events (sink, partition_key, event_number, event_id, kind, time, sequence, data, attempts,
            last_error, parked_at)
            SELECT 1, CONCAT('held/', seq), seq, seq, 'thing.created', 1, 1, '{}', 30, '500', 1 FROM seq_1_to_300000",
    ] {
        app.execute(sql);
    }
    let (rows_full, time_full) = measure(200);

    eprintln!("empty: {rows_empty} rows in {time_empty:?}; with a million: {rows_full} rows in {time_full:?}");
    assert!(rows_full < rows_empty * 3 / 2, "{rows_empty} rows read, {rows_full} with a million that wait");
}
