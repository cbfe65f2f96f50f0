//! A folder beside the one that is to be: it takes its place when all is written, and goes when something is wrong.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

/// A folder that is not finished.
pub struct Stage(PathBuf);

impl Stage {
    /// A new one beside `folder`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn beside(folder: &Path) -> Result<Stage, String> {
        let name = folder.file_name().ok_or("DIR names no folder")?.to_string_lossy();
        let path = folder.with_file_name(format!(".{name}.{}", process::id()));
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
}
