//! A project of `docker compose`, and its containers.

use std::{
    collections::BTreeSet,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use crate::{
    blocks::step,
    commands::{eventually, get, sh, try_sh},
    support::free_port,
};

/// The project, which goes with all its data when this is dropped.
pub struct Composition {
    pub port: u16,
    files: String,
}

impl Composition {
    pub fn new() -> Composition {
        Composition::with("-f docker-compose.yml")
    }

    pub fn with(files: &str) -> Composition {
        build();
        let composition = Composition { port: free_port(), files: files.to_string() };
        composition.compose("down --volumes --remove-orphans"); // of a run that was cut off
        composition
    }

    /// Runs `docker compose …` and gives what it prints.
    pub fn compose(&self, arguments: &str) -> String {
        sh(&self.line(arguments))
    }

    fn line(&self, arguments: &str) -> String {
        let (port, files) = (self.port, &self.files);
        format!("PORT={port} docker compose --project-name order_demo_test {files} {arguments}")
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn ready(&self) -> bool {
        get(&self.url("/readyz")).0 == 200
    }

    /// Starts it and gives the time until the first 200 of /readyz.
    pub fn up(&self) -> Duration {
        let started = Instant::now();
        let up = step("docs/deploy.md", "docker compose up").command;
        self.compose(&up.replace("docker compose up", "up --detach --no-build"));
        eventually("ready", 60, || self.ready());
        started.elapsed()
    }

    /// The containers of a service of the file, in the sequence of their names.
    pub fn containers(&self, service: &str) -> Vec<Container> {
        let lines = self.compose(&format!("ps --all --format '{{{{.Name}}}}' {service}"));
        lines.lines().collect::<BTreeSet<_>>().into_iter().map(|name| Container(name.to_string())).collect()
    }

    pub fn container(&self, service: &str) -> Container {
        self.containers(service).remove(0)
    }
}

impl Drop for Composition {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("{}", try_sh(&self.line("ps --all")));
            println!("{}", try_sh(&self.line("logs --tail 30")));
        }
        try_sh(&self.line("down --volumes"));
    }
}

#[derive(Clone, PartialEq)]
pub struct Container(pub String);

impl Container {
    pub fn inspect(&self, format: &str) -> String {
        sh(&format!("docker inspect --format '{{{{{format}}}}}' {}", self.0))
    }

    pub fn health(&self) -> String {
        self.inspect(".State.Health.Status")
    }

    /// What it has said, on both streams.
    pub fn log(&self) -> String {
        sh(&format!("docker logs {} 2>&1", self.0))
    }

    /// The processes in it as this machine sees them: user, id, command.
    pub fn processes(&self) -> Vec<(String, String, String)> {
        let lines = sh(&format!("docker top {} -o uid,pid,comm | tail -n +2", self.0));
        let words = |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_string).collect() };
        lines.lines().map(words).map(|words| (words[0].clone(), words[1].clone(), words[2].clone())).collect()
    }

    /// WasmEdge's id on this machine; none while the launcher waits to start it again.
    pub fn wasmedge(&self) -> Option<String> {
        self.processes().into_iter().find(|(_, _, command)| command == "wasmedge").map(|(_, pid, _)| pid)
    }
}

/// Builds the image once, from what an earlier run left in the engine's cache.
fn build() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let started = Instant::now();
        sh("docker compose build --quiet $(compgen -e | sed -nE 's/^(https?|no)_proxy$/--build-arg &/Ip')");
        let built = started.elapsed().as_secs_f64();
        let size = |image: &str| -> f64 {
            let bytes = sh(&format!("docker image inspect --format '{{{{.Size}}}}' {image}"));
            bytes.parse::<f64>().unwrap() / 1e6
        };
        let (image, base) = (size("order_demo_service"), size("debian:trixie-slim"));
        println!("compose: image {image:.1} MB, of which {base:.1} MB are debian:trixie-slim; built in {built:.1} s");
    });
}
