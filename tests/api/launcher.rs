//! The launcher: the module sees the named settings and nothing else of its host, a crash is followed by a new start,
//! a signal by an orderly end, and no process is left behind.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::support::{TestApp, ends, free_port, root, serve};

/// The service can live without its database, which spares these tests one.
const NO_DATABASE: &str = "mysql://user@127.0.0.1:1/demo";

#[test]
fn a_module_sees_the_named_settings_and_no_other_variable_and_no_folder() {
    let probe = build("sandbox");

    let output = serve(&probe).envs([("PORT", "1234"), ("SECRET", "hunter2")]).output().unwrap();

    let says = String::from_utf8_lossy(&output.stdout);
    // WasmEdge 0.17 remarks there, in brackets, that the probe is not compiled.
    let seen: Vec<&str> = says.lines().filter(|line| !line.starts_with('[')).collect();
    assert_eq!(seen, ["variable PORT=1234", "can read /etc/passwd: false", "can list /: false"]);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_module_sees_the_file_of_certificates_and_nothing_beside_it_and_cannot_change_it() {
    let probe = build("sandbox");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("certificates");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("temporary")).unwrap();
    let file = folder.join("ca file.pem");
    std::fs::write(&file, "trusted").unwrap();
    std::fs::write(folder.join("key.pem"), "hunter2").unwrap();
    let temporary = folder.join("temporary");

    let output = serve(&probe).env("SSL_CERT_FILE", &file).env("TMPDIR", &temporary).output().unwrap();

    let says = String::from_utf8_lossy(&output.stdout);
    let seen: Vec<&str> = says.lines().filter(|line| !line.starts_with('[')).collect();
    let expected = [
        "variable SSL_CERT_FILE=/certificates/ca file.pem",
        "folder 3",
        "beside it: [\"ca file.pem\"]",
        "reads \"trusted\"",
        "can write it: false",
        "can read /etc/passwd: false",
        "can list /: false",
    ];
    assert_eq!(seen, expected);
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "the launcher has left its copy behind");
}

#[test]
fn a_failure_of_the_module_s_own_is_passed_on_and_not_tried_again() {
    let output = serve(crate::support::module()).output().unwrap();

    let says = String::from_utf8_lossy(&output.stderr);
    assert_eq!(says.matches("DATABASE_URL is not set").count(), 1, "{says}");
    assert!(!says.contains("launcher:"), "{says}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_module_that_always_traps_is_started_again_five_times_ever_more_slowly() {
    let probe = build("trap");
    let started = Instant::now();

    let output = serve(&probe).output().unwrap();

    let says = String::from_utf8_lossy(&output.stderr);
    let launcher: Vec<&str> = says.lines().filter_map(|line| line.strip_prefix("launcher: ")).collect();
    let mut expected: Vec<String> = ["0.1", "0.2", "0.4", "0.8", "1.6"]
        .iter()
        .zip(1..)
        .map(|(pause, restart)| format!("starting it again in {pause} s, restart {restart} within a minute"))
        .collect();
    expected.push("giving up after 5 restarts within a minute".into());
    let expected: Vec<String> =
        expected.iter().map(|then| format!("the service has trapped (exit code 134): {then}")).collect();
    assert_eq!(launcher, expected);
    assert_eq!(says.matches("on purpose").count(), 6, "{says}");
    assert!(started.elapsed() >= Duration::from_millis(3100), "after {:?}", started.elapsed());
    assert_eq!(output.status.code(), Some(134));
}

#[test]
fn a_service_that_is_killed_answers_again_from_another_process() {
    let app = TestApp::launch(NO_DATABASE, &[]);

    for (restart, signal) in (1..).zip(["KILL", "SEGV"]) {
        let before = app.service().unwrap();
        app.signal(signal);
        assert!(ends(before));

        app.wait_until_alive();
        assert_ne!(app.service(), Some(before));
        app.wait_for_output(&format!("restart {restart} within a minute"));
    }
    assert!(app.output().contains("the service was ended by SIGKILL (exit code 137): starting it again in 0.1 s"));
}

#[test]
fn without_an_admin_address_a_signal_to_the_launcher_ends_the_service_at_once() {
    for (signal, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let mut app = TestApp::launch(NO_DATABASE, &[]);
        let service = app.service().unwrap();

        app.signal_launcher(signal);

        assert_eq!(app.exit_code(), code, "{}", app.output());
        assert!(!Path::new(&format!("/proc/{service}")).exists(), "WasmEdge is still there");
        let says = format!("launcher: SIG{signal}: ending the service at once: ADMIN_BIND is not set");
        assert_eq!(app.output().matches("launcher:").count(), 1, "{}", app.output());
        assert!(app.output().contains(&says), "{}", app.output());
    }
}

/// Ctrl-C in a terminal and systemd's way to stop a service signal all processes of a group.
#[test]
fn a_signal_that_reaches_wasmedge_as_well_does_not_end_the_service() {
    let mut app = TestApp::launch(NO_DATABASE, &[]);

    app.signal("TERM");
    app.signal("INT");
    app.signal("HUP");

    app.assert_still_the_same_process();
}

#[test]
fn nothing_stays_behind_of_a_launcher_that_is_killed() {
    let mut app = TestApp::launch(NO_DATABASE, &[]);
    let service = app.service().unwrap();

    app.signal_launcher("KILL");
    app.exit_code();

    assert!(ends(service), "WasmEdge lives on without its launcher");
    let deadline = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(("127.0.0.1", app.port)).is_ok() {
        assert!(Instant::now() < deadline, "the port is still held");
    }
}

#[test]
fn a_signal_to_the_launcher_drains_the_service_and_its_exit_code_is_passed_on() {
    for signal in ["TERM", "INT", "HUP"] {
        let mut app = TestApp::launch(NO_DATABASE, &[("ADMIN_BIND", &free_address()), ("DRAIN_DELAY", "0.2")]);

        app.signal_launcher(signal);

        assert_eq!(app.exit_code(), 0, "{}", app.output());
        assert!(app.output().ends_with("drained\n"), "{}", app.output());
        assert_eq!(app.output().matches("launcher:").count(), 1, "{}", app.output());
    }
}

#[test]
fn a_second_signal_ends_a_service_that_drains_at_once() {
    let mut app = TestApp::launch(NO_DATABASE, &[("ADMIN_BIND", &free_address()), ("DRAIN_DELAY", "60")]);
    app.signal_launcher("TERM");
    app.wait_for_output("asked to end");

    app.signal_launcher("TERM");

    assert_eq!(app.exit_code(), 143, "{}", app.output());
}

#[test]
fn a_service_that_does_not_answer_holds_the_end_up_for_two_seconds_at_most() {
    let mut app = TestApp::launch(NO_DATABASE, &[("ADMIN_BIND", &free_address())]);
    app.signal("STOP");

    let asked = Instant::now();
    app.signal_launcher("TERM");

    assert_eq!(app.exit_code(), 143, "{}", app.output());
    let held_up = asked.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_secs(4)).contains(&held_up), "{held_up:?}");
}

fn free_address() -> String {
    format!("127.0.0.1:{}", free_port())
}

/// A module of tests/probes.
fn build(name: &str) -> PathBuf {
    let module = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.wasm"));
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "--target", "wasm32-wasip1", "-O", "-o"]).arg(&module);
    assert!(rustc.arg(root().join(format!("tests/probes/{name}.rs"))).status().unwrap().success());
    module
}
