//! Verilator: where it is, and how it is called.

use crate::models::{Kind, Model};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The arguments of every model.
pub const ARGUMENTS: [&str; 15] = [
    "--cc",
    "-O3",
    "--x-assign",
    "fast",
    "--x-initial",
    "fast",
    "--noassert",
    "--no-timing",
    "-Wno-fatal",
    "-Wno-lint",
    "-Wno-style",
    // What the cores must never show: an unassigned path or a loop of logic.
    "-Werror-LATCH",
    "-Werror-UNOPTFLAT",
    "-Werror-MULTIDRIVEN",
    "-Werror-UNDRIVEN",
];

/// The arguments of a model that shows its waves. Every signal of the source is kept for that, which costs a sixth of the speed.
/// Tables and stores are followed by their ports: their words would be most of the trace's code.
pub const WAVES: [&str; 3] = ["--trace", "--trace-max-array", "8"];

/// An installed Verilator.
pub struct Verilator {
    binary: String,
    pub root: PathBuf,
    pub version: String,
}

impl Verilator {
    /// The one that the environment names, or the one on the PATH.
    pub fn find() -> Result<Verilator, String> {
        for variable in ["VERILATOR", "VERILATOR_ROOT", "PATH", "CXX", "CXXFLAGS"] {
            println!("cargo::rerun-if-env-changed={variable}");
        }
        // The binary itself, not the Perl driver: one process less and no dependence on perl's environment.
        let binary = env::var("VERILATOR").unwrap_or_else(|_| "verilator_bin".into());
        let ask = |args: &[&str]| -> Result<String, String> {
            let output = Command::new(&binary).args(args).output().map_err(|e| {
                format!("Verilator is not usable: cannot run '{binary}': {e}.\nInstall it with `apt-get install verilator g++`, or build without the feature `verilator` of nda-sim.")
            })?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
        };
        let version = ask(&["--version"])?;
        let root = match env::var("VERILATOR_ROOT") {
            Ok(root) if !root.is_empty() => PathBuf::from(root),
            _ => PathBuf::from(ask(&["--getenv", "VERILATOR_ROOT"])?),
        };
        if !root.join("include/verilated.cpp").is_file() {
            return Err(format!("Verilator's runtime is not where it says: no include/verilated.cpp under '{}'", root.display()));
        }
        Ok(Verilator { binary, root, version })
    }

    /// Writes a model's C++ into a folder.
    pub fn translate(&self, model: &Model, prefix: &str, folder: &Path) -> Result<(), String> {
        let (top, waves) = (&model.top, if model.kind == Kind::Waves { &WAVES[..] } else { &[] });
        let source = folder.join(format!("{top}.v"));
        fs::write(&source, &model.verilog).map_err(|e| e.to_string())?;
        let mut command = Command::new(&self.binary);
        command.args(ARGUMENTS).args(waves).args(["--prefix", prefix, "--top-module", top, "--Mdir"]);
        let output = command.arg(folder).arg(&source).env("VERILATOR_ROOT", &self.root).output().map_err(|e| e.to_string())?;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
    }
}
