//! The manifests in deploy/kubernetes: valid, fitting together, and played by podman, with this test in the kubelet's
//! part (probes, preStop). deploy/kubernetes/README.md says what of them nothing here can show.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpStream,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use service::config::VARIABLES;

use crate::{
    commands::{eventually, get, root, sh},
    readme::run_curl_lines,
};

/// The oldest Kubernetes that knows every field (`unhealthyPodEvictionPolicy`, `matchLabelKeys`, on without a switch), and
/// the newest that the validator knows.
const VERSIONS: [&str; 2] = ["1.30", "1.37"];

/// What `kubectl apply -k` is given, and the image that stands for its own in these tests.
const VARIANTS: [(&str, &str); 2] =
    [(".", "order_demo_service:scratch"), ("container", "order_demo_service:container")];

const NAMESPACE: &str = "/metadata/namespace";
const POD: &str = "/spec/template";
const CONTAINER: &str = "/spec/template/spec/containers/0";
const SELECTED: &str = "/spec/template/metadata/labels";

/// A copy of the manifests with the secrets of secret.example.env, so that nobody's own are touched.
fn manifests() -> &'static str {
    static COPY: OnceLock<()> = OnceLock::new();
    const FOLDER: &str = "target/kubernetes/manifests";
    COPY.get_or_init(|| {
        sh("scripts/kubernetes.sh setup");
        sh(&format!("rm -rf {FOLDER} && mkdir -p {FOLDER} && cp -r deploy/kubernetes/. {FOLDER}"));
        sh(&format!("cp {FOLDER}/base/secret.example.env {FOLDER}/base/secret.env"));
    });
    FOLDER
}

struct Manifests(Vec<Value>);

impl Manifests {
    fn of(variant: &str) -> Manifests {
        let text = sh(&format!("scripts/kubernetes.sh render {}/{variant} | scripts/kubernetes.sh json", manifests()));
        Manifests(serde_json::from_str(&text).unwrap())
    }

    fn one(&self, kind: &str) -> &Value {
        let mut found = self.0.iter().filter(|object| object["kind"] == kind);
        let one = found.next().unwrap_or_else(|| panic!("there is no {kind}"));
        assert!(found.next().is_none(), "there are two of {kind}");
        one
    }

    fn at(&self, kind: &str, path: &str) -> &Value {
        self.one(kind).pointer(path).unwrap_or_else(|| panic!("{kind} has nothing at {path}"))
    }

    fn number(&self, kind: &str, path: &str) -> f64 {
        quantity(self.at(kind, path))
    }

    /// The value of a setting that the ConfigMap has, or its default.
    fn setting(&self, name: &str) -> f64 {
        let default = VARIABLES.iter().find(|variable| variable.name == name).unwrap().default;
        self.one("ConfigMap")["data"][name].as_str().or(default).unwrap().parse().unwrap()
    }
}

