//! Emits the cores, verilates them and compiles each model into a static library of its own.
//!
//! A model whose Verilog, shim, tools and flags have not changed is not built again.

#[cfg(not(feature = "verilator"))]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}

#[cfg(feature = "verilator")]
fn main() {
    if let Err(message) = verilate::main() {
        panic!("\n{message}\n");
    }
}

#[cfg(feature = "verilator")]
mod verilate {
    use nda_cores::{Port, emit, units::units};
    use nda_spec::Config;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::sync::Mutex;
    use std::{env, fs};

    struct Job {
        name: String,
        top: String,
        verilog: String,
        optimise: u32,
    }

    struct Tool {
        binary: String,
        root: PathBuf,
        version: String,
    }

    pub fn main() -> Result<(), String> {
        for path in ["build.rs", "shim/shim.h", "shim/lock.cpp"] {
            println!("cargo::rerun-if-changed={path}");
        }
        let out = PathBuf::from(env::var("OUT_DIR").map_err(|e| e.to_string())?);
        let tool = find_verilator()?;
        println!("cargo::rerun-if-changed={}", tool.root.join("include/verilated.h").display());
        println!("cargo::rustc-env=NDA_VERILATOR_VERSION={}", tool.version);
        let (jobs, idents) = jobs()?;
        let failures = Mutex::new(Vec::new());
        let next = Mutex::new(jobs.iter());
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, |n| n.get().min(4)) {
                scope.spawn(|| {
                    loop {
                        let job = next.lock().map(|mut jobs| jobs.next());
                        let Ok(Some(job)) = job else { return };
                        if let Err(e) = build(job, &tool, &out) {
                            failures.lock().unwrap_or_else(|p| p.into_inner()).push(format!("model {}: {e}", job.name));
                        }
                    }
                });
            }
        });
        let failures = failures.into_inner().unwrap_or_else(|p| p.into_inner());
        if !failures.is_empty() {
            return Err(failures.join("\n"));
        }
        runtime(&tool, &out)?;
        let names: Vec<&str> = jobs.iter().map(|j| j.name.as_str()).collect();
        let externs: String = names.iter().map(|n| format!("    fn nda_model_{n}() -> *const Api;\n")).collect();
        let table: String = names.iter().map(|n| format!("    (\"{n}\", nda_model_{n}),\n")).collect();
        let count = names.len();
        let code = format!(
            "unsafe extern \"C\" {{\n{externs}}}\n\
             /// Every model: its name and its functions.\n\
             pub(crate) static MODELS: [(&str, unsafe extern \"C\" fn() -> *const Api); {count}] = [\n{table}];\n"
        );
        write_if_changed(&out.join("models.rs"), &code)?;
        write_if_changed(&out.join("idents.rs"), &idents)?;
        println!("cargo::rustc-link-search=native={}", out.display());
        for name in &names {
            println!("cargo::rustc-link-lib=static={}", library(name));
        }
        println!("cargo::rustc-link-lib=static=nda_sim_lock");
        println!("cargo::rustc-link-lib=static:+whole-archive=nda_verilated_threads");
        println!("cargo::rustc-link-lib=stdc++");
        println!("cargo::rustc-link-lib=pthread");
        Ok(())
    }

    /// Cycles of a bit above which a board's UART is not simulated: nothing but waiting would be, and the engine behind
    /// the pins is that of the parallel port.
    const MOST_BIT_CYCLES: u32 = 20;

    fn is_simulated(config: &Config, port: Port) -> bool {
        port == Port::Parallel || config.uart_divisor() <= MOST_BIT_CYCLES
    }

    fn library(name: &str) -> String {
        format!("nda_model_{name}")
    }

    /// The models, and what each board says of itself, for tests that compare with what came over the wire.
    fn jobs() -> Result<(Vec<Job>, String), String> {
        let mut jobs = Vec::new();
        let mut builds = String::new();
        for config in Config::all().map_err(|e| e.to_string())? {
            for port in Port::ALL.into_iter().filter(|&port| is_simulated(&config, port)) {
                let emitted = emit(&config, port).map_err(|e| format!("{} ({}): {e}", config.name, port.name()))?;
                let name = format!("board_{}_{}", config.name, port.name());
                builds += &format!("    (\"{}\", \"{}\", {:#018x}),\n", config.name, port.name(), emitted.ident.build);
                jobs.push(Job { name, top: emitted.top.into(), verilog: emitted.verilog, optimise: 3 });
            }
        }
        let idents = format!(
            "/// Configuration, port and build hash of every simulated board.\npub static BUILDS: [(&str, &str, u64); {}] = [\n{builds}];\n",
            jobs.len()
        );
        // The widest first: they take longest.
        jobs.sort_by_key(|job| std::cmp::Reverse(job.verilog.len()));
        // A unit without registers has no cycles to simulate: it is proved for every input, and simulated in its board.
        for (name, verilog) in units().map_err(|e| e.to_string())?.into_iter().filter(|(_, verilog)| verilog.contains("clock")) {
            jobs.push(Job { name: name.into(), top: name.into(), verilog, optimise: 1 });
        }
        Ok((jobs, idents))
    }

    fn find_verilator() -> Result<Tool, String> {
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
        Ok(Tool { binary, root, version })
    }

    fn write_if_changed(path: &Path, text: &str) -> Result<(), String> {
        if fs::read_to_string(path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
    }

    fn build(job: &Job, tool: &Tool, out: &Path) -> Result<(), String> {
        let folder = out.join(&job.name);
        let shim = fs::read_to_string("shim/shim.h").map_err(|e| e.to_string())?;
        let key = [&job.verilog, &shim, &tool.version, include_str!("build.rs"), &env::var("CXX").unwrap_or_default()].concat();
        let key = blake3::hash(key.as_bytes()).to_hex().to_string();
        let stamp = folder.join("stamp");
        let archive = out.join(format!("lib{}.a", library(&job.name)));
        if archive.is_file() && fs::read_to_string(&stamp).is_ok_and(|old| old == key) {
            return Ok(());
        }
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let source = folder.join(format!("{}.v", job.top));
        fs::write(&source, &job.verilog).map_err(|e| e.to_string())?;
        let prefix = format!("V{}", job.name);
        let mut command = Command::new(&tool.binary);
        command.args([
            "--cc",
            "-O3",
            "--x-assign",
            "fast",
            "--x-initial",
            "fast",
            "--noassert",
            "--trace",
            // Tables and stores are followed by their ports: their words would be most of the trace's code.
            "--trace-max-array",
            "8",
            "--no-timing",
            "-Wno-fatal",
            "-Wno-lint",
            "-Wno-style",
        ]);
        // What the cores must never show: an unassigned path or a loop of logic.
        command.args([
            "-Werror-LATCH",
            "-Werror-UNOPTFLAT",
            "-Werror-MULTIDRIVEN",
            "-Werror-UNDRIVEN",
            "--prefix",
            &prefix,
            "--top-module",
            &job.top,
            "--Mdir",
        ]);
        command.arg(&folder).arg(&source).env("VERILATOR_ROOT", &tool.root);
        let output = command.output().map_err(|e| e.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let header = fs::read_to_string(folder.join(format!("{prefix}.h"))).map_err(|e| e.to_string())?;
        let ports: String = ports(&header)
            .iter()
            .map(|(name, bits, input)| {
                format!("{{\"{name}\", [](Sim* s) -> void* {{ return &s->top->{name}; }}, {bits}, {}}}, ", u8::from(*input))
            })
            .collect();
        let mut unity = format!("#include \"{prefix}.h\"\n");
        // One translation unit: the phases of an evaluation inline into one another.
        for file in sources(&folder)? {
            unity += &format!("#include \"{file}\"\n");
        }
        unity += &format!(
            "#define TOP {prefix}\n#define CLOCK clock\n#define NAME nda_model_{}\n#define PORTS {ports}\n#include \"shim.h\"\n",
            job.name
        );
        // A combinational model has no clock of its own to drive.
        if !header.contains("(&clock,") {
            return Err("the top has no port called clock".into());
        }
        fs::write(folder.join("unity.cc"), unity).map_err(|e| e.to_string())?;
        compiler(tool, job.optimise)
            .include(&folder)
            .include("shim")
            .file(folder.join("unity.cc"))
            .try_compile(&library(&job.name))
            .map_err(|e| e.to_string())?;
        fs::write(stamp, key).map_err(|e| e.to_string())
    }

    fn compiler(tool: &Tool, optimise: u32) -> cc::Build {
        let mut build = cc::Build::new();
        build.cpp(true).std("c++17").warnings(false).opt_level(optimise).debug(false).cargo_metadata(false);
        for (name, value) in
            [("VERILATOR", "1"), ("VM_COVERAGE", "0"), ("VM_SC", "0"), ("VM_TRACE", "1"), ("VM_TRACE_VCD", "1"), ("VM_TRACE_FST", "0")]
        {
            build.define(name, value);
        }
        build.define("VL_TIME_CONTEXT", None).include(tool.root.join("include")).include(tool.root.join("include/vltstd"));
        build
            .flag_if_supported("-faligned-new")
            .flag_if_supported("-fcf-protection=none")
            .flag_if_supported("-fno-semantic-interposition")
            .flag_if_supported("-w");
        build
    }

    /// What the `verilated` crate does not compile of Verilator 5's runtime.
    fn runtime(tool: &Tool, out: &Path) -> Result<(), String> {
        let stamp = out.join("runtime.stamp");
        let key = format!("{} {}", tool.version, blake3::hash(include_bytes!("build.rs")).to_hex());
        if out.join("libnda_verilated_threads.a").is_file() && fs::read_to_string(&stamp).is_ok_and(|old| old == key) {
            return Ok(());
        }
        compiler(tool, 2)
            .file(tool.root.join("include/verilated_threads.cpp"))
            .try_compile("nda_verilated_threads")
            .map_err(|e| e.to_string())?;
        compiler(tool, 2).file("shim/lock.cpp").try_compile("nda_sim_lock").map_err(|e| e.to_string())?;
        fs::write(stamp, key).map_err(|e| e.to_string())
    }

    fn sources(folder: &Path) -> Result<Vec<String>, String> {
        let entries = fs::read_dir(folder).map_err(|e| e.to_string())?;
        let mut files: Vec<String> =
            entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).filter(|f| f.ends_with(".cpp")).collect();
        files.sort();
        Ok(files)
    }

    /// The ports that a generated header declares: `VL_IN8(&clock,0,0);` is name, width, direction.
    fn ports(header: &str) -> Vec<(String, u32, bool)> {
        let port = |line: &str| -> Option<(String, u32, bool)> {
            let line = line.trim();
            let input = line.starts_with("VL_IN");
            if !input && !line.starts_with("VL_OUT") {
                return None;
            }
            let (_, arguments) = line.split_once("(&")?;
            let mut parts = arguments.trim_end_matches(");").split(',');
            let (name, msb, lsb) = (parts.next()?, parts.next()?.parse::<u32>().ok()?, parts.next()?.parse::<u32>().ok()?);
            Some((name.into(), msb - lsb + 1, input))
        };
        header.lines().filter_map(port).collect()
    }
}
