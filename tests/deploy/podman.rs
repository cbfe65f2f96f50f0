//! Podman, on this machine or in the place that scripts/podman-host.sh makes, and a database in a network of podman's.

use std::fs;

use crate::{
    commands::{sh, try_sh},
    support::root,
};

/// Of everything that the tests make: podman's storage may be the user's own.
pub const PREFIX: &str = "order_demo_test_";

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

/// A pod on a network of its own, in whose network namespace this machine's MariaDB runs: nobody else reaches it, and
/// containers need no way through this machine's firewall. All of it is gone when this is dropped.
pub struct DatabasePod {
    /// Of the pod and of the network.
    pub name: String,
    /// Where the database keeps what it has: a folder under target/.
    folder: &'static str,
}

impl DatabasePod {
    /// `make` is given the name, and creates a pod of it on the network of this name.
    pub fn create(name: &str, folder: &'static str, make: impl FnOnce(&str)) -> DatabasePod {
        let pod = DatabasePod { name: format!("{PREFIX}{name}"), folder };
        pod.remove(); // what a run that was killed has left
        fs::create_dir_all(root().join(folder)).unwrap();
        podman(&format!("network create {}", pod.name));
        make(&pod.name);
        podman(&format!("start {}", pod.infra()));
        pod
    }

    /// Starts it on port 3306. `options` are the server's.
    pub fn start_database(&self, options: &str) {
        try_sh(&format!("rm -f {}/mariadb/port", self.folder)); // it would take the one that it had elsewhere
        self.within(&format!("scripts/database.sh start {}/mariadb {options}", self.folder));
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
