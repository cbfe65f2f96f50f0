//! How each row is measured.

use std::{
    fmt::Write as _,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    calls, load,
    report::Report,
    subject::{Service, Subject, megabytes, memory_of, wasmedge},
    support::{child_of, create_database, execute, query, root, serve},
};

/// Of wrk, where a row does not say otherwise.
pub const CONNECTIONS: usize = 32;
const MILLION: usize = 1_000_000;

/// How often and how long.
pub struct Plan {
    pub rounds: usize,
    pub seconds: u64,
}

impl Plan {
    pub fn time(&self) -> Duration {
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
    report.add("create_one", subject, load::creates_per_second(&service, CONNECTIONS, plan.time(), Some("2.0")));

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
    drop(service);
    if subject != Subject::Interpreted {
        calls::one_round(report, plan, subject);
    }
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
                "INSERT INTO orders (order_id, product_id, quantity, amount, shipping, tax, shipping_address)
                 SELECT seq, seq % 100, seq % 7, seq / 100, 4.95, 0.5,
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
    report.add("rss_hello", Subject::Compiled, memory_of(child_of(hello.id()).unwrap(), "VmRSS:"));
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

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A JSON array of orders with ids from `first` on.
pub fn orders(first: usize, count: usize) -> String {
    let order = |id| {
        format!(
            r#"{{"order_id":{id},"product_id":12,"quantity":2,"amount":56.0,"shipping":15.0,"tax":2.0,"shipping_address":"Mataderos 2312"}}"#
        )
    };
    format!("[{}]", (first..first + count).map(order).collect::<Vec<_>>().join(","))
}

/// The WasmEdge that runs the module.
pub fn wasmedge_version() -> String {
    let output = Command::new(wasmedge()).arg("--version").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.lines().next().and_then(|line| line.rsplit(' ').next());
    format!("WasmEdge {}", version.unwrap_or_default())
}

/// The database's own name of its version.
pub fn database_version() -> String {
    let database = create_database();
    let version = query::<String>(&database, "SELECT VERSION()").remove(0);
    execute(&database, &format!("DROP DATABASE {}", database.rsplit('/').next().unwrap()));
    version.split('-').next().unwrap_or_default().to_string()
}
