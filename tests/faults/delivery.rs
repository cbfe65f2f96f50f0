//! Events under everything that goes wrong at once: none is lost, none is made up, each key's are in sequence.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    alone,
    peer::{Peer, Received, reply},
    server::Server,
    support::{TestApp, order, orders},
};

/// What an event says of a row: its number, its sequence, what was done, and which product it has since.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    /// The event's own; the same whenever it is sent again.
    id: String,
    row: i64,
    sequence: u64,
    kind: String,
    product: i64,
}

fn told(request: &Received) -> Told {
    let event: Value = serde_json::from_slice(&request.body).unwrap();
    let row = event["data"]["order_id"].as_i64().unwrap();
    assert_eq!(event["partitionkey"], format!("orders/{row}"));
    Told {
        id: event["id"].as_str().unwrap().to_string(),
        row,
        sequence: event["sequence"].as_str().unwrap().parse().unwrap(),
        kind: event["type"].as_str().unwrap().to_string(),
        product: event["data"]["product_id"].as_i64().unwrap(),
    }
}

/// What a sink has got, in the sequence of arrival, and whether it said that it took it.
type Log = Arc<Mutex<Vec<(Told, bool)>>>;

/// A sink that takes a request if `takes` says so, which gets its number and what it tells.
fn sink(port: u16, log: &Log, takes: impl Fn(usize, &Told) -> bool + Send + Sync + 'static) -> Peer {
    let (log, count) = (log.clone(), AtomicUsize::new(0));
    Peer::start_at(port, move |request, stream| {
        let told = told(request);
        let takes = takes(count.fetch_add(1, Ordering::SeqCst), &told);
        log.lock().unwrap().push((told, takes));
        reply(stream, if takes { 200 } else { 500 }, &[], "");
    })
}

/// What clients were told that they have done to a row, and perhaps one more thing of which they do not know.
#[derive(Default)]
struct Done {
    changes: Vec<(String, i64)>,
    perhaps: Option<(String, i64)>,
}

fn with_product(row: i64, product: i64) -> String {
    let mut order: Value = serde_json::from_str(&order(i32::try_from(row).unwrap())).unwrap();
    order["product_id"] = json!(product);
    order.to_string()
}

/// Creates, changes, deletes and creates again rows of its own, on both instances in turn, until it is `done`.
fn change_rows(client: i64, apps: &[TestApp], agent: &ureq::Agent, done: &AtomicBool) -> BTreeMap<i64, Done> {
    let mut rows = BTreeMap::new();
    let mut product = 0;
    for row in client * 1_000_000.. {
        if done.load(Ordering::SeqCst) {
            break;
        }
        let mut changes = Done::default();
        for kind in ["created", "updated", "updated", "deleted", "created"] {
            let app = &apps[usize::try_from(product).unwrap() % apps.len()];
            if kind != "deleted" {
                product += 1;
            }
            let url = app.url(if kind == "created" { "/orders" } else { "" });
            let path = app.url(&format!("/orders/{row}"));
            let reply = match kind {
                "created" => agent.post(url).send(with_product(row, product)),
                "updated" => agent.put(path).send(with_product(row, product)),
                _ => agent.delete(path).call(),
            };
            let change = (format!("order.{kind}"), product);
            match reply {
                Ok(reply) if reply.status().is_success() => changes.changes.push(change),
                // It may have been done, or not.
                _ => {
                    changes.perhaps = Some(change);
                    break;
                }
            }
        }
        rows.insert(row, changes);
    }
    rows
}

/// The changes of each row that this sink took, each once; fails if one has overtaken another.
fn taken(name: &str, log: &Log) -> HashMap<i64, Vec<Told>> {
    let mut rows: HashMap<i64, Vec<Told>> = HashMap::new();
    let mut open: HashMap<i64, Told> = HashMap::new();
    let (mut ids, mut changes) = (HashMap::new(), HashMap::new());
    for (told, takes) in log.lock().unwrap().iter() {
        let change = (told.row, told.sequence);
        assert_eq!(*ids.entry(change).or_insert(told.id.clone()), told.id, "{name}: {told:?} has another id again");
        assert_eq!(*changes.entry(told.id.clone()).or_insert(change), change, "{name}: {told:?} has another's id");
        let row = rows.entry(told.row).or_default();
        if row.last() == Some(told) {
            continue; // once more, because nobody knew that it had arrived
        }
        let is_next = row.last().is_none_or(|last| last.sequence < told.sequence);
        assert!(is_next, "{name}: {told:?} comes after {:?}", row.last());
        let waiting = open.remove(&told.row);
        assert!(waiting.is_none() || waiting.as_ref() == Some(told), "{name}: {told:?} has overtaken {waiting:?}");
        if *takes {
            row.push(told.clone());
        } else {
            open.insert(told.row, told.clone());
        }
    }
    assert!(open.is_empty(), "{name}: never taken: {open:?}");
    rows
}

