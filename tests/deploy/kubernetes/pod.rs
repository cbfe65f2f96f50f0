//! Pods as the manifests' Deployment has them, played by podman.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::manifests::{CONTAINER, Manifests, POD, VARIANTS, probes};
use crate::{
    blocks::run_curl_lines,
    commands::{eventually, get, sh},
    podman::{DatabasePod, podman, try_podman},
    support::root,
};

/// Of the pod and of its Secret.
const NAME: &str = "order_demo_test_kubernetes";
/// In the pod's own network namespace.
const DATABASE_URL: &str = "mysql://user:passwd@127.0.0.1:3306/demo";
const SERVICE: &str = "order_demo_test_kubernetes-service";

/// A pod that podman plays. It is gone when this is dropped.
struct Pod {
    file: String,
    address: String,
    manifests: Manifests,
    _database: DatabasePod,
}

impl Pod {
    /// Plays the Deployment's pod, as a ReplicaSet makes it of the template, with its ConfigMap and its Secret; without
    /// what podman cannot do with it: it would run probes by a program inside of the container, and limits need control
    /// groups, which not every machine that runs these tests has.
    fn play(variant: &str, image: &str) -> Pod {
        let module = std::env::var("MODULE").unwrap_or_else(|_| "order_demo_service.wasm".into());
        assert!(root().join(&module).exists(), "{module} is missing: make build");
        sh(&format!("tests/deploy/scripts/kubernetes-images.sh {module}"));
        let manifests = Manifests::of(variant);
        let (mut config, mut secret) = (manifests.one("ConfigMap").clone(), manifests.one("Secret").clone());
        config["data"]["ALLOW_INIT"] = json!("true"); // README's first line
        secret["data"] = Value::Null;
        secret["stringData"] = json!({ "DATABASE_URL": DATABASE_URL });
        secret["metadata"]["name"] = json!(NAME); // podman keeps it among the user's own
        let mut pod = manifests.at("Deployment", POD).clone();
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = json!(NAME);
        let container = pod.pointer_mut("/spec/containers/0").unwrap().as_object_mut().unwrap();
        container.insert("image".into(), json!(format!("localhost/{image}")));
        container["envFrom"][1]["secretRef"]["name"] = json!(NAME);
        for name in ["startupProbe", "readinessProbe", "livenessProbe", "resources"] {
            container.remove(name);
        }
        let file = "target/kubernetes/played.yaml".to_string();
        fs::write(root().join(&file), format!("{config}\n---\n{secret}\n---\n{pod}\n")).unwrap();

        let database = DatabasePod::create("kubernetes", "target/kubernetes", |name| {
            try_podman(&format!("kube down --force {file} 2>/dev/null || true")); // of a run that was killed
            podman(&format!("kube play --start=false --network {name} {file} >/dev/null"));
        });
        database.start_database("");
        let started = Instant::now();
        podman(&format!("pod start {NAME}"));
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = podman(&format!("inspect {SERVICE} --format '{format}'"));
        let pod = Pod { file, address, manifests, _database: database };
        pod.wait_until_ready();
        let log = podman(&format!("logs {SERVICE} 2>&1"));
        assert!(!log.contains("runs interpreted"), "{log}");
        println!(
            "kubernetes: pod of {image} ready {:.2} s after 'podman pod start', {} MiB",
            started.elapsed().as_secs_f64(),
            pod.memory() >> 20
        );
        pod
    }

    fn wait_until_ready(&self) -> Duration {
        eventually("ready", 60, || get(&format!("http://{}:8080/readyz", self.address)).0 == 200)
    }

    /// The container's first process, by its number on this machine.
    fn process(&self) -> u32 {
        podman(&format!("inspect {SERVICE} --format '{{{{.State.Pid}}}}'")).parse().unwrap()
    }

    /// What the container's processes take of this machine's memory, in bytes.
    fn memory(&self) -> u64 {
        let first = self.process();
        let own =
            sh(&format!("ps -o rss= -p {first} --ppid {first} | awk '{{ sum += $1 }} END {{ print sum * 1024 }}'"));
        own.parse().unwrap()
    }

