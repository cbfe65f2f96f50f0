//! Two instances on a Galera cluster of three nodes: what one writer behind HAProxy promises, and what happens to those
//! who write to two nodes at once. docs/scaling.md recommends the one, and has figures of both.

mod cluster;

use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    changes,
    commands::eventually,
    samples::{order, orders},
    support::{Reply, Session, TestApp, free_port, query},
};
use cluster::{Balancer, Cluster};

/// No answer is missing for longer, whichever node is killed.
const BACK_WITHIN: Duration = Duration::from_secs(10);

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_node_that_is_killed_under_load_costs_no_acknowledged_write_and_ten_seconds_at_most() {
    let cluster = Cluster::start();
    let database = free_port();
    let url = format!("mysql://user:passwd@127.0.0.1:{database}/demo");
    let apps = [TestApp::launch(&url, &[]), TestApp::launch(&url, &[])];
    let balancer = Balancer::start([apps[0].port, apps[1].port], database, &cluster.addresses());
    apps.iter().for_each(TestApp::wait_until_ready);
    let writer = || query::<String>(&url, "SELECT @@wsrep_node_name")[0].trim_start_matches("node").parse::<usize>();
    let load = Load::default();

    let (kept, gaps) = thread::scope(|scope| {
        let end = EndOf(&load); // also when something fails
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(|| load.write(&balancer.url))).collect();
        let mut gaps = Vec::new();
        for round in 0..3 {
            load.wait_for_more(1000);
            let killed = writer().unwrap() - 1;
            // The last time one that is not written to.
            let killed = if round == 2 { (killed + 1) % 3 } else { killed };
            load.longest_gap.lock().unwrap().0 = Duration::ZERO;
            cluster.kill(killed);
            let size = "SHOW STATUS LIKE 'wsrep_cluster_size'";
            let nodes = || query::<(String, u8)>(&cluster.urls[(killed + 1) % 3], size)[0].1;
            eventually("the others have noticed", 20, || nodes() == 2);
            load.wait_for_more(1000);
            gaps.push(load.longest_gap.lock().unwrap().0);
            cluster.start_again(killed);
        }
        drop(end);
        let kept: Vec<i32> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        (kept, gaps)
    });

    let mut lost = 0;
    let mut all = Vec::new();
    for url in &cluster.urls {
        let stored = stored(url);
        lost += kept.iter().filter(|id| !stored.contains(id)).count();
        all.push(stored);
    }
    println!(
        "galera: {} writes acknowledged, {} refused, {lost} lost, longest gap {:.1} and {:.1} s (the writer killed), \
         {:.1} s (another node)",
        kept.len(),
        load.refused.into_inner(),
        gaps[0].as_secs_f64(),
        gaps[1].as_secs_f64(),
        gaps[2].as_secs_f64(),
    );
    assert_eq!(lost, 0);
    assert!(all.iter().all(|stored| *stored == all[0]), "the nodes differ");
    assert!(gaps.iter().all(|gap| *gap < BACK_WITHIN), "{gaps:?}");
}

/// Eight clients' writes.
struct Load {
    next: AtomicI32,
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
    done: AtomicBool,
    /// Between one success and the next, of all clients together, and when the last one was.
    longest_gap: Mutex<(Duration, Instant)>,
}

impl Default for Load {
    fn default() -> Load {
        let gap = Mutex::new((Duration::ZERO, Instant::now()));
        let (acknowledged, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Load { next: AtomicI32::new(0), acknowledged, refused, done: AtomicBool::new(false), longest_gap: gap }
    }
}

/// Ends a load when it is dropped.
struct EndOf<'a>(&'a Load);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.0.done.store(true, Ordering::SeqCst);
    }
}

impl Load {
    /// Creates one row after the other until it is `done`, and gives those that were acknowledged.
    fn write(&self, url: &str) -> Vec<i32> {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent: ureq::Agent = config.timeout_global(Some(BACK_WITHIN)).build().into();
        let mut kept = Vec::new();
        while !self.done.load(Ordering::SeqCst) {
            let id = self.next.fetch_add(1, Ordering::SeqCst);
            match agent.post(format!("{url}/create_order")).send(order(id)).map(|reply| reply.status().as_u16()) {
                Ok(200) => {
                    kept.push(id);
                    self.acknowledged.fetch_add(1, Ordering::SeqCst);
                    let mut gap = self.longest_gap.lock().unwrap();
                    *gap = (gap.0.max(gap.1.elapsed()), Instant::now());
                }
                Ok(503) => {
                    self.refused.fetch_add(1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(20));
                }
                other => panic!("{other:?}"),
            }
        }
        kept
    }

    fn wait_for_more(&self, count: usize) {
        let least = self.acknowledged.load(Ordering::SeqCst) + count;
        eventually("writes", LIMIT.as_secs(), || self.acknowledged.load(Ordering::SeqCst) >= least);
    }
}

/// The rows that a node has, with all that other nodes have acknowledged by now.
fn stored(url: &str) -> HashSet<i32> {
    in_step(url, "SELECT order_id FROM orders").into_iter().collect()
}

/// A query that waits until the node has done what other nodes have acknowledged by now.
fn in_step<T: mysql_async::prelude::FromRow + Send + 'static>(url: &str, sql: &str) -> Vec<T> {
    let mut session = Session::open(url);
    session.query::<mysql_async::Row>("SET SESSION wsrep_sync_wait = 1");
    session.query(sql)
}

/// An instance on each of the first two nodes.
fn two_writers(urls: &[String], settings: &[(&str, &str)]) -> [TestApp; 2] {
    let apps = [&urls[0], &urls[1]].map(|url| TestApp::launch(url, settings));
    apps.iter().for_each(TestApp::wait_until_ready);
    apps
}

