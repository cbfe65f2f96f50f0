//! Every change is told to every sink: at least once, in sequence, and nothing else.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use mysql_async::Row;
use serde_json::{Value, json};

use crate::{
    peer::{Peer, Received, reply},
    samples::{filling, order, orders, variant},
    support::{Session, TestApp, free_port},
    webhooks,
};

/// A service that tells these sinks, whose time-outs are short.
fn start(sinks: &[&Peer], settings: &[(&str, &str)]) -> TestApp {
    let urls = sinks.iter().map(|sink| sink.url("/events")).collect::<Vec<_>>().join(",");
    TestApp::start_with(&[&[("EVENT_SINKS", urls.as_str()), ("OUTBOUND_TIMEOUT", "1")], settings].concat())
}

/// A sink that answers with the status that `answer` gives for the number of the request.
fn answering(answer: impl Fn(usize) -> u16 + Send + Sync + 'static) -> Peer {
    let count = AtomicUsize::new(0);
    Peer::start(move |_, stream| reply(stream, answer(count.fetch_add(1, Ordering::SeqCst)), &[], ""))
}

fn event(request: &Received) -> Value {
    assert_eq!(request.header("content-type").split(';').next(), Some("application/cloudevents+json"));
    serde_json::from_slice(&request.body).unwrap()
}

fn events(requests: &[Received]) -> Vec<Value> {
    requests.iter().map(event).collect()
}

pub fn number(event: &Value) -> u64 {
    event["sequence"].as_str().unwrap().parse().unwrap()
}

/// The kinds of events in sequence, without what stands before the dot, and their keys' numbers.
fn kinds(requests: &[Received]) -> Vec<String> {
    let kind = |event: Value| {
        let number = event["subject"].as_str().unwrap().trim_start_matches("orders/").to_string();
        event["type"].as_str().unwrap().replace("order.", &format!("{number} "))
    };
    events(requests).into_iter().map(kind).collect()
}

pub fn eventually(what: &str, app: &TestApp, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "not {what}:\n{}", app.output());
        thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until nothing is to be sent any more.
pub fn wait_until_all_is_told(app: &TestApp) {
    eventually("everything is told", app, || {
        app.query::<i64>("SELECT (SELECT COUNT(*) FROM outbox) + (SELECT COUNT(*) FROM event_lines)") == [0]
    });
}

fn parked(app: &TestApp) -> Vec<Value> {
    app.get("/events/parked").json()["parked"].as_array().unwrap().clone()
}

pub fn wait_until_parked(app: &TestApp, count: usize) -> Vec<Value> {
    eventually("as many are parked", app, || parked(app).len() == count);
    parked(app)
}

#[test]
fn an_event_names_the_trace_of_the_request_that_made_it_also_when_it_is_sent_again_later() {
    let parks = Arc::new(AtomicBool::new(true));
    let sink = {
        let parks = parks.clone();
        Peer::start(move |_, stream| reply(stream, if parks.load(Ordering::SeqCst) { 400 } else { 204 }, &[], ""))
    };
    let app = start(&[&sink], &[("EVENT_MAX_ATTEMPTS", "1")]);
    let given = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

    app.send("POST", "/orders", &[given], order(1));
    let first = event(&sink.wait_for(1)[0]);
    eventually("it is parked", &app, || app.get("/events/parked").body.contains("4bf92f3577b34da6a3ce929d0e0e4736"));
    parks.store(false, Ordering::SeqCst);
    app.post("/events/replay", "{}");
    let again = event(&sink.wait_for(2)[1]);
    app.send("POST", "/orders", &[("X-Request-Id", "untraced")], order(2));
    let untraced = event(&sink.wait_for(3)[2]);

    assert_eq!((&first["traceparent"], &again["traceparent"]), (&json!(given.1), &json!(given.1)));
    let trace = untraced["traceparent"].as_str().unwrap().split('-').nth(1).unwrap().to_string();
    assert_eq!(app.log_of("untraced")["trace_id"], trace);
}

