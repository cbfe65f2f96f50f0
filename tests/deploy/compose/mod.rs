//! docker-compose.yml as users have it: the image is built, the project is started, disturbed, scaled and stopped, by
//! `docker compose` alone. Each test has the whole project to itself, under a name and on a port of its own.

mod composition;

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use self::composition::Composition;
use crate::{
    blocks::{run_curl_lines, step},
    commands::{eventually, get, post, sh},
    support::root,
};

/// Its commands go on in the background here, with the image that is built already.
const PAGE: &str = "docs/deploy.md";

/// Ends a process of this machine by its id, as root: those in containers are other users'.
fn kill(pid: &str) {
    sh(&format!("if [ $(id -u) = 0 ]; then kill -KILL {pid}; else sudo kill -KILL {pid}; fi"));
}

/// Asks for `path` by new connections and by one that is kept, four clients in all, while `work` runs. Gives the number of
/// requests and what was answered otherwise than by 200.
fn while_clients_ask(composition: &Composition, path: &str, work: impl FnOnce()) -> (usize, Vec<String>) {
    let done = AtomicBool::new(false);
    let (done, url) = (&done, &composition.url(path));
    let client = |keeps: bool| {
        let (mut requests, mut failures) = (0, Vec::new());
        let limits = || ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10)));
        let kept: ureq::Agent = limits().build().into();
        while !done.load(Ordering::Relaxed) {
            let agent = if keeps { kept.clone() } else { limits().build().into() };
            requests += 1;
            if let Err(error) = agent.get(url).call().and_then(|mut answer| answer.body_mut().read_to_vec()) {
                failures.push(error.to_string());
            }
        }
        (requests, failures)
    };
    thread::scope(|scope| {
        let clients = [false, false, true, true].map(|keeps| scope.spawn(move || client(keeps)));
        work();
        done.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).fold(
            (0, Vec::new()),
            |mut sum, (requests, failures)| {
                sum.0 += requests;
                sum.1.extend(failures);
                sum
            },
        )
    })
}

#[test]
fn the_file_is_clean() {
    assert_eq!(sh("docker compose config --quiet 2>&1"), "");
    let up = step(PAGE, "PORT=9000").command;
    assert_eq!(sh(&format!("{} | grep published:", up.replace(" up", " config"))), "published: \"9000\"");
}

#[test]
fn what_the_article_asks_is_answered_and_found_again_after_a_down_that_takes_less_than_three_seconds() {
    let composition = Composition::new();

    let first = composition.up();
    run_curl_lines("README.md", &format!("127.0.0.1:{}", composition.port));
    let (_, orders) = get(&composition.url("/orders"));
    let stopping = Instant::now();
    composition.compose("down");
    let down = stopping.elapsed();
    assert_eq!(composition.compose("ps --all --quiet"), "");
    let second = composition.up();

    println!(
        "compose: ready after {:.1} s, the first time after {:.1} s, with the database's own set-up; down in {:.1} s",
        second.as_secs_f64(),
        first.as_secs_f64(),
        down.as_secs_f64()
    );
    assert!(down < Duration::from_secs(3), "{down:?}");
    assert!(orders.contains("\"order_id\":5"), "{orders}");
    assert_eq!(get(&composition.url("/orders")), (200, orders));
    // Three instances are stopped side by side.
    composition.compose("up --detach --no-build --wait --scale service=3");
    let stopping = Instant::now();
    composition.compose("down");
    println!("compose: down of three instances in {:.1} s", stopping.elapsed().as_secs_f64());
}

#[test]
fn nothing_of_ours_runs_as_root_or_may_write() {
    let composition = Composition::new();

    composition.compose("up --detach --no-build --wait");

    assert_eq!(sh("docker image inspect --format '{{.Config.User}}' order_demo_service"), "65534:65534");
    for service in ["service", "balancer"] {
        let container = composition.container(service);
        let processes = container.processes();
        assert!(!processes.is_empty() && processes.iter().all(|(user, _, _)| user != "0"), "{service}: {processes:?}");
        assert_eq!(container.inspect(".HostConfig.ReadonlyRootfs"), "true", "{service}");
        let pid = &processes[0].1;
        assert_eq!(sh(&format!("grep CapBnd /proc/{pid}/status | cut -f 2")), "0000000000000000", "{service}");
        assert_eq!(sh(&format!("grep NoNewPrivs /proc/{pid}/status | cut -f 2")), "1", "{service}");
    }
}

