//! What every test stands on: the compiled module on the real WasmEdge, on a free port, with a database of its own.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use mysql_async::prelude::{FromRow, Queryable};
use serde_json::Value;

/// A running service. It ends, and its database goes, when this is dropped.
pub struct TestApp {
    pub port: u16,
    pub database_url: String,
    agent: ureq::Agent,
    launcher: Child,
    /// WasmEdge as it was when the service first answered.
    service: Option<u32>,
    output: PathBuf,
    owns_database: bool,
}

/// What the service answered.
pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: String,
}

impl TestApp {
    /// Starts the service with an empty table and waits until it is ready.
    pub fn start() -> TestApp {
        TestApp::start_with(&[])
    }

    /// The same, with settings besides `DATABASE_URL`, `PORT` and `BIND`.
    pub fn start_with(settings: &[(&str, &str)]) -> TestApp {
        let database_url = create_database();
        let mut app = TestApp::launch(&database_url, settings);
        app.owns_database = true;
        app.wait_until_ready();
        app
    }

    /// Starts the service on a database that somebody else owns, and does not wait for it.
    pub fn launch(database_url: &str, settings: &[(&str, &str)]) -> TestApp {
        let port = free_port();
        let output = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("service-{port}.log"));
        let log = File::create(&output).unwrap();
        let launcher = serve(module())
            .envs([("DATABASE_URL", database_url), ("BIND", "127.0.0.1"), ("PORT", &port.to_string())])
            .envs(settings.iter().copied())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_secs(30)))
            .build();
        let agent = config.into();
        let database_url = database_url.to_string();
        let mut app = TestApp { port, database_url, agent, launcher, service: None, output, owns_database: false };
        app.wait_until_alive();
        app.service = app.service();
        app
    }

    pub fn wait_until_alive(&self) {
        self.wait_for("/livez", 200);
    }

    pub fn wait_until_ready(&self) {
        self.wait_for("/readyz", 200);
    }

    fn wait_for(&self, path: &str, status: u16) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let last = match self.agent.get(self.url(path)).call() {
                Ok(reply) if reply.status() == status => return,
                other => format!("{other:?}"),
            };
            assert!(Instant::now() < deadline, "{path} is not {status}: {last}\n{}", self.output());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "")
    }

    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.send("POST", path, &[], body)
    }

    /// Sends a request. The body goes out as `curl -d` sends it, as a form, which it is not, unless a header says
    /// otherwise.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let result = if body.as_ref().is_empty() {
            self.agent.run(request.body(()).unwrap())
        } else {
            let labelled = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
            let form = [("content-type", "application/x-www-form-urlencoded")];
            let label = form.into_iter().filter(|_| !labelled);
            let request = label.fold(request, |request, (name, value)| request.header(name, value));
            self.agent.run(request.body(body.as_ref()).unwrap())
        };
        let mut response = result.unwrap_or_else(|error| panic!("{method} {path}: {error}\n{}", self.output()));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.body_mut().with_config().limit(1 << 30).read_to_string().unwrap();
        Reply { status, headers, body }
    }

    /// A bare connection, for what no client would send.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Writes `text` to a bare connection and reads until the service closes it.
    pub fn exchange(&self, text: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Everything that the service has written to stdout and stderr.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// Waits until the service has written `text`: a line may come later than what it tells of.
    pub fn wait_for_output(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.output().contains(text) {
            assert!(Instant::now() < deadline, "{text:?} is not in:\n{}", self.output());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The access log's line of the request with this id.
    pub fn log_of(&self, id: &str) -> Value {
        self.find_log(&format!("no line with id {id}"), |line| line["id"] == id && line.get("call").is_none())
    }

    /// The line of the first call to another service that was made for the request with this id.
    pub fn call_of(&self, id: &str) -> Value {
        self.find_log(&format!("no call with id {id}"), |line| line["id"] == id && line.get("call").is_some())
    }

    fn find_log(&self, problem: &str, is_meant: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let output = self.output();
            let mut lines = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            if let Some(line) = lines.find(&is_meant) {
                return line;
            }
            assert!(Instant::now() < deadline, "{problem} in:\n{output}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Rows of a query on this service's database.
    pub fn query<T: FromRow + Send + 'static>(&self, sql: &str) -> Vec<T> {
        query(&self.database_url, sql)
    }

    /// Runs a statement on this service's database.
    pub fn execute(&self, sql: &str) {
        execute(&self.database_url, sql);
    }

    /// The process that runs the module now: the launcher's child.
    pub fn service(&self) -> Option<u32> {
        child_of(self.launcher.id())
    }

    /// The most memory that the service's process has held at once, in bytes (Linux: VmHWM).
    pub fn peak_memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.service().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
    }

    /// Sends the service's process a signal, by its name in kill(1).
    pub fn signal(&self, name: &str) {
        signal(self.service().unwrap(), name);
    }

    /// Sends it to the launcher instead.
    pub fn signal_launcher(&self, name: &str) {
        signal(self.launcher.id(), name);
    }

    /// Waits for the launcher's end, five seconds at most; -1 when a signal was its end.
    pub fn exit_code(&mut self) -> i32 {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            if let Some(status) = self.launcher.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "the launcher is still there:\n{}", self.output());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Fails unless the process that answered first is the one that still answers.
    pub fn assert_still_the_same_process(&mut self) {
        assert!(self.launcher.try_wait().unwrap().is_none(), "the launcher has ended:\n{}", self.output());
        assert_eq!(self.get("/livez").status, 200);
        assert_eq!(self.service(), self.service, "it has been started again:\n{}", self.output());
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let service = self.service();
        let _ = self.launcher.kill();
        let _ = self.launcher.wait();
        assert!(service.is_none_or(ends) || std::thread::panicking(), "WasmEdge lives on without its launcher");
        if self.owns_database {
            drop_database(&self.database_url);
        }
        if !std::thread::panicking() {
            let _ = fs::remove_file(&self.output);
        }
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in: {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Checks that this is a problem (RFC 9457) with this status, and gives it.
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        problem
    }
}

/// The launcher, as users run it, with nothing of this process's settings.
pub fn serve(module: &Path) -> Command {
    let mut command = Command::new(root().join("scripts/serve.sh"));
    command.arg(module).stdin(Stdio::null());
    for variable in service::config::VARIABLES {
        command.env_remove(variable.name);
    }
    command
}

/// The oldest child of a process (Linux); the launcher's is WasmEdge, whatever else it has started since.
pub fn child_of(parent: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// Waits for a process's end, which need not be this one's child. Whether it has come, in five seconds.
pub fn ends(process: u32) -> bool {
    // One that nobody has waited for yet has ended all the same.
    let runs = || {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:") && !line.contains("zombie"))
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    while runs() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
    !runs()
}

fn signal(process: u32, name: &str) {
    let status = Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap();
    assert!(status.success());
}

/// The repository's folder. As Cargo says when the test runs: after a move it may run what was built elsewhere.
pub fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> =
        LazyLock::new(|| std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into()).into());
    &ROOT
}

/// The files in a folder and in those within it.
pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| !path.ends_with("node_modules"));
    paths.flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] }).collect()
}