#[test]
fn each_change_is_told_with_what_it_was() {
    let sink = Peer::json(200, "");
    let app = start(&[&sink], &[("EVENT_SOURCE", "/shop")]);
    let changed = variant(7, 1);

    assert_eq!(app.post("/create_order", order(7)).status, 200);
    assert_eq!(app.send("PUT", "/orders/7", &[], &changed).status, 200);
    assert_eq!(app.send("DELETE", "/orders/7", &[], "").status, 204);

    let events = events(&sink.wait_for(3));
    for (event, kind) in events.iter().zip(["order.created", "order.updated", "order.deleted"]) {
        assert_eq!((&event["specversion"], &event["type"]), (&json!("1.0"), &json!(kind)));
        assert_eq!((&event["source"], &event["datacontenttype"]), (&json!("/shop"), &json!("application/json")));
        assert_eq!((&event["subject"], &event["partitionkey"]), (&json!("orders/7"), &json!("orders/7")));
        assert_eq!(event["data"]["order_id"], 7);
        assert!(event["time"].as_str().unwrap().ends_with('Z'), "{event}");
    }
    assert_eq!(events[0]["data"], serde_json::from_str::<Value>(&order(7)).unwrap());
    let changed: Value = serde_json::from_str(&changed).unwrap();
    assert_eq!((&events[1]["data"], &events[2]["data"]), (&changed, &changed));
    assert_eq!(number(&events[1]), number(&events[0]) + 1);
    assert_eq!(number(&events[2]), number(&events[1]) + 1);
    wait_until_all_is_told(&app);
    assert_eq!(sink.received().len(), 3, "each once");
}

#[test]
fn every_endpoint_that_changes_something_tells_it_to_every_sink() {
    let sinks = [Peer::json(200, ""), Peer::json(204, "")];
    let app = start(&[&sinks[0], &sinks[1]], &[]);

    app.post("/create_order", order(1));
    app.post("/create_orders", orders(2..4));
    app.post("/update_order", order(2));
    app.get("/delete_order?id=2");
    app.post("/orders", order(4));
    app.send("PUT", "/orders/4", &[], order(4));
    app.send("DELETE", "/orders/4", &[], "");
    app.get("/init");

    wait_until_all_is_told(&app);
    let expected = [
        "1 created",
        "1 deleted",
        "2 created",
        "2 updated",
        "2 deleted",
        "3 created",
        "3 deleted",
        "4 created",
        "4 updated",
        "4 deleted",
    ];
    for sink in &sinks {
        let mut told = kinds(&sink.received());
        told.sort_by_key(|kind| kind.split(' ').next().map(str::to_string)); // stable: each key's are in sequence
        assert_eq!(told, expected);
    }
    assert_eq!(app.get("/orders").body, "[]");
}

#[test]
fn what_changes_nothing_is_not_told() {
    let sink = Peer::json(200, "");
    let app = start(&[&sink], &[]);
    app.post("/create_order", order(1500));
    sink.wait_for(1);

    app.post("/create_order", order(1500)).problem(409);
    app.post("/create_orders", orders(1000..2000)).problem(409);
    app.post("/create_orders", orders(0..filling(2))).problem(409); // some of it was inserted before the rest came
    app.post("/update_order", order(3)).problem(404);
    app.get("/delete_order?id=3").problem(404);
    app.post("/create_order", order(9));

    wait_until_all_is_told(&app);
    assert_eq!(kinds(&sink.received()), ["1500 created", "9 created"]);
}

#[test]
fn a_change_whose_event_cannot_be_written_is_not_made() {
    let sink = Peer::json(200, "");
    let app = start(&[&sink], &[]);
    app.post("/create_order", order(1));
    let before = app.get("/orders").body;
    wait_until_all_is_told(&app);
    app.execute("RENAME TABLE outbox TO elsewhere");

    app.post("/create_order", order(2)).problem(503);
    app.post("/create_orders", orders(3..2000)).problem(503);
    app.post("/update_order", variant(1, 1)).problem(503);
    app.send("DELETE", "/orders/1", &[], "").problem(503);
    app.get("/init").problem(503);

    assert_eq!(app.get("/orders").body, before);
    app.execute("RENAME TABLE elsewhere TO outbox");
    app.post("/create_order", order(3));
    wait_until_all_is_told(&app);
    assert_eq!(kinds(&sink.received()), ["1 created", "3 created"]);
}

