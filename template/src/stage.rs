//! A folder beside the one that is to be: it takes its place when all is written, and goes when something is wrong.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

/// A folder that is not finished.
pub struct Stage(PathBuf);

impl Stage {
    /// A new one beside `folder`. One that Ctrl-C has left there goes.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn beside(folder: &Path) -> Result<Stage, String> {
        let name = folder.file_name().ok_or("DIR names no folder")?.to_string_lossy();
        let start = format!(".{name}.unfinished.");
        let path = folder.with_file_name(format!("{start}{}", process::id()));
        for entry in path.parent().and_then(|parent| fs::read_dir(parent).ok()).into_iter().flatten().flatten() {
            let file = entry.file_name();
            let process = file.to_str().and_then(|file| file.strip_prefix(&start)?.parse::<u32>().ok());
            if process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Stage(path))
    }

    /// Where it stands.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn keep(self, folder: &Path) -> Result<(), String> {
        fs::rename(&self.0, folder).map_err(|error| format!("{}: {error}", folder.display()))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0); // it may have been kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finished_leaves_nothing_behind() {
        let parent = std::env::temp_dir().join(format!("make_new.{}", process::id()));
        let folder = parent.join("bookings");
        let entries = || fs::read_dir(&parent).unwrap().count();

        let stage = Stage::beside(&folder).unwrap();
        fs::write(stage.path().join("file"), "").unwrap();
        drop(stage);
        assert_eq!(entries(), 0);

        let stage = Stage::beside(&folder).unwrap();
        fs::write(stage.path().join("file"), "").unwrap();
        stage.keep(&folder).unwrap();
        assert!(folder.join("file").exists() && entries() == 1);
        fs::remove_dir_all(parent).unwrap();
    }

    #[test]
    fn what_was_interrupted_goes_when_its_process_is_gone() {
        let parent = std::env::temp_dir().join(format!("make_new_interrupted.{}", process::id()));
        let left = |name: &str| {
            let path = parent.join(name);
            fs::create_dir_all(path.join("src")).unwrap();
            path
        };
        let gone = left(".bookings.unfinished.4294967295"); // no process has this number
        let kept = [left(".bookings.unfinished.1"), left(".bookings.4294967295"), left(".rooms.unfinished.4294967295")];

        drop(Stage::beside(&parent.join("bookings")).unwrap());

        assert!(!gone.exists() && kept.iter().all(|path| path.exists()));
        fs::remove_dir_all(parent).unwrap();
    }
}
