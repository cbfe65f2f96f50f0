//! The scratch image under podman and Debian's crun, which runs WebAssembly by itself, with a database that it finds by
//! name: the machine's MariaDB, in the network namespace of a pod of podman's. Needs root.

use std::{
    fs,
    process::{Command, Output},
    time::{Duration, Instant},
};

use crate::{
    certificates::Authority,
    commands::{eventually, get, sh},
    podman::{DatabasePod, podman, try_podman},
    readme::run_curl_lines,
    support::root,
};

/// Has crun run the module. Podman takes no annotation over from an image.
const WASM: &str = "--annotation run.oci.handler=wasm";
const LOCKED: &str = "--read-only --cap-drop all --security-opt no-new-privileges";
/// A name that only podman's DNS knows, and one that only the containers' /etc/hosts has.
const BY_DNS: &str = "mysql://user:passwd@database:3306/demo";
const BY_HOSTS: &str = "mysql://user:passwd@neighbour:3306/demo";
const INIT: &str = "CREATE DATABASE IF NOT EXISTS demo;
CREATE USER IF NOT EXISTS 'user'@'%' IDENTIFIED BY 'passwd';
GRANT ALL ON *.* TO 'user'@'%';
";
const SERVICE: &str = "order_demo_test_service";

/// A network namespace with a database in it, and room for one container.
struct Pod {
    pod: DatabasePod,
    /// Where its port 8080 is reached.
    address: String,
}

impl Pod {
    fn start() -> Pod {
        let pod = DatabasePod::create("oci", "target/oci", |name| {
            podman(&format!(
                "pod create --name {name} --network {name} --network-alias database --add-host neighbour:127.0.0.1 \
                 --publish 127.0.0.1::8080"
            ));
        });
        let address = podman(&format!("port {} 8080", pod.infra()));
        let authority = Authority::new("ours");
        let identity = authority.issue("database");
        let files = [
            ("ca.pem", authority.pem()),
            ("database.pem", identity.certificate),
            ("database.key", identity.key),
            ("init.sql", INIT.into()),
        ];
        for (name, text) in files {
            fs::write(root().join("target/oci").join(name), text).unwrap();
        }
        pod.start_database(
            "--bind-address=0.0.0.0 --init-file=$PWD/target/oci/init.sql --ssl-cert=$PWD/target/oci/database.pem \
             --ssl-key=$PWD/target/oci/database.key",
        );
        Pod { pod, address }
    }

    /// Starts an image as the container `service`, and gives it as soon as podman has done so.
    fn run(&self, image: &str, flags: &str, database_url: &str) -> Container<'_> {
        let started = Instant::now();
        podman(&format!(
            "run --detach --pod {} --name {SERVICE} {flags} --env DATABASE_URL={database_url} {image}",
            self.pod.name
        ));
        Container { pod: self, started }
    }
}

struct Container<'a> {
    pod: &'a Pod,
    started: Instant,
}

impl Container<'_> {
    /// Waits for the first 200 of /readyz and gives how long it took from the call of podman.
    fn ready(&self) -> Duration {
        let url = format!("http://{}/readyz", self.pod.address);
        eventually("ready", 60, || get(&url).0 == 200);
        self.started.elapsed()
    }

    fn log(&self) -> String {
        let Output { stdout, stderr, .. } = Command::new("scripts/podman-host.sh")
            .args(["podman", "logs", SERVICE])
            .current_dir(root())
            .output()
            .unwrap();
        String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned()
    }

    fn wait_for_log(&self, text: &str) {
        eventually(text, 60, || self.log().contains(text));
    }

    /// The number of the user that the module runs as.
    fn user(&self) -> String {
        sh(&format!("stat --format %u /proc/{}", podman(&format!("inspect --format '{{{{.State.Pid}}}}' {SERVICE}"))))
    }

    /// Waits for its end and gives the exit code.
    fn exit_code(&self) -> String {
        podman(&format!("wait {SERVICE}"))
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        try_podman(&format!("rm --force --time 0 {SERVICE}"));
    }
}

/// Bytes on disk.
fn size(image: &str) -> u64 {
    podman(&format!("image inspect --format '{{{{.Size}}}}' {image}")).parse().unwrap()
}

