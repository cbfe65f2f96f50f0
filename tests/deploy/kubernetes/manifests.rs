//! The manifests: valid for Kubernetes, and fitting together.

use std::{collections::BTreeSet, fs, sync::OnceLock};

use serde_json::{Value, json};
use service::config::VARIABLES;

use crate::{commands::sh, support::root};

/// The oldest Kubernetes that knows every field (`unhealthyPodEvictionPolicy`, `matchLabelKeys`, on without a switch), and
/// the newest that the validator knows.
const VERSIONS: [&str; 2] = ["1.30", "1.37"];

/// What `kubectl apply -k` is given, and the image that stands for its own in these tests.
pub const VARIANTS: [(&str, &str); 2] =
    [(".", "order_demo_service:scratch"), ("container", "order_demo_service:container")];

const TOOL: &str = "tests/deploy/scripts/kubernetes.sh";
const NAMESPACE: &str = "/metadata/namespace";
pub const POD: &str = "/spec/template";
pub const CONTAINER: &str = "/spec/template/spec/containers/0";
const SELECTED: &str = "/spec/template/metadata/labels";

/// A copy of the manifests with the secrets of secret.example.env, so that nobody's own are touched.
fn manifests() -> &'static str {
    static COPY: OnceLock<()> = OnceLock::new();
    const FOLDER: &str = "target/kubernetes/manifests";
    COPY.get_or_init(|| {
        sh(&format!("{TOOL} setup"));
        sh(&format!("rm -rf {FOLDER} && mkdir -p {FOLDER} && cp -r deploy/kubernetes/. {FOLDER}"));
        sh(&format!("cp {FOLDER}/base/secret.example.env {FOLDER}/base/secret.env"));
    });
    FOLDER
}

pub struct Manifests(Vec<Value>);

impl Manifests {
    pub fn of(variant: &str) -> Manifests {
        let text = sh(&format!("{TOOL} render {}/{variant} | {TOOL} json", manifests()));
        Manifests(serde_json::from_str(&text).unwrap())
    }

    pub fn one(&self, kind: &str) -> &Value {
        let mut found = self.0.iter().filter(|object| object["kind"] == kind);
        let one = found.next().unwrap_or_else(|| panic!("there is no {kind}"));
        assert!(found.next().is_none(), "there are two of {kind}");
        one
    }

    pub fn at(&self, kind: &str, path: &str) -> &Value {
        self.one(kind).pointer(path).unwrap_or_else(|| panic!("{kind} has nothing at {path}"))
    }

    fn number(&self, kind: &str, path: &str) -> f64 {
        number(self.at(kind, path))
    }

    /// The value of a setting that the ConfigMap has, or its default.
    fn setting(&self, name: &str) -> f64 {
        let default = VARIABLES.iter().find(|variable| variable.name == name).unwrap().default;
        self.one("ConfigMap")["data"][name].as_str().or(default).unwrap().parse().unwrap()
    }
}

/// A number as Kubernetes writes them: 2, "1", "600m", "256Mi".
fn number(value: &Value) -> f64 {
    let text = value.to_string().replace('"', "");
    let (digits, unit) = text.split_at(text.trim_end_matches(char::is_alphabetic).len());
    let unit = match unit {
        "" => 1.0,
        "m" => 0.001,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        unit => panic!("{unit} in {text}"),
    };
    digits.parse::<f64>().unwrap_or_else(|_| panic!("{text} is no number")) * unit
}

#[test]
fn every_manifest_is_valid_for_the_oldest_and_the_newest_kubernetes() {
    for (variant, _) in VARIANTS {
        let file = format!("{}/../{}.yaml", manifests(), variant.replace('.', "wasm"));
        sh(&format!("{TOOL} render {}/{variant} >{file}", manifests()));
        for version in VERSIONS {
            let said = sh(&format!("{TOOL} validate {version} {file} deploy/kubernetes/runtimeclass.yaml"));
            assert_eq!(said.matches(" passed ").count(), Manifests::of(variant).0.len() + 1, "{said}");
            assert!(!said.contains("WARN"), "something is deprecated: {said}");
        }
    }
}

#[test]
fn a_manifest_with_a_field_that_kubernetes_does_not_know_or_of_a_wrong_type_is_found() {
    let whole = sh(&format!("{TOOL} render {}", manifests()));
    let file = format!("{}/../broken.yaml", manifests());
    let broken = [
        (
            "runtimeClassName:",
            "runtimeClass:",
            "spec.template.spec: Additional properties are not allowed ('runtimeClass'",
        ),
        ("runAsNonRoot: true", "runAsNonRoot: maybe", "spec.template.spec.securityContext.runAsNonRoot: 'maybe'"),
        ("maxReplicas: 8", "maxReplicas: many", "spec.maxReplicas: 'many'"),
        ("maxUnavailable: 1\n", "maxUnavailble: 1\n", "spec: Additional properties are not allowed ('maxUnavailble'"),
        ("containerPort: 8080", "containerPort: http", "spec.template.spec.containers.0.ports.0.containerPort: 'http'"),
    ];

    for (right, wrong, reason) in broken {
        assert!(whole.contains(right), "{right} is not there");
        fs::write(root().join(&file), whole.replace(right, wrong)).unwrap();
        let said = sh(&format!("{TOOL} validate 1.37 {file} 2>&1 || echo failed"));

        assert!(said.contains(reason) && said.ends_with("failed"), "{wrong}: {said}");
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
        // Those that drain are no longer counted by the Deployment, and keep their connections until they end.
        let draining = 3.0;
        let most = all.number("HorizontalPodAutoscaler", "/spec/maxReplicas")
            + all.number("Deployment", "/spec/strategy/rollingUpdate/maxSurge")
            + draining;
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
        // Smaller bodies, of 64 KiB at most, are not among MAX_BODIES_BYTES.
        let clients = all.setting("MAX_BODIES_BYTES") + all.setting("MAX_CONNECTIONS") * 64.0 * 1024.0;
        assert!(resource("limits/memory") >= 153.0 * mib + clients, "less than it may take");
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
    let class = sh(&format!("{TOOL} json <deploy/kubernetes/runtimeclass.yaml"));
    assert!(class.contains(r#""metadata": {"name": "wasmedge"}"#), "{class}");
    assert_eq!(spec(&wasm, "/metadata/annotations/module.wasm.image~1variant"), Some(json!("compat-smart")));
    assert_eq!(spec(&container, "/spec/runtimeClassName"), None);
    assert_eq!(spec(&container, "/metadata/annotations/module.wasm.image~1variant"), None);
    assert_eq!(spec(&container, "/spec/containers/0/lifecycle"), None);
}

/// Name, path and port of each probe.
pub fn probes(all: &Manifests) -> Vec<(&'static str, String, Value)> {
    ["startupProbe", "readinessProbe", "livenessProbe"]
        .into_iter()
        .map(|name| {
            let get = all.at("Deployment", &format!("{CONTAINER}/{name}/httpGet"));
            (name, get["path"].as_str().unwrap().to_string(), get["port"].clone())
        })
        .collect()
}
