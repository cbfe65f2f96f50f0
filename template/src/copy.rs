//! Copies this repository's files, as Git knows them, but for those that a project with another entity has no use for.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::patch::git;

/// Files and folders that stay here: the generator, the benchmarks, what is about this template or the tax service, and
/// what is written anew.
const STAYS: &[&str] = &[
    "template",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "orders.json",
    "update_order.json",
    "sql/0001_orders.sql",
    "sql/0003_orders_version.sql",
    "sql/0010_orders_version_default.sql",
    "bench",
    "docs/performance.md",
    "docs/flame-compiled.svg",
    "docs/flame-native.svg",
    "docs/make-it-yours.md",
    "docs/page-dark.png",
    "docs/page-light.png",
    "docs/page-phone.png",
    "docs/scaling.md",
    "docs/scaling.svg",
    "src/orders/tax.rs",
    "tests/api/orders/call_faults.rs",
    "tests/api/orders/calls.rs",
    "tests/api/orders/fields.rs",
    "tests/api/orders/openapi.rs",
    "tests/api/orders/tax.rs",
    "tests/api/orders/tax_arrays.rs",
    "tests/api/orders/tax_faults.rs",
    "tests/peers/orders.rs",
];

/// Whether this file, as it is called in the repository, is one of them.
pub fn stays(path: &Path) -> bool {
    STAYS.iter().any(|stays| path.starts_with(stays))
}

/// Copies the others to `folder`.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy(root: &Path, folder: &Path) -> Result<(), String> {
    for path in files(root)? {
        if stays(&path) {
            continue;
        }
        let (from, to) = (root.join(&path), folder.join(&path));
        let Ok(kind) = fs::symlink_metadata(&from) else { continue }; // deleted, and Git does not know yet
        if kind.is_dir() {
            continue; // a repository within this one: nothing of ours
        }
        let copied = fs::create_dir_all(to.parent().unwrap_or(folder)).and_then(|()| {
            if kind.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(&from)?, &to)
            } else {
                fs::copy(&from, &to).map(drop) // with its permissions
            }
        });
        copied.map_err(|error| format!("{}: {error}", from.display()))?;
    }
    Ok(())
}

/// Whether a project in `folder` would be taken for a part of the repository from then on: it is within, and not ignored.
pub fn would_belong(root: &Path, folder: &Path) -> bool {
    let (root, folder) = (resolved(root), resolved(folder));
    let Ok(path) = folder.strip_prefix(&root) else { return false };
    if root.join(".git").exists() {
        return git(&root, &["check-ignore", "--quiet", "--", &path.to_string_lossy()]).is_err();
    }
    !path.starts_with("target")
}

/// A path without links and `..`, of which the last parts need not be there yet.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => resolved(parent).join(name),
        _ => path.to_path_buf(),
    })
}

/// All files that belong to the repository, whether or not they are committed. Without Git, all that there are.
fn files(root: &Path) -> Result<Vec<PathBuf>, String> {
    if root.join(".git").exists() {
        let list = git(root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        return Ok(list.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect());
    }
    let mut files = Vec::new();
    walk(root, root, &mut files).map_err(|error| format!("{}: {error}", root.display()))?;
    Ok(files)
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let is_built = name == "target" || name == "node_modules" || path.extension().is_some_and(|end| end == "wasm");
        if path.is_dir() && !path.is_symlink() && !is_built {
            walk(root, &path, files)?;
        } else if !is_built {
            files.extend(path.strip_prefix(root).map(Path::to_path_buf));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_here_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for path in STAYS {
            assert!(root.join(path).exists(), "there is no {path}: take it off the list");
        }
    }
}
