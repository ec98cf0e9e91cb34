//! Several files of one folder: all of them, or none.

use crate::draft::Draft;
use crate::error::FilesError;
use crate::target::Target;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes files into a folder, which is made if there is none. They get their names when all of them are on the disk; a
/// failure before leaves neither a file nor a folder that was not there. `reads` are files that may not be replaced.
///
/// # Errors
/// A target that is refused, or the system's answer.
pub fn write_together(folder: &Path, reads: &[&Path], files: &[(&str, &[u8])]) -> Result<(), FilesError> {
    let mut made = MadeFolders::make(folder)?;
    let mut written = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        let draft = Draft::create(&Target::judge(&path, reads)?)?;
        draft.file().write_all(bytes).map_err(|source| FilesError::io("write", &path, source))?;
        written.push(draft.on_disk()?);
    }
    made.keep();
    written.into_iter().try_for_each(|draft| draft.name())
}

/// Judges what [`write_together`] will be given, before the work begins. The targets come back, if the folder exists.
///
/// # Errors
/// A target that is refused, or a folder that is a file.
pub fn judge_folder(folder: &Path, names: &[&str], reads: &[&Path]) -> Result<Vec<Target>, FilesError> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if folder.is_dir() {
        return names.iter().map(|name| Target::judge(&folder.join(name), reads)).collect();
    }
    if folder.symlink_metadata().is_ok() {
        return Err(FilesError::io("make the folder of", folder, std::io::ErrorKind::NotADirectory.into()));
    }
    Ok(Vec::new())
}

/// Folders that were made on the way; dropped before [`MadeFolders::keep`], they go again.
struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    fn make(folder: &Path) -> Result<MadeFolders, FilesError> {
        let missing: Vec<PathBuf> =
            folder.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists()).map(Path::to_path_buf).collect();
        fs::create_dir_all(folder).map_err(|source| FilesError::io("make the folder of", folder, source))?;
        Ok(MadeFolders(missing))
    }

    fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        // Innermost first. One that somebody else has put something into stays.
        for folder in &self.0 {
            let _ = fs::remove_dir(folder);
        }
    }
}
