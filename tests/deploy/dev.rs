//! The inner loop: a save, a build, the new answer. What does not build leaves the old answer, and Ctrl-C leaves nothing.

use std::{
    net::TcpStream,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    blocks,
    commands::{eventually, get, post, sh},
    tree::{Session, Tree},
};

/// A text that `GET /` shows, and where it stands.
const FILE: &str = "src/system.rs";
const TEXT: &str = "\"sends the body back\"";
/// What `POST /echo` does.
const BODY: &str = "response::bytes(request.body().await?)";

/// Seconds that a first build may take, and a later one, on a busy machine.
const FIRST: u64 = 600;
const LATER: u64 = 120;

#[test]
fn each_save_is_built_and_run_and_what_does_not_build_leaves_the_service_before_it_and_ctrl_c_leaves_nothing() {
    let tree = Tree::copy_with_builds();
    let session = Session::start(&tree, "dev", &[]);
    let ready = format!("==>\x1b[0m ready at http://127.0.0.1:{}/ (built in ", session.port);
    session.says(&ready, FIRST);

    let outage = longest_outage(session.port, || {
        tree.change(FILE, TEXT, "\"first change\"");
        session.answers("first change", LATER);
        tree.change_by_rename(FILE, "\"first change\"", "\"second change\"");
        session.answers("second change", LATER);
    });
    println!("nobody listened for {} ms at most", outage.as_millis());
    assert!(outage < Duration::from_secs(2));

    tree.change(FILE, "\"second change\"", "\"third change\" what is this");
    session.says("not built; the service before it still runs", LATER);
    assert!(session.output().contains("error: expected"), "{}", session.output());
    assert!(get(&session.url("/")).1.contains("second change"));
    tree.change(FILE, " what is this", "");
    session.answers("third change", LATER);

    tree.add("src/added/mod.rs", "//! A new file.\n\n/// What it says.\npub const TEXT: &str = \"fourth change\";\n");
    tree.change("src/lib.rs", "pub mod array;", "pub mod added;\npub mod array;");
    tree.change(FILE, "\"third change\"", "crate::added::TEXT");
    session.answers("fourth change", LATER);
    tree.change("src/added/mod.rs", "fourth", "fifth");
    session.answers("fifth change", LATER);

    tree.change(FILE, BODY, &format!("if true {{ std::process::exit(3) }} else {{ {BODY} }}"));
    tree.change("src/added/mod.rs", "fifth", "sixth");
    session.answers("sixth change", LATER);
    post(&session.url("/echo"), "x");
    session.says("the service has ended (exit code 3), see above; the next save starts it again", 10);
    tree.change(FILE, "if true", "if false");
    session.answers("sixth change", LATER);

    let running = tree.processes();
    for name in ["make", "bash", "inotifywait", "mariadbd"] {
        assert!(running.iter().any(|process| process == name), "{name} is not in {running:?}");
    }
    assert_eq!(session.interrupt(), [""; 0]);
}

#[test]
fn on_wasmedge_each_save_is_built_and_run_and_a_trap_is_decoded_to_its_line() {
    let tree = Tree::copy_with_builds();
    let session = Session::start(&tree, "dev-wasm", &[]);
    session.says("ready at ", FIRST);
    assert!(!session.output().contains("runs interpreted"));

    tree.change(FILE, TEXT, "\"first change\"");
    session.answers("first change", LATER);

    tree.change(FILE, BODY, &format!("if true {{ panic!(\"on purpose\") }} else {{ {BODY} }}"));
    tree.change(FILE, "\"first change\"", "\"it panics\"");
    session.answers("it panics", LATER);
    post(&session.url("/echo"), "x");
    session.says("launcher: the service has trapped (exit code 134): starting it again in 0.1 s", 10);
    session.says(&format!("panicked at {FILE}:{}:", line_of("panic!", &tree)), 10);

    tree.change(FILE, "panic!(\"on purpose\")", "{ trap(0); todo!() }");
    tree.change(FILE, "\"it panics\"", "\"it traps\"");
    // Endless: the stack is full, and the next frame is outside of the memory.
    let trap = "\nfn trap(depth: u64) -> u64 { let here = [depth; 64]; trap(here[3] + 1) + here[7] }\n";
    tree.change(FILE, "\nasync fn livez()", &format!("{trap}\nasync fn livez()"));
    session.answers("it traps", LATER);
    let before = session.output().len();
    post(&session.url("/echo"), "x");
    let said = || session.output().split_off(before);
    eventually("the trap is told", 20, || said().contains("launcher: the service has trapped"));
    let said = said();
    let offset = said.split("Bytecode offset: ").nth(1).unwrap_or_else(|| panic!("{said}")).lines().next().unwrap();
    let [command] = &blocks::commands("docs/debug.md", "make trap")[..] else { panic!("one command") };
    let (name, old) = command.split_once('=').unwrap();
    assert!(name.ends_with("OFFSET") && old.starts_with("0x"));
    let decoded = sh(&format!("cd {} && {name}={offset}", tree.relative));

    println!("{offset} is\n{decoded}");
    let line = line_of("fn trap", &tree);
    assert!(decoded.contains(&format!("{FILE}:{line}:")), "{decoded}");
    assert_eq!(session.interrupt(), [""; 0]);
}

/// The number of the line of FILE that has `text`.
fn line_of(text: &str, tree: &Tree) -> usize {
    let source = std::fs::read_to_string(tree.path().join(FILE)).unwrap();
    source.lines().position(|line| line.contains(text)).unwrap() + 1
}

/// For how long nobody could connect while `work` was done.
fn longest_outage(port: u16, work: impl FnOnce()) -> Duration {
    let (done, longest) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = Instant::now();
            while !done.load(Ordering::SeqCst) {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    longest.fetch_max(last.elapsed().as_millis() as u64, Ordering::SeqCst);
                    last = Instant::now();
                }
                thread::sleep(Duration::from_millis(2));
            }
        });
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::SeqCst);
        if let Err(problem) = ended {
            std::panic::resume_unwind(problem);
        }
    });
    Duration::from_millis(longest.into_inner())
}