    /// Does what the kubelet does with probes: asks at the pod's address, from outside.
    fn probe(&self) {
        for (name, path, port) in probes(&self.manifests) {
            assert_eq!(port, "http");
            assert_eq!(get(&format!("http://{}:8080{path}", self.address)).0, 200, "{name}");
        }
    }

    /// Asserts that the kernel holds the process to what the security context says.
    fn has_no_privileges(&self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process())).unwrap();
        let is =
            |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().replace('\t', " ");
        assert_eq!(is("Uid:"), "65534 65534 65534 65534");
        assert_eq!(is("Gid:"), "65534 65534 65534 65534");
        assert_eq!(
            (is("CapBnd:").as_str(), is("NoNewPrivs:").as_str(), is("Seccomp:").as_str()),
            ("0000000000000000", "1", "2")
        );
        assert_eq!(podman(&format!("inspect {SERVICE} --format '{{{{.HostConfig.ReadonlyRootfs}}}}'")), "true");
    }

    /// With the one for this.
    fn active_requests(&self) -> usize {
        let (_, metrics) = get(&format!("http://{}:8080/metrics", self.address));
        let value = metrics.lines().find_map(|line| line.strip_prefix("http_server_active_requests "));
        value.and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// The restart policy: a container that ends is started again.
    fn comes_back_after_a_kill(&self) {
        let before = self.process();
        sh(&format!("scripts/podman-host.sh kill -KILL {before}"));
        eventually("started again", 30, || !matches!(self.process(), 0) && self.process() != before);
        self.wait_until_ready();
    }

    /// Ends the pod as the kubelet does (preStop, then SIGTERM, then the grace period) while a request is in flight, which
    /// has to get its answer. Gives how long it took.
    fn end_with_a_request_in_flight(self) -> Duration {
        let mut request = TcpStream::connect((self.address.as_str(), 8080)).unwrap();
        request.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        request.write_all(b"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 8\r\n\r\nhalf").unwrap();
        eventually("it is there, beside the one that asks", 5, || self.active_requests() >= 2);

        let asked = Instant::now();
        let container = self.manifests.at("Deployment", CONTAINER);
        if let Some(hook) = container.pointer("/lifecycle/preStop/httpGet") {
            let ports = container["ports"].as_array().unwrap();
            let port = &ports.iter().find(|port| port["name"] == hook["port"]).unwrap()["containerPort"];
            let url = format!("http://{}:{port}{}", self.address, hook["path"].as_str().unwrap());
            assert_eq!(get(&url).0, 202, "preStop");
        }
        // Not `kube down`: that takes the pod's network away while its containers are still ending.
        let stop = thread::spawn(|| podman(&format!("stop {SERVICE}")));
        eventually("not ready any more", 5, || get(&format!("http://{}:8080/readyz", self.address)).0 != 200);
        assert_eq!(get(&format!("http://{}:8080/livez", self.address)).0, 200, "balancers had no time to notice");
        eventually("nobody new is served", 15, || TcpStream::connect((self.address.as_str(), 8080)).is_err());
        request.write_all(b"done").unwrap();
        let mut answer = String::new();
        request.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("halfdone"), "{answer}");
        stop.join().unwrap();
        asked.elapsed()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        try_podman(&format!("kube down --force {}", self.file));
    }
}

/// Everything that holds for both.
fn runs_for_real(variant: &str, image: &str) {
    let pod = Pod::play(variant, image);
    pod.probe();
    run_curl_lines("README.md", &format!("{}:8080", pod.address));
    pod.has_no_privileges();
    pod.comes_back_after_a_kill();

    let took = pod.end_with_a_request_in_flight();

    println!("kubernetes: pod of {image} drained and ended in {:.1} s", took.as_secs_f64());
    assert!(took < Duration::from_secs(20), "it did not end by itself: {took:?}");
}

#[test]
fn the_wasm_pod_runs_as_its_manifest_says_and_drains_when_it_is_asked_by_the_kubelet() {
    runs_for_real(VARIANTS[0].0, VARIANTS[0].1);
}

#[test]
fn the_container_pod_runs_as_its_manifest_says_and_drains_on_sigterm() {
    runs_for_real(VARIANTS[1].0, VARIANTS[1].1);
}
