//! Podman, on this machine or in the place that scripts/podman-host.sh makes, and a database in a network of podman's.

use std::fs;

use crate::{
    commands::{sh, try_sh},
    support::root,
};

/// Of everything that the tests make: podman's storage may be the user's own.
pub const PREFIX: &str = "order_demo_test_";

const INIT: &str = "CREATE DATABASE IF NOT EXISTS demo;
CREATE USER IF NOT EXISTS 'user'@'%' IDENTIFIED BY 'passwd';
GRANT ALL ON *.* TO 'user'@'%';
";

/// Runs `podman …` and gives what it prints. Panics when it fails.
pub fn podman(arguments: &str) -> String {
    sh(&line(arguments))
}

/// As `podman`, for `drop`: says what failed and goes on.
pub fn try_podman(arguments: &str) -> String {
    try_sh(&line(arguments))
}

fn line(arguments: &str) -> String {
    format!("scripts/podman-host.sh podman {arguments}")
}

/// A network and in it a pod, in whose network namespace this machine's MariaDB listens, under the name `database`:
/// nobody else reaches it. All of it is gone when this is dropped.
pub struct DatabasePod {
    /// Of the pod and of the network.
    pub name: String,
    /// Where the database keeps what it has: a folder under target/.
    folder: &'static str,
}

impl DatabasePod {
    /// `flags` are the pod's. The database is started by `start_database`.
    pub fn create(name: &str, folder: &'static str, flags: &str) -> DatabasePod {
        let pod = DatabasePod { name: format!("{PREFIX}{name}"), folder };
        let name = &pod.name;
        pod.remove(); // what a run that was killed has left
        fs::create_dir_all(root().join(folder)).unwrap();
        podman(&format!("network create {name}"));
        podman(&format!("pod create --name {name} --network {name} --network-alias database {flags}"));
        podman(&format!("pod start {name}"));
        pod
    }

    /// `options` are the server's. Gives the URL of the database, for those in the same network.
    pub fn start_database(&self, options: &str) -> String {
        let init = root().join(self.folder).join("init.sql");
        fs::write(&init, INIT).unwrap();
        let url = self.within(&format!(
            "scripts/database.sh start {}/mariadb --bind-address=0.0.0.0 --init-file={} {options}",
            self.folder,
            init.display()
        ));
        url.replace("127.0.0.1", "database")
    }

    /// Runs a line of shell in the pod's network namespace.
    pub fn within(&self, line: &str) -> String {
        let process = podman(&format!("inspect --format '{{{{.State.Pid}}}}' {}", self.infra()));
        sh(&format!("nsenter --net --target {process} {line}"))
    }

    /// The container that keeps the pod's network namespace.
    pub fn infra(&self) -> String {
        podman(&format!("pod inspect --format '{{{{.InfraContainerID}}}}' {}", self.name))
    }

    fn remove(&self) {
        try_sh(&format!("scripts/database.sh stop {}/mariadb", self.folder));
        try_podman(&format!("pod rm --force --time 0 --ignore {}", self.name));
        try_podman(&format!("network rm --force {}", self.name));
    }
}

impl Drop for DatabasePod {
    fn drop(&mut self) {
        self.remove();
    }
}
