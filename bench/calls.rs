//! What talking to other services costs: a call out for each request, in plain text and over TLS, and events.

use crate::{
    certificates::{Authority, file},
    https::HttpsServer,
    load,
    measure::{CONNECTIONS, Plan, milliseconds, orders},
    peer::{Peer, reply},
    report::Report,
    subject::{Service, Subject},
};

const TAX: &str = r#"{"tax":4.73}"#;

/// One round: each of two builds with a tax service and a sink on this machine.
pub fn one_round(report: &mut Report, plan: &Plan, subject: Subject) {
    let service = Peer::json(200, TAX);
    calls(report, "call_out", plan, subject, &[("TAX_SERVICE_URL", &service.url("/"))]);

    let authority = Authority::new("bench");
    let ca_file = file("bench-ca.pem", authority.pem());
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{TAX}", TAX.len());
    let service = HttpsServer::start(&authority.issue("localhost"), answer);
    let url = format!("https://localhost:{}/", service.port);
    let settings = [("TAX_SERVICE_URL", url.as_str()), ("SSL_CERT_FILE", ca_file.to_str().unwrap())];
    calls(report, "call_out_tls", plan, subject, &settings);

    let sink = Peer::start(|_, stream| reply(stream, 204, &[], ""));
    let service = Service::start_with(subject, &[("EVENT_SINKS", &sink.url("/"))]);
    let time = service.time_post("/create_orders", &orders(1, 100_000));
    report.add("bulk_100k_events", subject, milliseconds(time));
    drop(service);
    let service = Service::start_with(subject, &[("EVENT_SINKS", &sink.url("/"))]);
    let rate = load::creates_per_second(&service, CONNECTIONS, plan.time(), Some("2.0"));
    report.add("create_one_events", subject, rate);
}

fn calls(report: &mut Report, row: &str, plan: &Plan, subject: Subject, settings: &[(&str, &str)]) {
    let service = Service::start_with(subject, settings);
    report.add(row, subject, load::creates_per_second(&service, CONNECTIONS, plan.time(), None));
}
