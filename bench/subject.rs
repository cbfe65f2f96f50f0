//! The service in its three builds, each started for real, and what its process says of itself.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{child_of, create_database, ends, execute, free_port, root, serve};

/// How the service is built and run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Native,
    Compiled,
    Interpreted,
}

impl Subject {
    pub fn name(self) -> &'static str {
        match self {
            Subject::Native => "native",
            Subject::Compiled => "compiled",
            Subject::Interpreted => "interpreted",
        }
    }

    /// What is run: a program, or a module for the launcher.
    pub fn file(self) -> PathBuf {
        root().join(match self {
            Subject::Native => "target/release/order_demo_service",
            Subject::Compiled => "order_demo_service.wasm",
            Subject::Interpreted => "target/wasm32-wasip1/release/order_demo_service.wasm",
        })
    }

    fn command(self, variables: &[(&str, &str)]) -> Command {
        let mut command = match self {
            Subject::Native => Command::new(self.file()),
            Subject::Compiled | Subject::Interpreted => serve(&self.file()),
        };
        // Reading a developer's own file of authorities would be part of the start.
        command.env_remove("SSL_CERT_FILE").envs(variables.iter().copied());
        command
    }

    /// Without the launcher, which asks WasmEdge for its version first.
    fn bare_command(self, variables: &[(&str, &str)]) -> Command {
        if self == Subject::Native {
            return self.command(variables);
        }
        let mut command = Command::new(wasmedge());
        for (name, value) in variables {
            command.args(["--env", &format!("{name}={value}")]);
        }
        command.arg(self.file());
        command
    }
}

/// The WasmEdge that runs the module.
pub fn wasmedge() -> PathBuf {
    let unpacked = root().join("target/tools/bin/wasmedge");
    if unpacked.exists() { unpacked } else { "wasmedge".into() }
}

/// A running service. It ends when this is dropped.
pub struct Service {
    pub port: u16,
    started: Child,
    /// What was started, or its child when that is the launcher.
    process: u32,
    database: Option<String>,
}

impl Service {
    /// Starts it with an empty table of its own, which goes with it.
    pub fn start(subject: Subject) -> Service {
        Service::start_with(subject, &[])
    }

    /// The same, with settings besides the usual ones.
    pub fn start_with(subject: Subject, settings: &[(&str, &str)]) -> Service {
        let database = create_database();
        let command = |variables: &[(&str, &str)]| subject.command(&[variables, settings].concat());
        let (mut service, _) = Service::launch(&database, command);
        service.database = Some(database);
        service.wait_for("/readyz");
        service
    }

    /// Starts it on a database that others use as well, and waits until it is ready.
    pub fn start_on(subject: Subject, database: &str) -> Service {
        let service = Service::launch(database, |variables| subject.command(variables)).0;
        service.wait_for("/readyz");
        service
    }

    /// From the start of the process to its first answer.
    pub fn time_start(subject: Subject) -> Duration {
        let database = create_database();
        let (mut service, time) = Service::launch(&database, |variables| subject.bare_command(variables));
        service.database = Some(database);
        time
    }

    fn launch(database: &str, command: impl Fn(&[(&str, &str)]) -> Command) -> (Service, Duration) {
        let port = free_port();
        // Slow is for the table to show, not an error; and what a terminal does with the log is no concern here.
        let variables =
            [("DATABASE_URL", database), ("BIND", "127.0.0.1"), ("PORT", &port.to_string()), ("DB_TIMEOUT", "300")];
        let mut command = command(&variables);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let mut service = Service { port, started: command.spawn().unwrap(), process: 0, database: None };
        service.wait_for("/livez");
        let time = start.elapsed();
        service.process = child_of(service.started.id()).unwrap_or(service.started.id());
        (service, time)
    }

    fn wait_for(&self, path: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.try_get(path).is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
            assert!(Instant::now() < deadline, "{path} does not answer");
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    fn try_get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// How long a GET takes to its last byte, and how many bytes there were. Nothing is kept.
    pub fn time_get(&self, path: &str) -> (Duration, u64) {
        let start = Instant::now();
        let mut response = ureq::get(self.url(path)).call().unwrap();
        let bytes = std::io::copy(&mut response.body_mut().as_reader(), &mut std::io::sink()).unwrap();
        (start.elapsed(), bytes)
    }

    /// How long a POST takes to its answer, which must be a success.
    pub fn time_post(&self, path: &str, body: &str) -> Duration {
        let start = Instant::now();
        ureq::post(self.url(path)).send(body).unwrap();
        start.elapsed()
    }

    /// Memory held now, in MiB (Linux: VmRSS).
    pub fn memory(&self) -> f64 {
        self.status("VmRSS:")
    }

    /// The most memory held at once since [`Service::forget_peak`], in MiB (Linux: VmHWM).
    pub fn peak_memory(&self) -> f64 {
        self.status("VmHWM:")
    }

    pub fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.process), "5").unwrap();
    }

    fn status(&self, name: &str) -> f64 {
        memory_of(self.process, name)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.started.kill();
        let _ = self.started.wait();
        ends(self.process);
        if let Some(database) = &self.database {
            execute(database, &format!("DROP DATABASE {}", database.rsplit('/').next().unwrap()));
        }
    }
}

/// Memory of a process, in MiB, by its name in /proc/…/status.
pub fn memory_of(process: u32, name: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<f64>().unwrap() / 1024.0
}

/// Size of a file in MB (of a million bytes).
pub fn megabytes(file: &Path) -> f64 {
    fs::metadata(file).unwrap().len() as f64 / 1e6
}