#[test]
fn a_database_that_goes_makes_the_instance_unhealthy_and_its_return_mends_it_without_a_restart() {
    let composition = Composition::new();
    composition.compose("up --detach --no-build --wait");
    let service = composition.container("service");
    let (wasmedge, started) = (service.wasmedge(), service.inspect(".State.StartedAt"));
    assert_eq!(service.health(), "healthy");
    assert_eq!(
        post(&composition.url("/create_orders"), &fs::read_to_string(root().join("orders.json")).unwrap()).0,
        200
    );

    // Restarted
    composition.compose("restart db");
    eventually("answers after the database's restart", 30, || get(&composition.url("/orders")).0 == 200);
    assert!(get(&composition.url("/orders")).1.contains("\"order_id\":5"));
    eventually("healthy after the database's restart", 30, || service.health() == "healthy");

    // Gone
    let stopping = Instant::now();
    composition.compose("stop db");
    eventually("unhealthy", 30, || service.health() == "unhealthy");
    let unhealthy = stopping.elapsed();
    let answer = sh(&format!("curl -sS -i {}", composition.url("/orders")));
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let head = answer.to_lowercase();
    assert!(head.contains("content-type: application/problem+json") && head.contains("retry-after: 1"), "{answer}");

    // Back
    let starting = Instant::now();
    composition.compose("start db");
    eventually("healthy", 30, || service.health() == "healthy");
    let healthy = starting.elapsed();
    eventually("answers when the database is back", 10, || get(&composition.url("/orders")).0 == 200);
    println!(
        "compose: unhealthy {:.1} s after the database's end, healthy {:.1} s after its start",
        unhealthy.as_secs_f64(),
        healthy.as_secs_f64()
    );
    assert_eq!((service.wasmedge(), service.inspect(".State.StartedAt")), (wasmedge, started));
}

#[test]
fn three_instances_share_the_requests_and_come_and_go_without_the_loss_of_one() {
    let composition = Composition::new();
    composition.compose("up --detach --no-build --wait");

    let (requests, failures) = while_clients_ask(&composition, "/orders", || {
        let up = step(PAGE, "--scale service=").command;
        composition.compose(&up.replace("docker compose up", "up --detach --no-build --wait"));
        let instances = composition.containers("service");
        assert_eq!(instances.len(), 3);
        for instance in &instances {
            eventually(&instance.0, 20, || instance.log().contains("\"path\":\"/orders\""));
        }
        assert!(instances.iter().all(|instance| instance.inspect("len .HostConfig.PortBindings") == "0"));

        composition.compose("up --detach --no-build --wait --scale service=1");
        assert_eq!(composition.containers("service").len(), 1);
    });

    assert!(requests > 100 && failures.is_empty(), "{requests} requests, failed: {failures:?}");
}

#[test]
fn an_instance_that_is_killed_in_whatever_way_comes_back_and_the_others_answer_meanwhile() {
    let composition = Composition::new();
    composition.compose("up --detach --no-build --wait --scale service=3");
    let instances = composition.containers("service");

    let (requests, failures) = while_clients_ask(&composition, "/orders", || {
        // WasmEdge in it: the launcher starts it again, in the same container.
        let before = instances[0].wasmedge();
        kill(before.as_ref().unwrap());
        eventually("another WasmEdge", 20, || instances[0].wasmedge().is_some_and(|pid| Some(&pid) != before.as_ref()));
        assert!(instances[0].log().contains("launcher: the service was ended by SIGKILL"), "{}", instances[0].log());
        assert_eq!(instances[0].inspect(".RestartCount"), "0");

        // The launcher: WasmEdge goes with it, and the engine starts the container again.
        kill(&instances[1].inspect(".State.Pid"));
        eventually("another launcher", 20, || instances[1].inspect(".RestartCount") == "1");
        eventually("healthy again", 30, || instances[1].health() == "healthy");

        // By `docker kill`: the engine takes that for a wish, and leaves it until the next `up`.
        sh(&format!("docker kill --signal KILL {}", instances[2].0));
        eventually("gone", 10, || instances[2].inspect(".State.Status") == "exited");
        composition.compose("up --detach --no-build --wait --scale service=3");
        assert_eq!(instances[2].inspect(".State.Status"), "running");
    });

    // What was with an instance when it was killed is lost, and is not sent again: at most one for each client and kill.
    println!("compose: of {requests} requests {} were with an instance that was killed", failures.len());
    assert!(requests > 100 && failures.len() <= 4 * 3, "{requests} requests, failed: {failures:?}");
}

#[test]
fn a_file_of_authorities_comes_in_by_a_volume() {
    let folder = root().join("target/compose");
    fs::create_dir_all(&folder).unwrap();
    let authority = rcgen::generate_simple_self_signed(vec!["ours.example".to_string()]).unwrap();
    fs::write(folder.join("ours.pem"), authority.cert.pem()).unwrap();
    let more = "services: {service: {environment: {SSL_CERT_FILE: /etc/ssl/ours.pem}, \
                volumes: ['./target/compose/ours.pem:/etc/ssl/ours.pem:ro']}}";
    fs::write(folder.join("more.yml"), more).unwrap();
    let composition = Composition::with("-f docker-compose.yml -f target/compose/more.yml");

    composition.up();

    let service = composition.container("service");
    let given = sh(&format!("docker exec {} bash -c 'cat /tmp/*/ours.pem'", service.0));
    assert_eq!(given.trim(), authority.cert.pem().trim());
}