#[test]
fn without_a_sink_nothing_is_written() {
    let app = TestApp::start();

    app.post("/create_orders", orders(0..10));
    app.post("/update_order", order(3));
    app.get("/init");

    let next: Vec<Option<u64>> = app.query(
        "SELECT auto_increment FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_name IN ('outbox', 'event_lines', 'event_sinks')",
    );
    assert_eq!(next, [Some(1); 3]);
}

#[test]
fn one_statement_is_one_row_of_the_outbox() {
    let sink = Peer::json(200, "");
    let app = start(&[&sink], &[]);

    app.post("/create_orders", orders(0..1000)); // 512 + 256 + 128 + 64 + 32 + 8

    sink.wait_for(1000);
    wait_until_all_is_told(&app);
    let told: HashSet<String> = kinds(&sink.received()).into_iter().collect();
    assert_eq!(told.len(), 1000);
    let ids: HashSet<String> = events(&sink.received()).iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), 1000);
    let next = "SELECT auto_increment FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_name = 'outbox'";
    assert_eq!(app.query::<u64>(next), [7]);
}

#[test]
fn a_post_that_is_sent_twice_with_its_key_is_told_once() {
    let sink = Peer::json(200, "");
    let app = start(&[&sink], &[]);

    for _ in 0..2 {
        let reply = app.send("POST", "/orders", &[("Idempotency-Key", "first")], order(1));
        assert_eq!(reply.status, 201);
    }
    app.post("/create_order", order(2));

    sink.wait_for(2);
    wait_until_all_is_told(&app);
    assert_eq!(sink.received().len(), 2);
}

#[test]
fn a_row_that_is_deleted_and_made_again_goes_on_with_its_sequence() {
    let sink = Peer::json(200, "");
    let app = start(&[&sink], &[]);

    for _ in 0..20 {
        app.post("/create_order", order(1));
        app.get("/delete_order?id=1");
    }

    let numbers: Vec<u64> = events(&sink.wait_for(40)).iter().map(number).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
}

