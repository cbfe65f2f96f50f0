//! What the pages say about other services, run as it stands there, but for the ports.

use std::{
    fs::{self, File},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    blocks::{run_curl, step, steps},
    support::{TestApp, free_port},
};

const TELL: &str = "docs/tell-of-changes.md";
const HEAR: &str = "docs/hear-an-event.md";

/// A program of a page's, running. What it prints is in a file.
pub struct Program {
    process: Child,
    pub port: u16,
    output: PathBuf,
}

impl Program {
    /// What `page` writes to the file `name`, run with a free port in place of `port`.
    pub fn start(page: &str, name: &str, port: &str) -> Program {
        let command = step(page, &format!("cat >{name}")).command;
        let (_, code) = command.split_once('\n').unwrap();
        let code = code.strip_suffix("END").unwrap();
        let free = free_port();
        let output = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{free}.log"));
        let process = Command::new("python3")
            .args(["-c", &code.replace(port, &free.to_string())])
            .stdout(File::create(&output).unwrap())
            .spawn()
            .unwrap();
        let program = Program { process, port: free, output };
        eventually(|| TcpStream::connect(("127.0.0.1", free)).is_ok());
        program
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The service with the settings that stand before `make up` in the page's command with `mark` in it.
pub fn make_up(page: &str, mark: &str, change: impl Fn(&str) -> String) -> TestApp {
    let command = step(page, mark).command;
    let settings = command.strip_suffix(" make up").unwrap().split(' ').map(|word| word.split_once('=').unwrap());
    let settings: Vec<(&str, String)> = settings.map(|(name, value)| (name, change(value))).collect();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    TestApp::start_with(&settings)
}

fn eventually(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(10));
    }
}

/// Those of the page's block that has `mark` in it.
pub fn run_curls(page: &str, mark: &str, app: &TestApp) {
    for step in steps(page, mark) {
        run_curl(&step, &format!("127.0.0.1:{}", app.port));
    }
}

#[test]
#[ignore = "needs Python: make test-peers"]
fn the_sink_of_the_page_hears_of_every_change() {
    let sink = Program::start(TELL, "sink.py", "9002");
    let app = make_up(TELL, "EVENT_SINKS=", |value| value.replace("9002", &sink.port.to_string()));

    run_curls(TELL, "/create_order", &app);

    eventually(|| fs::read_to_string(&sink.output).unwrap().contains("\"type\":\"order.created\""));
}

#[test]
#[ignore = "needs Python: make test-peers"]
fn the_event_of_the_page_is_applied() {
    let app = make_up(HEAR, "EVENT_SECRET=", str::to_string);

    run_curls(HEAR, "/events?access_token=", &app);

    let sample: Value = serde_json::from_str(include_str!("../../update_order.json")).unwrap();
    let id = &sample["order_id"];
    assert_eq!(app.get(&format!("/orders/{id}")).status, 200);
}
