//! Cargo.lock with the project's own package under its new name, and without this one: so it holds without the network.

use std::{fs, path::Path};

use crate::names::Names;

/// Rewrites a project's Cargo.lock.
///
/// # Errors
/// When it cannot be read or written.
pub fn rename(folder: &Path, names: &Names) -> Result<(), String> {
    let file = folder.join("Cargo.lock");
    let lock = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    fs::write(&file, renamed(&lock, &names.plural)).map_err(|error| format!("{}: {error}", file.display()))
}

/// Packages stand by their name, each after an empty line.
fn renamed(lock: &str, package: &str) -> String {
    let name =
        |block: &str| block.lines().find_map(|line| line.strip_prefix("name = ")).unwrap_or_default().to_string();
    let mut blocks: Vec<String> = lock.trim_end().split("\n\n").map(str::to_string).collect();
    blocks.retain(|block| name(block) != "\"make_new\"");
    for block in &mut blocks {
        *block = block.replace("name = \"order_demo_service\"", &format!("name = \"{package}\""));
    }
    blocks.sort_by_key(|block| name(block).trim_matches('"').to_string()); // what is no package comes first
    blocks.join("\n\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::renamed;

    #[test]
    fn the_package_stands_at_its_place_and_the_generator_is_gone() {
        let block = |name: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"");
        let lock = [
            "# by Cargo\nversion = 4",
            &block("anyhow"),
            &block("cc"),
            &block("make_new"),
            &block("order_demo_service"),
            &block("time"),
        ];

        let expected = ["# by Cargo\nversion = 4", &block("anyhow"), &block("bookings"), &block("cc"), &block("time")];
        assert_eq!(renamed(&(lock.join("\n\n") + "\n"), "bookings"), expected.join("\n\n") + "\n");
    }
}