/// When requests came to a sink, which answers with the status and headers that `answer` gives for the number of the request.
fn clocked(
    answer: impl Fn(usize) -> (u16, &'static [(&'static str, &'static str)]) + Send + Sync + 'static,
) -> (Peer, Arc<Mutex<Vec<Instant>>>) {
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let noted = arrivals.clone();
    let sink = Peer::start(move |_, stream| {
        let mut noted = noted.lock().unwrap();
        let (status, headers) = answer(noted.len());
        noted.push(Instant::now());
        drop(noted);
        reply(stream, status, headers, "");
    });
    (sink, arrivals)
}

#[test]
fn an_event_is_sent_again_the_same_until_it_has_arrived_with_pauses_that_grow() {
    let (sink, arrivals) = clocked(|number| (if number < 2 { 500 } else { 200 }, &[]));
    let app = start(&[&sink], &[]);

    app.post("/create_order", order(1));
    app.post("/update_order", order(1));

    eventually("all has come", &app, || arrivals.lock().unwrap().len() == 4);
    let told = events(&sink.received());
    assert!(told[0] == told[1] && told[1] == told[2], "{told:?}");
    assert_eq!(kinds(&sink.received()), ["1 created", "1 created", "1 created", "1 updated"]);
    let arrivals = arrivals.lock().unwrap();
    let pauses = [arrivals[1] - arrivals[0], arrivals[2] - arrivals[1]].map(|pause| pause.as_secs_f64());
    assert!((0.8..1.6).contains(&pauses[0]) && (1.6..3.0).contains(&pauses[1]), "{pauses:?}");
}

#[test]
fn a_sink_that_asks_for_a_pause_gets_it() {
    let (sink, arrivals) = clocked(|number| if number == 0 { (503, &[("retry-after", "3")]) } else { (200, &[]) });
    let app = start(&[&sink], &[]);

    app.post("/create_order", order(1));

    eventually("it has come again", &app, || arrivals.lock().unwrap().len() == 2);
    let arrivals = arrivals.lock().unwrap();
    let pause = arrivals[1] - arrivals[0];
    assert!((Duration::from_secs(3)..Duration::from_secs(5)).contains(&pause), "{pause:?}");
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Peer::json(200, "");
    let location = other.url("/events");
    let sink = Peer::start(move |_, stream| reply(stream, 307, &[("location", location.as_str())], ""));
    let app = start(&[&sink], &[("EVENT_MAX_ATTEMPTS", "1")]);

    app.post("/create_order", order(1));

    wait_until_parked(&app, 1);
    assert!(other.received().is_empty());
}

#[test]
fn two_instances_tell_each_change_once_and_each_keys_in_sequence() {
    let sink = Peer::json(200, "");
    let app = start(&[&sink], &[]);
    let second = TestApp::launch(&app.database_url, &[("EVENT_SINKS", &sink.url("/events"))]);
    second.wait_until_ready();
    app.post("/create_orders", orders(0..8));

    thread::scope(|scope| {
        for client in 0..8 {
            let (app, second) = (&app, &second);
            scope.spawn(move || {
                for number in 0..40 {
                    let app = if number % 2 == 0 { app } else { second };
                    // Half of them change the same row.
                    let id = if client % 2 == 0 { 0 } else { client };
                    assert_eq!(app.post("/update_order", order(id)).status, 200);
                }
            });
        }
    });

    wait_until_all_is_told(&app);
    let mut told: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for event in events(&sink.received()) {
        told.entry(event["subject"].to_string()).or_default().push(number(&event));
    }
    assert_eq!(told["\"orders/0\""].len(), 161);
    assert_eq!(told.values().map(Vec::len).sum::<usize>(), 8 + 8 * 40);
    for (key, numbers) in told {
        let expected: Vec<u64> = (numbers[0]..numbers[0] + numbers.len() as u64).collect();
        assert_eq!(numbers, expected, "{key}");
    }
}

#[test]
fn what_a_sink_does_not_take_is_parked_and_holds_its_line_until_it_is_replayed() {
    let takes = Arc::new(AtomicBool::new(false));
    let now_takes = takes.clone();
    let sink = answering(move |_| if now_takes.load(Ordering::SeqCst) { 200 } else { 500 });
    let app = start(&[&sink], &[("EVENT_MAX_ATTEMPTS", "1")]);
    app.post("/create_orders", orders(0..3));
    let first = wait_until_parked(&app, 3);

    app.post("/update_order", order(1));
    takes.store(true, Ordering::SeqCst);
    app.post("/create_order", order(9));

    eventually("the other line goes on", &app, || sink.received().len() == 4);
    let event = first.iter().find(|parked| parked["event"]["subject"] == "orders/1").unwrap();
    assert_eq!((&event["sink"], &event["attempts"]), (&json!(sink.url("/events")), &json!(1)));
    assert!(event["last_error"].as_str().unwrap().contains("500"), "{event}");
    assert!(event["parked_at"].as_str().unwrap().ends_with('Z'), "{event}");
    assert_eq!(event["event"]["type"], "order.created");
    assert_eq!(event["event"]["data"], serde_json::from_str::<Value>(&order(1)).unwrap());
    let id = event["event"]["id"].as_str().unwrap();
    assert_eq!(app.post("/events/replay", json!({ "id": id }).to_string()).json(), json!({ "replayed": 1 }));
    sink.wait_for(6);
    assert_eq!(kinds(&sink.received())[3..], ["9 created", "1 created", "1 updated"]);
    assert_eq!(app.post("/events/replay", "{}").json(), json!({ "replayed": 2 }));
    wait_until_all_is_told(&app);
    assert!(parked(&app).is_empty());
    assert_eq!(sink.received().len(), 8);
}

#[test]
fn what_is_parked_does_not_hold_its_line_where_it_is_told_not_to() {
    let sink = answering(|number| if number == 0 { 500 } else { 200 });
    let app = start(&[&sink], &[("EVENT_MAX_ATTEMPTS", "1"), ("EVENT_PARKED_HOLDS", "false")]);
    app.post("/create_order", order(1));
    wait_until_parked(&app, 1);

    app.post("/update_order", order(1));

    sink.wait_for(2);
    wait_until_all_is_told(&app);
    assert_eq!(app.post("/events/replay", json!({ "sink": sink.url("/events") }).to_string()).json()["replayed"], 1);
    wait_until_all_is_told(&app);
    assert_eq!(kinds(&sink.received()), ["1 created", "1 updated", "1 created"]);
}

#[test]
fn what_a_parked_event_has_held_goes_on_once_it_is_told_not_to() {
    let sink = answering(|number| if number == 0 { 500 } else { 200 });
    let app = start(&[&sink], &[("EVENT_MAX_ATTEMPTS", "1")]);
    app.post("/create_order", order(1));
    wait_until_parked(&app, 1);
    app.post("/update_order", order(1));
    eventually("it waits in line", &app, || app.query::<i64>("SELECT COUNT(*) FROM events") == [1]);

    let url = sink.url("/events");
    let next = TestApp::launch(&app.database_url, &[("EVENT_SINKS", &url), ("EVENT_PARKED_HOLDS", "false")]);

    sink.wait_for(2);
    wait_until_all_is_told(&next);
    assert_eq!(kinds(&sink.received()), ["1 created", "1 updated"]);
}

#[test]
fn parked_events_come_in_pages() {
    let sink = answering(|_| 500);
    let app = start(&[&sink], &[("EVENT_MAX_ATTEMPTS", "1")]);
    app.post("/create_orders", orders(0..5));
    let all = wait_until_parked(&app, 5);

    let first = app.get("/events/parked?limit=3");
    let link = first.header("link").to_string();
    let second = app.get(link.trim_start_matches('<').split('>').next().unwrap());

    let pages = [&first, &second].map(|page| page.json()["parked"].as_array().unwrap().clone());
    assert_eq!(pages.concat(), all);
    assert_eq!((pages[0].len(), second.header("link")), (3, ""));
    app.get("/events/parked?limit=1001").problem(400);
    app.post("/events/replay", "{\"sink\":\"http://nobody/\"}").problem(404);
    app.post("/events/replay", "{\"all\":true}").problem(422);
}

#[test]
fn a_sink_that_is_gone_gets_nothing_more_until_it_is_replayed() {
    let gone = Arc::new(AtomicBool::new(true));
    let is_gone = gone.clone();
    let (sink, other) =
        (answering(move |_| if is_gone.load(Ordering::SeqCst) { 410 } else { 200 }), Peer::json(200, ""));
    let app = start(&[&sink, &other], &[]);
    app.post("/create_order", order(1));
    sink.wait_for(1);
    eventually("it is stopped", &app, || app.get("/events/parked").json()["stopped"][0]["sink"] == sink.url("/events"));

    app.post("/create_orders", orders(2..4));

    other.wait_for(3);
    assert_eq!(sink.received().len(), 1);
    app.wait_for_output("wants no more events");
    gone.store(false, Ordering::SeqCst);
    app.post("/events/replay", json!({ "sink": sink.url("/events") }).to_string());
    wait_until_all_is_told(&app);
    assert_eq!(sink.received().len(), 4);
    assert_eq!(app.get("/events/parked").json()["stopped"], json!([]));
}

#[test]
fn a_sink_that_is_away_uses_up_the_tries_of_hardly_any_event() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/events");
    let app = TestApp::start_with(&[("EVENT_SINKS", url.as_str()), ("EVENT_MAX_ATTEMPTS", "1")]);
    app.post("/create_orders", orders(0..50));
    app.wait_for_output("cannot be reached");

    thread::sleep(Duration::from_secs(2)); // for some more tries
    let sink = Peer::start_at(port, |_, stream| reply(stream, 200, &[], ""));

    let told = || sink.received().len();
    eventually("each was told or parked", &app, || told() + parked(&app).len() == 50);
    assert!(told() >= 43, "{} were told", told());
    let said = app.output().lines().filter(|line| line.starts_with("events:")).count();
    assert!(said < 10, "{}", app.output());
}

