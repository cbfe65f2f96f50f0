//! What the pages tell a reader to type, typed: in this folder, where something runs, and in a copy of it, where something is
//! changed. Commands that the other tests run are theirs.

mod recipe;
mod shell;

use std::{fs, path::Path};

use self::{recipe::Copy, shell::Shell};
use crate::{
    blocks::{step, steps},
    commands::{get, sh},
    support::{create_database, drop_database, root},
};

const DEPLOY: &str = "docs/deploy.md";

/// The private database's folder is this one's own, so nothing is asked that would change a row.
#[test]
fn make_up_starts_the_service_and_ctrl_c_stops_it() {
    let mut shell = Shell::here();

    shell.run_service(&steps("README.md", "make up"));
    let (status, index) = get(&format!("http://127.0.0.1:{}/", shell.port));
    shell.interrupt();

    assert!(status == 200 && index.contains("/readyz"), "{index}");
    assert_eq!(get(&format!("http://127.0.0.1:{}/livez", shell.port)).0, 0);
}

#[test]
fn make_up_passes_settings_on() {
    let mut shell = Shell::here();
    shell.change("PORT=9000", &format!("PORT={}", shell.port));

    shell.run_service(&[step("docs/settings.md", "DB_POOL_SIZE=4")]);

    let (_, metrics) = get(&format!("http://127.0.0.1:{}/metrics", shell.port));
    let size = metrics.lines().find(|line| line.starts_with("db_client_connections_max"));
    assert!(size.is_some_and(|line| line.ends_with(" 4")), "{size:?}");
    shell.interrupt();
}

#[test]
fn wasmedge_runs_the_module_without_the_launcher() {
    let database = create_database();
    let mut shell = Shell::here();
    let port = format!("wasmedge --env BIND=127.0.0.1 --env PORT={} --env", shell.port);
    shell.change("wasmedge --env", &port);
    shell.change("mysql://user:passwd@127.0.0.1:3306/demo", &database);

    shell.run_service(&steps(DEPLOY, "wasmedge --env"));

    assert!(!shell.log().contains("interpreted"), "{}", shell.log());
    drop(shell);
    drop_database(&database);
}

#[test]
fn the_native_build_runs() {
    let database = create_database();
    let mut shell = Shell::here();
    shell.change("mysql://user:passwd@127.0.0.1:3306/demo", &database);

    shell.run_service(&steps(DEPLOY, "make native"));

    drop(shell);
    drop_database(&database);
}

/// What a page has to paste, pasted; then its commands, one block that starts the service, and one that asks it, after
/// what `change` does to both.
fn paste_and_run(page: &str, starts: &str, asks: &str, change: impl Fn(&Copy, &mut Shell)) {
    let (copy, database) = (Copy::new(), create_database());
    let mut shell = Shell::new(&copy.folder);
    // Not the one whose rows are somebody's.
    shell.change("$(scripts/database.sh start)", &database);
    copy.apply(page);
    change(&copy, &mut shell);

    shell.run_service(&steps(page, starts));
    shell.run(&steps(page, asks));

    drop(shell);
    drop_database(&database);
}

const STARTS: &str = "target/debug/order_demo_service";

#[test]
fn the_recipe_for_an_endpoint_works_when_it_is_pasted() {
    paste_and_run("docs/add-an-endpoint.md", STARTS, "/orders/count", |_, _| {});
    let tests = test_copy("house:: the_count");
    assert!(tests.contains("the_count_is_that_of_the_table ... ok"), "{tests}");
}

#[test]
fn the_recipe_for_a_table_works_when_it_is_pasted() {
    paste_and_run("docs/add-a-table.md", STARTS, "/jottings", |_, _| {});
    test_copy("house::");
}

#[test]
fn the_recipe_for_a_call_works_when_it_is_pasted() {
    paste_and_run("docs/call-a-service.md", STARTS, "localhost:8080/rate", |copy, shell| {
        let free = crate::support::free_port().to_string();
        let file = copy.folder.join("src/todays_rate.rs");
        fs::write(&file, fs::read_to_string(&file).unwrap().replace("9003", &free)).unwrap();
        shell.change("9003", &free);
    });
    test_copy("house::");
}

#[test]
fn the_recipe_for_an_event_works_when_it_is_pasted() {
    paste_and_run("docs/hear-an-event.md", STARTS, "greeting.sent", |_, _| {});
}

/// Runs tests of the copy, with its native build in the place of the module, and gives what they say.
fn test_copy(filters: &str) -> String {
    let folder = root().join("target/docs/copy");
    let wasmedge = folder.join("target/native-wasmedge");
    let script = "#!/bin/bash\n# The native build, started as WasmEdge is.\n\
        [ \"$1\" != --version ] || { echo 'wasmedge version 0.14.1'; exit; }\n\
        while [ $# -gt 1 ]; do case $1 in --env) export \"$2\"; shift 2 ;; *) shift ;; esac; done\n\
        exec \"$(dirname \"$0\")/debug/order_demo_service\"\n";
    fs::write(&wasmedge, script).unwrap();
    sh("chmod +x target/docs/copy/target/native-wasmedge");
    let shell = Shell::new(&folder);
    let line = format!(
        "unset PORT BIND; export WASMEDGE=\"$PWD/target/native-wasmedge\" MODULE=Cargo.toml
        scripts/with-database.sh cargo test --locked --test api -- {filters} 2>&1"
    );
    shell.output(&line)
}

#[test]
fn the_commands_of_wasmedge_lower_make_a_module_that_runs_compiled() {
    let folder = root().join("target/docs/lower");
    fs::create_dir_all(&folder).unwrap();
    // `(module (func (export "_start")))`: does nothing, and exits with 0.
    let nothing = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x0a\x01\x06_start\0\0\x0a\x04\x01\x02\0\x0b";
    fs::write(folder.join("in.wasm"), nothing).unwrap();
    let mut shell = Shell::here();
    for file in ["in.wasm", "out.wasm", "compiled.wasm"] {
        shell.change(file, folder.join(file).to_str().unwrap());
    }
    shell.change("wasmedge compile", &format!("{} compile", wasmedge()));

    shell.run(&steps("crates/wasmedge_lower/README.md", "wasmedge_lower in.wasm"));

    shell.output(&format!("{} compiled.wasm", wasmedge()));
}

/// The command, wherever it was unpacked.
fn wasmedge() -> String {
    let wasmedge = sh(". scripts/wasmedge.sh && realpath \"$(command -v \"$wasmedge\")\"");
    assert!(Path::new(&wasmedge).exists());
    wasmedge
}
