//! What the tests of a registry stand on: the registry, a database, a user's cache, and the module and the image that run.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    commands::{eventually, get, sh, shell, try_sh},
    podman::{PREFIX, podman, try_podman},
    support::{free_port, root},
};

/// A process that is killed, at the latest when the test fails.
pub struct Killed(pub Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A container that goes when this is dropped, with the image that was fetched for it.
pub struct Container {
    id: String,
    image: String,
}

impl Container {
    pub fn run(arguments: &str) -> Container {
        let image = arguments.rsplit(' ').next().unwrap().to_string();
        try_podman(&format!("rm --force --ignore --time 0 {PREFIX}image")); // of a run that was killed
        Container { id: podman(&format!("run --detach --name {PREFIX}image {arguments}")), image }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        try_podman(&format!("rm --force --time 0 {}", self.id));
        try_podman(&format!("rmi --force {}", self.image));
    }
}

/// A running registry, empty at first.
pub struct Registry {
    pub address: String,
}

impl Registry {
    pub fn start() -> Registry {
        Registry { address: sh("tests/deploy/scripts/registry.sh start") }
    }

    /// Pushes a module to a tag and gives its name with its digest.
    pub fn push(&self, name: &str, module: &str) -> String {
        self.push_with(name, module, "")
    }

    pub fn push_with(&self, name: &str, module: &str, files: &str) -> String {
        let pinned = sh(&format!("scripts/push.sh {}/{name} {module} {files}", self.address));
        assert!(pinned.contains("@sha256:"), "{pinned}");
        pinned
    }

    pub fn run(&self, name: &str, cache: &Cache, database: &Database) -> Service {
        Service::start(&format!("{}/{name}", self.address), cache, database)
    }

    /// A manifest or a blob, as the registry gives it to whoever asks.
    pub fn json(&self, pinned: &str, kind: &str, reference: &str) -> Value {
        let name = pinned.split_once('/').unwrap().1.split('@').next().unwrap();
        let accept = "Accept: application/vnd.oci.image.manifest.v1+json";
        let text = sh(&format!("curl -sSf -H '{accept}' http://{}/v2/{name}/{kind}/{reference}", self.address));
        serde_json::from_str(&text).unwrap()
    }

    /// What the registry keeps of a digest.
    pub fn blob(&self, digest: &str) -> Vec<u8> {
        fs::read(self.file(digest)).unwrap()
    }

    /// Changes it.
    pub fn tamper(&self, digest: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut blob = self.blob(digest);
        change(&mut blob);
        fs::write(self.file(digest), blob).unwrap();
    }

    pub fn file(&self, digest: &str) -> PathBuf {
        let hash = digest.strip_prefix("sha256:").unwrap();
        let folder = root().join("target/registry/data/docker/registry/v2/blobs/sha256");
        folder.join(hash.get(..2).unwrap()).join(hash).join("data")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        try_sh("tests/deploy/scripts/registry.sh stop");
    }
}

/// A database server of the test's own: the curl lines empty the table.
pub struct Database {
    pub url: String,
}

impl Database {
    pub fn start() -> Database {
        // One may be left from a run that was killed.
        Database {
            url: sh(
                "scripts/database.sh stop target/registry/mariadb; scripts/database.sh start target/registry/mariadb",
            ),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        try_sh("scripts/database.sh stop target/registry/mariadb");
    }
}

/// A user's cache, with the logs of those who used it.
pub struct Cache {
    home: PathBuf,
}

impl Cache {
    pub fn empty(name: &str) -> Cache {
        let home = root().join("target/registry/cache").join(name);
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(home.join("log")).unwrap();
        Cache { home }
    }

    /// As an earlier test left it, if one did.
    pub fn kept(name: &str) -> Cache {
        let home = root().join("target/registry/cache").join(name);
        fs::create_dir_all(home.join("log")).unwrap();
        Cache { home }
    }

    pub fn files(&self) -> Vec<String> {
        let Ok(folder) = fs::read_dir(self.home.join("order_demo_service")) else { return Vec::new() };
        folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    pub fn size(&self, file: &str) -> u64 {
        fs::metadata(self.home.join("order_demo_service").join(file)).map_or(0, |file| file.len())
    }

    /// Takes away all that is in a file.
    pub fn cut(&self, file: &str) {
        fs::write(self.home.join("order_demo_service").join(file), "").unwrap();
    }

    /// The one module, as it was fetched.
    pub fn read(&self, what: &str) -> Vec<u8> {
        let files = self.files();
        let mut modules =
            files.iter().filter(|file| file.len() == "sha256".len() + 58 + ".wasm".len() && file.ends_with(".wasm"));
        let module = modules.next().expect(what);
        fs::read(self.home.join("order_demo_service").join(module)).unwrap()
    }

    pub fn log(&self) -> String {
        let folder = fs::read_dir(self.home.join("log")).unwrap();
        folder.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
    }

    pub fn compilations(&self) -> usize {
        self.log().matches("compiling it for this processor").count()
    }
}

/// The module from the registry, as `make run` runs it.
pub struct Service {
    pub address: String,
    process: Child,
    started: Instant,
}

impl Service {
    pub fn start(reference: &str, cache: &Cache, database: &Database) -> Service {
        Service::spawn(run(reference, cache).env("DATABASE_URL", &database.url), cache)
    }

    /// The same by a line of shell that says which database.
    pub fn start_by(line: &str, cache: &Cache) -> Service {
        Service::spawn(shell(line).env("XDG_CACHE_HOME", &cache.home), cache)
    }

    fn spawn(command: &mut Command, cache: &Cache) -> Service {
        let port = free_port();
        let log = File::create(cache.home.join("log").join(port.to_string())).unwrap();
        let process = command
            .envs([("BIND", "127.0.0.1"), ("PORT", &port.to_string())])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        Service { address: format!("127.0.0.1:{port}"), process, started: Instant::now() }
    }

    /// How long it took from the start to the first 200 of `/readyz`.
    pub fn ready(&mut self) -> Duration {
        let url = format!("http://{}/readyz", self.address);
        eventually("the service is ready", 580, || {
            assert!(self.process.try_wait().unwrap().is_none(), "it has ended");
            get(&url).0 == 200
        });
        self.started.elapsed()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // All that it has started: the page's command is make's child.
        let _ = Command::new("kill").args(["--", &format!("-{}", self.process.id())]).status();
        let _ = self.process.wait();
    }
}

pub fn run(reference: &str, cache: &Cache) -> Command {
    let mut command = Command::new(root().join("scripts/run.sh"));
    command.arg(reference).env("XDG_CACHE_HOME", &cache.home);
    command
}

pub fn run_to_its_end(reference: &str, cache: &Cache) -> Output {
    run(reference, cache).output().unwrap()
}

/// A file for a test; its path from the repository's folder.
pub fn scratch(name: &str, content: &[u8]) -> String {
    let file = Path::new("target/registry").join(name);
    fs::create_dir_all(root().join("target/registry")).unwrap();
    fs::write(root().join(&file), content).unwrap();
    file.to_str().unwrap().to_string()
}

pub fn digest_of(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(bytes);
    format!("sha256:{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