#[test]
fn a_request_that_hangs_does_not_hold_up_the_others() {
    let sink = Peer::start(|request, stream| {
        if request.text().contains("\"orders/1\"") {
            thread::sleep(Duration::from_secs(3));
        }
        reply(stream, 200, &[], "");
    });
    let app = start(&[&sink], &[("OUTBOUND_TIMEOUT", "5")]);
    app.post("/create_order", order(1));
    sink.wait_for(1);
    let began = Instant::now();

    for id in 2..22 {
        app.post("/create_order", order(id));
    }

    sink.wait_for(21);
    eventually("only that one is left", &app, || app.query::<i64>("SELECT COUNT(*) FROM event_lines") == [1]);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    wait_until_all_is_told(&app);
    assert_eq!(sink.received().len(), 21);
}

#[test]
fn an_instance_that_ends_finishes_what_is_in_flight_and_hands_the_rest_over() {
    let held = Arc::new(Mutex::new(()));
    let holding = held.clone();
    let sink = Peer::start(move |_, stream| {
        drop(holding.lock().unwrap());
        reply(stream, 200, &[], "");
    });
    let admin = free_port();
    let bind = format!("127.0.0.1:{admin}");
    let settings = [("ADMIN_BIND", bind.as_str()), ("DRAIN_DELAY", "0.1"), ("OUTBOUND_TIMEOUT", "10")];
    let mut app = start(&[&sink], &settings);
    let hold = held.lock().unwrap();
    app.post("/create_orders", orders(0..40));
    sink.wait_for(16);

    ureq::post(format!("http://127.0.0.1:{admin}/drain")).send_empty().unwrap();

    let owned = "SELECT COUNT(*) FROM event_lines WHERE owner IS NOT NULL";
    eventually("what is not in flight is given up", &app, || app.query::<i64>(owned) == [16]);
    drop(hold);
    assert_eq!(app.exit_code(), 0);
    assert_eq!(
        app.query::<i64>("SELECT COUNT(*) FROM event_lines WHERE owner IS NULL AND due_at <= UTC_TIMESTAMP(6)"),
        [24]
    );
    assert_eq!(app.query::<i64>("SELECT COUNT(*) FROM event_lines"), [24]);
    let next = TestApp::launch(&app.database_url, &[("EVENT_SINKS", &sink.url("/events"))]);
    sink.wait_for(40);
    wait_until_all_is_told(&next);
    assert_eq!(sink.received().len(), 40, "nothing was sent twice");
}

