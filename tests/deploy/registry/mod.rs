//! A registry, Debian's `docker-registry` on loopback: the module is pushed to it as a Wasm artifact, fetched, compiled
//! once and run; what is not what it says it is never runs.

mod fixtures;

use std::fs;

use serde_json::json;

use self::fixtures::{Cache, Container, Database, Killed, Registry, Service, digest_of, run, run_to_its_end, scratch};
use crate::{
    blocks::{run_curl_lines, steps},
    commands::{eventually, get, sh},
    podman::podman,
    support::{free_port, root},
};

const MODULE: &str = "target/wasm32-wasip1/release/order_demo_service.lowered.wasm";
/// `(module (func (export "_start")))`: does nothing, and exits with 0.
const NOTHING: &[u8] =
    b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x0a\x01\x06_start\0\0\x0a\x04\x01\x02\0\x0b";

#[test]
fn a_module_comes_back_as_it_was_pushed_and_is_compiled_once_for_all_starts() {
    let registry = Registry::start();
    let database = Database::start();
    let cache = Cache::empty("cold");

    let pinned = registry.push("demo/service:1.0", MODULE);
    let (mut first, mut second) =
        (Service::start(&pinned, &cache, &database), registry.run("demo/service:1.0", &cache, &database));
    let cold = first.ready();
    second.ready();
    drop((first, second));
    let mut warm = Service::start(&pinned, &cache, &database);
    let warm_time = warm.ready();
    run_curl_lines("README.md", &warm.address);
    drop(warm);
    drop(registry);
    let mut alone = Service::start(&pinned, &cache, &database);
    alone.ready();

    println!(
        "registry: module {} bytes, first start {:.1} s (fetched, compiled), later {:.3} s",
        fs::metadata(root().join(MODULE)).unwrap().len(),
        cold.as_secs_f64(),
        warm_time.as_secs_f64()
    );
    assert_eq!(cache.read("module"), fs::read(root().join(MODULE)).unwrap());
    assert_eq!(cache.compilations(), 1, "{}", cache.log());
}

#[test]
fn the_commands_of_the_page_push_the_module_and_run_it() {
    let registry = Registry::start();
    let database = Database::start();
    let cache = Cache::kept("cold"); // where the test above has compiled it
    let commands: Vec<String> = steps("docs/deploy.md", "make push")
        .iter()
        .map(|step| step.command.replace("registry.example", &registry.address))
        .map(|command| command.replace("mysql://user:passwd@127.0.0.1:3306/demo", &database.url))
        .collect();

    let pushed = sh(&commands[0]);
    let mut service = Service::start_by(&commands[1], &cache);
    service.ready();

    assert!(pushed.contains(&format!("{}/demo/service@sha256:", registry.address)), "{pushed}");
}

#[test]
fn what_is_pushed_has_the_layout_that_cncf_describes_and_the_same_digest_each_time() {
    let registry = Registry::start();
    let wasm = digest_of(&fs::read(root().join(MODULE)).unwrap());

    let pinned = registry.push("demo/service:1.0", MODULE);
    let again = registry.push("demo/service:2.0", MODULE);

    let manifest = registry.json(&pinned, "manifests", pinned.rsplit_once('@').unwrap().1);
    let config = registry.json(&pinned, "blobs", manifest["config"]["digest"].as_str().unwrap());
    assert_eq!(pinned, again);
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["layers"][0]["digest"], wasm);
    assert_eq!(config["architecture"], "wasm");
    assert_eq!(config["os"], "wasip1");
    assert_eq!(config["layerDigests"], json!([wasm]));
    assert!(config["created"].as_str().is_some_and(|time| time.ends_with('Z')), "{config}");
}

