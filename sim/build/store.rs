//! Compiled libraries, named after what they are made of.
//!
//! They lie in `verilated` of the target folder, beside the profiles: a demonstration, a release and the tests share them,
//! whatever features each has.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};
use std::{env, fs};

/// The file that cargo marks a target folder with.
const TARGET_MARK: &str = "CACHEDIR.TAG";
/// The date of every library, long before any build.
const DATE: Duration = Duration::from_secs(1 << 30);
/// Hexadecimal digits of a hash in a name.
const DIGITS: usize = 16;

/// The folder of libraries.
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store of the target folder that `out` is in; `out` itself if it is in none.
    pub fn open(out: &Path) -> Result<Store, String> {
        let target = out.ancestors().find(|folder| folder.join(TARGET_MARK).is_file());
        let platform = env::var("TARGET").map_err(|e| e.to_string())?;
        let folder = target.unwrap_or(out).join("verilated").join(platform);
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        Ok(Store { folder })
    }

    /// Runs this script again if a library that is linked has gone.
    pub fn watch(&self, library: &str) {
        println!("cargo::rerun-if-changed={}", self.folder.join(format!("lib{library}.a")).display());
    }

    /// Where the linker looks.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The library of this name and these ingredients, made by `make` in a folder of its own if it is not there yet.
    ///
    /// `make` is given the folder and the library's name, and leaves `libNAME.a` in it.
    pub fn library(
        &self,
        name: &str,
        ingredients: &[&str],
        work: &Path,
        make: impl FnOnce(&Path, &str) -> Result<(), String>,
    ) -> Result<String, String> {
        let hash = blake3::hash(ingredients.join("\0").as_bytes()).to_hex();
        let library = format!("nda_{name}-{}", &hash[..DIGITS]);
        let file = format!("lib{library}.a");
        if self.folder.join(&file).is_file() {
            return Ok(library);
        }
        let work = work.join(name);
        let told = |e: std::io::Error| format!("{}: {e}", work.display());
        let _ = fs::remove_dir_all(&work);
        fs::create_dir_all(&work).map_err(told)?;
        make(&work, &library)?;
        // Renamed at the end: another build may be making the same one. What it replaces is of no use to anybody. Its date is
        // always the same one, because its content is: cargo would otherwise run this script again for a file that is new to it.
        let draft = self.folder.join(format!("{file}.{}", std::process::id()));
        fs::copy(work.join(&file), &draft).map_err(told)?;
        fs::File::options().write(true).open(&draft).and_then(|file| file.set_modified(UNIX_EPOCH + DATE)).map_err(told)?;
        self.remove_others(name);
        fs::rename(&draft, self.folder.join(&file)).map_err(told)?;
        let _ = fs::remove_dir_all(&work);
        Ok(library)
    }

    fn remove_others(&self, name: &str) {
        let begins = format!("libnda_{name}-");
        let others = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let is_other = |file: &str| file.strip_prefix(&begins).is_some_and(|rest| rest.len() == DIGITS + 2 && rest.ends_with(".a"));
        for file in others.filter(|file| file.file_name().to_str().is_some_and(is_other)) {
            let _ = fs::remove_file(file.path());
        }
    }
}