#[test]
fn an_instance_that_is_killed_loses_nothing() {
    let held = Arc::new(AtomicBool::new(true));
    let holding = held.clone();
    let sink = Peer::start(move |_, stream| {
        if !holding.load(Ordering::SeqCst) {
            reply(stream, 200, &[], "");
        }
    });
    let app = start(&[&sink], &[]);
    app.post("/create_orders", orders(0..3));
    sink.wait_for(3);

    app.signal("KILL"); // the launcher starts it again
    held.store(false, Ordering::SeqCst);

    wait_until_all_is_told(&app);
    let ids: HashSet<String> = events(&sink.received()).iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn a_sink_that_is_not_named_any_more_is_told_of_in_the_log() {
    let sink = answering(|_| 500);
    let app = start(&[&sink], &[]);
    app.post("/create_order", order(1));
    sink.wait_for(1);

    let later = TestApp::launch(&app.database_url, &[]);

    later.wait_for_output(&format!("events wait for {}", sink.url("/events")));
}

#[test]
fn connections_to_the_database_that_break_hold_the_events_up_and_lose_none() {
    let sink = Peer::json(200, "");
    let app = start(&[&sink], &[]);
    let done = AtomicBool::new(false);

    let created = thread::scope(|scope| {
        scope.spawn(|| {
            let mut session = Session::open(&app.database_url);
            while !done.load(Ordering::SeqCst) {
                let others =
                    "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
                for id in session.query::<u64>(others) {
                    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        session.query::<Row>(&format!("KILL {id}"))
                    }));
                }
                thread::sleep(Duration::from_millis(100));
            }
        });
        let created: Vec<i32> = (0..300).filter(|id| app.post("/create_order", order(*id)).status == 200).collect();
        done.store(true, Ordering::SeqCst);
        created
    });

    wait_until_all_is_told(&app);
    let told: HashSet<String> = kinds(&sink.received()).into_iter().collect();
    assert!(created.iter().all(|id| told.contains(&format!("{id} created"))));
    let there = app.query::<i64>("SELECT COUNT(*) FROM orders");
    assert_eq!(told.len() as i64, there[0]);
}

