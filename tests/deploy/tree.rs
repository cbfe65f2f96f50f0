//! A copy of the tree to edit while `make dev` watches it, with builds of its own, kept for the next run.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{
    commands::{eventually, get, sh, try_sh},
    support::{free_port, root},
};

/// The copy's folder.
pub struct Tree {
    path: PathBuf,
    /// The same, seen from the repository's: what a shell may be told, whatever the folders above are called.
    pub relative: String,
}

impl Tree {
    /// Copies the sources under target/tmp, with their times, so that only what differs is built.
    pub fn copy(name: &str) -> Tree {
        let to = format!("target/tmp/{name}");
        sh(&format!(
            "mkdir -p {to}/target && find {to} -mindepth 1 -maxdepth 1 ! -name target -exec rm -rf {{}} +
            tar --exclude=./target --exclude=./.git --exclude='./*.wasm' --exclude=node_modules -c . | tar -x -C {to}"
        ));
        Tree { path: root().join(&to), relative: to }
    }

    /// The same, with the tools that this tree has, and the crates that it has built already.
    pub fn copy_with_builds() -> Tree {
        let tree = Tree::copy("dev-tree");
        let to = &tree.relative;
        sh(&format!(
            "ln -sfn \"$PWD/target/tools\" {to}/target/tools
            cd target
            for profile in debug dev-wasm wasm32-wasip1/dev-wasm; do
                if [ -e $profile ] && [ ! -e ../{to}/target/$profile ]; then
                    find $profile/.fingerprint $profile/build $profile/deps \\( -name '*.*' -o ! -path '*/deps/*' \\) -type f \
                        -print0 | tar --null --files-from=- -c | tar -x -C ../{to}/target
                fi
            done"
        ));
        tree
    }

    /// Replaces what stands in a file once, and saves it in place.
    pub fn change(&self, file: &str, from: &str, to: &str) {
        fs::write(self.path.join(file), self.changed(file, from, to)).unwrap();
    }

    /// The same, as an editor saves that writes a new file and gives it the old one's name.
    pub fn change_by_rename(&self, file: &str, from: &str, to: &str) {
        let new = self.path.join(format!("{file}~"));
        fs::write(&new, self.changed(file, from, to)).unwrap();
        fs::rename(new, self.path.join(file)).unwrap();
    }

    fn changed(&self, file: &str, from: &str, to: &str) -> String {
        let text = fs::read_to_string(self.path.join(file)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from} in {file}");
        text.replace(from, to)
    }

    /// Adds a file, and its folder if there is none.
    pub fn add(&self, file: &str, text: &str) {
        let path = self.path.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The commands of all processes that run in it.
    pub fn processes(&self) -> Vec<String> {
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
        let here =
            processes.filter(|path| fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&self.path)));
        here.filter_map(|path| Some(fs::read_to_string(path.join("comm")).ok()?.trim().to_string())).collect()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// One of make's commands, running in a tree as from a terminal.
pub struct Session<'t> {
    tree: &'t Tree,
    pub port: u16,
    make: Child,
    output: PathBuf,
}

impl Session<'_> {
    pub fn start<'t>(tree: &'t Tree, command: &str, settings: &[(&str, &str)]) -> Session<'t> {
        let port = free_port();
        let output = tree.path().join("target").join(format!("{command}.log"));
        let log = File::create(&output).unwrap();
        let make = Command::new("make")
            .args(["--no-print-directory", command])
            .current_dir(tree.path())
            .env_remove("DATABASE_URL")
            .envs([("PORT", port.to_string()), ("BIND", "127.0.0.1".to_string())])
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        Session { tree, port, make, output }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it has said so far.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    pub fn says(&self, text: &str, seconds: u64) {
        let time = eventually_or(text, seconds, || self.output().contains(text), || self.output());
        println!("said after {:.1} s: {text}", time.as_secs_f64());
    }

    /// Waits until `GET /` has `text` in its answer.
    pub fn answers(&self, text: &str, seconds: u64) {
        let has_it = || get(&self.url("/")).1.contains(text);
        let time = eventually_or(text, seconds, has_it, || self.output());
        println!("answered {:.1} s after the save: {text}", time.as_secs_f64());
    }

    /// Ctrl-C. Gives what is left of it.
    pub fn interrupt(mut self) -> Vec<String> {
        sh(&format!("kill -INT -- -{}", self.make.id()));
        let mut ended = || self.make.try_wait().unwrap().is_some();
        eventually("make ends", 20, &mut ended);
        self.tree.processes()
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        if self.make.try_wait().is_ok_and(|code| code.is_none()) {
            try_sh(&format!("kill -INT -- -{}", self.make.id()));
            let _ = self.make.wait();
        }
    }
}

fn eventually_or(what: &str, seconds: u64, mut holds: impl FnMut() -> bool, else_: impl Fn() -> String) -> Duration {
    let started = std::time::Instant::now();
    while !holds() {
        let last = || else_().lines().rev().take(40).map(|line| format!("{line}\n")).collect::<String>();
        assert!(
            started.elapsed().as_secs() < seconds,
            "{what}: not within {seconds} s; the last lines first:\n{}",
            last()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    started.elapsed()
}
