//! Does in a copy of the repository what a page says: new files, and lines above, below or instead of others.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    blocks::{Block, blocks},
    commands::sh,
    support::root,
};

/// A copy of the repository as it stands, with what was built of it natively, and with the same database server.
pub struct Copy {
    pub folder: PathBuf,
}

impl Copy {
    pub fn new() -> Copy {
        const FOLDER: &str = "target/docs/copy";
        sh(&format!(
            "rm -rf {FOLDER} && mkdir -p {FOLDER}/target target/debug
             tar -c --exclude=./target --exclude=./.git --exclude='*.wasm' . | tar -x -C {FOLDER}
             ln -s $PWD/target/debug $PWD/target/tools $PWD/target/mariadb {FOLDER}/target/"
        ));
        Copy { folder: root().join(FOLDER) }
    }

    /// Does what `page` says before its blocks of code.
    pub fn apply(&self, page: &str) {
        let done = blocks(page).into_iter().filter(|block| self.apply_block(page, block)).count();
        assert!(done > 1, "{page} changes nothing");
    }

    /// "A new file, [path](…):", "At the end of [path](…):" or "In [path](…), above `text`:" (or below, or instead of).
    /// Whether it was one of those.
    fn apply_block(&self, page: &str, block: &Block) -> bool {
        let line = &block.before;
        let Some((start, rest)) = line.split_once('[').filter(|_| line.ends_with(':')) else { return false };
        let (path, rest) = rest.split_once(']').unwrap();
        let file = self.folder.join(path);
        match start {
            "A new file, " => {
                assert!(!file.exists(), "{page}: {path} is there already");
                fs::write(file, &block.text).unwrap();
            }
            "At the end of " => change(&file, |text| text + &block.text),
            "In " => {
                let (_, rest) = rest.split_once("), ").unwrap();
                let (how, anchor) = rest.trim_end_matches(':').split_once(" `").unwrap();
                let anchor = anchor.strip_suffix('`').unwrap();
                change(&file, |text| {
                    if how == "instead of" {
                        assert!(text.contains(anchor), "{page}: {path} has no {anchor}");
                        return text.replacen(anchor, block.text.trim_end(), 1);
                    }
                    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
                    let place = lines.iter().position(|line| line.contains(anchor));
                    let place = place.unwrap_or_else(|| panic!("{page}: {path} has no {anchor}"));
                    assert!(["above", "below"].contains(&how), "{page}: {how}");
                    lines.insert(place + usize::from(how == "below"), &block.text);
                    lines.concat()
                });
            }
            _ => return false,
        }
        true
    }
}

fn change(file: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    fs::write(file, change(text)).unwrap();
}
