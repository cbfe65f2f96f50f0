//! `GET /metrics`: what it counts is what happened, and nobody can make it long or slow. That Prometheus reads it is tested
//! in tests/deploy.

use std::{
    net::{Ipv4Addr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use mysql_async::Row;
use serde_json::json;

use crate::{
    peer::{Peer, reply},
    samples::{ORDERS, order},
    support::{Session, TestApp, create_database, drop_database, free_port},
};

/// The value of the series with this name and these labels, as they are written; 0 where there is none.
fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

/// How many requests of this method, on this route, have got this status.
fn requests(metrics: &str, method: &str, route: &str, status: u16) -> f64 {
    let labels = format!(r#"http_request_method="{method}",http_route="{route}",http_response_status_code="{status}""#);
    value(metrics, &format!("http_server_request_duration_seconds_count{{{labels}}}"))
}

fn metrics(app: &TestApp) -> String {
    let reply = app.get("/metrics");
    assert_eq!((reply.status, reply.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"));
    reply.body
}

/// Asks until it holds, for longer than the minute in which a busy machine's database is left alone after a time-out.
fn eventually(app: &TestApp, what: &str, holds: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        let metrics = metrics(app);
        if holds(&metrics) {
            return metrics;
        }
        assert!(Instant::now() < deadline, "{what} in:\n{metrics}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn each_request_is_counted_once_under_the_path_of_its_route() {
    let app = TestApp::start();
    app.post("/create_orders", ORDERS);

    for id in 1..=7 {
        app.get(&format!("/orders/{id}"));
    }
    app.send("HEAD", "/orders/1", &[], "");
    app.send("OPTIONS", "/orders/1", &[], "");
    app.exchange("no HTTP\r\n\r\n");
    let metrics = metrics(&app);

    let counts = [
        ("POST", "/create_orders", 200, 1.0),
        ("GET", "/orders/{id}", 200, 5.0),
        ("GET", "/orders/{id}", 404, 2.0),
        ("HEAD", "/orders/{id}", 200, 1.0),
        ("OPTIONS", "", 204, 1.0),
        ("_OTHER", "", 400, 1.0),
    ];
    for (method, route, status, count) in counts {
        assert_eq!(requests(&metrics, method, route, status), count, "{method} {route} {status}\n{metrics}");
    }
    assert_eq!(value(&metrics, "http_server_active_requests"), 1.0, "the one that asks");
    assert!((1.0..=2.0).contains(&value(&metrics, "http_server_open_connections")), "{metrics}");
    assert!(value(&metrics, "process_start_time_seconds") > 1.7e9);
    let ranges = metrics.lines().filter(|line| line.contains("_bucket{") && line.contains("\"/create_orders\""));
    let counts: Vec<u64> = ranges.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    assert!(counts.is_sorted() && counts.last() == Some(&1), "{counts:?}");
}

#[test]
fn a_hostile_client_makes_no_more_series_than_there_are_routes() {
    let app = TestApp::start();
    let lines = |metrics: &str| metrics.lines().count();

    let mut before = 0;
    for round in 0..2 {
        for nth in 0..500 {
            let path = format!("/{round}/{nth}?{nth}");
            app.send("GET", &path, &[], "");
            app.send(&format!("M{round}X{nth}"), "/orders/1", &[("traceparent", &path)], "");
        }
        let metrics = metrics(&app);
        assert_eq!(requests(&metrics, "GET", "", 404), f64::from(round + 1) * 500.0);
        assert_eq!(requests(&metrics, "_OTHER", "", 405), f64::from(round + 1) * 500.0);
        if round > 0 {
            // That of /metrics itself.
            assert!(lines(&metrics) <= before + 20, "{before} lines became {}", lines(&metrics));
        }
        before = lines(&metrics);
    }
}

#[test]
fn what_others_were_asked_and_told_is_counted_by_host_and_sink() {
    let peer = Peer::start(|request, stream| {
        let status = if request.path == "/refuses" { 400 } else { 200 };
        reply(stream, status, &[], "");
    });
    let sinks = format!("{}#name=good,{}#name=a\"b\\c", peer.url("/takes"), peer.url("/refuses"));
    let settings = [
        ("EVENT_SINKS", sinks),
        ("EVENT_MAX_ATTEMPTS", "1".to_string()),
        ("EVENT_SECRET", "a-secret-of-ours-123".to_string()),
    ];
    let app = TestApp::start_with(&settings.each_ref().map(|(name, value)| (*name, value.as_str())));
    assert_eq!(app.post("/orders", order(1)).status, 201);
    for kind in ["order.import", "thing.unknown"] {
        let event = json!({"specversion": "1.0", "id": kind, "source": "/s", "type": kind, "data": []});
        let headers = [("content-type", "application/cloudevents+json")];
        let reply = app.send("POST", "/events?access_token=a-secret-of-ours-123", &headers, event.to_string());
        assert!([200, 202].contains(&reply.status), "{}", reply.body);
    }

    let refusing = r#"sink="a\"b\\c""#;
    let metrics = eventually(&app, "both sinks have been told", |metrics| {
        value(metrics, r#"outbox_deliveries_total{sink="good",outcome="delivered"}"#) == 1.0
            && value(metrics, &format!("outbox_deliveries_total{{{refusing},outcome=\"parked\"}}")) == 1.0
            && value(metrics, &format!("outbox_events{{{refusing},state=\"parked\"}}")) == 1.0
    });

    let host = format!("127.0.0.1:{}", peer.port);
    for (outcome, calls) in [("2xx", 1.0), ("4xx", 1.0)] {
        let series = format!("http_client_requests_total{{host=\"{host}\",outcome=\"{outcome}\"}}");
        assert_eq!(value(&metrics, &series), calls, "{metrics}");
    }
    for (series, expected) in [
        (format!("http_client_request_duration_seconds_count{{host=\"{host}\"}}"), 2.0),
        (format!("http_client_circuit_open{{host=\"{host}\"}}"), 0.0),
        ("outbox_up".to_string(), 1.0),
        (r#"outbox_events{sink="good",state="waiting"}"#.to_string(), 0.0),
        (r#"webhook_events_total{type="order.import"}"#.to_string(), 1.0),
        (r#"webhook_events_total{type="_OTHER"}"#.to_string(), 1.0),
        (r#"db_client_connections{state="used"}"#.to_string(), 0.0),
    ] {
        assert!(metrics.contains(&series), "{series} is not in\n{metrics}");
        if !series.contains("connections") {
            assert_eq!(value(&metrics, &series), expected, "{series}");
        }
    }
    assert!(value(&metrics, r#"db_client_operation_duration_seconds_count{error_type=""}"#) > 3.0);
    assert!(!metrics.contains("a-secret"), "{metrics}");
}

#[test]
fn a_sink_that_is_away_shows_in_what_waits_and_for_how_long() {
    let nobody = format!("http://127.0.0.1:{}/", free_port());
    let app = TestApp::start_with(&[("EVENT_SINKS", &nobody)]);
    app.post("/create_orders", ORDERS);

    let metrics = eventually(&app, "five events wait", |metrics| {
        value(metrics, &format!("outbox_events{{sink=\"{nobody}\",state=\"waiting\"}}")) == 5.0
    });

    let age = value(&metrics, &format!("outbox_oldest_event_age_seconds{{sink=\"{nobody}\",state=\"waiting\"}}"));
    assert!(age > 0.0 && age < 20.0, "{age}");
}

#[test]
fn the_parked_events_of_one_sink_hide_no_others() {
    let nobody = format!("http://127.0.0.1:{}/", free_port());
    let app = TestApp::start_with(&[("EVENT_SINKS", &nobody)]);
    wait_for_one(&app, "SELECT COUNT(*) FROM event_sinks");
    for (sink, count) in [("9", 1000), ("(SELECT id FROM event_sinks)", 3)] {
        app.execute(&format!(
            "INSERT INTO parked_events (sink, partition_key, event_number, event_id, kind, time, sequence, data,
                attempts, last_error, parked_at)
            SELECT {sink}, '', seq, '', '', 0, 0, '{{}}', 1, '', 0 FROM seq_1_to_{count}"
        ));
    }

    let metrics = eventually(&app, "the database says what waits", |metrics| metrics.contains("outbox_up 1\n"));

    assert_eq!(value(&metrics, &format!("outbox_events{{sink=\"{nobody}\",state=\"parked\"}}")), 3.0);
}

#[test]
fn an_event_from_ahead_of_the_database_s_clock_has_waited_for_no_time() {
    let nobody = format!("http://127.0.0.1:{}/", free_port());
    let mut app = TestApp::start_with(&[("EVENT_SINKS", &nobody)]);
    app.execute("CREATE TRIGGER ahead BEFORE INSERT ON outbox FOR EACH ROW SET NEW.time = NEW.time + 3600000000");
    app.post("/orders", order(1));
    wait_for_one(&app, "SELECT COUNT(*) FROM events");
    let mut session = Session::open(&app.database_url);
    session.query::<Row>("LOCK TABLES event_lines READ"); // the next stays in the outbox
    app.post("/orders", order(2));

    let metrics = eventually(&app, "the database says what waits", |metrics| metrics.contains("outbox_up 1\n"));

    let waiting = format!("sink=\"{nobody}\",state=\"waiting\"");
    for labels in [r#"sink="",state="new""#, &waiting] {
        assert_eq!(value(&metrics, &format!("outbox_events{{{labels}}}")), 1.0, "{metrics}");
        let age = format!("outbox_oldest_event_age_seconds{{{labels}}} 0.000000\n");
        assert!(metrics.contains(&age), "{age} is not in\n{metrics}");
    }
    app.assert_still_the_same_process();
}

#[test]
fn a_database_that_is_away_or_silent_keeps_nobody_waiting_for_metrics() {
    let database_url = create_database();
    // It takes connections and never says a word.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (_, database) = database_url.rsplit_once('/').unwrap();
    let silent_url = format!("mysql://user:passwd@{}/{database}", silent.local_addr().unwrap());
    let away_url = format!("mysql://user:passwd@127.0.0.1:{}/{database}", free_port());

    for url in [silent_url, away_url] {
        let app = TestApp::launch(&url, &[("EVENT_SINKS", "http://127.0.0.1:1/")]);
        for _ in 0..2 {
            let asked = Instant::now();
            let metrics = metrics(&app);

            assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
            assert!(metrics.contains("outbox_up 0\n") && !metrics.contains("outbox_events"), "{metrics}");
            assert!(metrics.contains("db_client_connections_max 16\n"), "{metrics}");
        }
    }
    drop_database(&database_url);
}

#[test]
fn a_backlog_that_does_not_read_in_time_is_said_so_and_the_database_is_left_alone_for_a_while() {
    let app = TestApp::start_with(&[("EVENT_SINKS", "http://127.0.0.1:1/")]);
    let mut session = Session::open(&app.database_url);
    session.query::<Row>("LOCK TABLES parked_events WRITE");

    let asked = Instant::now();
    // All at once: one of them asks the database, and the others wait for what that one is told.
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let metrics = metrics(&app);
                assert!(metrics.contains("outbox_up 0\n"), "{metrics}");
                assert!(metrics.contains("db_client_connections_max 16\n"), "{metrics}");
            });
        }
    });
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    let given_up = r#"db_client_operation_duration_seconds_count{error_type="given_up"}"#;
    assert_eq!(value(&metrics(&app), given_up), 1.0);
    session.query::<Row>("UNLOCK TABLES");

    // A good answer would be asked for again after 5 seconds.
    while asked.elapsed() < Duration::from_secs(7) {
        assert!(metrics(&app).contains("outbox_up 0\n"), "it was asked for again");
        thread::sleep(Duration::from_millis(500));
    }
}

#[test]
fn with_tokens_it_asks_for_one_but_on_the_admin_address_it_does_not() {
    let admin = format!("127.0.0.1:{}", free_port());
    let app = TestApp::start_with(&[("API_TOKENS", "a-token-0123456789"), ("ADMIN_BIND", &admin)]);

    app.get("/metrics").problem(401);
    let with_token = app.send("GET", "/metrics", &[("Authorization", "Bearer a-token-0123456789")], "");
    let on_admin = ureq::get(format!("http://{admin}/metrics")).call().unwrap().body_mut().read_to_string().unwrap();

    assert_eq!(with_token.status, 200);
    for metrics in [with_token.body, on_admin] {
        assert_eq!(requests(&metrics, "GET", "/metrics", 401), 1.0, "{metrics}");
        assert!(!metrics.contains("a-token"), "{metrics}");
    }
}

fn wait_for_one(app: &TestApp, count: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while app.query::<u64>(count) != [1] {
        assert!(Instant::now() < deadline, "{count} is not 1");
        thread::sleep(Duration::from_millis(10));
    }
}