#[test]
fn the_sbom_and_the_licences_are_found_by_the_digest_of_what_was_pushed() {
    let registry = Registry::start();
    sh("scripts/sbom.sh");

    let pinned = registry.push_with(
        "demo/service:1.0",
        MODULE,
        "target/order_demo_service.cdx.json target/order_demo_service.licenses.txt",
    );

    let digest = pinned.rsplit_once('@').unwrap().1;
    let beside = registry.json(&pinned, "manifests", &format!("{}.sbom", digest.replace(':', "-")));
    let bom = registry.json(&pinned, "blobs", beside["layers"][0]["digest"].as_str().unwrap());
    assert_eq!(beside["subject"]["digest"], digest);
    assert_eq!(beside["artifactType"], "application/vnd.cyclonedx+json");
    assert_eq!(bom["bomFormat"], "CycloneDX");
    assert_eq!(beside["layers"][1]["annotations"]["org.opencontainers.image.title"], "order_demo_service.licenses.txt");
}

#[test]
fn a_push_with_a_file_that_is_not_there_fails_and_pushes_nothing() {
    let registry = Registry::start();
    let module = scratch("pushed.wasm", NOTHING);
    let name = format!("{}/demo/service", registry.address);

    for files in
        ["target/registry/nowhere.wasm".to_string(), format!("{module} orders.json target/registry/nowhere.json")]
    {
        let said = sh(&format!("scripts/push.sh {name}:1.0 {files} 2>&1 || echo failed with $?"));

        assert!(said.contains("nowhere") && said.ends_with("failed with 1"), "{said}");
        assert_eq!(get(&format!("http://{}/v2/_catalog", registry.address)), (200, "{\"repositories\":[]}\n".into()));
    }
}

#[test]
fn what_was_changed_in_the_registry_is_refused_and_nothing_of_it_is_kept() {
    let registry = Registry::start();
    let cache = Cache::empty("tampered");
    let pinned = registry.push("demo/service:1.0", &scratch("tampered.wasm", NOTHING));
    // Another module, as good as the first one.
    registry.tamper(&digest_of(NOTHING), |blob| blob.extend([0, 2, 1, b'x']));

    let by_tag = run_to_its_end(&format!("{}/demo/service:1.0", registry.address), &cache);
    let by_digest = run_to_its_end(&pinned, &cache);

    for refused in [by_tag, by_digest] {
        assert!(!refused.status.success(), "{refused:?}");
        assert!(!refused.stderr.is_empty());
    }
    assert_eq!(cache.files(), Vec::<String>::new());
}

#[test]
fn another_manifest_than_the_one_that_was_asked_for_by_its_digest_is_refused() {
    let registry = Registry::start();
    let cache = Cache::empty("exchanged");
    let old = registry.push("demo/service:1.0", &scratch("old.wasm", NOTHING));
    let new = registry.push("demo/service:1.1", &scratch("new.wasm", &[NOTHING, &[0, 2, 1, b'x']].concat()));
    let digest = |pinned: &str| pinned.rsplit_once('@').unwrap().1.to_string();
    assert!(run_to_its_end(&old, &cache).status.success());
    let old_manifest = registry.blob(&digest(&old));
    registry.tamper(&digest(&new), |manifest| *manifest = old_manifest);

    let refused = run_to_its_end(&new, &cache);

    assert!(!refused.status.success(), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains(&digest(&old)), "{refused:?}");
}

