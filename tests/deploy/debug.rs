//! The native build in a debugger: as an editor starts it from the files in .vscode, and from the shell as docs/debug.md
//! says. Both stop at the same line, show a variable, and go on.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    blocks,
    commands::{eventually, get, sh},
    dap::Debugger,
    support::{free_port, root},
};

const FILE: &str = "src/orders/handlers.rs";
/// A line that a GET of what is not there comes to once.
const LINE: &str = "None => Err(not_found(id)),";
const NOBODY: &str = "/orders/2147483646";

#[test]
fn the_editor_s_configuration_stops_the_service_at_a_line_and_shows_a_variable_and_lets_it_go_on() {
    let (settings, launch) = (read("settings"), read("launch"));
    let configuration = &launch["configurations"][0];
    assert_eq!(configuration["type"], "lldb-dap");
    sh(&task(configuration["preLaunchTask"].as_str().unwrap()));
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");

    let adapter = settings["lldb-dap.executable-path"].as_str().unwrap();
    let mut debugger = Debugger::start(adapter, &[("PORT", &port.to_string())]);
    debugger.ask("initialize", &json!({"adapterID": "lldb-dap", "pathFormat": "path"}));
    debugger.send("launch", configuration);
    debugger.event("initialized");
    let file = root().join(FILE);
    let breakpoints = json!({"source": {"path": file}, "breakpoints": [{"line": line()}]});
    debugger.ask("setBreakpoints", &breakpoints);
    debugger.ask("configurationDone", &json!({}));
    let has_stopped = Arc::new(AtomicBool::new(false));
    let is_enough = has_stopped.clone();
    let asked = thread::spawn(move || {
        eventually("the service is ready", 20, || get(&format!("{url}/readyz")).0 == 200);
        // On a busy machine the first may come by before the breakpoint is there.
        loop {
            let answer = get(&format!("{url}{NOBODY}"));
            if is_enough.load(Ordering::SeqCst) {
                return answer;
            }
            thread::sleep(Duration::from_millis(200));
        }
    });

    let stopped = debugger.event("stopped");
    has_stopped.store(true, Ordering::SeqCst);
    assert_eq!(stopped["reason"], "breakpoint");
    let thread = json!({"threadId": stopped["threadId"], "levels": 1});
    let frame = debugger.ask("stackTrace", &thread)["stackFrames"][0].clone();
    assert_eq!((&frame["source"]["path"], &frame["line"]), (&json!(file), &json!(line())));
    let scopes = debugger.ask("scopes", &json!({"frameId": frame["id"]}));
    let locals = json!({"variablesReference": scopes["scopes"][0]["variablesReference"]});
    let locals = debugger.ask("variables", &locals);
    let mut of_that_name = locals["variables"].as_array().unwrap().iter().filter(|local| {
        let name = local["name"].as_str().unwrap();
        name == "id" || name.starts_with("id @")
    });
    assert!(of_that_name.any(|local| local["value"] == "2147483646"), "{locals:#}");

    debugger.ask("continue", &thread);
    let (status, body) = asked.join().unwrap();
    assert_eq!(status, 404, "{body}");
}

#[test]
fn from_the_shell_gdb_and_lldb_stop_the_service_at_a_function() {
    for debugger in ["rust-gdb", "lldb-19"] {
        let port = free_port();
        // As on the page, but asked for the stack in place of a person.
        let commands = blocks::commands("docs/debug.md", &format!("{debugger} "));
        let run = commands.last().unwrap();
        let batch = match debugger {
            "rust-gdb" => run.replace("rust-gdb", "rust-gdb --batch") + " -ex backtrace -ex kill",
            _ => run.replace("lldb-19", "lldb-19 --batch") + " -o 'thread backtrace' -o kill",
        };
        assert_ne!(&batch, run);
        let before = commands[..commands.len() - 1].join("\n");
        let asked = thread::spawn(move || {
            let url = format!("http://127.0.0.1:{port}");
            // Stopped at the first request, it does not answer any more.
            eventually("the service is ready", 60, || get(&format!("{url}/readyz")).0 == 200);
            get(&format!("{url}{NOBODY}")).0
        });

        let says = sh(&format!("{before}\nexport PORT={port} BIND=127.0.0.1\ntimeout 100 {batch} 2>&1"));

        assert!(says.contains("service::orders::store::get"), "{says}");
        assert!(says.contains("routes.rs:"), "{says}");
        assert_eq!(asked.join().unwrap(), 0);
    }
}

