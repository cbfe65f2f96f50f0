//! What others send to `POST /events`.

use serde_json::{Value, json};

use crate::{
    SECRET,
    double::{Double, python},
    samples::{order, orders},
    support::TestApp,
};

/// What one of the senders in speak.py was answered.
fn speak(who: &str, app: &TestApp, secret: &str, data: &str) -> Value {
    let output = python("speak.py").args([who, &app.url("/events"), secret, data]).output().unwrap();
    let (said, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{complaint}"))
}

fn stored(app: &TestApp) -> Vec<i64> {
    app.query("SELECT order_id FROM orders ORDER BY order_id")
}

#[test]
#[ignore = "needs Python packages: make test-peers"]
fn microsoft_s_client_for_event_grid_is_understood_in_both_schemas() {
    let app = TestApp::start_with(&[("EVENT_SECRET", SECRET)]);

    for (who, first) in [("cloudevents", 1), ("eventgrid", 3)] {
        let data = orders(first..first + 2);
        assert_eq!(speak(who, &app, SECRET, &data)["status"], 200, "{who}");
        assert_eq!(speak(who, &app, SECRET, &data)["status"], 200, "{who}, again");
        assert_eq!(speak(who, &app, "another-secret-0123456", &data)["status"], 401, "{who}");
        let wrong = speak(who, &app, SECRET, "{}").to_string();
        assert!(wrong.contains("200"), "the same id has been applied: {wrong}");
    }

    assert_eq!(stored(&app), [1, 2, 3, 4]);
    let keys: Vec<(String, String)> = app.query("SELECT CAST(source AS CHAR), CAST(id AS CHAR) FROM inbox ORDER BY id");
    assert_eq!(keys, [("/azure".to_string(), "cloud-1".to_string()), (String::new(), "grid-1".to_string())]);
}

#[test]
#[ignore = "needs Python packages: make test-peers"]
fn what_the_library_of_standard_webhooks_signs_is_let_in() {
    let app = TestApp::start_with(&[("EVENT_SECRET", SECRET)]);

    let good = speak("standard", &app, SECRET, &order(1));
    let forged = speak("standard", &app, "whsec_AfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &order(2));
    let old = speak("too_old", &app, SECRET, &order(3));

    assert_eq!([&good["status"], &forged["status"], &old["status"]], [200, 401, 401], "{good} {forged} {old}");
    assert_eq!(stored(&app), [1]);
}

#[test]
#[ignore = "needs Python packages: make test-peers"]
fn a_sidecar_repeats_what_can_be_applied_later_and_nothing_else() {
    let token = "sidecar-token-0123456";
    let app = TestApp::start_with(&[("APP_API_TOKEN", token)]);
    let sidecar = Double::start("sidecar.py", &["--app", &app.url("/events"), "--app-token", token]);
    let away = TestApp::launch("mysql://user:passwd@127.0.0.1:1/demo", &[("APP_API_TOKEN", token)]);
    let persistent = Double::start("sidecar.py", &["--app", &away.url("/events"), "--app-token", token]);
    let stranger = Double::start("sidecar.py", &["--app", &app.url("/events"), "--app-token", "another-token-0123456"]);
    let deliver = |sidecar: &Double, id: &str, data: &str| {
        let data: Value = serde_json::from_str(data).unwrap();
        let event = json!({"specversion": "1.0", "id": id, "source": "/dapr", "type": "order.import", "data": data});
        sidecar.post("/deliver", &event);
        sidecar.seen(1).pop().unwrap()["understood"].clone()
    };

    assert_eq!(deliver(&sidecar, "1", &order(1)), json!(["SUCCESS"]));
    assert_eq!(deliver(&sidecar, "1", &order(1)), json!(["SUCCESS"]));
    assert_eq!(deliver(&sidecar, "2", "{}"), json!(["DROP"]));
    assert_eq!(deliver(&sidecar, "3", &order(1)), json!(["DROP"]));
    assert_eq!(deliver(&stranger, "4", &order(4)), json!(["RETRY", "RETRY", "RETRY", "RETRY", "RETRY"]));
    assert_eq!(deliver(&persistent, "5", &order(5)), json!(["RETRY", "RETRY", "RETRY", "RETRY", "RETRY"]));
    assert_eq!(stored(&app), [1]);
}
