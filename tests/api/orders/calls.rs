//! Calls to other services: what is sent, and on which connection. The tax service stands for any.

use std::{
    net::Shutdown,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::tax::{TAX, untaxed};
use crate::{
    peer::{Peer, reply},
    support::{Reply, TestApp},
};

/// A service that asks this peer, at a path with a secret in it.
pub fn start(peer: &Peer, settings: &[(&str, &str)]) -> TestApp {
    TestApp::start_with(&[&[("TAX_SERVICE_URL", peer.url("/tax?key=secret").as_str())], settings].concat())
}

/// Sends what cannot be answered without a call.
pub fn post(app: &TestApp, id: &str) -> Reply {
    app.send("POST", "/update_order", &[("X-Request-Id", id)], untaxed(1).to_string())
}

/// It gets its answer: that there is no such row is said after the call.
pub fn is_answered(reply: &Reply) -> bool {
    assert!([404, 502, 503, 504].contains(&reply.status), "{} {}", reply.status, reply.body);
    reply.status == 404
}

#[test]
fn a_call_carries_the_ids_of_its_request_and_is_one_line_in_the_log() {
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[]);
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    for (id, traceparent, is_valid) in [("first", given, true), ("second", "no-traceparent", false)] {
        let headers = [("X-Request-Id", id), ("traceparent", traceparent)];
        app.send("PUT", "/orders/1", &headers, untaxed(1).to_string());
        let request = peer.received().pop().unwrap();

        assert_eq!(request.header("x-request-id"), id);
        assert_eq!(request.header("traceparent") == given, is_valid, "the trace goes on, or a new one begins");
        let passed_on: Vec<&str> = request.header("traceparent").split('-').collect();
        let [_, trace, parent, flags] = passed_on[..] else { panic!("{passed_on:?}") };
        assert_eq!((trace.len(), parent.len(), flags), (32, 16, if is_valid { "01" } else { "00" }));
        assert_eq!((&app.log_of(id)["trace_id"], &app.call_of(id)["trace_id"]), (&json!(trace), &json!(trace)));
        assert_eq!(request.path, "/tax?key=secret");
        assert_eq!(request.header("accept-encoding"), "");
        let line = app.call_of(id);
        assert_eq!((&line["call"], &line["path"], &line["status"]), (&json!("POST"), &json!("/tax"), &json!(200)));
        assert_eq!((&line["host"], &line["tries"]), (&json!(format!("127.0.0.1:{}", peer.port)), &json!(1)));
        assert!(line["time"].is_string() && line["duration_ms"].as_f64().unwrap() < 1000.0, "{line}");
        assert!(line.get("error").is_none() && !line.to_string().contains("secret"), "{line}");
    }
}

#[test]
fn the_state_of_a_trace_goes_with_it_and_never_without_it() {
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[]);
    let trace = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let (most, long) = ("a=".to_string() + &"x".repeat(506), "b=".to_string() + &"x".repeat(600));
    let (full, too_long) = (format!("{most},b=1"), format!("a=1,{long},c=1"));
    let table: [(&[(&str, &str)], &str); 6] = [
        (
            &[trace, ("tracestate", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")],
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
        ),
        (&[trace, ("tracestate", "a=1"), ("tracestate", " , b=2 ,c=3")], "a=1,b=2,c=3"),
        (&[trace, ("tracestate", &full)], &full),
        (&[trace, ("tracestate", &too_long)], "a=1"),
        (&[("tracestate", "a=1")], ""),
        (&[("traceparent", "none"), ("tracestate", "a=1")], ""),
    ];

    for (headers, passed_on) in table {
        app.send("PUT", "/orders/1", headers, untaxed(1).to_string());

        assert_eq!(peer.received().pop().unwrap().header("tracestate"), passed_on);
    }
}

#[test]
fn a_host_is_found_by_its_name() {
    let peer = Peer::json(200, TAX);
    let app = TestApp::start_with(&[
        ("TAX_SERVICE_URL", &format!("http://LocalHost:{}/", peer.port)),
        ("OUTBOUND_ALLOWED_HOSTS", &format!("localhost:{}", peer.port)),
    ]);

    assert!(is_answered(&post(&app, "id")), "{}", app.output());
    assert_eq!(peer.received()[0].header("host"), format!("localhost:{}", peer.port));
}

#[test]
fn a_connection_is_used_again_and_one_that_was_closed_meanwhile_is_no_failure() {
    let peer = Peer::start(|request, stream| {
        reply(stream, 200, &[], TAX);
        if request.connection == 0 && request.header("x-request-id") == "second" {
            thread::sleep(Duration::from_millis(50));
            stream.shutdown(Shutdown::Both).unwrap();
        }
    });
    let app = start(&peer, &[]);

    for id in ["first", "second"] {
        assert!(is_answered(&post(&app, id)));
    }
    thread::sleep(Duration::from_millis(150)); // what is tested is that nothing has happened meanwhile
    assert!(is_answered(&post(&app, "third")));

    let connections: Vec<usize> = peer.received().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 0, 1]);
    assert_eq!(app.call_of("third")["tries"], 1);
}

/// Sent in two packets, a request's body would wait 40 ms for the other side to acknowledge its head.
#[test]
fn a_call_on_a_kept_connection_takes_no_forty_milliseconds() {
    let peer = Peer::json(200, TAX);
    let app = start(&peer, &[]);
    assert!(is_answered(&post(&app, "first")));

    let asked = Instant::now();
    for _ in 0..20 {
        assert!(is_answered(&post(&app, "again")));
    }

    assert!(asked.elapsed() < Duration::from_millis(20 * 20), "{:?}", asked.elapsed());
    assert!(peer.received().iter().all(|request| request.connection == 0));
}
