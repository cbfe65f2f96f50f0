//! What a reader relies on: README's tables are true, and the entity stands in one folder.

use std::fs;

use crate::support::{files_in, root};

#[test]
fn nothing_outside_its_folder_knows_the_entity() {
    for file in files_in(&root().join("src")) {
        let name = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        if name.starts_with("src/orders/") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let wiring = name == "src/lib.rs" && line.contains("orders");
            let lower = line.to_lowercase().replace("order by", ""); // SQL's
            let knows = lower.split(|c: char| !c.is_alphanumeric()).any(|word| word == "order" || word == "orders");
            assert!(!knows || wiring, "{name}:{}: {line}", number + 1);
        }
    }
}

#[test]
fn readme_lists_every_endpoint_and_no_other() {
    let rows = readme_rows("| Request |");
    let listed: Vec<String> = rows.iter().map(|row| row[0].split('?').next().unwrap().to_string()).collect();

    let routes: Vec<String> =
        service::ROUTES.iter().copied().flatten().map(|route| format!("{} {}", route.method, route.path)).collect();

    assert_eq!(listed, routes);
}

#[test]
fn readme_and_the_launcher_list_every_setting_and_no_other() {
    let rows = readme_rows("| Variable |");
    let expected: Vec<Vec<String>> = service::config::VARIABLES
        .iter()
        .map(|variable| {
            vec![variable.name.into(), variable.default.unwrap_or("required").into(), variable.meaning.replace('`', "")]
        })
        .collect();
    assert_eq!(rows, expected);

    let launcher = fs::read_to_string(root().join("scripts/serve.sh")).unwrap();
    let (_, settings) = launcher.split_once("settings=(").unwrap();
    let listed: Vec<&str> = settings.split(')').next().unwrap().split_whitespace().collect();
    let names: Vec<&str> = service::config::VARIABLES.iter().map(|variable| variable.name).collect();
    assert_eq!(listed, names, "scripts/serve.sh lists others");
}

#[test]
fn every_test_that_readme_names_is_there() {
    for row in readme_rows("| Fault |") {
        let (module, name) = row[2].split_once("::").unwrap();
        let folders = ["api", "api/orders", "faults", "peers", "deploy"];
        let mut files = folders
            .iter()
            .flat_map(|folder| [".rs", "/mod.rs"].map(|end| root().join(format!("tests/{folder}/{module}{end}"))));
        let text = files.find_map(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        assert!(text.contains(&format!("]\nfn {name}()")), "there is no test {}", row[2]);
    }
}

/// The cells of the table in README whose head begins with `head`, without the marks of code.
fn readme_rows(head: &str) -> Vec<Vec<String>> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let lines = readme.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let rows: Vec<Vec<String>> = lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect())
        .collect();
    assert!(!rows.is_empty(), "README has no table that begins with {head}");
    rows
}