#[test]
fn a_request_is_found_in_the_log_by_the_id_that_its_client_has() {
    let port = free_port();
    let log = root().join("target/tmp/debug.log");
    let mut service = std::process::Command::new(root().join("target/debug/order_demo_service"))
        .envs([("DATABASE_URL", "mysql://user:a-secret@127.0.0.1:1/demo"), ("BIND", "127.0.0.1")])
        .env("PORT", port.to_string())
        .stdout(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let url = format!("http://127.0.0.1:{port}");
    eventually("the service is there", 20, || get(&format!("{url}/livez")).0 == 200);
    let (_, body) = get(&format!("{url}/nowhere"));
    let id = serde_json::from_str::<Value>(&body).unwrap()["request_id"].as_str().unwrap().to_string();
    let [command] = &blocks::commands("docs/debug.md", "grep")[..] else { panic!("one command") };
    let (before, after) = command.split_once("service.log").unwrap();
    let old = before.split('"').nth(3).unwrap();

    let mut found = String::new();
    eventually("the line is there", 5, || {
        found = sh(&format!("{}{}{after} || true", before.replace(old, &id), log.display()));
        !found.is_empty()
    });

    let line: Value = serde_json::from_str(&found).unwrap();
    assert_eq!((&line["id"], &line["path"], &line["status"]), (&json!(id), &json!("/nowhere"), &json!(404)));
    service.kill().unwrap();
    service.wait().unwrap();
}

#[test]
fn the_private_database_writes_down_what_it_is_asked() {
    let commands = blocks::commands("docs/debug.md", "--general-log");
    let [stop, start, tail] = &commands[..] else { panic!("{commands:?}") };
    let folder = |line: &str| line.replace("target/mariadb", "target/tmp/debug/mariadb");
    assert_eq!(stop, "make down"); // which stops the one that the tests use
    let url = sh(&folder(start));

    sh(&format!(
        "port=${{1:-{url}}} && port=${{port##*:}} && mariadb --no-defaults -h 127.0.0.1 -P ${{port%/*}} -u user -ppasswd \
            -e \"SELECT 'what is asked'\""
    ));
    let says = sh(&folder(tail));

    sh("scripts/database.sh stop target/tmp/debug/mariadb && rm -rf target/tmp/debug");
    assert!(says.contains("SELECT 'what is asked'"), "{says}");
}

/// One of the editor's files, with its variable for the folder replaced. They are JSON with comments.
fn read(name: &str) -> Value {
    let text = fs::read_to_string(root().join(format!(".vscode/{name}.json"))).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    serde_json::from_str(&without.join("\n").replace("${workspaceFolder}", root().to_str().unwrap())).unwrap()
}

/// The line of shell that an editor runs for a task of type 'process'.
fn task(label: &str) -> String {
    let tasks = read("tasks");
    let task = tasks["tasks"].as_array().unwrap().iter().find(|task| task["label"] == label).unwrap();
    assert_eq!(task["type"], "process");
    let arguments: Vec<&str> = task["args"].as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect();
    let folder = task["options"]["cwd"].as_str().unwrap();
    format!("cd '{folder}' && {} {}", task["command"].as_str().unwrap(), arguments.join(" "))
}

fn line() -> usize {
    let source = fs::read_to_string(root().join(FILE)).unwrap();
    source.lines().position(|line| line.trim() == LINE).unwrap() + 1
}
