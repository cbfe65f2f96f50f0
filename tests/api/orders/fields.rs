//! An order's fields are named where they are the subject, and nowhere else: the other tests would do for fields of any type.

use std::{fs, path::Path};

use serde_json::json;

use crate::{
    samples::{fields, is_text, varied},
    support::{files_in, root},
};

#[test]
fn no_test_but_those_of_orders_names_a_field_of_an_order() {
    let names: Vec<String> = fields().map(|(name, _)| format!("_{name}_")).collect();
    let is_of_orders = |file: &Path| {
        let path = file.strip_prefix(root()).unwrap().with_extension("");
        path.components().any(|part| part.as_os_str() == "orders")
    };
    let mut files = files_in(&root().join("tests"));
    files.retain(|file| !is_of_orders(file));
    assert!(files.len() > 50);

    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            // A name may be part of another: TAX_SERVICE_URL.
            let words = line.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "_");
            let named = names.iter().find(|name| format!("_{words}_").contains(*name));
            assert!(named.is_none(), "{}:{}: {line}", file.display(), number + 1);
        }
    }
}

#[test]
fn a_sample_of_any_type_has_another_value_for_each_number() {
    let table = [
        (json!(52), json!(53), json!(54)),
        (json!(24.9), json!(25.9), json!(26.9)),
        (json!(true), json!(false), json!(true)),
        (json!("Ada"), json!("Ada 1"), json!("Ada 2")),
        (json!("2026-11"), json!("2026-11 1"), json!("2026-11 2")),
        (json!("2026-11-21"), json!("2027-11-21"), json!("2028-11-21")),
        (json!("2028-02-29"), json!("2029-02-28"), json!("2030-02-28")),
        (json!("2999-12-31T23:59:59.5Z"), json!("2000-12-31T23:59:59.5Z"), json!("2001-12-31T23:59:59.5Z")),
    ];

    for (sample, first, second) in table {
        let variants = [0, 1, 2].map(|number| varied(&sample, number));

        assert_eq!(variants, [sample.clone(), first, second]);
    }
    let are_text = [json!("Ada"), json!("2026-11"), json!("2026-11-21"), json!("2026-11-21T09:30:00Z"), json!(1)];
    assert_eq!(are_text.each_ref().map(is_text), [true, true, false, false, false]);
}