/// A number as Kubernetes writes them: 2, "1", "600m", "256Mi".
fn quantity(value: &Value) -> f64 {
    let text = value.to_string().replace('"', "");
    let (digits, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let unit = match unit {
        "" => 1.0,
        "m" => 0.001,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        unit => panic!("{unit} in {text}"),
    };
    digits.parse::<f64>().unwrap_or_else(|_| panic!("{text} is no quantity")) * unit
}

#[test]
fn every_manifest_is_valid_for_the_oldest_and_the_newest_kubernetes() {
    for (variant, _) in VARIANTS {
        let file = format!("{}/../{}.yaml", manifests(), variant.replace('.', "wasm"));
        sh(&format!("scripts/kubernetes.sh render {}/{variant} >{file}", manifests()));
        for version in VERSIONS {
            let said =
                sh(&format!("scripts/kubernetes.sh validate {version} {file} deploy/kubernetes/runtimeclass.yaml"));
            assert_eq!(said.matches(" passed ").count(), Manifests::of(variant).0.len() + 1, "{said}");
            assert!(!said.contains("WARN"), "something is deprecated: {said}");
        }
    }
}

#[test]
fn a_manifest_with_a_field_that_kubernetes_does_not_know_or_of_a_wrong_type_is_found() {
    let whole = sh(&format!("scripts/kubernetes.sh render {}", manifests()));
    let file = format!("{}/../broken.yaml", manifests());
    let broken = [
        ("runtimeClassName:", "runtimeClass:"),
        ("runAsNonRoot: true", "runAsNonRoot: maybe"),
        ("maxReplicas: 8", "maxReplicas: many"),
        ("maxUnavailable: 1\n", "maxUnavailble: 1\n"),
        ("containerPort: 8080", "containerPort: http"),
    ];

    for (right, wrong) in broken {
        assert!(whole.contains(right), "{right} is not there");
        fs::write(root().join(&file), whole.replace(right, wrong)).unwrap();
        let said = sh(&format!("scripts/kubernetes.sh validate 1.37 {file} 2>&1 && echo valid || true"));

        assert!(!said.ends_with("valid"), "{wrong} was not found");
    }
}

#[test]
fn the_manifests_fit_together() {
    for (variant, _) in VARIANTS {
        let all = Manifests::of(variant);
        let labels = all.at("Deployment", SELECTED).as_object().unwrap();
        let selectors = [
            ("Deployment", "/spec/selector/matchLabels"),
            ("Deployment", "/spec/template/spec/topologySpreadConstraints/0/labelSelector/matchLabels"),
            ("Service", "/spec/selector"),
            ("PodDisruptionBudget", "/spec/selector/matchLabels"),
            ("NetworkPolicy", "/spec/podSelector/matchLabels"),
        ];
        for (kind, path) in selectors {
            for (name, value) in all.at(kind, path).as_object().unwrap() {
                assert_eq!(labels.get(name), Some(value), "{kind}{path} selects other pods");
            }
        }

        let ports = all.at("Deployment", &format!("{CONTAINER}/ports")).as_array().unwrap();
        let port = |name: &Value| ports.iter().find(|port| port["name"] == *name).expect("a port that is not there");
        assert_eq!(port(all.at("Service", "/spec/ports/0/targetPort"))["containerPort"], 8080);
        let allowed = all.at("NetworkPolicy", "/spec/ingress").as_array().unwrap();
        assert!(
            allowed.len() == 1 && allowed[0]["ports"] == json!([{ "port": "http" }]),
            "others reach more: {allowed:?}"
        );
        for (_, path, name) in probes(&all) {
            assert_eq!((port(&name)["containerPort"].as_u64(), path.ends_with("z")), (Some(8080), true));
        }
        assert_eq!(
            all.at("Deployment", &format!("{POD}/metadata/annotations/prometheus.io~1port")),
            &json!(port(&json!("http"))["containerPort"].to_string())
        );

        let target = all.at("HorizontalPodAutoscaler", "/spec/scaleTargetRef");
        let deployment = all.one("Deployment");
        for (ours, theirs) in [("kind", "/kind"), ("apiVersion", "/apiVersion"), ("name", "/metadata/name")] {
            assert_eq!(Some(&target[ours]), deployment.pointer(theirs));
        }
        assert!(deployment["spec"].get("replicas").is_none(), "applying it would undo what the autoscaler did");
        for object in all.0.iter().filter(|object| object["kind"] != "Namespace") {
            assert_eq!(object.pointer(NAMESPACE), Some(&all.one("Namespace")["metadata"]["name"]));
        }
    }
}

#[test]
fn the_figures_fit_together() {
    for (variant, _) in VARIANTS {
        let all = Manifests::of(variant);
        let most = all.number("HorizontalPodAutoscaler", "/spec/maxReplicas")
            + all.number("Deployment", "/spec/strategy/rollingUpdate/maxSurge");
        assert!(most * all.setting("DB_POOL_SIZE") <= 151.0, "more than MariaDB's default of max_connections");

        let least = all.number("HorizontalPodAutoscaler", "/spec/minReplicas");
        assert!(all.number("PodDisruptionBudget", "/spec/maxUnavailable") < least, "none would be left");

        let grace = all.number("Deployment", &format!("{POD}/spec/terminationGracePeriodSeconds"));
        assert!(grace > all.setting("DRAIN_DELAY") + all.setting("DRAIN_TIMEOUT") + 5.0, "a drain would be cut off");

        let resource = |path| all.number("Deployment", &format!("{CONTAINER}/resources/{path}"));
        let cpu = all.number("HorizontalPodAutoscaler", "/spec/metrics/0/resource/target/averageValue");
        assert!(resource("requests/cpu") <= cpu && cpu < resource("limits/cpu"), "it would never be reached");
        let mib = 1024.0 * 1024.0;
        assert!(resource("requests/memory") >= 82.0 * mib, "less than it takes when idle");
        assert!(resource("limits/memory") >= 153.0 * mib + all.setting("MAX_BODIES_BYTES"), "less than it may take");
    }
}

#[test]
fn every_setting_that_is_given_is_one_that_the_service_knows() {
    for (variant, _) in VARIANTS {
        let all = Manifests::of(variant);
        let keys = |kind| all.at(kind, "/data").as_object().unwrap().keys().cloned();
        let mut given: BTreeSet<String> = keys("ConfigMap").chain(keys("Secret")).collect();
        for file in ["settings.env", "secret.example.env"] {
            let text = fs::read_to_string(root().join("deploy/kubernetes/base").join(file)).unwrap();
            let names = text.lines().filter_map(|line| line.trim_start_matches("# ").split_once('='));
            given.extend(names.map(|(name, _)| name.to_string()).filter(|name| !name.contains([' ', '"'])));
        }

        for name in &given {
            assert!(VARIABLES.iter().any(|variable| variable.name == name), "there is no setting {name}");
        }
        assert!(given.contains("DATABASE_URL") && given.contains("EVENT_SINKS"), "{given:?}");
        let config = all.one("ConfigMap")["data"].to_string();
        for secret in ["DATABASE_URL", "API_TOKENS", "EVENT_SINKS", "EVENT_SECRET", "APP_API_TOKEN"] {
            assert!(!config.contains(secret), "{secret} is a secret");
        }
        let from = all.at("Deployment", &format!("{CONTAINER}/envFrom"));
        assert_eq!(from[0]["configMapRef"]["name"], all.one("ConfigMap")["metadata"]["name"]);
        assert_eq!(from[1]["secretRef"]["name"], all.one("Secret")["metadata"]["name"]);
    }
}

/// The Pod Security Standard 'restricted', and more: <https://kubernetes.io/docs/concepts/security/pod-security-standards/>.
#[test]
fn the_pods_may_do_nothing_that_they_need_not() {
    for (variant, _) in VARIANTS {
        let all = Manifests::of(variant);
        let pod = all.at("Deployment", "/spec/template/spec");
        let both = [
            (
                pod,
                "/securityContext",
                json!({ "runAsNonRoot": true, "runAsUser": 65534, "runAsGroup": 65534,
                "seccompProfile": { "type": "RuntimeDefault" } }),
            ),
            (pod, "/automountServiceAccountToken", json!(false)),
            (pod, "/enableServiceLinks", json!(false)),
            (
                pod,
                "/containers/0/securityContext",
                json!({ "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true, "capabilities": { "drop": ["ALL"] } }),
            ),
        ];
        for (object, path, value) in both {
            assert_eq!(object.pointer(path), Some(&value), "{path}");
        }
        for name in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "initContainers"] {
            assert!(pod.get(name).is_none(), "{name}");
        }
        for volume in pod.get("volumes").and_then(Value::as_array).into_iter().flatten() {
            assert!(volume.get("emptyDir").is_some(), "{volume}");
        }
        let namespace = all.at("Namespace", "/metadata/labels/pod-security.kubernetes.io~1enforce");
        assert_eq!(namespace, "restricted");
    }
}

#[test]
fn the_wasm_pod_has_its_runtime_class_and_the_other_needs_none() {
    let [wasm, container] = VARIANTS.map(|(variant, _)| Manifests::of(variant));
    let spec = |all: &Manifests, path: &str| all.one("Deployment").pointer(&format!("{POD}{path}")).cloned();

    assert_eq!(spec(&wasm, "/spec/runtimeClassName"), Some(json!("wasmedge")));
    let class = sh("scripts/kubernetes.sh json <deploy/kubernetes/runtimeclass.yaml");
    assert!(class.contains(r#""metadata": {"name": "wasmedge"}"#), "{class}");
    assert_eq!(spec(&wasm, "/metadata/annotations/module.wasm.image~1variant"), Some(json!("compat-smart")));
    assert_eq!(spec(&container, "/spec/runtimeClassName"), None);
    assert_eq!(spec(&container, "/metadata/annotations/module.wasm.image~1variant"), None);
    assert_eq!(spec(&container, "/spec/containers/0/lifecycle"), None);
}

/// Name, path and port of each probe.
fn probes(all: &Manifests) -> Vec<(&'static str, String, Value)> {
    ["startupProbe", "readinessProbe", "livenessProbe"]
        .into_iter()
        .map(|name| {
            let get = all.at("Deployment", &format!("{CONTAINER}/{name}/httpGet"));
            (name, get["path"].as_str().unwrap().to_string(), get["port"].clone())
        })
        .collect()
}

/// A MariaDB on this machine that pods reach. Stopped when dropped.
struct Database(String);

impl Database {
    fn start() -> Database {
        let users = root().join("target/kubernetes/users.sql");
        fs::create_dir_all(users.parent().unwrap()).unwrap();
        fs::write(
            &users,
            "CREATE DATABASE IF NOT EXISTS demo;\nCREATE USER IF NOT EXISTS 'user'@'%' IDENTIFIED BY 'passwd';\n\
             GRANT ALL ON *.* TO 'user'@'%';\n",
        )
        .unwrap();
        let options = format!("--bind-address=0.0.0.0 --init-file={}", users.display());
        let url = sh(&format!("scripts/database.sh start target/kubernetes/mariadb {options} || [ $? = 3 ]"));
        Database(url)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        sh("scripts/database.sh stop target/kubernetes/mariadb");
    }
}

/// A pod that podman plays. It is gone when this is dropped.
struct Pod {
    file: String,
    address: String,
    manifests: Manifests,
    _database: Database,
}

fn podman(arguments: &str) -> String {
    sh(&format!("scripts/podman-host.sh podman {arguments}"))
}

impl Pod {
    /// Plays the Deployment's pod, as a ReplicaSet makes it of the template, with its ConfigMap and its Secret; without
    /// what podman cannot do with it: it would run probes by a program inside of the container, and limits need control
    /// groups, which not every machine that runs these tests has.
    fn play(variant: &str, image: &str) -> Pod {
        let module = std::env::var("MODULE").unwrap_or_else(|_| "order_demo_service.wasm".into());
        assert!(root().join(&module).exists(), "{module} is missing: make build");
        sh(&format!("scripts/kubernetes-images.sh {module}"));
        podman("network exists kubernetes-test || scripts/podman-host.sh podman network create kubernetes-test");
        let gateway = podman("network inspect kubernetes-test --format '{{(index .Subnets 0).Gateway}}'");
        let database = Database::start();

        let manifests = Manifests::of(variant);
        let (mut config, mut secret) = (manifests.one("ConfigMap").clone(), manifests.one("Secret").clone());
        config["data"]["ALLOW_INIT"] = json!("true"); // README's first line
        secret["data"] = Value::Null;
        secret["stringData"] = json!({ "DATABASE_URL": database.0.replace("127.0.0.1", &gateway) });
        let mut pod = manifests.at("Deployment", POD).clone();
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = json!("order-demo-service");
        let container = pod.pointer_mut("/spec/containers/0").unwrap().as_object_mut().unwrap();
        container.insert("image".into(), json!(format!("localhost/{image}")));
        for name in ["startupProbe", "readinessProbe", "livenessProbe", "resources"] {
            container.remove(name);
        }
        let file = "target/kubernetes/played.yaml".to_string();
        fs::write(root().join(&file), format!("{config}\n---\n{secret}\n---\n{pod}\n")).unwrap();

        podman(&format!("kube down --force {file} >/dev/null 2>&1 || true"));
        let started = Instant::now();
        podman(&format!("kube play --network kubernetes-test {file} >/dev/null"));
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = podman(&format!("inspect order-demo-service-service --format '{format}'"));
        let pod = Pod { file, address, manifests, _database: database };
        pod.wait_until_ready();
        let log = podman("logs order-demo-service-service 2>&1");
        assert!(!log.contains("runs interpreted"), "{log}");
        println!(
            "kubernetes: pod of {image} ready {:.2} s after 'podman kube play', {} MiB",
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
        podman("inspect order-demo-service-service --format '{{.State.Pid}}'").parse().unwrap()
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
        assert_eq!(podman("inspect order-demo-service-service --format '{{.HostConfig.ReadonlyRootfs}}'"), "true");
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
        thread::sleep(Duration::from_millis(300)); // until it is there

        let asked = Instant::now();
        let container = self.manifests.at("Deployment", CONTAINER);
        if let Some(hook) = container.pointer("/lifecycle/preStop/httpGet") {
            let ports = container["ports"].as_array().unwrap();
            let port = &ports.iter().find(|port| port["name"] == hook["port"]).unwrap()["containerPort"];
            let url = format!("http://{}:{port}{}", self.address, hook["path"].as_str().unwrap());
            assert_eq!(get(&url).0, 202, "preStop");
        }
        // Not `kube down`: that takes the pod's network away while its containers are still ending.
        let stop = thread::spawn(|| podman("stop order-demo-service-service"));
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
        podman(&format!("kube down --force {} >/dev/null 2>&1 || true", self.file));
        podman("pod rm --force --time 0 --ignore order-demo-service >/dev/null 2>&1 || true");
    }
}

/// Everything that holds for both.
fn runs_for_real(variant: &str, image: &str) {
    let pod = Pod::play(variant, image);
    pod.probe();
    run_curl_lines(&format!("{}:8080", pod.address));
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
