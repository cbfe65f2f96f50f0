//! What the database server may do, done to a real one.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    alone,
    samples::{order, orders},
    server::{Server, target},
    support::{Reply, TestApp, query},
};

/// `DB_TIMEOUT`, and what a busy machine adds to it.
const LONGEST: Duration = Duration::from_millis(5500);

fn assert_unavailable(reply: &Reply) {
    reply.problem(503);
    assert!(!reply.header("retry-after").is_empty());
}

fn wait_until_ready(app: &TestApp, limit: Duration) {
    let began = Instant::now();
    while app.get("/readyz").status != 200 {
        assert!(began.elapsed() < limit, "not ready after {limit:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_service_comes_up_without_a_database_and_is_ready_two_seconds_after_it_is_there() {
    let _alone = alone();
    let server = Server::start();
    server.kill();

    let mut app = TestApp::launch(&server.url, &[]);
    for path in ["/readyz", "/orders"] {
        let asked = Instant::now();
        assert_unavailable(&app.get(path));
        assert!(asked.elapsed() < Duration::from_secs(2));
    }
    server.start_again();
    wait_until_ready(&app, Duration::from_secs(2));

    assert_eq!(app.post("/create_order", order(1)).status, 200);
    app.assert_still_the_same_process();
}

#[test]
fn a_database_that_is_killed_under_load_loses_no_write_that_was_acknowledged() {
    let _alone = alone();
    let server = Server::start();
    let mut app = TestApp::launch(&server.url, &[]);
    app.wait_until_ready();

    let (next, done) = (AtomicI32::new(0), AtomicBool::new(false));
    let (acknowledged, refused, longest) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Duration::ZERO));
    let kept: Vec<i32> = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let (mut kept, began) = (Vec::new(), Instant::now());
                    while !done.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(180) {
                        let id = next.fetch_add(1, Ordering::Relaxed);
                        let asked = Instant::now();
                        let reply = app.post("/create_order", order(id));
                        let took = asked.elapsed();
                        let mut longest = longest.lock().unwrap();
                        *longest = took.max(*longest);
                        drop(longest);
                        match reply.status {
                            200 => {
                                kept.push(id);
                                acknowledged.fetch_add(1, Ordering::Relaxed);
                            }
                            _ => {
                                assert_unavailable(&reply);
                                refused.fetch_add(1, Ordering::Relaxed);
                                thread::sleep(Duration::from_millis(2));
                            }
                        }
                    }
                    kept
                })
            })
            .collect();
        for kills in 1..=5 {
            wait_for(&acknowledged, kills * 4000);
            server.kill();
            server.start_again();
        }
        wait_for(&acknowledged, 24_000);
        done.store(true, Ordering::Relaxed);
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });

    let stored: Vec<i32> = query(&server.url, "SELECT order_id FROM orders");
    let present: HashSet<i32> = stored.iter().copied().collect();
    let lost = kept.iter().filter(|id| !present.contains(id)).count();
    let longest = longest.into_inner().unwrap();
    eprintln!(
        "{} writes acknowledged, {} refused, 5 kills, {lost} lost, {} there without an acknowledgement, longest answer {longest:?}",
        kept.len(),
        refused.into_inner(),
        stored.len() - (kept.len() - lost),
    );
    assert_eq!((lost, present.len()), (0, stored.len()));
    assert!(longest < LONGEST, "an answer took {longest:?}");
    app.assert_still_the_same_process();
}

