//! The emitted Verilog under Verilator's strictest lint, but for the rules that lint.vlt gives up with their reasons.

use nda_cores::{Port, emit, emit::units::units};
use nda_spec::Config;
use std::path::Path;
use std::process::Command;

/// What Verilator says of a text; nothing if it is clean.
fn complaints(folder: &Path, top: &str, verilog: &str) -> String {
    let file = folder.join(format!("{top}.v"));
    std::fs::write(&file, verilog).unwrap();
    let waivers = Path::new(env!("CARGO_MANIFEST_DIR")).join("lint.vlt");
    let output = Command::new("verilator_bin").args(["--lint-only", "-Wall", "--top-module", top]).arg(waivers).arg(file).output().unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn is_there() -> bool {
    Command::new("verilator_bin").arg("--version").output().is_ok()
}

#[test]
fn the_emitted_verilog_passes_the_strict_lint() {
    if !is_there() {
        return nda_tests::skip("the lint of the emitted Verilog", "there is no verilator_bin; './tools.sh system' installs it");
    }
    let folder = tempfile::tempdir().unwrap();
    for config in Config::all().unwrap() {
        for port in Port::ALL {
            let emitted = emit(&config, port).unwrap();
            let said = complaints(folder.path(), emitted.top, &emitted.verilog);
            assert!(said.is_empty(), "{} ({}):\n{said}", config.name, port.name());
        }
    }
    for (name, verilog) in units().unwrap() {
        let said = complaints(folder.path(), name, &verilog);
        assert!(said.is_empty(), "unit {name}:\n{said}");
    }
}

#[test]
fn the_lint_sees_what_it_is_for() {
    if !is_there() {
        return nda_tests::skip("the lint of a faulty module", "there is no verilator_bin; './tools.sh system' installs it");
    }
    let folder = tempfile::tempdir().unwrap();
    let faulty = "module faulty(input a, output reg y);\n always @(*) if (a) y = 1;\nendmodule\n";
    assert!(complaints(folder.path(), "faulty", faulty).contains("LATCH"));
}