#[test]
fn writers_on_two_nodes_are_tried_again_or_told_to_come_back_and_lose_nothing() {
    let cluster = Cluster::start();
    an_empty_schema_is_migrated_on_two_nodes_at_once(&cluster);
    rows_that_two_nodes_change_lose_no_change(&cluster);
    the_same_key_on_two_nodes_is_done_once(&cluster);
    a_node_that_takes_no_statement_is_not_ready(&cluster);
    let urls = cluster.create_database("changes");
    changes::everything_at_once([&urls[0], &urls[1]], 1000, 500, Duration::from_secs(3));
    // Each connection of each instance to another node: what one has written, the next may not see yet.
    cluster.create_database("spread");
    let (_balancer, port) = Balancer::spread(&cluster.addresses());
    let url = format!("mysql://user:passwd@127.0.0.1:{port}/spread");
    changes::everything_at_once([&url, &url], 1000, 500, Duration::from_secs(3));
}

/// The lock that migrations take holds on one node only.
fn an_empty_schema_is_migrated_on_two_nodes_at_once(cluster: &Cluster) {
    for round in 0..5 {
        let urls = cluster.create_database(&format!("schema{round}"));

        let apps = two_writers(&urls, &[]);

        for (app, id) in apps.iter().zip(1..) {
            assert_eq!(app.post("/create_order", order(id)).status, 200, "{}", app.output());
        }
        let steps = "SELECT COUNT(*) FROM schema_migrations";
        let known: i64 = service::MIGRATIONS.iter().map(|steps| steps.len() as i64).sum();
        assert_eq!(in_step::<i64>(&urls[2], steps), [known]);
        assert_eq!(stored(&urls[2]).len(), 2);
    }
}

fn rows_that_two_nodes_change_lose_no_change(cluster: &Cluster) {
    let urls = cluster.create_database("conflicts");
    let apps = &two_writers(&urls, &[]);
    assert_eq!(apps[0].post("/create_orders", orders(0..3)).status, 200);
    assert_eq!(stored(&urls[1]).len(), 3);
    let versions = "SELECT CAST(SUM(version) AS UNSIGNED) FROM orders";
    let before = query::<u64>(&urls[0], versions)[0];
    let conflicts = || cluster.status("wsrep_local_cert_failures") + cluster.status("wsrep_local_bf_aborts");
    let conflicts_before = conflicts();

    let statuses: Vec<u16> = thread::scope(|scope| {
        let change = |client: usize| -> Vec<u16> {
            (0..150).map(|turn| changed(&apps[client % 2].post("/update_order", order(turn % 3)))).collect()
        };
        let clients: Vec<_> = (0..8).map(|client| scope.spawn(move || change(client))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });

    let done = statuses.iter().filter(|status| **status == 200).count() as u64;
    let conflicts = conflicts() - conflicts_before;
    println!("galera: {} changes of 3 rows on two nodes, {done} done, {conflicts} conflicts", statuses.len());
    assert!(conflicts > 0);
    assert_eq!(in_step::<u64>(&urls[2], versions)[0] - before, done);
}

/// 200, or 503 with the time to come back.
fn changed(reply: &Reply) -> u16 {
    if reply.status != 200 {
        reply.problem(503);
        assert!(!reply.header("retry-after").is_empty());
    }
    reply.status
}

fn the_same_key_on_two_nodes_is_done_once(cluster: &Cluster) {
    let urls = cluster.create_database("same_key");
    let apps = &two_writers(&urls, &[]);
    for id in 0..20 {
        let key = format!("key-{id}");
        let key = &key;
        let ask = move |app: &TestApp| app.send("POST", "/orders", &[("Idempotency-Key", key)], order(id));

        let mut replies: Vec<Reply> = thread::scope(|scope| {
            let asking: Vec<_> = (0..6).map(|client| scope.spawn(move || ask(&apps[client % 2]))).collect();
            asking.into_iter().map(|asking| asking.join().unwrap()).collect()
        });
        replies.extend(apps.iter().map(ask));

        let first =
            replies.iter().filter(|reply| reply.status == 201 && reply.header("idempotent-replayed").is_empty());
        assert_eq!(first.count(), 1, "it was done more than once, or not at all");
        for reply in &replies[..6] {
            let still_running = || reply.problem(409)["detail"].as_str().unwrap().contains("still running");
            assert!(reply.status == 201 || still_running(), "{} {}", reply.status, reply.body);
        }
        for reply in &replies[6..] {
            assert_eq!((reply.status, reply.header("idempotent-replayed")), (201, "true"), "{}", reply.body);
        }
    }
    assert_eq!(stored(&urls[2]).len(), 20);
}

fn a_node_that_takes_no_statement_is_not_ready(cluster: &Cluster) {
    let urls = cluster.create_database("away");
    let apps = two_writers(&urls, &[]);
    // As a node does that has lost the majority.
    let mut session = Session::open(&urls[1]);
    session.query::<mysql_async::Row>("SET GLOBAL wsrep_reject_queries = 'ALL'");
    let answers = [apps[1].get("/readyz"), apps[1].get("/orders/1"), apps[1].post("/create_order", order(1))];
    session.query::<mysql_async::Row>("SET GLOBAL wsrep_reject_queries = 'NONE'");

    for answer in answers {
        answer.problem(503);
        assert!(!answer.header("retry-after").is_empty());
    }
    assert_eq!(apps[0].get("/readyz").status, 200);
    eventually("it is ready again", 5, || apps[1].get("/readyz").status == 200);
}
