//! Changes on two instances while everything goes wrong at once, and what sinks were told of them: none is lost, none is
//! made up, each row's are in sequence. Knows no database server.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    peer::{Peer, Received, reply},
    samples::{mark, order, orders, variant},
    support::TestApp,
};

/// What an event says of a row: its number, its sequence, what was done, and what marks the row since.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The event's own; the same whenever it is sent again.
    id: String,
    pub row: i64,
    sequence: u64,
    kind: String,
    mark: Value,
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
        mark: mark(&event["data"]).clone(),
    }
}

/// What a sink has got, in the sequence of arrival, and whether it said that it took it.
pub type Log = Arc<Mutex<Vec<(Told, bool)>>>;

/// A sink that takes a request if `takes` says so, which gets its number and what it tells.
pub fn sink(port: u16, log: &Log, takes: impl Fn(usize, &Told) -> bool + Send + Sync + 'static) -> Peer {
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
    changes: Vec<(String, Value)>,
    perhaps: Option<(String, Value)>,
}

fn mark_of(order: &str) -> Value {
    mark(&serde_json::from_str(order).unwrap()).clone()
}

/// Creates, changes, deletes and creates again rows of its own, on both instances in turn, until it is `done`.
fn change_rows(client: i64, apps: &[TestApp], agent: &ureq::Agent, done: &AtomicBool) -> BTreeMap<i64, Done> {
    let mut rows = BTreeMap::new();
    let mut number = 0;
    for row in client * 1_000_000.. {
        if done.load(Ordering::SeqCst) {
            break;
        }
        let mut changes = Done::default();
        for kind in ["created", "updated", "updated", "deleted", "created"] {
            let app = &apps[usize::try_from(number).unwrap() % apps.len()];
            if kind != "deleted" {
                number += 1;
            }
            let order = variant(i32::try_from(row).unwrap(), number);
            let url = app.url(if kind == "created" { "/orders" } else { "" });
            let path = app.url(&format!("/orders/{row}"));
            let reply = match kind {
                "created" => agent.post(url).send(&order),
                "updated" => agent.put(path).send(&order),
                _ => agent.delete(path).call(),
            };
            let change = (format!("order.{kind}"), mark_of(&order));
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
pub fn taken(name: &str, log: &Log) -> HashMap<i64, Vec<Told>> {
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

/// Two instances, one for each of these URLs of the same database, make at least so many changes, the last of them `many`
/// in one request, while three sinks fail, hang and are away for `outage`, and one instance is killed.
pub fn everything_at_once(urls: [&str; 2], least_changes: usize, many: i32, outage: Duration) {
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
    let sinks = [&first, &second, &third].map(|sink| sink.url("/")).join(",");
    let settings = [("EVENT_SINKS", sinks.as_str()), ("OUTBOUND_TIMEOUT", "1"), ("DB_POOL_SIZE", "6")];
    let apps = urls.map(|url| TestApp::launch(url, &settings));
    apps.iter().for_each(TestApp::wait_until_ready);
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
    for row in 0..i64::from(many) {
        rows.insert(row, Done { changes: vec![("order.created".to_string(), mark_of(&order(0)))], perhaps: None });
    }
    let deadline = Instant::now() + Duration::from_secs(120);
    while apps[0].query::<i64>("SELECT (SELECT COUNT(*) FROM outbox) + (SELECT COUNT(*) FROM event_lines)") != [0] {
        assert!(Instant::now() < deadline, "{}\n{}", apps[0].output(), apps[1].output());
        thread::sleep(Duration::from_millis(100));
    }

    assert_eq!(apps[0].query::<i64>("SELECT COUNT(*) FROM parked_events"), [0]);
    let list = apps[0].get("/orders").json();
    let there: HashMap<i64, &Value> =
        list.as_array().unwrap().iter().map(|order| (order["order_id"].as_i64().unwrap(), mark(order))).collect();
    let changes: usize = rows.values().map(|done| done.changes.len()).sum();
    assert!(changes >= least_changes, "only {changes} changes");
    for (name, log) in ["the first", "the second", "the third"].iter().zip(&logs) {
        let mut taken = taken(name, log);
        eprintln!("{name}: {changes} changes, {} requests", log.lock().unwrap().len());
        for (row, done) in &rows {
            let told = taken.remove(row).unwrap_or_default();
            let mut got: Vec<(String, Value)> = told.into_iter().map(|told| (told.kind, told.mark)).collect();
            let last = got.last().cloned();
            if got.len() == done.changes.len() + 1 && got.last() == done.perhaps.as_ref() {
                got.pop();
            }
            assert_eq!(got, done.changes, "{name}: row {row}");
            let expected = last.filter(|(kind, _)| kind != "order.deleted").map(|(_, mark)| mark);
            assert_eq!(there.get(row).copied(), expected.as_ref(), "{name}: row {row}");
        }
        assert!(taken.is_empty(), "{name} was told what nobody did: {taken:?}");
    }
    drop((first, second, third));
}