#[test]
fn rows_of_the_outbox_that_do_not_read_are_kept_and_stop_nothing() {
    let sink = Peer::json(200, "");
    let app = start(&[&sink], &[]);
    // One that is nonsense, and one that says that it is four gigabytes long.
    for events in ["'nonsense'", "X'FFFFFFFF00'", "X'00'"] {
        let values = format!("'batch', 'order.created', 1, 1, {events}");
        app.execute(&format!("INSERT INTO outbox (batch, kind, time, count, events) VALUES ({values})"));
    }

    app.post("/create_orders", orders(0..3));

    sink.wait_for(3);
    eventually("only those are left", &app, || app.query::<u32>("SELECT count FROM outbox") == [0, 0, 0]);
    app.wait_for_output("do not read");
    let said = app.output().lines().filter(|line| line.contains("do not read")).count();
    assert!((1..=3).contains(&said), "{}", app.output());
    app.execute("DELETE FROM outbox");
    wait_until_all_is_told(&app);
    assert_eq!(sink.received().len(), 3);
}

#[test]
fn what_another_instance_owns_by_now_is_left_to_it() {
    let held = Arc::new(Mutex::new(()));
    let holding = held.clone();
    let sink = Peer::start(move |request, stream| {
        if request.text().contains("\"orders/1\"") {
            drop(holding.lock().unwrap());
        }
        reply(stream, 200, &[], "");
    });
    let app = start(&[&sink], &[("OUTBOUND_TIMEOUT", "10")]);
    let hold = held.lock().unwrap();
    app.post("/create_order", order(1));
    sink.wait_for(1);

    app.execute("UPDATE event_lines SET owner = 'another', due_at = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR, attempts = 7");
    drop(hold);
    app.post("/create_order", order(2));

    sink.wait_for(2);
    let lines = "SELECT owner, attempts, due_at > UTC_TIMESTAMP(6) + INTERVAL 50 MINUTE FROM event_lines";
    let expected = [(Some("another".to_string()), 7, true)];
    eventually("only that one is left", &app, || app.query::<(Option<String>, u32, bool)>(lines) == expected);
    app.execute("UPDATE event_lines SET due_at = UTC_TIMESTAMP(6)"); // as if that instance had died
    wait_until_all_is_told(&app);
    assert_eq!(kinds(&sink.received()), ["1 created", "2 created", "1 created"]);
}

#[test]
fn an_event_is_tried_as_often_as_is_said() {
    let sink = answering(|_| 500);
    let app = start(&[&sink], &[("EVENT_MAX_ATTEMPTS", "3")]);

    app.post("/create_order", order(1));

    assert_eq!(wait_until_parked(&app, 1)[0]["attempts"], 3);
    assert_eq!(sink.received().len(), 3);
}

