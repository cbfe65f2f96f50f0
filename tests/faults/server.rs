//! A MariaDB server of the test's own, to be killed, stopped and starved.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{ends, execute, root};

/// A running server with an empty database. It is killed when this is dropped.
pub struct Server {
    folder: PathBuf,
    options: Vec<String>,
    /// The database's.
    pub url: String,
}

impl Server {
    /// Starts a server whose data stands under target/.
    pub fn start() -> Server {
        Server::start_in(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("mariadb"))
    }

    /// Starts one whose data stands in `folder`.
    pub fn start_in(folder: &Path) -> Server {
        Server::start_with(folder, &[])
    }

    /// The same, with options of the server program's.
    pub fn start_with(folder: &Path, options: &[String]) -> Server {
        let mut server = Server { folder: folder.to_path_buf(), options: options.to_vec(), url: String::new() };
        server.url = server.start_again();
        for (setting, value) in [("max_connections", 500), ("wait_timeout", 28_800)] {
            execute(&server.url, &format!("SET GLOBAL {setting} = {value}"));
        }
        execute(&server.url, "DROP DATABASE demo");
        execute(&server.url.replace("/demo", "/mysql"), "CREATE DATABASE demo");
        server
    }

    /// Starts it again after it was killed, on the same port; its URL.
    pub fn start_again(&self) -> String {
        let script = root().join("scripts/database.sh");
        let mut command = Command::new(script);
        command.arg("start").arg(&self.folder).args(&self.options);
        let output = command.stderr(Stdio::inherit()).output().unwrap();
        let url = String::from_utf8(output.stdout).unwrap().trim().to_string();
        assert!(url.starts_with("mysql://") && (self.url.is_empty() || self.url == url), "it does not start: {url}");
        url
    }

    /// Ends it as a crash does.
    pub fn kill(&self) {
        let pid = self.pid().parse().unwrap();
        self.signal("KILL");
        assert!(ends(pid), "it is still there");
        // Its port may be open for a moment longer, and would pass for a server that runs.
        let deadline = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(("127.0.0.1", self.port())).is_ok() {
            assert!(Instant::now() < deadline, "its port is still open");
        }
    }

    /// Sends it a signal, by its name in kill(1).
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.pid()]).status().unwrap();
        assert!(status.success());
    }

    fn port(&self) -> u16 {
        fs::read_to_string(self.folder.join("port")).unwrap().trim().parse().unwrap()
    }

    fn pid(&self) -> String {
        fs::read_to_string(self.folder.join("pid")).unwrap().trim().to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.folder.join("pid").exists() && Path::new(&format!("/proc/{}", self.pid())).exists() {
            self.kill();
        }
    }
}