#[test]
fn what_is_no_module_for_wasip1_is_refused() {
    let registry = Registry::start();
    let cache = Cache::empty("refused");
    let module = scratch("refused.wasm", NOTHING);
    let path = registry.push_with("demo/service:1.0", &module, "orders.json");
    let text = path.replace("@sha256:", ":sha256-") + ".sbom";
    // As other tools push a component.
    let component = format!("{}/demo/component:1.0", registry.address);
    sh(&format!(
        "sed s/wasip1/wasip2/ scripts/push.sh >target/registry/push.sh && bash target/registry/push.sh {component} {module}"
    ));

    let script = registry.push("demo/script:1.0", &scratch("script.wasm", b"#!/bin/sh\n"));

    for (reference, reason) in
        [(text, "not a Wasm artifact of one module"), (component, "not for wasip1"), (script, "no WebAssembly")]
    {
        let refused = run_to_its_end(&reference, &cache);

        assert!(!refused.status.success(), "{reference}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains(reason), "{refused:?}");
    }
    assert_eq!(cache.files(), Vec::<String>::new());
}

#[test]
fn a_module_of_which_the_disk_has_lost_the_end_is_fetched_again() {
    let registry = Registry::start();
    let cache = Cache::empty("cut");
    let pinned = registry.push("demo/service:1.0", &scratch("cut.wasm", NOTHING));
    assert!(run_to_its_end(&pinned, &cache).status.success());
    cache.cut(&format!("{}.wasm", digest_of(NOTHING)));

    let again = run_to_its_end(&pinned, &cache);

    assert!(again.status.success(), "{again:?}");
    assert_eq!(cache.read("the module"), NOTHING);
}

/// Credentials would go there in plain text.
#[test]
fn a_host_whose_name_begins_like_this_machine_s_address_is_asked_over_tls() {
    for script in ["pull.sh 127.0.0.1.invalid/a:1", "push.sh 127.0.0.1.invalid/a:1 orders.json"] {
        let said = sh(&format!("scripts/{script} 2>&1 || true"));

        assert!(said.contains("https://127.0.0.1.invalid") && !said.contains("http://"), "{said}");
    }
}

#[test]
fn a_compilation_that_is_cut_off_is_done_again_and_its_half_is_never_run() {
    let registry = Registry::start();
    let cache = Cache::empty("cut");
    let pinned = registry.push("demo/service:1.0", &scratch("cut.wasm", NOTHING));
    let slow = scratch(
        "slow-wasmedge",
        b"#!/bin/bash\n[ \"$1\" != compile ] || { head -c 9 \"$2\" >\"$3\"; exec sleep 600; }\nexec \"$REAL_WASMEDGE\" \"$@\"\n",
    );
    sh(&format!("chmod +x {slow}"));
    let real = sh(". scripts/wasmedge.sh && realpath \"$(command -v \"$wasmedge\")\"");

    let cut =
        Killed(run(&pinned, &cache).env("WASMEDGE", root().join(&slow)).env("REAL_WASMEDGE", real).spawn().unwrap());
    eventually("the compiler has written something", 20, || {
        cache.files().iter().any(|file| file.ends_with(".new") && cache.size(file) > 0)
    });
    drop(cut);
    let halves = cache.files().iter().filter(|file| file.ends_with(".compiled.wasm")).count();
    let next = run_to_its_end(&pinned, &cache);

    assert_eq!(halves, 0);
    assert!(next.status.success(), "{next:?}");
    assert_eq!(cache.files().iter().filter(|file| file.ends_with(".new")).count(), 0);
    assert!(cache.files().iter().any(|file| file.ends_with(".compiled.wasm")));
}

#[test]
fn the_scratch_image_comes_back_as_it_was_pushed_and_runs_by_its_digest() {
    let registry = Registry::start();
    let database = Database::start();
    let name = format!("{}/demo/image", registry.address);
    let port = free_port();

    podman(&format!(
        "push --quiet --tls-verify=false --digestfile target/registry/image order_demo_service:scratch {name}:1.0"
    ));
    let digest = sh("cat target/registry/image");
    podman(&format!("pull --quiet --tls-verify=false {name}@{digest}"));
    let fetched = podman(&format!("image inspect --format '{{{{.Digest}}}} {{{{.Id}}}}' {name}@{digest}"));
    let container = Container::run(&format!(
        "--network host --annotation run.oci.handler=wasm --env PORT={port} --env BIND=127.0.0.1 --env DATABASE_URL={} {name}@{digest}",
        database.url
    ));
    let address = format!("127.0.0.1:{port}");
    eventually("the service in the image is ready", 120, || get(&format!("http://{address}/readyz")).0 == 200);
    run_curl_lines("README.md", &address);
    drop(container);

    let ours = podman("image inspect --format '{{.Id}}' order_demo_service:scratch");
    assert_eq!(fetched, format!("{digest} {ours}"));
    assert_eq!(digest_of(&registry.blob(&digest)), digest);
}