/// The module, built from the sources as they are and compiled ahead of time; or the one that `MODULE` names.
pub fn module() -> &'static Path {
    static MODULE: LazyLock<PathBuf> = LazyLock::new(|| {
        if let Some(module) = std::env::var_os("MODULE") {
            return root().join(module);
        }
        // Not in the environment that cargo gives to a test: the build would see other flags and start anew.
        let cargo_variables = std::env::vars_os().map(|(name, _)| name);
        let mut make = Command::new("make");
        for name in cargo_variables.filter(|name| name.to_string_lossy().starts_with("CARGO")) {
            if name != "CARGO_HOME" {
                make.env_remove(name);
            }
        }
        let status = make.arg("-s").arg("build").current_dir(root()).status().unwrap();
        assert!(status.success(), "make build failed");
        root().join("order_demo_service.wasm")
    });
    &MODULE
}

/// A new, empty database on the private server; its URL.
pub fn create_database() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    execute(server_url(), &format!("CREATE DATABASE {name}"));
    let (server, _) = server_url().rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// For a test that stands between the service and its database: a listener, the server's address, and `url` with the
/// listener's address in its place.
pub fn stand_between(url: &str) -> (TcpListener, String, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (login, rest) = url.rsplit_once('@').unwrap();
    let (server, database) = rest.split_once('/').unwrap();
    let through = format!("{login}@{}/{database}", listener.local_addr().unwrap());
    (listener, server.to_string(), through)
}

/// Drops the database that this URL names.
pub fn drop_database(url: &str) {
    let name = url.rsplit('/').next().unwrap_or_default();
    execute(url, &format!("DROP DATABASE IF EXISTS {name}"));
}

/// Runs a statement and gives its rows.
pub fn query<T: FromRow + Send + 'static>(url: &str, sql: &str) -> Vec<T> {
    Session::open(url).query(sql)
}

/// Runs a statement.
pub fn execute(url: &str, sql: &str) {
    query::<mysql_async::Row>(url, sql);
}

/// A connection to the database of the test's own, to hold what the service needs.
pub struct Session {
    runtime: tokio::runtime::Runtime,
    conn: Option<mysql_async::Conn>,
}

impl Session {
    pub fn open(url: &str) -> Session {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let conn = runtime.block_on(mysql_async::Conn::new(mysql_async::Opts::from_url(url).unwrap())).unwrap();
        Session { runtime, conn: Some(conn) }
    }

    pub fn query<T: FromRow + Send + 'static>(&mut self, sql: &str) -> Vec<T> {
        let conn = self.conn.as_mut().unwrap();
        self.runtime.block_on(conn.query(sql)).unwrap_or_else(|error| panic!("{error}: {sql}"))
    }

    /// Waits until `count` other sessions of this database are in a `state` like this one.
    pub fn wait_for_waiters(&mut self, count: i64, state: &str) {
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE '{state}'"
        );
        let deadline = Instant::now() + Duration::from_secs(9);
        while self.query::<i64>(&sql) != [count] {
            assert!(Instant::now() < deadline, "not {count} sessions are in the state {state}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            let _ = self.runtime.block_on(conn.disconnect());
        }
    }
}

/// The private server, started if it does not run yet. It is left running: `make down` stops it.
fn server_url() -> &'static str {
    static URL: LazyLock<String> = LazyLock::new(|| {
        let output =
            Command::new(root().join("scripts/database.sh")).arg("start").stderr(Stdio::inherit()).output().unwrap();
        let url = String::from_utf8(output.stdout).unwrap();
        assert!(url.starts_with("mysql://"), "the database does not start");
        url.trim().to_string()
    });
    &URL
}

/// A port that nobody listens on: none twice, as two may look for one at once, and none that the system gives to
/// connections.
pub fn free_port() -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    loop {
        let chosen = std::process::id().wrapping_mul(31).wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(chosen % 10_000).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
