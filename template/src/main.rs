//! `make new`: writes a project of its own, with another entity than this one's. It is made of this repository's living
//! files: copied, without the tax service (`plain.patch`), renamed, and with the fields that were asked for.
//!
//! What is wanted comes in environment variables, as `make` passes them on: `NAME`, `FIELDS`, `SINGULAR`, `DIR`.

mod blocks;
mod copy;
mod entity;
mod fields;
mod lock;
mod names;
mod patch;
mod readme;
mod rename;
mod request;
mod reserved;
mod samples;
mod stage;
mod taken;

use std::{
    env,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use request::Request;
use stage::Stage;

fn main() -> ExitCode {
    // As Cargo says it now: after a move it runs what was built elsewhere.
    let package = env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_string());
    let root = Path::new(&package).parent().unwrap_or(Path::new("."));
    let result = match env::args().nth(1).as_deref() {
        Some("plain") => plain(root),
        _ => new(root),
    };
    match result {
        Ok(message) => {
            let _ = writeln!(io::stdout(), "{message}"); // nobody need read it
            ExitCode::SUCCESS
        }
        Err(problems) => {
            for problem in problems {
                let _ = writeln!(io::stderr(), "make new: {problem}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Writes the project that was asked for. Gives what to do next.
fn new(root: &Path) -> Result<String, Vec<String>> {
    let request = Request::read(root, |name| env::var(name).ok())?;
    let write = || {
        let stage = Stage::beside(&request.folder)?;
        copy::copy(root, stage.path())?;
        patch::apply(root, stage.path())?;
        rename::folder(stage.path(), &request.names)?;
        entity::write(stage.path(), &request.names, &request.fields)?;
        readme::write(root, stage.path(), &request.names, &request.fields)?;
        lock::rename(stage.path(), &request.names)?;
        patch::format(stage.path())?;
        stage.keep(&request.folder)
    };
    write().map_err(|problem: String| vec![problem])?;
    let folder = request.folder.canonicalize().unwrap_or(request.folder);
    let (folder, article, one) = (folder.display(), request.names.article(), &request.names.singular);
    Ok(format!(
        "{folder} is a project of its own now, about {article} {one} and others (if that is not its name: SINGULAR=…). \
         Next:\n\n  cd {folder}\n  make up\n  make test\n"
    ))
}

/// Writes `target/plain`: what the patch applies to, committed, with the patch applied as far as it goes. See
/// template/README.md.
fn plain(root: &Path) -> Result<String, Vec<String>> {
    patch::plain(root, &root.join("target/plain")).map_err(|problem| vec![problem])
}
