//! A Galera cluster of three nodes, and HAProxy before it and before two instances, as deploy/galera.cfg has it.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use crate::{
    commands::{eventually, sh, try_sh},
    support::{ends, execute, free_port, query, root},
};

/// The nodes. They end, and their data goes, when this is dropped; meanwhile nobody else has them.
pub struct Cluster {
    /// Of each node's database `demo`.
    pub urls: Vec<String>,
    _alone: MutexGuard<'static, ()>,
}

impl Cluster {
    pub fn start() -> Cluster {
        static ALONE: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let urls = sh("tests/deploy/scripts/galera.sh start").lines().map(str::to_string).collect();
        Cluster { urls, _alone: alone }
    }

    /// `host:port` of each node.
    pub fn addresses(&self) -> Vec<String> {
        self.urls.iter().map(|url| url.split(['@', '/']).nth(3).unwrap().to_string()).collect()
    }

    /// Makes a new, empty database and gives its URL on each node.
    pub fn create_database(&self, name: &str) -> Vec<String> {
        execute(&self.urls[0], &format!("CREATE DATABASE {name}"));
        let urls: Vec<String> = self.urls.iter().map(|url| url.replace("/demo", &format!("/{name}"))).collect();
        let is_there = format!("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = '{name}'");
        for url in &self.urls {
            eventually("the database is on every node", 5, || query::<i64>(url, &is_there) == [1]);
        }
        urls
    }

    /// Ends a node as a crash does.
    pub fn kill(&self, node: usize) {
        let process = root().join(format!("target/galera/{}/process", node + 1));
        let process = fs::read_to_string(process).unwrap().trim().to_string();
        sh(&format!("kill -KILL {process}"));
        assert!(ends(process.parse().unwrap()), "it is still there");
    }

    /// Starts a node again and waits until it has caught up.
    pub fn start_again(&self, node: usize) {
        sh(&format!("tests/deploy/scripts/galera.sh node {}", node + 1));
    }

    /// The sum of a counter of all nodes.
    pub fn status(&self, name: &str) -> i64 {
        let sql = format!(
            "SELECT CAST(variable_value AS SIGNED) FROM information_schema.global_status WHERE variable_name = '{name}'"
        );
        self.urls.iter().map(|url| query::<i64>(url, &sql)[0]).sum()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", try_sh("tail -n 20 target/galera/*/server.log"));
        }
        try_sh("tests/deploy/scripts/galera.sh stop");
    }
}

/// HAProxy. It ends when this is dropped.
pub struct Balancer {
    process: Child,
    /// Where clients go.
    pub url: String,
}

impl Balancer {
    /// Starts one that gives each connection to another of these nodes, which nobody should do; its port.
    pub fn spread(nodes: &[String]) -> (Balancer, u16) {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spread.cfg");
        let port = free_port();
        let mut text = format!(
            "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1h\n  timeout server 1h\n\
             listen nodes\n  bind 127.0.0.1:{port}\n  balance roundrobin\n"
        );
        for node in nodes {
            text += &format!("  server {node} {node}\n");
        }
        fs::write(&file, text).unwrap();
        let process = haproxy(&file).spawn().unwrap();
        (Balancer { process, url: String::new() }, port)
    }

    /// Starts it before the services at these ports and before these nodes, which the services find at `database`.
    pub fn start(services: [u16; 2], database: u16, nodes: &[String]) -> Balancer {
        let local = |port: u16| format!("127.0.0.1:{port}");
        let http = local(free_port());
        let process = haproxy(&root().join("deploy/galera.cfg"))
            .envs([("HTTP", http.clone()), ("DATABASE", local(database))])
            .envs([("SERVICE1", local(services[0])), ("SERVICE2", local(services[1]))])
            .envs([("NODE1", &nodes[0]), ("NODE2", &nodes[1]), ("NODE3", &nodes[2])])
            .spawn()
            .unwrap();
        Balancer { process, url: format!("http://{http}") }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn haproxy(file: &Path) -> Command {
    let mut command = Command::new("haproxy");
    command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
    command.arg("-f").arg(file).stdout(Stdio::null()).stderr(Stdio::null());
    command
}
