//! Runs the commands of a page as a reader would type them, but on a free port.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    blocks::{Step, assert_prints},
    commands::{eventually, get, shell},
    support::{free_port, root},
};

/// How long the service may take to be ready, should something have to be built before.
const PATIENCE: u64 = 400;

/// A terminal in a folder. What it has started ends when this is dropped.
pub struct Shell {
    folder: PathBuf,
    pub port: u16,
    /// What stands in the pages, and what is put in its place.
    changes: Vec<(String, String)>,
    started: Vec<Child>,
}

impl Shell {
    pub fn new(folder: &Path) -> Shell {
        let port = free_port();
        let changes = vec![("localhost:8080".to_string(), format!("127.0.0.1:{port}"))];
        Shell { folder: folder.to_path_buf(), port, changes, started: Vec::new() }
    }

    /// In the repository's own folder.
    pub fn here() -> Shell {
        Shell::new(root())
    }

    /// From now on, `to` is put in the place of `from`.
    pub fn change(&mut self, from: &str, to: &str) {
        self.changes.push((from.to_string(), to.to_string()));
    }

    /// Runs commands one after the other and compares what they print. One that ends in `&` goes on in the background.
    pub fn run(&mut self, steps: &[Step]) {
        for step in steps {
            match step.command.strip_suffix('&') {
                Some(command) => self.start(command),
                None => assert_prints(step, &self.output(&step.command)),
            }
        }
    }

    /// The same, but the last one is a service, or starts one, and goes on.
    pub fn run_service(&mut self, steps: &[Step]) {
        let (service, before) = steps.split_last().unwrap();
        let exports: String = before
            .iter()
            .map(|step| &step.command)
            .filter(|command| command.starts_with("export "))
            .fold(String::new(), |all, command| format!("{all}{command}\n"));
        let others: Vec<Step> = before.iter().filter(|step| !step.command.starts_with("export ")).cloned().collect();
        self.run(&others);
        self.start(&format!("{exports}{}", service.command.trim_end_matches('&')));
        self.wait_until_ready();
    }

    /// Waits for the first 200 of `/readyz`.
    pub fn wait_until_ready(&mut self) {
        let url = format!("http://127.0.0.1:{}/readyz", self.port);
        let deadline = Instant::now() + Duration::from_secs(PATIENCE);
        while get(&url).0 != 200 {
            let service = self.started.last_mut().unwrap();
            assert!(service.try_wait().unwrap().is_none(), "it has ended: {}", self.log());
            assert!(Instant::now() < deadline, "it is not ready: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ctrl-C, as a terminal sends it to the last one that was started, and to all that it has started.
    pub fn interrupt(&mut self) {
        let mut service = self.started.pop().unwrap();
        signal_group(&service, "INT");
        eventually("the end after Ctrl-C", 40, || service.try_wait().unwrap().is_some());
    }

    /// What those in the background have printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("docs-{}.log", self.port))
    }

    fn command(&self, line: &str) -> Command {
        let line = self.changes.iter().fold(line.to_string(), |line, (from, to)| line.replace(from, to));
        let mut command = shell(&line);
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.env("PORT", self.port.to_string()).env("BIND", "127.0.0.1");
        command
    }

    /// Runs a line to its end and gives what it prints. Panics when it fails.
    pub fn output(&self, line: &str) -> String {
        let line = if line.starts_with("curl ") { line.replacen("curl", "curl -sS", 1) } else { line.to_string() };
        let output = self.command(&line).output().unwrap();
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{line}\n{stdout}\n{stderr}");
        stdout.into_owned()
    }

    fn start(&mut self, line: &str) {
        let log = File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut command = self.command(line);
        command.stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
        self.started.push(command.spawn().unwrap());
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        for mut child in self.started.drain(..) {
            signal_group(&child, "TERM");
            let _ = child.wait();
        }
        if !std::thread::panicking() {
            let _ = std::fs::remove_file(self.log_file());
        }
    }
}

fn signal_group(child: &Child, name: &str) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args([&format!("-{name}"), "--", &group]).stderr(Stdio::null()).status();
}
