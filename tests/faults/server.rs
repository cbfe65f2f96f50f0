//! A MariaDB server of the test's own, to be killed, stopped and starved.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{ends, root};

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
        Server::start_in(&target("mariadb"))
    }

    /// Starts one whose data stands in `folder`.
    pub fn start_in(folder: &Path) -> Server {
        Server::start_with(folder, &[])
    }

    /// The same, with options of the server program's. What was in `folder` is gone: what the crashes of one test have left
    /// in the data is no matter of the next.
    pub fn start_with(folder: &Path, options: &[String]) -> Server {
        let mut server = Server { folder: folder.to_path_buf(), options: options.to_vec(), url: String::new() };
        run(&mut database("stop", folder)); // a test that was ended itself may have left one behind
        let data = folder.join("data");
        let _ = fs::remove_dir_all(&data);
        fs::create_dir_all(folder).unwrap();
        run(Command::new("cp").arg("-a").arg(empty().join("data")).arg(data));
        server.url = server.start_again();
        server
    }

    /// Starts it again after it was killed, on the same port; its URL.
    pub fn start_again(&self) -> String {
        let output = database("start", &self.folder).args(&self.options).stderr(Stdio::inherit()).output().unwrap();
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

/// A folder for the tests, under target/.
pub fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn database(verb: &str, folder: &Path) -> Command {
    let mut command = Command::new(root().join("scripts/database.sh"));
    command.arg(verb).arg(folder);
    command
}

/// The folder of a server that was started once and stopped as it should be, for others to begin with.
fn empty() -> PathBuf {
    let (folder, unfinished) = (target("mariadb-empty"), target("mariadb-unfinished"));
    if !folder.exists() {
        run(&mut database("start", &unfinished));
        run(&mut database("stop", &unfinished));
        fs::rename(unfinished, &folder).unwrap();
    }
    folder
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