fn wait_for(count: &AtomicUsize, least: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while count.load(Ordering::Relaxed) < least {
        assert!(Instant::now() < deadline, "only {count:?} of {least} writes");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_frozen_database_keeps_nobody_waiting_longer_than_the_limit_and_the_pool_recovers() {
    let _alone = alone();
    let server = Server::start();
    let mut app = TestApp::launch(&server.url, &[]);
    app.wait_until_ready();
    app.post("/create_orders", orders(0..10));
    let ask_at_once = |times: i32| -> Vec<(u16, Duration)> {
        thread::scope(|scope| {
            let ask = |id| {
                let asked = Instant::now();
                (app.get(&format!("/orders/{}", id % 10)).status, asked.elapsed())
            };
            let asking: Vec<_> = (0..times).map(|id| scope.spawn(move || ask(id))).collect();
            asking.into_iter().map(|asking| asking.join().unwrap()).collect()
        })
    };
    assert!(ask_at_once(40).iter().all(|(status, _)| *status == 200));

    server.signal("STOP");
    let answers = ask_at_once(40);
    server.signal("CONT");

    for (status, took) in answers {
        assert!(status == 503 && took < LONGEST, "{status} after {took:?}");
    }
    wait_until_ready(&app, Duration::from_secs(2));
    for _ in 0..3 {
        assert!(ask_at_once(40).iter().all(|(status, _)| *status == 200), "the pool has not recovered");
    }
    app.assert_still_the_same_process();
}

#[test]
fn a_connection_that_the_server_closed_for_idleness_costs_no_request() {
    let _alone = alone();
    let server = Server::start();
    for setting in ["wait_timeout", "interactive_timeout"] {
        query::<mysql_async::Row>(&server.url, &format!("SET GLOBAL {setting} = 1"));
    }
    let mut app = TestApp::launch(&server.url, &[]);
    app.wait_until_ready();
    app.post("/create_orders", orders(0..10));

    for pause in [900, 1100, 1500, 2500] {
        thread::sleep(Duration::from_millis(pause));
        let id = i32::try_from(pause).unwrap();
        assert_eq!(app.post("/create_order", order(id)).status, 200, "after {pause} ms");
        let statuses: Vec<u16> = thread::scope(|scope| {
            let app = &app;
            let asking: Vec<_> =
                (0..8).map(|id| scope.spawn(move || app.get(&format!("/orders/{id}")).status)).collect();
            asking.into_iter().map(|asking| asking.join().unwrap()).collect()
        });
        assert_eq!(statuses, [200; 8], "after {pause} ms");
    }
    app.assert_still_the_same_process();
}

/// A file system of its own, of a fixed size. It goes when this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path, size: &str) -> SmallDisk {
        fs::create_dir_all(folder).unwrap();
        let target = folder.to_str().unwrap();
        if Command::new("mountpoint").arg("-q").arg(target).status().unwrap().success() {
            as_root(&["umount", target]); // of a test that was ended by force
        }
        let options = format!("size={size},mode=0777");
        as_root(&["mount", "-t", "tmpfs", "-o", &options, "tmpfs", target]);
        SmallDisk(folder.to_path_buf())
    }

    /// Writes a file until there is room for `left` bytes.
    fn fill(&self, left: u64) -> PathBuf {
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(&self.0).output().unwrap();
        let available: u64 = String::from_utf8(output.stdout).unwrap().lines().last().unwrap().trim().parse().unwrap();
        let filler = self.0.join("filler");
        let size = format!("{}", available.saturating_sub(left));
        assert!(Command::new("fallocate").args(["-l", &size]).arg(&filler).status().unwrap().success());
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        as_root(&["umount", self.0.to_str().unwrap()]);
    }
}

/// Mounting is for root, or for who may become it.
fn as_root(command: &[&str]) {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let sudo: &[&str] = if is_root { &[] } else { &["sudo"] };
    let words = [sudo, command].concat();
    assert!(Command::new(words[0]).args(&words[1..]).status().unwrap().success(), "{words:?}");
}

#[test]
#[ignore = "mounts a file system, for which it must be root: make test-faults"]
fn a_full_disk_is_503_leaves_nothing_half_written_and_passes() {
    let _alone = alone();
    let disk = SmallDisk::mount(&target("small-disk"), "400m");
    let server = Server::start_in(&disk.0.join("mariadb"));
    let mut app = TestApp::launch(&server.url, &[]);
    app.wait_until_ready();
    let count = || query::<i64>(&server.url, "SELECT COUNT(*) FROM orders")[0];

    let filler = disk.fill(16 << 20);
    const MANY: i32 = 20_000;
    let mut inserted = 0;
    let refusal = loop {
        let reply = app.post("/create_orders", orders(inserted * MANY..(inserted + 1) * MANY));
        if reply.status != 200 {
            break reply;
        }
        inserted += 1;
        assert!(inserted < 100, "the disk does not fill up");
    };
    assert_unavailable(&refusal);
    assert_eq!(count(), i64::from(inserted * MANY), "all of an array or nothing");
    assert_eq!(app.get("/orders/7").status, 200, "reading goes on");

    fs::remove_file(filler).unwrap();
    let again = Instant::now();
    while app.post("/create_orders", orders(inserted * MANY..(inserted + 1) * MANY)).status != 200 {
        assert!(again.elapsed() < Duration::from_secs(10), "it does not recover when there is room");
    }
    eprintln!("{inserted} arrays before the disk was full; {}", refusal.body);
    assert_eq!(count(), i64::from((inserted + 1) * MANY));
    app.assert_still_the_same_process();
    drop((app, server));
}
