//! A netlist as a program: verilated with its cell models, compiled with a C++ main.

use crate::tools::tail;
use crate::{GateError, Netlist};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What the program does with the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shim {
    /// A board's parallel port: requests of bytes and cycles.
    Board,
    /// Any core: every cycle all inputs in, all outputs out. The list gives the ports in that order, with their bits.
    Ports(Vec<(String, usize)>, Vec<(String, usize)>),
}

impl Shim {
    fn source(&self) -> String {
        match self {
            Shim::Board => include_str!("../shim/board.cpp").into(),
            Shim::Ports(inputs, outputs) => {
                let list = |macro_name: &str, ports: &[(String, usize)]| {
                    let all: String = ports.iter().map(|(name, bits)| format!(" PORT({name}, {bits})")).collect();
                    format!("#define {macro_name}{all}\n")
                };
                list("INPUTS", inputs) + &list("OUTPUTS", outputs) + include_str!("../shim/ports.cpp")
            }
        }
    }
}

/// Builds the program of a netlist; files go to `folder`, and a program that stands there already is taken.
///
/// # Errors
/// [`GateError::Missing`] without Verilator or a C++ compiler; [`GateError::Failed`] with what they said.
pub fn build(netlist: &Netlist, cells: &str, shim: &Shim, folder: &Path) -> Result<PathBuf, GateError> {
    let folder = &folder.join("model");
    std::fs::create_dir_all(folder).map_err(GateError::file("make", folder))?;
    let verilator = Verilator::find()?;
    let key = [&netlist.verilog, cells, &shim.source(), &verilator.version, include_str!("model.rs")].concat();
    let key = blake3::hash(key.as_bytes()).to_hex().to_string();
    let (stamp, program) = (folder.join("model.stamp"), folder.join("model"));
    if program.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|old| old == key) {
        return Ok(program);
    }
    for (name, text) in [("netlist.v", netlist.verilog.as_str()), ("cells.v", cells), ("main.cpp", &shim.source())] {
        std::fs::write(folder.join(name), text).map_err(GateError::file("write", &folder.join(name)))?;
    }
    verilator.translate(netlist, folder)?;
    compile(&verilator, netlist, folder)?;
    std::fs::write(&stamp, key).map_err(GateError::file("write", &stamp))?;
    Ok(program)
}

struct Verilator {
    binary: String,
    root: String,
    version: String,
}

impl Verilator {
    fn find() -> Result<Verilator, GateError> {
        let binary = std::env::var("VERILATOR").unwrap_or_else(|_| "verilator_bin".into());
        let ask = |args: &[&str]| {
            let output = Command::new(&binary).args(args).output();
            let output = output.map_err(|e| GateError::Missing { tool: binary.clone(), reason: e.to_string() })?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
        };
        let version = ask(&["--version"])?;
        let root = match std::env::var("VERILATOR_ROOT") {
            Ok(root) if !root.is_empty() => root,
            _ => ask(&["--getenv", "VERILATOR_ROOT"])?,
        };
        Ok(Verilator { binary, root, version })
    }

    /// `unique`: what no cell model defines is random, so that nothing may hang on it.
    fn translate(&self, netlist: &Netlist, folder: &Path) -> Result<(), GateError> {
        let log = folder.join("verilator.log");
        let child = Command::new(&self.binary)
            .args(["--cc", "-O3", "--x-assign", "unique", "--x-initial", "unique", "--no-timing", "--Mdir", ".", "--prefix", "Vnetlist"])
            .args(["-Wno-fatal", "-Wno-lint", "-Wno-style", "-Werror-MULTIDRIVEN", "-DNO_ICE40_DEFAULT_ASSIGNMENTS", "-DNO_INCLUDES"])
            .args(["--top-module", netlist.top.as_str(), "cells.v", "netlist.v"])
            .current_dir(folder)
            .env("VERILATOR_ROOT", &self.root)
            .stderr(file(&log)?)
            .stdout(Stdio::null())
            .spawn();
        finish(
            "Verilator",
            netlist,
            vec![child.map_err(|e| GateError::Missing { tool: self.binary.clone(), reason: e.to_string() })?],
            &log,
        )
    }
}

fn file(path: &Path) -> Result<std::fs::File, GateError> {
    std::fs::File::create(path).map_err(GateError::file("write", path))
}

/// Waits for all of them, then says what the first that failed wrote to its log.
fn finish(tool: &'static str, netlist: &Netlist, children: Vec<Child>, log: &Path) -> Result<(), GateError> {
    let statuses: Vec<_> = children.into_iter().map(|mut child| child.wait()).collect();
    for status in statuses {
        let status = status.map_err(|e| GateError::Missing { tool: tool.into(), reason: e.to_string() })?;
        if !status.success() {
            let output = tail(&String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()));
            let what = format!("the netlist of {} for {}", netlist.top, netlist.family.name());
            return Err(GateError::Failed { tool, what, status: status.to_string(), output });
        }
    }
    Ok(())
}

/// Two units, side by side: what runs every cycle with the optimiser, what runs once without.
fn compile(verilator: &Verilator, netlist: &Netlist, folder: &Path) -> Result<(), GateError> {
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .map_err(GateError::file("read", folder))?
        .filter_map(|e| e.ok()?.file_name().into_string().ok())
        .filter(|f| f.starts_with("Vnetlist") && f.ends_with(".cpp"))
        .collect();
    files.sort();
    let (slow, fast): (Vec<String>, Vec<String>) = files.into_iter().partition(|f| f.contains("Slow"));
    let runtime = ["verilated.cpp", "verilated_threads.cpp"].map(|f| format!("{}/include/{f}", verilator.root));
    let fast: Vec<String> = fast.into_iter().chain(["main.cpp".into()]).collect();
    let slow: Vec<String> = slow.into_iter().chain(runtime).collect();
    let log = folder.join("compiler.log");
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    let start = |arguments: &[&str]| {
        let flags = ["-std=c++17", "-w", "-DVL_TIME_CONTEXT", "-DVM_TRACE=0", "-DVM_COVERAGE=0", "-DVM_SC=0", "-I."];
        let mut command = Command::new(&compiler);
        for include in ["include", "include/vltstd"] {
            command.arg(format!("-I{}/{include}", verilator.root));
        }
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&log).map_err(GateError::file("write", &log))?;
        command.args(flags).args(arguments).current_dir(folder).stderr(log);
        command.spawn().map_err(|e| GateError::Missing { tool: compiler.clone(), reason: e.to_string() })
    };
    let mut units = Vec::new();
    for (name, optimise, files) in [("fast", "-O1", fast), ("slow", "-O0", slow)] {
        let unit = format!("{name}.cc");
        let text: String = files.iter().map(|f| format!("#include \"{f}\"\n")).collect();
        std::fs::write(folder.join(&unit), text).map_err(GateError::file("write", &folder.join(&unit)))?;
        units.push(start(&[optimise, "-c", &unit])?);
    }
    finish("the C++ compiler", netlist, units, &log)?;
    finish("the linker", netlist, vec![start(&["fast.o", "slow.o", "-o", "model", "-lpthread"])?], &log)
}
