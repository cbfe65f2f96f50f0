//! The command blocks of a page in docs/.

use crate::support::root;

/// The commands (the lines after `$ `) of the one block of `page` that contains `text`.
pub fn commands(page: &str, text: &str) -> Vec<String> {
    let page = std::fs::read_to_string(root().join(page)).unwrap();
    let blocks: Vec<&str> = page.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let found: Vec<&&str> = blocks.iter().filter(|block| block.contains(text)).collect();
    assert_eq!(found.len(), 1, "blocks with {text}");
    found[0].lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_string).collect()
}
