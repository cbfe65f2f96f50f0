//! README's lines about other services, run as they stand, but for the ports.

use std::{
    fs::{self, File},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use crate::{
    samples::UPDATE,
    support::{TestApp, free_port, root},
};

/// A program of README's, running. What it prints is in a file.
pub struct Program {
    process: Child,
    port: u16,
    output: PathBuf,
}

impl Program {
    /// What README writes to the file `name`, run with a free port in place of `port`.
    pub fn start(name: &str, port: &str) -> Program {
        let readme = readme();
        let (_, rest) = readme.split_once(&format!("$ cat >{name} <<'END'\n")).unwrap();
        let (code, _) = rest.split_once("END\n").unwrap();
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

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

fn eventually(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(10));
    }
}

/// Runs the `curl` of README's that has `mark` in it, and gives what it prints and what README says that it prints.
pub fn curl(mark: &str, app: &TestApp) -> (String, String) {
    let readme = readme();
    let (command, rest) = readme
        .split("\n$ ")
        .filter_map(|text| text.split_once('\n'))
        .find(|(line, _)| line.starts_with("curl ") && line.contains(mark))
        .unwrap();
    let command = command.replace("localhost:8080", &format!("127.0.0.1:{}", app.port));
    let output = Command::new("sh").args(["-c", &command.replacen("curl", "curl -s", 1)]).output().unwrap();
    let says = rest.split("\n").next().unwrap();
    (String::from_utf8(output.stdout).unwrap(), says.to_string())
}

#[test]
#[ignore = "needs Python: make test-peers"]
fn the_sink_of_readme_hears_of_every_change() {
    let sink = Program::start("sink.py", "9002");
    let app = TestApp::start_with(&[("EVENT_SINKS", &sink.url())]);

    app.post("/create_order", UPDATE);

    eventually(|| fs::read_to_string(&sink.output).unwrap().contains("\"type\":\"order.created\""));
}

#[test]
#[ignore = "needs Python: make test-peers"]
fn the_event_of_readme_is_applied() {
    let readme = readme();
    let (_, rest) = readme.split_once("$ EVENT_SECRET=").unwrap();
    let app = TestApp::start_with(&[("EVENT_SECRET", rest.split(' ').next().unwrap())]);

    let (prints, says) = curl("/events?access_token=", &app);

    assert_eq!(prints, says);
    assert_eq!(app.get("/orders/8").status, 200);
}
