//! The patch that takes the tax service and this generator out of a copy, and the other programs that are run.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use crate::copy;

const PATCH: &str = "template/plain.patch";

/// Makes `folder` a repository of its own, in which nothing is committed, and applies the patch.
///
/// # Errors
/// When it does not apply: something in its files was changed.
pub fn apply(root: &Path, folder: &Path) -> Result<(), String> {
    git(folder, &["init", "--quiet"])?;
    let patch = root.join(PATCH);
    git(folder, &["apply", "--whitespace=nowarn", &patch.to_string_lossy()]).map(drop).map_err(|problem| {
        format!("{PATCH} no longer applies, because its files have changed. template/README.md says how to renew it.\n{problem}")
    })
}

/// Makes a copy in `folder`, commits it, and applies as much of the patch as does apply.
///
/// # Errors
/// When the copy cannot be made. That some of the patch does not apply is told in the message.
pub fn plain(root: &Path, folder: &Path) -> Result<String, String> {
    let _ = fs::remove_dir_all(folder); // from the last time
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    copy::copy(root, folder)?;
    git(folder, &["init", "--quiet"])?;
    git(folder, &["add", "--all"])?;
    git(folder, &["-c", "user.name=make", "-c", "user.email=make@localhost", "commit", "--quiet", "--message=copy"])?;
    let patch = root.join(PATCH);
    let applied = git(folder, &["apply", "--reject", "--whitespace=nowarn", &patch.to_string_lossy()]);
    let shown = folder.display();
    Ok(match applied {
        Ok(_) => format!("{shown}: the patch applies. Edit, then `make plain-patch` writes it anew."),
        Err(problem) => format!(
            "{problem}\n{shown}: do by hand what the *.rej files say, remove them, then `make plain-patch` writes it anew."
        ),
    })
}

/// Formats a project's Rust.
///
/// # Errors
/// When it is no Rust.
pub fn format(folder: &Path) -> Result<(), String> {
    let mut command = Command::new("cargo");
    run(command.args(["fmt", "--all"]), folder).map(drop)
}

/// Runs Git in a folder, whatever repository the environment names. Gives what it prints.
///
/// # Errors
/// What it says when it fails.
pub fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    let command = command.args(["-c", "init.defaultBranch=main"]).args(arguments);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    run(command, folder)
}

fn run(command: &mut Command, folder: &Path) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let Output { status, stdout, stderr } =
        command.current_dir(folder).output().map_err(|error| format!("{name} cannot be run: {error}"))?;
    if !status.success() {
        return Err(format!("{name} fails in {}:\n{}", folder.display(), String::from_utf8_lossy(&stderr)));
    }
    String::from_utf8(stdout).map_err(|error| format!("{name}: {error}"))
}