fn everything_at_once(least_changes: usize, many: i32, outage: Duration) {
    let _alone = alone();
    let logs: [Log; 3] = Default::default();
    // The first refuses each event once, the second hangs now and then, the third will be away for a while.
    let seen = Mutex::new(HashSet::new());
    let first = sink(0, &logs[0], move |_, told| !seen.lock().unwrap().insert((told.row, told.sequence)));
    let second = sink(0, &logs[1], |number, _| {
        if number % 400 == 399 {
            thread::sleep(Duration::from_millis(1500));
        }
        number % 400 != 399
    });
    let third = sink(0, &logs[2], |_, _| true);
    let urls = [&first, &second, &third].map(|sink| sink.url("/")).join(",");
    let settings = [("EVENT_SINKS", urls.as_str()), ("OUTBOUND_TIMEOUT", "1"), ("DB_POOL_SIZE", "6")];
    let one = TestApp::start_with(&settings);
    let two = TestApp::launch(&one.database_url, &settings);
    two.wait_until_ready();
    let apps = [one, two];
    let done = AtomicBool::new(false);

    let (mut rows, third) = thread::scope(|scope| {
        let clients: Vec<_> = (1..5)
            .map(|client| {
                let (apps, done) = (&apps, &done);
                scope.spawn(move || {
                    let config = ureq::Agent::config_builder().http_status_as_error(false);
                    change_rows(
                        client,
                        apps,
                        &config.timeout_global(Some(Duration::from_secs(10))).build().into(),
                        done,
                    )
                })
            })
            .collect();
        thread::sleep(Duration::from_secs(1));
        let port = third.port;
        drop(third);
        let down = Instant::now();
        thread::sleep(outage / 3);
        apps[1].signal("KILL"); // the launcher starts it again
        thread::sleep(outage.saturating_sub(down.elapsed()));
        let third = sink(port, &logs[2], |_, _| true);
        let deadline = Instant::now() + Duration::from_secs(60);
        let enough = least_changes - usize::try_from(many).unwrap();
        while logs[1].lock().unwrap().len() < enough && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(50));
        }
        done.store(true, Ordering::SeqCst);
        let rows: BTreeMap<i64, Done> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        (rows, third)
    });
    assert_eq!(apps[0].post("/create_orders", orders(0..many)).status, 200);
    let product = serde_json::from_str::<Value>(&order(0)).unwrap()["product_id"].as_i64().unwrap();
    for row in 0..i64::from(many) {
        rows.insert(row, Done { changes: vec![("order.created".to_string(), product)], perhaps: None });
    }
    let deadline = Instant::now() + Duration::from_secs(120);
    while apps[0].query::<i64>("SELECT (SELECT COUNT(*) FROM outbox) + (SELECT COUNT(*) FROM event_lines)") != [0] {
        assert!(Instant::now() < deadline, "{}\n{}", apps[0].output(), apps[1].output());
        thread::sleep(Duration::from_millis(100));
    }

    assert_eq!(apps[0].query::<i64>("SELECT COUNT(*) FROM parked_events"), [0]);
    let there: HashMap<i64, i64> =
        apps[0].query::<(i64, i64)>("SELECT order_id, product_id FROM orders").into_iter().collect();
    let changes: usize = rows.values().map(|done| done.changes.len()).sum();
    assert!(changes >= least_changes, "only {changes} changes");
    for (name, log) in ["the first", "the second", "the third"].iter().zip(&logs) {
        let mut taken = taken(name, log);
        eprintln!("{name}: {changes} changes, {} requests", log.lock().unwrap().len());
        for (row, done) in &rows {
            let told = taken.remove(row).unwrap_or_default();
            let mut got: Vec<(String, i64)> = told.into_iter().map(|told| (told.kind, told.product)).collect();
            let last = got.last().cloned();
            if got.len() == done.changes.len() + 1 && got.last() == done.perhaps.as_ref() {
                got.pop();
            }
            assert_eq!(got, done.changes, "{name}: row {row}");
            let expected = last.filter(|(kind, _)| kind != "order.deleted").map(|(_, product)| product);
            assert_eq!(there.get(row).copied(), expected, "{name}: row {row}");
        }
        assert!(taken.is_empty(), "{name} was told what nobody did: {taken:?}");
    }
    drop((first, second, third));
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
