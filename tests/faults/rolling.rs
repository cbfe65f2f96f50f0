//! A rolling restart behind a balancer, under load.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    alone,
    samples::{order, orders},
    support::{create_database, drop_database, free_port, module, serve},
};

/// One of the two instances: the same ports whenever it is started.
struct Instance {
    port: u16,
    admin: u16,
    database_url: String,
}

impl Instance {
    fn new(database_url: &str) -> Instance {
        Instance { port: free_port(), admin: free_port(), database_url: database_url.to_string() }
    }

    fn start(&self) -> Running {
        let settings = [
            ("DATABASE_URL", self.database_url.clone()),
            ("BIND", "127.0.0.1".to_string()),
            ("PORT", self.port.to_string()),
            ("ADMIN_BIND", format!("127.0.0.1:{}", self.admin)),
            ("DRAIN_DELAY", "0.5".to_string()),
            ("DB_POOL_SIZE", "4".to_string()),
        ];
        Running(serve(module()).envs(settings).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

/// A process that ends, if it has not yet, when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// HAProxy on a free port before the two. Each answer's `x-instance` says whose it is.
fn balance(instances: [&Instance; 2]) -> (Running, u16) {
    let port = free_port();
    let [one, two] = instances.map(|instance| instance.port);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("haproxy.cfg");
    let text = format!(
        "defaults
  mode http
  timeout connect 1s
  timeout client 20s
  timeout server 20s
frontend in
  bind 127.0.0.1:{port}
  default_backend service
backend service
  option httpchk GET /readyz
  http-response set-header x-instance %s
  default-server check inter 100ms fall 1 rise 1
  server one 127.0.0.1:{one}
  server two 127.0.0.1:{two}
"
    );
    fs::write(&file, text).unwrap();
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    let process = Command::new("haproxy")
        .env("PATH", path)
        .arg("-f")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    (Running(process.unwrap()), port)
}

#[test]
fn a_rolling_restart_loses_no_request() {
    let _alone = alone();
    let database_url = create_database();
    let instances = [Instance::new(&database_url), Instance::new(&database_url)];
    let mut running = [instances[0].start(), instances[1].start()];
    let (_haproxy, port) = balance([&instances[0], &instances[1]]);
    let balancer = format!("http://127.0.0.1:{port}");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let wait_for_instance = |name: &str| {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let reply = agent.get(format!("{balancer}/readyz")).call();
            if reply.is_ok_and(|reply| reply.status() == 200 && reply.headers()["x-instance"] == name) {
                return;
            }
            assert!(Instant::now() < deadline, "the balancer does not use instance {name}");
            thread::sleep(Duration::from_millis(10));
        }
    };
    wait_for_instance("one");
    wait_for_instance("two");
    agent.post(format!("{balancer}/create_orders")).send(orders(0..100)).unwrap();

    let (requests, failures, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()), AtomicBool::new(false));
    thread::scope(|scope| {
        for client in 0..6 {
            let (requests, failures, done, balancer) = (&requests, &failures, &done, &balancer);
            scope.spawn(move || {
                let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
                let began = Instant::now();
                while !done.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(180) {
                    let number = requests.fetch_add(1, Ordering::Relaxed);
                    let reply = match number % 4 {
                        0 => agent.post(format!("{balancer}/update_order")).send(order(client)),
                        1 => agent.get(format!("{balancer}/orders?limit=10")).call(),
                        _ => agent.get(format!("{balancer}/orders/{}", number % 100)).call(),
                    };
                    match reply {
                        Ok(reply) if reply.status() == 200 => {}
                        Ok(reply) => failures.lock().unwrap().push(format!("{}", reply.status())),
                        Err(error) => failures.lock().unwrap().push(error.to_string()),
                    }
                }
            });
        }
        for round in 0..10 {
            let (instance, name) = (round % 2, ["one", "two"][round % 2]);
            let ended = {
                let process = &mut running[instance].0;
                assert!(Command::new("kill").arg(process.id().to_string()).status().unwrap().success());
                process.wait().unwrap()
            };
            assert_eq!(ended.code(), Some(0), "instance {name} did not drain");
            running[instance] = instances[instance].start();
            wait_for_instance(name);
        }
        while requests.load(Ordering::Relaxed) < 20_000 {
            thread::sleep(Duration::from_millis(10));
        }
        done.store(true, Ordering::Relaxed);
    });

    drop(running);
    drop_database(&database_url);
    let failures = failures.into_inner().unwrap();
    eprintln!("{} requests, 10 restarts, {} failed", requests.into_inner(), failures.len());
    assert!(failures.is_empty(), "{failures:?}");
}
