//! The tools: where they are, which versions, and how one is run.
//!
//! They are wheels in a virtual environment of the project (`make tools`), so that nothing is installed for the whole
//! machine and their versions are pinned. A tool that fails stops the flow; none is ever killed.

use crate::error::{FlowError, read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

/// Overrides where the virtual environment is; the compile cache is then beside it.
pub const TOOLS_VARIABLE: &str = "NDA_TOOLS";

/// Lines of a log that an error shows.
const TAIL_LINES: usize = 12;

/// The tools of one virtual environment.
#[derive(Debug, Clone)]
pub struct Tools {
    venv: PathBuf,
    cache: PathBuf,
}

/// One step that ended well.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Wall-clock time.
    pub seconds: f64,
    /// What the tool printed.
    pub output: String,
}

impl Tools {
    /// The project's own tools, or those that `NDA_TOOLS` names.
    pub fn of_project(root: &Path) -> Tools {
        match std::env::var_os(TOOLS_VARIABLE) {
            Some(venv) => {
                let venv = PathBuf::from(venv);
                Tools { cache: venv.with_file_name("yowasp"), venv }
            }
            None => Tools { venv: root.join(".tools/venv"), cache: root.join(".tools/yowasp") },
        }
    }

    /// Tools of that virtual environment, with their compiled form in `cache`.
    pub fn at(venv: PathBuf, cache: PathBuf) -> Tools {
        Tools { venv, cache }
    }

    /// The program of that name.
    ///
    /// # Errors
    /// [`FlowError::MissingTool`].
    pub fn program(&self, tool: &str) -> Result<PathBuf, FlowError> {
        let folder = self.venv.join("bin");
        let program = folder.join(tool);
        if program.is_file() { Ok(program) } else { Err(FlowError::MissingTool { tool: tool.into(), folder }) }
    }

    /// The installed version of a package: the name of its folder of metadata says it.
    ///
    /// # Errors
    /// [`FlowError::MissingTool`] if it is not installed.
    pub fn version(&self, package: &str) -> Result<String, FlowError> {
        let missing = || FlowError::MissingTool { tool: package.into(), folder: self.venv.clone() };
        let lib = self.venv.join("lib");
        let pythons = std::fs::read_dir(&lib).map_err(|_| missing())?;
        let sites = pythons.filter_map(|entry| Some(entry.ok()?.path().join("site-packages")));
        let folders = sites.filter_map(|site| std::fs::read_dir(site).ok()).flatten();
        let prefix = format!("{}-", package.replace('-', "_")).to_lowercase();
        let mut names = folders.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let version = names.find_map(|name| {
            let version = name.strip_suffix(".dist-info")?;
            let matches = version.get(..prefix.len())?.to_lowercase() == prefix;
            matches.then(|| version[prefix.len()..].to_string())
        });
        version.ok_or_else(missing)
    }

    /// Runs a tool in `folder`; what it prints goes to `STEP.out` there.
    ///
    /// # Errors
    /// The tool is missing, cannot be started, or ends with another status than 0.
    pub fn run(&self, tool: &str, arguments: &[String], folder: &Path, step: &str) -> Result<Step, FlowError> {
        let program = self.program(tool)?;
        let log = folder.join(format!("{step}.out"));
        let file = std::fs::File::create(&log).map_err(|e| FlowError::io("write", &log, e))?;
        let errors = file.try_clone().map_err(|e| FlowError::io("write", &log, e))?;
        let start = Instant::now();
        let status = Command::new(&program)
            .args(arguments)
            .current_dir(folder)
            .env("YOWASP_CACHE_DIR", &self.cache)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .status()
            .map_err(|e| FlowError::io("start", &program, e))?;
        let output = String::from_utf8_lossy(&std::fs::read(&log).map_err(|e| FlowError::io("read", &log, e))?).into_owned();
        if !status.success() {
            return Err(failed(tool, status, folder, step, &log, &output));
        }
        Ok(Step { seconds: start.elapsed().as_secs_f64(), output })
    }
}

/// The error of a tool that failed, with the end of its own log if it wrote one, else of what it printed.
fn failed(tool: &str, status: ExitStatus, folder: &Path, step: &str, printed: &Path, output: &str) -> FlowError {
    let own = folder.join(format!("{step}.log"));
    let text = read(&own).unwrap_or_default();
    // yosys's own words get lost behind ABC when they are redirected, so its log goes first.
    let (log, text) = if text.lines().any(|l| l.starts_with("ERROR")) { (own, text) } else { (printed.to_path_buf(), output.to_string()) };
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n");
    FlowError::ToolFailed { tool: tool.into(), status: status.to_string(), log, tail }
}
