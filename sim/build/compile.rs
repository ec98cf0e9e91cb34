//! From Verilog to static libraries, as many at a time as there are cores.

use crate::models::{Kind, Model, Models};
use crate::store::Store;
use crate::verilator::{ARGUMENTS, Verilator, WAVES};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{env, fs};

/// Most models at a time: each takes up to 400 MB.
const MAX_THREADS: usize = 8;

/// What is defined for the C++ compiler.
const DEFINES: [(&str, &str); 4] = [("VERILATOR", "1"), ("VM_COVERAGE", "0"), ("VM_SC", "0"), ("VM_TRACE_FST", "0")];

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
    // With fewer models than cores a model's units share them.
    let within = (threads / models.all.len().max(1)).max(1);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(index) = next.lock().ok().and_then(|mut next| next.next()) else { return };
                    let model = &models.all[index];
                    let library = library(model, &shim, tool, store, out, within).map_err(|e| format!("model {}: {e}", model.name));
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
        store.library(name, &[&recipe(tool, Kind::Waves, 2), &text], out, |folder, library| {
            compiler(tool, Kind::Waves, 2, folder).file(file).try_compile(library).map_err(|e| e.to_string())
        })
    };
    Ok(Libraries {
        models: done.into_iter().flatten().collect(),
        lock: runtime("sim_lock", Path::new("shim/lock.cpp"))?,
        threads: runtime("verilated_threads", &tool.root.join("include/verilated_threads.cpp"))?,
    })
}

/// All that decides what a compilation gives, but for its sources.
fn recipe(tool: &Verilator, kind: Kind, optimise: u32) -> String {
    let environment = ["CXX", "CXXFLAGS"].map(|name| env::var(name).unwrap_or_default());
    let waves = if kind == Kind::Waves { &WAVES[..] } else { &[] };
    format!("{} {ARGUMENTS:?} {waves:?} {DEFINES:?} {FLAGS:?} {environment:?} {optimise}", tool.version)
}

/// The library of one model.
fn library(model: &Model, shim: &str, tool: &Verilator, store: &Store, out: &Path, threads: usize) -> Result<String, String> {
    let name = format!("model_{}", model.name);
    store.library(&name, &[&recipe(tool, model.kind, model.optimise), &model.verilog, shim], out, |folder, library| {
        let prefix = format!("V{}", model.name);
        tool.translate(model, &prefix, folder)?;
        let header = fs::read_to_string(folder.join(format!("{prefix}.h"))).map_err(|e| e.to_string())?;
        // A combinational model has no clock of its own to drive.
        if !header.contains("(&clock,") {
            return Err("the top has no port called clock".into());
        }
        let units = units(model, &prefix, &header, folder)?;
        let next = Mutex::new(units.into_iter());
        let objects: Mutex<Result<Vec<PathBuf>, String>> = Mutex::new(Ok(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(unit) = next.lock().ok().and_then(|mut next| next.next()) {
                        let object = compiler(tool, model.kind, unit.optimise, folder).file(&unit.file).try_compile_intermediates();
                        let object = object.map_err(|e| e.to_string());
                        if let Ok(mut objects) = objects.lock() {
                            *objects = std::mem::replace(&mut *objects, Ok(Vec::new())).and_then(|all| Ok([all, object?].concat()));
                        }
                    }
                });
            }
        });
        let objects = objects.into_inner().map_err(|e| e.to_string())??;
        compiler(tool, model.kind, model.optimise, folder).objects(objects).try_compile(library).map_err(|e| e.to_string())
    })
}

/// A translation unit.
struct Unit {
    file: PathBuf,
    /// The C++ compiler's level.
    optimise: u32,
}

/// Bytes of C++ in a unit at most, unless one file has more: what a core optimises in half a minute.
const UNIT_BYTES: u64 = 1 << 20;

/// The translation units of a model. What an evaluation runs comes first, in units whose phases inline into one another; what runs for
/// a trace alone, or once, is most of a board's text, and is compiled as fast as can be.
fn units(model: &Model, prefix: &str, header: &str, folder: &Path) -> Result<Vec<Unit>, String> {
    let level = |file: &str| match file {
        file if file.contains("__Slow") || file.contains("__Syms") => 0,
        file if file.contains("__Trace") => 1,
        _ => model.optimise,
    };
    let sources = sources(folder)?;
    let mut units = Vec::new();
    for optimise in BTreeSet::from([model.optimise, 1, 0]).into_iter().rev() {
        let files = sources.iter().filter(|file| level(file) == optimise).cloned();
        let mut taken: Vec<String> = Vec::new();
        let mut bytes = 0;
        for file in files {
            let more = fs::metadata(folder.join(&file)).map_err(|e| e.to_string())?.len();
            if bytes > 0 && bytes + more > UNIT_BYTES {
                units.push(unit(units.len(), std::mem::take(&mut taken), prefix, optimise, folder)?);
                bytes = 0;
            }
            bytes += more;
            taken.push(file);
        }
        if !taken.is_empty() {
            units.push(unit(units.len(), taken, prefix, optimise, folder)?);
        }
    }
    units.push(shim_unit(model, prefix, header, folder)?);
    Ok(units)
}

/// Some files as one unit.
fn unit(number: usize, files: Vec<String>, prefix: &str, optimise: u32, folder: &Path) -> Result<Unit, String> {
    let text = files.iter().fold(format!("#include \"{prefix}.h\"\n"), |text, file| text + &format!("#include \"{file}\"\n"));
    written(folder.join(format!("unit_{number}.cc")), &text, optimise)
}

/// The ports and functions that Rust calls.
fn shim_unit(model: &Model, prefix: &str, header: &str, folder: &Path) -> Result<Unit, String> {
    let port = |(name, bits, is_input): &(String, u32, bool)| {
        format!("{{\"{name}\", [](Sim* s) -> void* {{ return &s->top->{name}; }}, {bits}, {}}}, ", u8::from(*is_input))
    };
    let ports: String = ports(header).iter().map(port).collect();
    let name = &model.name;
    let text = format!(
        "#include \"{prefix}.h\"\n#define TOP {prefix}\n#define CLOCK clock\n#define NAME nda_model_{name}\n#define PORTS {ports}\n\
         #include \"shim.h\"\n"
    );
    written(folder.join("shim_unit.cc"), &text, model.optimise)
}

fn written(file: PathBuf, text: &str, optimise: u32) -> Result<Unit, String> {
    fs::write(&file, text).map_err(|e| e.to_string())?;
    Ok(Unit { file, optimise })
}

/// The C++ compiler as every unit has it.
fn compiler(tool: &Verilator, kind: Kind, optimise: u32, folder: &Path) -> cc::Build {
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").warnings(false).opt_level(optimise).debug(false).cargo_metadata(false);
    for (name, value) in DEFINES {
        build.define(name, value);
    }
    let waves = if kind == Kind::Waves { "1" } else { "0" };
    build.define("VM_TRACE", waves).define("VM_TRACE_VCD", waves);
    for flag in FLAGS {
        build.flag_if_supported(flag);
    }
    build.define("VL_TIME_CONTEXT", None).include(tool.root.join("include")).include(tool.root.join("include/vltstd"));
    build.include(folder).include("shim").out_dir(folder);
    build
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
