//! What is secret of a sink, and is shown nowhere.

use serde_json::json;

use crate::{
    events::wait_until_parked,
    peer::{Peer, reply},
    samples::order,
    support::TestApp,
};

#[test]
fn a_sink_with_a_name_is_shown_without_its_path_and_what_it_sends_back_without_its_key() {
    let sink = Peer::start(|request, stream| {
        reply(stream, 500, &[], format!("no {} with {}", request.path, request.header("aeg-sas-key")));
    });
    let (path, host) = ("/services/T0123/hunter2", format!("127.0.0.1:{}", sink.port));
    let sinks = format!("http://{host}{path}#name=chat,eventgrid+http://{host}/topic#key=hunter2-hunter2");
    let app = TestApp::start_with(&[("EVENT_SINKS", &sinks), ("EVENT_MAX_ATTEMPTS", "1")]);

    app.post("/create_order", order(1));

    let mut parked = wait_until_parked(&app, 2);
    parked.sort_by_key(|event| event["sink"].to_string());
    assert_eq!(parked[0]["sink"], "chat");
    assert_eq!(parked[1]["sink"], format!("eventgrid+http://{host}/topic"));
    for event in &parked {
        assert!(event["last_error"].as_str().unwrap().contains("***"), "{event}");
    }
    let calls = app.output().lines().filter(|line| line.contains("\"call\":\"POST\"")).count();
    assert_eq!(calls, 2, "each has its line: {}", app.output());
    app.wait_for_output("events: chat ");
    let stored = app.query::<String>("SELECT CAST(name AS CHAR) FROM event_sinks");
    for shown in [app.output(), json!(parked).to_string(), json!(stored).to_string()] {
        assert!(!shown.contains("hunter2") && !shown.contains("services"), "{shown}");
    }
}
