//! What is measured. Each row names what it is, in which unit, and what compiled must reach against native.

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    load,
    report::{Report, Target},
    subject::{Service, Subject, megabytes, memory_of, wasmedge},
    support::{create_database, execute, query, root, serve},
};

const CONNECTIONS: usize = 32;
const MILLION: usize = 1_000_000;

/// How often and how long.
pub struct Plan {
    pub rounds: usize,
    pub seconds: u64,
}

impl Plan {
    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Requests per second and latency, memory, start: one service after the other, round after round.
pub fn requests(report: &mut Report, plan: &Plan, subjects: &[Subject]) {
    for round in 1..=plan.rounds {
        for &subject in subjects {
            // Once is enough for what is many times slower.
            if subject == Subject::Interpreted && round > 1 {
                continue;
            }
            report.progress(&format!("round {round} of {}: {}", plan.rounds, subject.name()));
            one_round(report, plan, subject);
        }
    }
}

fn one_round(report: &mut Report, plan: &Plan, subject: Subject) {
    for _ in 0..5 {
        report.add("start_ms", subject, milliseconds(Service::time_start(subject)));
    }
    let service = Service::start(subject);
    report.add("rss_idle", subject, service.memory());
    let rate = load::requests_per_second(&service, "/livez", CONNECTIONS, plan.time());
    report.add("livez", subject, rate);

    service.time_post("/create_orders", &fs::read_to_string(root().join("orders.json")).unwrap());
    let rate = load::requests_per_second(&service, "/orders/1", CONNECTIONS, plan.time());
    report.add("get_order", subject, rate);
    report.add("p99_get_order", subject, load::p99(&service, "/orders/1", rate / 2.0, plan.time()));
    let rate = load::requests_per_second(&service, "/orders", CONNECTIONS, plan.time());
    report.add("list_5", subject, rate);
    report.add("create_one", subject, load::creates_per_second(&service, CONNECTIONS, plan.time()));

    for round in 0..5 {
        let time = service.time_post("/create_orders", &orders(1_000_000_000 + round * 1000, 1000));
        report.add("bulk_1k", subject, milliseconds(time));
    }
    drop(service);

    let service = Service::start(subject);
    let body = orders(1, 100_000);
    service.forget_peak();
    report.add("bulk_100k", subject, milliseconds(service.time_post("/create_orders", &body)));
    report.add("rss_bulk_100k", subject, service.peak_memory());
}

/// `GET /orders/{id}` alone, for a machine that has little time.
pub fn get_order(report: &mut Report, plan: &Plan, subjects: &[Subject]) {
    let services: Vec<_> = subjects.iter().map(|&subject| (subject, Service::start(subject))).collect();
    for (_, service) in &services {
        service.time_post("/create_orders", &fs::read_to_string(root().join("orders.json")).unwrap());
    }
    for round in 1..=plan.rounds {
        for (subject, service) in &services {
            report.progress(&format!("round {round} of {}: {}", plan.rounds, subject.name()));
            let rate = load::requests_per_second(service, "/orders/1", CONNECTIONS, plan.time());
            report.add("get_order", *subject, rate);
        }
    }
}

/// What 1,000 to 1,000,000 rows in the table cost: one, all of them, and a thousand more.
pub fn sizes(report: &mut Report, plan: &Plan) {
    for (rows, name) in [(1_000, "1k"), (10_000, "10k"), (100_000, "100k"), (MILLION, "1m")] {
        let database = create_database();
        drop(Service::start_on(Subject::Native, &database)); // makes the table
        execute(
            &database,
            &format!(
                "INSERT INTO orders SELECT seq, seq % 100, seq % 7, seq / 100, 4.95, 0.5,
                 CONCAT(seq, ' Harbour View, Cork') FROM seq_1_to_{rows}"
            ),
        );
        for round in 1..=plan.rounds {
            for subject in [Subject::Native, Subject::Compiled] {
                report.progress(&format!("{rows} rows, round {round} of {}: {}", plan.rounds, subject.name()));
                let service = Service::start_on(subject, &database);
                let path = format!("/orders/{}", rows / 2);
                let rate = load::requests_per_second(&service, &path, CONNECTIONS, plan.time());
                report.add(&format!("get_order_of_{name}"), subject, rate);
                service.forget_peak();
                let (time, bytes) = service.time_get("/orders");
                assert!(bytes > rows as u64 * 100, "the list is too short: {bytes} bytes");
                report.add(&format!("list_{name}"), subject, milliseconds(time));
                if rows == MILLION {
                    report.add("rss_list_1m", subject, service.peak_memory());
                }
                let body = orders(MILLION + 1, 1000);
                report.add(
                    &format!("bulk_1k_into_{name}"),
                    subject,
                    milliseconds(service.time_post("/create_orders", &body)),
                );
                execute(&database, &format!("DELETE FROM orders WHERE order_id > {MILLION}"));
            }
        }
        execute(&database, &format!("DROP DATABASE {}", database.rsplit('/').next().unwrap()));
    }
}

/// The curve over the number of connections.
pub fn connections(report: &mut Report, plan: &Plan) {
    for round in 1..=plan.rounds {
        for subject in [Subject::Native, Subject::Compiled] {
            report.progress(&format!("connections, round {round} of {}: {}", plan.rounds, subject.name()));
            let service = Service::start(subject);
            service.time_post("/create_orders", &fs::read_to_string(root().join("orders.json")).unwrap());
            for connections in [8, 32, 128, 512] {
                for (row, path) in [("livez", "/livez"), ("get_order", "/orders/1")] {
                    let rate = load::requests_per_second(&service, path, connections, plan.time());
                    report.add(&format!("{row}_c{connections}"), subject, rate);
                }
            }
        }
    }
}

/// One instance and two behind HAProxy, on a path that needs no database.
pub fn instances(report: &mut Report, plan: &Plan) {
    for subject in [Subject::Native, Subject::Compiled] {
        let mut rates = Vec::new();
        for count in 1..=2 {
            report.progress(&format!("{count} behind HAProxy: {}", subject.name()));
            let services: Vec<_> = (0..count).map(|_| Service::start(subject)).collect();
            let (_balancer, port) = balancer(&services);
            let url = format!("http://127.0.0.1:{port}/livez");
            rates.push(load::wrk(&url, CONNECTIONS, plan.time() * 2, &[]));
        }
        report.add("two_behind_haproxy", subject, rates[1] / rates[0]);
    }
}

struct Balancer(std::process::Child);

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn balancer(services: &[Service]) -> (Balancer, u16) {
    let port = crate::support::free_port();
    let mut config = format!(
        "global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n\
         listen orders\n  bind 127.0.0.1:{port}\n  balance roundrobin\n"
    );
    for service in services {
        let _ = writeln!(config, "  server s{0} 127.0.0.1:{0}", service.port);
    }
    let file = scratch("haproxy.cfg");
    fs::write(&file, config).unwrap();
    let child = Command::new("haproxy").arg("-f").arg(file).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "HAProxy does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    (Balancer(child), port)
}

/// What WasmEdge itself takes, and the database: the floors that the targets speak of.
pub fn floors(report: &mut Report) {
    report.progress("floors: WasmEdge's own start, hello world, LOAD DATA");
    let wasmedge = wasmedge();
    for _ in 0..9 {
        let start = Instant::now();
        Command::new(&wasmedge).arg("--version").output().unwrap();
        report.add("wasmedge_version_ms", Subject::Compiled, milliseconds(start.elapsed()));
    }

    let (source, module, compiled) =
        (root().join("bench/hello.rs"), scratch("hello.wasm"), scratch("hello-compiled.wasm"));
    run(Command::new("rustc").args(["-O", "--target", "wasm32-wasip1", "-o"]).arg(&module).arg(source));
    run(Command::new(&wasmedge).arg("compile").arg(&module).arg(&compiled));
    let mut hello = serve(&compiled).stdout(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    report.add("rss_hello", Subject::Compiled, memory_of(hello.id(), "VmRSS:"));
    hello.kill().unwrap();
    hello.wait().unwrap();

    let database = create_database();
    drop(Service::start_on(Subject::Native, &database));
    let rows: String = (1..=100_000).map(|id| format!("{id}\t12\t2\t56.00\t15.00\t2.00\tMataderos 2312\n")).collect();
    let file = scratch("orders.tsv");
    fs::write(&file, rows).unwrap();
    let (_, server) = database.split_once('@').unwrap();
    let (address, name) = server.split_once('/').unwrap();
    let (host, port) = address.split_once(':').unwrap();
    for _ in 0..3 {
        execute(&database, "TRUNCATE TABLE orders");
        let start = Instant::now();
        run(Command::new("mariadb")
            .args(["-h", host, "-P", port, "-u", "user", "-ppasswd", "--local-infile=1", name, "-e"])
            .arg(format!("LOAD DATA LOCAL INFILE '{}' INTO TABLE orders", file.display())));
        report.add("load_data_100k", Subject::Native, milliseconds(start.elapsed()));
    }
    assert_eq!(query::<i64>(&database, "SELECT COUNT(*) FROM orders"), [100_000]);
    execute(&database, &format!("DROP DATABASE {name}"));
}

/// The module's size, before and after, and how long compiling it takes.
pub fn module(report: &mut Report) {
    report.progress("compiling the module");
    let lowered = root().join("target/wasm32-wasip1/release/order_demo_service.lowered.wasm");
    let start = Instant::now();
    run(Command::new(wasmedge()).arg("compile").arg(&lowered).arg(scratch("module.wasm")));
    report.add("compile_s", Subject::Compiled, start.elapsed().as_secs_f64());
    report.add("module_mb", Subject::Compiled, megabytes(&lowered));
    report.add("compiled_mb", Subject::Compiled, megabytes(&Subject::Compiled.file()));
    report.add("compiled_mb", Subject::Native, megabytes(&Subject::Native.file()));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{name}"))
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A JSON array of orders with ids from `first` on.
fn orders(first: usize, count: usize) -> String {
    let order = |id| {
        format!(
            r#"{{"order_id":{id},"product_id":12,"quantity":2,"amount":56.0,"shipping":15.0,"tax":2.0,"shipping_address":"Mataderos 2312"}}"#
        )
    };
    format!("[{}]", (first..first + count).map(order).collect::<Vec<_>>().join(","))
}

/// A row's name for people.
pub fn title(row: &str) -> String {
    let title = match row {
        "livez" => "`GET /livez`, 32 connections",
        "get_order" => "`GET /orders/{id}`, 32 connections",
        "list_5" => "`GET /orders`, 5 rows, 32 connections",
        "create_one" => "`POST /create_order`, 32 connections",
        "p99_get_order" => "`GET /orders/{id}`, p99 at half of the peak load",
        "bulk_1k" => "`POST /create_orders`, 1,000 orders",
        "bulk_100k" => "the same, 100,000 orders",
        "load_data_100k" => "100,000 rows by `LOAD DATA LOCAL INFILE`",
        "list_1m" => "`GET /orders`, 1,000,000 rows, to the last byte",
        "start_ms" => "start, to the first 200",
        "wasmedge_version_ms" => "`wasmedge --version`",
        "rss_idle" => "memory when idle",
        "rss_hello" => "memory of a compiled hello world",
        "rss_list_1m" => "memory at its peak while 1,000,000 rows go out",
        "rss_bulk_100k" => "memory at its peak while 100,000 orders come in",
        "module_mb" => "module",
        "compiled_mb" => "module, compiled (native: the program)",
        "compile_s" => "time to compile the module",
        "two_behind_haproxy" => "`GET /livez` behind HAProxy, two instances against one",
        row => return title_of_series(row),
    };
    title.to_string()
}

/// The rows that are measured for several sizes.
fn title_of_series(row: &str) -> String {
    let size = |name: &str| name.replace('k', ",000").replace("1m", "1,000,000");
    if let Some((what, connections)) = row.split_once("_c") {
        let path = if what == "livez" { "/livez" } else { "/orders/{id}" };
        return format!("`GET {path}`, {connections} connections");
    }
    if let Some(rows) = row.strip_prefix("get_order_of_") {
        return format!("`GET /orders/{{id}}` of {} rows", size(rows));
    }
    if let Some(rows) = row.strip_prefix("bulk_1k_into_") {
        return format!("`POST /create_orders`, 1,000 more to {} rows", size(rows));
    }
    if let Some(rows) = row.strip_prefix("list_") {
        return format!("`GET /orders`, {} rows", size(rows));
    }
    row.to_string()
}

/// A row's unit.
pub fn unit(row: &str) -> &'static str {
    match row {
        _ if row.ends_with("_mb") => "MB",
        _ if row.ends_with("_s") => "s",
        _ if row.starts_with("rss_") => "MiB",
        "two_behind_haproxy" => "×",
        _ if more_is_better(row) => "requests/s",
        _ => "ms",
    }
}

/// Whether a row counts requests (more is better) or time and memory (less is better).
pub fn more_is_better(row: &str) -> bool {
    ["livez", "get_order", "list_5", "create_one", "two_"].iter().any(|start| row.starts_with(start))
}

/// The WasmEdge that runs the module.
pub fn wasmedge_version() -> String {
    let output = Command::new(wasmedge()).arg("--version").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().unwrap_or_default().replace("wasmedge version", "WasmEdge")
}

/// The database's own name of its version.
pub fn database_version() -> String {
    let database = create_database();
    let version = query::<String>(&database, "SELECT VERSION()").remove(0);
    execute(&database, &format!("DROP DATABASE {}", database.rsplit('/').next().unwrap()));
    version.split('-').next().unwrap_or_default().to_string()
}

/// What compiled must reach.
pub fn target(row: &str) -> Option<Target> {
    Some(match row {
        "livez" => Target::AtLeast(0.85),
        "get_order" | "list_5" | "create_one" => Target::AtLeast(0.95),
        "p99_get_order" => Target::AtMost(1.3),
        "bulk_1k" => Target::AtMost(1.1),
        "bulk_100k" => Target::AtMost(1.1),
        "load_data_100k" => Target::TimesMore("bulk_100k", 1.3),
        "list_1m" => Target::AtMost(1.2),
        "start_ms" => Target::AtMostAbove("wasmedge_version_ms", 10.0),
        "rss_idle" => Target::AtMostAbove("rss_hello", 8.0),
        "rss_list_1m" | "rss_bulk_100k" => Target::AtMostAbove("rss_idle", 8.0),
        "module_mb" => Target::Below(2.0),
        "compiled_mb" => Target::Below(5.0),
        "compile_s" => Target::Below(30.0),
        _ => return None,
    })
}
