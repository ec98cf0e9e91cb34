//! From Verilog to static libraries, as many at a time as there are cores.

use crate::models::{Model, Models};
use crate::store::Store;
use crate::verilator::{ARGUMENTS, Verilator};
use std::path::Path;
use std::sync::Mutex;
use std::{env, fs};

/// Most models at a time: each takes up to 400 MB.
const MAX_THREADS: usize = 8;

/// What is defined for the C++ compiler.
const DEFINES: [(&str, &str); 6] =
    [("VERILATOR", "1"), ("VM_COVERAGE", "0"), ("VM_SC", "0"), ("VM_TRACE", "1"), ("VM_TRACE_VCD", "1"), ("VM_TRACE_FST", "0")];

/// Flags of the C++ compiler, if it knows them.
const FLAGS: [&str; 4] = ["-faligned-new", "-fcf-protection=none", "-fno-semantic-interposition", "-w"];

/// Names of the libraries to link.
pub struct Libraries {
    /// The models, in their order.
    pub models: Vec<String>,
    /// The lock that the shim takes.
    pub lock: String,
    /// What the `verilated` crate does not compile of Verilator 5's runtime.
    pub threads: String,
}

/// Compiles everything that the store does not have.
pub fn all(models: &Models, tool: &Verilator, store: &Store, out: &Path) -> Result<Libraries, String> {
    let shim = fs::read_to_string("shim/shim.h").map_err(|e| e.to_string())?;
    let next = Mutex::new(0..models.all.len());
    let done = Mutex::new(vec![Ok(String::new()); models.all.len()]);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(MAX_THREADS));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(index) = next.lock().ok().and_then(|mut next| next.next()) else { return };
                    let model = &models.all[index];
                    let library = library(model, &shim, tool, store, out).map_err(|e| format!("model {}: {e}", model.name));
                    if let Ok(mut done) = done.lock() {
                        done[index] = library;
                    }
                }
            });
        }
    });
    let done = done.into_inner().map_err(|e| e.to_string())?;
    let failures: Vec<&str> = done.iter().filter_map(|library| library.as_ref().err().map(String::as_str)).collect();
    if !failures.is_empty() {
        return Err(failures.join("\n"));
    }
    let runtime = |name: &str, file: &Path| {
        let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
        store.library(name, &[&recipe(tool, 2), &text], out, |folder, library| compile(tool, 2, folder, file, library))
    };
    Ok(Libraries {
        models: done.into_iter().flatten().collect(),
        lock: runtime("sim_lock", Path::new("shim/lock.cpp"))?,
        threads: runtime("verilated_threads", &tool.root.join("include/verilated_threads.cpp"))?,
    })
}

/// All that decides what a compilation gives, but for its sources.
fn recipe(tool: &Verilator, optimise: u32) -> String {
    let environment = ["CXX", "CXXFLAGS"].map(|name| env::var(name).unwrap_or_default());
    format!("{} {ARGUMENTS:?} {DEFINES:?} {FLAGS:?} {environment:?} {optimise}", tool.version)
}

/// The library of one model.
fn library(model: &Model, shim: &str, tool: &Verilator, store: &Store, out: &Path) -> Result<String, String> {
    let name = format!("model_{}", model.name);
    store.library(&name, &[&recipe(tool, model.optimise), &model.verilog, shim], out, |folder, library| {
        let prefix = format!("V{}", model.name);
        tool.translate(&model.verilog, &model.top, &prefix, folder)?;
        let header = fs::read_to_string(folder.join(format!("{prefix}.h"))).map_err(|e| e.to_string())?;
        // A combinational model has no clock of its own to drive.
        if !header.contains("(&clock,") {
            return Err("the top has no port called clock".into());
        }
        let unity = folder.join("unity.cc");
        fs::write(&unity, unity_text(model, &prefix, &header, folder)?).map_err(|e| e.to_string())?;
        compile(tool, model.optimise, folder, &unity, library)
    })
}

/// One translation unit for a model: the phases of an evaluation inline into one another.
fn unity_text(model: &Model, prefix: &str, header: &str, folder: &Path) -> Result<String, String> {
    let mut text = format!("#include \"{prefix}.h\"\n");
    for file in sources(folder)? {
        text += &format!("#include \"{file}\"\n");
    }
    let port = |(name, bits, is_input): &(String, u32, bool)| {
        format!("{{\"{name}\", [](Sim* s) -> void* {{ return &s->top->{name}; }}, {bits}, {}}}, ", u8::from(*is_input))
    };
    let ports: String = ports(header).iter().map(port).collect();
    let name = &model.name;
    text +=
        &format!("#define TOP {prefix}\n#define CLOCK clock\n#define NAME nda_model_{name}\n#define PORTS {ports}\n#include \"shim.h\"\n");
    Ok(text)
}

fn compile(tool: &Verilator, optimise: u32, folder: &Path, file: &Path, library: &str) -> Result<(), String> {
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").warnings(false).opt_level(optimise).debug(false).cargo_metadata(false);
    for (name, value) in DEFINES {
        build.define(name, value);
    }
    for flag in FLAGS {
        build.flag_if_supported(flag);
    }
    build.define("VL_TIME_CONTEXT", None).include(tool.root.join("include")).include(tool.root.join("include/vltstd"));
    build.include(folder).include("shim").file(file).out_dir(folder).try_compile(library).map_err(|e| e.to_string())
}

fn sources(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|e| e.to_string())?;
    let mut files: Vec<String> = entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).filter(|f| f.ends_with(".cpp")).collect();
    files.sort();
    Ok(files)
}

/// The ports that a generated header declares: `VL_IN8(&clock,0,0);` is name, width, direction.
fn ports(header: &str) -> Vec<(String, u32, bool)> {
    let port = |line: &str| -> Option<(String, u32, bool)> {
        let line = line.trim();
        let is_input = line.starts_with("VL_IN");
        if !is_input && !line.starts_with("VL_OUT") {
            return None;
        }
        let (_, arguments) = line.split_once("(&")?;
        let mut parts = arguments.trim_end_matches(");").split(',');
        let (name, msb, lsb) = (parts.next()?, parts.next()?.parse::<u32>().ok()?, parts.next()?.parse::<u32>().ok()?);
        Some((name.into(), msb - lsb + 1, is_input))
    };
    header.lines().filter_map(port).collect()
}
