//! An order's fields are named where they are the subject, and nowhere else.

use std::{fs, path::Path};

use crate::{
    samples::fields,
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
