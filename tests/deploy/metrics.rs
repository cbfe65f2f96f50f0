//! Debian's Prometheus scrapes the service, with the files in deploy/: each expression of the dashboard gives data, and
//! `promtool` has nothing to say against any of it.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    commands::{eventually, get, sh},
    peer::{Peer, reply},
    samples::order,
    support::{TestApp, free_port, root},
};

const TOKEN: &str = "a-token-0123456789";

/// A Prometheus that ends when this is dropped.
struct Prometheus {
    port: u16,
    process: Child,
    folder: PathBuf,
}

impl Prometheus {
    /// Starts it with the files in deploy/prometheus: they name a service on port 8080 that asks for no token, and are
    /// changed to ask the one on `port` every second, with a token.
    fn start(commands: &str, port: u16) -> Prometheus {
        let folder = root().join(format!("target/tmp/prometheus-{port}"));
        fs::create_dir_all(&folder).unwrap();
        let files = root().join("deploy/prometheus");
        let config = fs::read_to_string(files.join("prometheus.yml")).unwrap();
        let changes = [
            ("localhost:8080", format!("127.0.0.1:{port}")),
            ("_interval: 15s", "_interval: 1s".to_string()),
            ("# authorization:", "authorization:".to_string()),
            ("#   credentials_file:", "  credentials_file:".to_string()),
        ];
        let config = change(config, &changes);
        fs::write(folder.join("prometheus.yml"), config).unwrap();
        fs::write(folder.join("token"), TOKEN).unwrap();
        fs::copy(files.join("alerts.yml"), folder.join("alerts.yml")).unwrap();

        let own_port = free_port();
        let process = Command::new(format!("{commands}/prometheus"))
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{own_port}"))
            .stdin(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let prometheus = Prometheus { port: own_port, process, folder };
        let ready = format!("http://127.0.0.1:{own_port}/-/ready");
        eventually("Prometheus is ready", 60, || get(&ready).0 == 200);
        prometheus
    }

    /// What it answers at this path of its API.
    fn ask(&self, path: &str) -> Value {
        let (status, body) = get(&format!("http://127.0.0.1:{}/api/v1/{path}", self.port));
        let answer: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
        assert_eq!((status, &answer["status"]), (200, &json!("success")), "{path}: {body}");
        answer["data"].clone()
    }

    /// The values of an expression, one for each series.
    fn values(&self, expression: &str) -> Vec<f64> {
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("query", expression).finish();
        let data = self.ask(&format!("query?{query}"));
        let results = data["result"].as_array().unwrap_or_else(|| panic!("{expression}: {data}"));
        results.iter().map(|result| result["value"][1].as_str().unwrap().parse().unwrap()).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn change(config: String, changes: &[(&str, String)]) -> String {
    changes.iter().fold(config, |config, (from, to)| {
        assert!(config.contains(from), "{from} is not in prometheus.yml");
        config.replace(from, to)
    })
}

/// Every expression of the dashboard, as Grafana would send it for all instances.
fn dashboard() -> Vec<String> {
    let text = fs::read_to_string(root().join("deploy/grafana/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let service = r#"job="order_demo_service",instance=~"$instance""#;
    let expressions: Vec<String> = targets
        .map(|target| target["expr"].as_str().unwrap())
        .inspect(|expression| {
            let of_service = expression.matches(service).count();
            assert!(of_service > 0 && of_service == expression.matches('{').count(), "other jobs in {expression}");
        })
        .map(|expression| expression.replace("$instance", ".*").replace("$__rate_interval", "10s"))
        .collect();
    assert!(expressions.len() > 20 && !expressions.iter().any(|expression| expression.contains('$')));
    expressions
}

/// Does until `done` what makes each metric move: requests, calls, events out, events in.
fn load(app: &TestApp, done: &AtomicBool) {
    let token = ("Authorization", "Bearer a-token-0123456789");
    let mut id = 1;
    while !done.load(Ordering::SeqCst) {
        id += 1;
        app.send("POST", "/orders", &[token], order(id));
        app.send("GET", &format!("/orders/{id}"), &[token], "");
        app.send("PUT", "/orders/1", &[token], order(1));
        app.send("GET", "/nowhere", &[token], "");
        let event = json!({"specversion": "1.0", "id": id.to_string(), "source": "/s", "type": "unknown", "data": []});
        let headers = [("content-type", "application/cloudevents+json")];
        app.send("POST", "/events?access_token=a-secret-of-ours-123", &headers, event.to_string());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn several_instances_are_found_by_their_name_with_the_lines_that_stand_ready_for_it() {
    let promtool = format!("{}/promtool", sh("tests/deploy/scripts/unpack-prometheus.sh"));
    let folder = root().join("target/tmp/prometheus-dns");
    fs::create_dir_all(&folder).unwrap();
    let files = root().join("deploy/prometheus");
    let changes = [
        ("    static_configs:\n      - targets: [\"localhost:8080\"]\n", String::new()),
        ("    # dns_sd_configs:", "    dns_sd_configs:".to_string()),
        ("    #   - names:", "      - names:".to_string()),
        ("    #     type:", "        type:".to_string()),
        ("    #     port:", "        port:".to_string()),
        ("    #     refresh_interval:", "        refresh_interval:".to_string()),
    ];
    let config = change(fs::read_to_string(files.join("prometheus.yml")).unwrap(), &changes);
    fs::write(folder.join("prometheus.yml"), config).unwrap();
    fs::copy(files.join("alerts.yml"), folder.join("alerts.yml")).unwrap();

    let said = sh(&format!("{promtool} check config {}", folder.join("prometheus.yml").display()));

    assert!(said.contains("SUCCESS"), "{said}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn prometheus_scrapes_the_service_and_each_expression_of_the_dashboard_gives_data() {
    let commands = sh("tests/deploy/scripts/unpack-prometheus.sh");
    let promtool = format!("{commands}/promtool");
    println!("{}", sh(&format!("{promtool} check config deploy/prometheus/prometheus.yml")));
    let peer = Peer::start(|_, stream| reply(stream, 200, &[], ""));
    let nobody = format!("http://127.0.0.1:{}/#name=away", free_port());
    let sinks = format!("{}#name=here,{nobody}", peer.url("/events"));
    let app = TestApp::start_with(&[
        ("API_TOKENS", TOKEN),
        ("EVENT_SINKS", &sinks),
        ("EVENT_SECRET", "a-secret-of-ours-123"),
    ]);
    let prometheus = Prometheus::start(&commands, app.port);
    let done = AtomicBool::new(false);

    thread::scope(|scope| {
        scope.spawn(|| load(&app, &done));
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| observe(&prometheus, &app, &promtool)));
        done.store(true, Ordering::SeqCst);
        if let Err(problem) = ended {
            std::panic::resume_unwind(problem);
        }
    });
}

fn observe(prometheus: &Prometheus, app: &TestApp, promtool: &str) {
    for expression in dashboard() {
        let has_data = || {
            let values = prometheus.values(&expression);
            !values.is_empty() && values.iter().any(|value| value.is_finite())
        };
        // Longer than the minute in which a busy machine's database is left alone after a time-out.
        eventually(&format!("data for {expression}"), 90, has_data);
    }
    assert_eq!(prometheus.values(r#"up{job="order_demo_service"}"#), [1.0]);
    for moves in [
        r#"rate(http_server_request_duration_seconds_count{http_route="/orders/{id}",http_response_status_code="200"}[10s])"#,
        r#"rate(db_client_operation_duration_seconds_count{error_type=""}[10s])"#,
        r#"rate(http_client_requests_total{outcome="2xx"}[10s])"#,
        r#"rate(outbox_deliveries_total{sink="here",outcome="delivered"}[10s])"#,
        r#"rate(webhook_events_total{type="_OTHER"}[10s])"#,
        r#"outbox_oldest_event_age_seconds{sink="away"}"#,
        r#"outbox_events{sink="away",state="waiting"}"#,
    ] {
        eventually(&format!("{moves} is more than 0"), 90, || {
            prometheus.values(moves).iter().any(|value| *value > 0.0)
        });
    }

    let rules = prometheus.ask("rules");
    let rules: Vec<&Value> = rules["groups"][0]["rules"].as_array().unwrap().iter().collect();
    assert!(rules.len() > 5);
    for rule in rules {
        let query = rule["query"].as_str().unwrap();
        let of_service = query.matches(r#"job="order_demo_service""#).count();
        assert!(of_service > 0 && of_service == query.matches('{').count(), "other jobs in {query}");
    }
    eventually("all rules have been evaluated", 30, || {
        let rules = prometheus.ask("rules");
        rules["groups"][0]["rules"].as_array().unwrap().iter().all(|rule| rule["health"] == "ok")
    });

    let token = ("Authorization", "Bearer a-token-0123456789");
    let metrics = app.send("GET", "/metrics", &[token], "").body;
    fs::write(prometheus.folder.join("metrics.txt"), &metrics).unwrap();
    let said = sh(&format!("{promtool} check metrics <{} 2>&1", prometheus.folder.join("metrics.txt").display()));
    assert_eq!(said, "", "promtool has something to say");
    println!(
        "metrics: {} KB and {} samples a scrape, which takes {:.1} ms; {} expressions of the dashboard give data",
        metrics.len() / 1000,
        prometheus.values("scrape_samples_scraped")[0],
        prometheus.values("avg_over_time(scrape_duration_seconds[10s])")[0] * 1000.0,
        dashboard().len(),
    );
}