/// Builds what the file says, without its lines that have `without` in them, around `module`.
fn build(image: &str, module: &str, without: &str) {
    sh(&format!(
        "mkdir -p target/oci/build && cp deploy/scratch/services target/oci/build/
         cp {module} target/oci/build/order_demo_service.wasm
         grep -v '{without}' deploy/scratch/Containerfile >target/oci/build/Containerfile"
    ));
    podman(&format!("build --quiet --tag {image} target/oci/build"));
}

#[test]
fn the_image_answers_the_curl_lines_as_nobody_on_a_root_that_cannot_be_written() {
    let pod = Pod::start();
    let native = pod.run("order_demo_service:native", "", BY_DNS).ready();

    let container = pod.run("order_demo_service:scratch", &format!("{WASM} {LOCKED}"), BY_DNS);
    let ready = container.ready();
    run_curl_lines(&pod.address);

    assert!(!container.log().contains("interpreted"), "{}", container.log());
    assert_eq!(container.user(), "65534");
    let (scratch, debian) = (size("order_demo_service:scratch"), size("order_demo_service:native"));
    let module = fs::metadata(root().join("order_demo_service.wasm")).unwrap().len();
    assert!(scratch < module + 32_768, "{scratch} bytes for a module of {module}");
    println!("oci: image {scratch} bytes, ready after {:.1} s", ready.as_secs_f64());
    println!("oci: the native build on Debian: image {debian} bytes, ready after {:.1} s", native.as_secs_f64());
}

#[test]
fn names_resolve_by_hosts_and_by_dns_and_only_with_the_file_that_is_shipped() {
    let pod = Pod::start();
    build("order_demo_service:without-services", "order_demo_service.wasm", "^COPY services");

    for url in [BY_DNS, BY_HOSTS] {
        pod.run("order_demo_service:scratch", WASM, url).ready();
        let without = pod.run("order_demo_service:without-services", WASM, url);
        without.wait_for_log("waiting for the database: ");

        assert!(without.log().contains("could not resolve to any address"), "{url}: {}", without.log());
    }
    podman("rmi --force order_demo_service:without-services");
}

#[test]
fn the_database_s_certificate_is_checked_against_a_file_that_is_mounted() {
    let pod = Pod::start();
    let url = format!("{BY_DNS}?require_ssl=true");
    let file = "--volume $PWD/target/oci/ca.pem:/ca.pem:ro --env SSL_CERT_FILE=/ca.pem";

    pod.run("order_demo_service:scratch", &format!("{WASM} {LOCKED} {file}"), &url).ready();
    let without = pod.run("order_demo_service:scratch", WASM, &url);
    without.wait_for_log("waiting for the database: ");

    assert!(without.log().contains("unknown issuer"), "{}", without.log());
}

#[test]
fn post_drain_from_within_its_network_ends_the_container_as_it_should() {
    let pod = Pod::start();
    let settings = "--env ADMIN_BIND=127.0.0.1:8081 --env DRAIN_DELAY=0.2";
    let container = pod.run("order_demo_service:scratch", &format!("{WASM} {settings}"), BY_DNS);
    container.ready();

    pod.pod.within("curl --silent --fail --request POST http://127.0.0.1:8081/drain");

    assert_eq!(container.exit_code(), "0");
    assert!(container.log().contains("drained"), "{}", container.log());
}

/// What README says of it.
#[test]
fn crun_hears_no_sigterm_and_says_0_of_a_failure() {
    let pod = Pod::start();
    {
        let container = pod.run("order_demo_service:scratch", WASM, BY_DNS);
        container.ready();
        podman(&format!("stop --time 1 {SERVICE}"));
        assert_eq!(container.exit_code(), "137", "{}", container.log());
    }
    let container = pod.run("order_demo_service:scratch", WASM, "nonsense");

    assert_eq!(container.exit_code(), "0");
    assert!(container.log().contains("the configuration is not usable"), "{}", container.log());
}

#[test]
fn a_module_that_is_not_compiled_runs_too_on_any_processor() {
    let module = "target/wasm32-wasip1/release/order_demo_service.lowered.wasm";
    let pod = Pod::start();
    build("order_demo_service:portable", module, "^$");

    let container = pod.run("order_demo_service:portable", WASM, BY_DNS);
    let ready = container.ready();

    assert!(container.log().contains("interpreted"), "{}", container.log());
    let size = size("order_demo_service:portable");
    println!("oci: interpreted: image {size} bytes, ready after {:.1} s", ready.as_secs_f64());
    drop(container);
    podman("rmi --force order_demo_service:portable");
}
