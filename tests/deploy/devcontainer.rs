//! The dev container as an editor makes it: by the command-line tool of https://containers.dev, from .devcontainer. In it,
//! as its user, `make dev` builds the service, and it answers.

use std::{
    fs::File,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    commands::{eventually, sh, try_sh},
    support::root,
    tree::Tree,
};

const TOOL: &str = "npx --yes @devcontainers/cli@0.89.0";

/// A container that goes when this is dropped.
struct Container {
    id: String,
    folder: String,
}

impl Container {
    fn up(tree: &Tree) -> Container {
        let folder = format!("\"$PWD/{}\"", tree.relative);
        // Its user has the number of most people's first user; an editor gives it that of whoever runs it.
        sh(&format!("chown -R 1000:1000 {folder}"));
        let says = sh(&format!(
            "{TOOL} up --buildkit never --mount-workspace-git-root false --workspace-folder {folder} 2>{folder}/target/up.log || tail {folder}/target/up.log >&2"
        ));
        let outcome: Value = serde_json::from_str(says.lines().last().unwrap_or_default()).unwrap_or_default();
        assert_eq!(outcome["outcome"], "success", "{says}");
        let container = Container { id: outcome["containerId"].as_str().unwrap().to_string(), folder };
        // How the stand-in of Debian's image has cargo reach its registry.
        container
            .as_root("[ ! -e /root/.cargo ] || cp -r /root/.cargo /home/developer/; chown -R 1000 /home/developer");
        container
    }

    fn as_root(&self, line: &str) -> String {
        sh(&format!("docker exec --user root {} bash -c '{line}'", self.id))
    }

    fn command(&self, line: &str) -> String {
        format!("{TOOL} exec --mount-workspace-git-root false --workspace-folder {} bash -c '{line}'", self.folder)
    }

    fn start(&self, line: &str, log: &str) -> Child {
        let log = File::create(log).unwrap();
        let mut command = Command::new("bash");
        command.args(["-c", &self.command(line)]).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        try_sh(&format!("docker rm --force {} >/dev/null", self.id));
    }
}

#[test]
fn the_dev_container_has_all_that_it_takes_to_build_run_and_debug_the_service() {
    let tree = Tree::copy("devcontainer");
    let container = Container::up(&tree);
    let log = root().join("target/tmp/devcontainer.log").display().to_string();
    let said = || std::fs::read_to_string(&log).unwrap();

    let user = sh(&container.command("id -un"));
    let setup = sh(&container.command("make setup 2>&1; scripts/setup.sh dev 2>&1; scripts/setup.sh debug 2>&1"));
    assert_eq!(user, "developer");
    assert_eq!(setup, "", "the image lacks something");
    let mut dev = container.start("make dev", &log);
    let took = eventually("make dev is ready", 600, || {
        assert!(dev.try_wait().unwrap().is_none(), "{}", said());
        said().contains("ready at http://127.0.0.1:8080/")
    });
    let ready = sh(&container.command("curl -s http://127.0.0.1:8080/readyz"));
    let wasm = sh(&container.command("wasmedge --version | head -1; command -v lldb-dap-19; cargo clippy --version"));
    container.as_root("kill $(pgrep -f [s]cripts/dev.sh)");
    eventually("make dev ends", 20, || dev.try_wait().unwrap().is_some());

    assert_eq!(ready, "ready");
    assert_eq!(wasm.lines().count(), 3, "{wasm}");
    println!("make dev was ready after {:.0} s, with {wasm}", took.as_secs_f64());
}