#[test]
fn another_instance_of_this_service_takes_what_is_signed_with_its_secret() {
    let hearing = TestApp::start_with(webhooks::SETTINGS);
    let sink = format!("{}#secret={}", hearing.url("/events"), webhooks::SECRET);
    let app = TestApp::start_with(&[("EVENT_SINKS", sink.as_str())]);

    app.post("/create_orders", orders(0..3));
    app.send("DELETE", "/orders/1", &[], "");

    wait_until_all_is_told(&app);
    assert!(parked(&app).is_empty());
    let statuses = || -> Vec<Value> {
        let lines: Vec<Value> = hearing.output().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        lines.iter().filter(|line| line["path"] == "/events").map(|line| line["status"].clone()).collect()
    };
    eventually("it subscribes to none of them", &hearing, || statuses() == [202; 4]);
}

#[test]
fn what_is_secret_of_a_sink_stands_neither_in_the_log_nor_in_the_list_of_parked_events() {
    let (refusing, away) = (answering(|_| 500), free_port());
    let hidden = format!("?access_token=hunter2hunter2#secret={}", webhooks::SECRET);
    let sinks = format!("{}{hidden},http://127.0.0.1:{away}/events{hidden}", refusing.url("/events"));
    let app = TestApp::start_with(&[("EVENT_SINKS", sinks.as_str()), ("EVENT_MAX_ATTEMPTS", "1")]);

    app.post("/create_order", order(1));

    wait_until_parked(&app, 2);
    assert_eq!(refusing.received()[0].path, "/events?access_token=hunter2hunter2");
    let list = app.get("/events/parked").body;
    for text in [app.output(), list] {
        assert!(text.contains("127.0.0.1"), "{text}");
        for secret in ["hunter2", "whsec_", webhooks::SECRET.trim_start_matches("whsec_")] {
            assert!(!text.contains(secret), "{secret} stands in:\n{text}");
        }
    }
}

#[test]
fn the_log_counts_every_event_that_is_parked() {
    let sink = answering(|_| 400);
    let app = start(&[&sink], &[("EVENT_MAX_ATTEMPTS", "1")]);

    app.post("/create_orders", orders(0..50));

    wait_until_parked(&app, 50);
    let counted = || {
        let output = app.output();
        let counts =
            output.split("does not take ").skip(1).filter_map(|rest| rest.split(' ').next()?.parse::<u32>().ok());
        counts.sum::<u32>()
    };
    eventually("all are counted", &app, || counted() == 50);
}

#[test]
fn a_sink_that_nobody_knows_is_404_however_it_is_written() {
    let sink = answering(|_| 204);
    let app = start(&[&sink], &[]);

    for name in ["elsewhere", "ü😀", "' OR 1=1 --"] {
        app.post("/events/replay", json!({ "sink": name }).to_string()).problem(404);
    }
}

#[test]
fn events_that_a_sink_chokes_on_do_not_hold_up_those_of_other_rows() {
    let sink = Peer::start(|request, stream| {
        let row: i32 = event(request)["data"]["order_id"].as_i64().unwrap().try_into().unwrap();
        reply(stream, if row < 40 { 500 } else { 200 }, &[], "");
    });
    let app = start(&[&sink], &[]);

    app.post("/create_orders", orders(0..40));
    let start = Instant::now();
    for row in 40..60 {
        app.post("/create_order", order(row));
        thread::sleep(Duration::from_millis(50)); // those that are refused come again meanwhile
    }

    eventually("only those wait", &app, || app.query::<i64>("SELECT COUNT(*) FROM event_lines") == [40]);
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn what_is_no_object_replays_nothing() {
    let sink = answering(|_| 204);
    let app = start(&[&sink], &[]);

    for body in ["[null, null]", "[]", "null", "1", "{\"sink\": 1}", "{\"ids\": \"1\"}"] {
        app.post("/events/replay", body).problem(422);
    }
}
