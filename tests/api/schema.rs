//! The schema: applied once, however many start, and kept.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    samples::ORDERS,
    support::{Session, TestApp, create_database, drop_database},
};

#[test]
fn ten_instances_that_start_at_once_apply_each_step_once() {
    let url = create_database();
    // All of them come to the lock, and only then are they let go.
    let mut lock = Session::open(&url);
    lock.query::<Option<i64>>("SELECT GET_LOCK(CONCAT('schema_migrations.', MD5(DATABASE())), 0)");
    let apps: Vec<TestApp> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..10).map(|_| scope.spawn(|| TestApp::launch(&url, &[]))).collect();
        starting.into_iter().map(|app| app.join().unwrap()).collect()
    });
    lock.wait_for_waiters(10, "User lock");

    drop(lock);
    for app in &apps {
        app.wait_until_ready();
    }

    let mut applied: Vec<String> = Vec::new();
    for app in &apps {
        let output = app.output();
        applied.extend(output.lines().find(|line| line.starts_with("schema up to date")).map(str::to_string));
        assert!(!output.contains("waiting for the database"), "{output}");
    }
    applied.sort();
    let steps: usize = service::MIGRATIONS.iter().map(|set| set.len()).sum();
    let mut expected = vec!["schema up to date (0 steps applied now)".to_string(); 9];
    expected.push(format!("schema up to date ({steps} steps applied now)"));
    assert_eq!(applied, expected);
    let recorded: Vec<String> = apps[0].query("SELECT name FROM schema_migrations ORDER BY name");
    let mut names: Vec<&str> = service::MIGRATIONS.iter().copied().flatten().map(|step| step.name).collect();
    names.sort();
    assert_eq!(recorded, names);
    drop(apps);
    drop_database(&url);
}

#[test]
fn data_is_kept_when_the_service_is_killed_and_started_again() {
    let first = TestApp::start();
    first.post("/create_orders", ORDERS);
    let before = first.get("/orders").body;

    let second = TestApp::launch(&first.database_url, &[]);
    second.wait_until_ready();

    assert_eq!(second.get("/orders").body, before);
}

#[test]
fn init_makes_the_same_table_as_a_start_does() {
    let app = TestApp::start();
    let describe = || app.query::<(String, String)>("SHOW CREATE TABLE orders");
    let at_start = describe();

    app.get("/init");

    assert_eq!(describe(), at_start);
    assert!(at_start[0].1.contains("utf8mb4") && at_start[0].1.contains("PRIMARY KEY (`order_id`)"), "{at_start:?}");
}

#[test]
fn every_file_in_sql_is_a_step_and_every_step_a_file() {
    let files = std::fs::read_dir(crate::support::root().join("sql")).unwrap();
    let mut files: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();

    let mut steps: Vec<String> =
        service::MIGRATIONS.iter().copied().flatten().map(|step| format!("{}.sql", step.name)).collect();
    steps.sort();

    assert_eq!(files, steps);
}

#[test]
fn the_table_is_there_at_every_moment_of_an_init() {
    let app = TestApp::start_with(&[("DB_TIMEOUT", "2")]);
    app.post("/create_orders", ORDERS);
    let done = AtomicBool::new(false);

    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..200 {
                assert_eq!(app.get("/init").status, 200);
            }
            done.store(true, Ordering::Relaxed);
        });
        let deadline = Instant::now() + Duration::from_secs(60);
        while !done.load(Ordering::Relaxed) && Instant::now() < deadline {
            let reply = app.get("/orders");
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
    });

    app.execute("DROP TABLE orders");
    assert_eq!(app.get("/init").status, 200);
    assert_eq!(app.get("/orders").body, "[]");
}
