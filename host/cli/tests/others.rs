//! The cores in designs of others: FuseSoC's library of them, a SoC of LiteX with the array as a peripheral, Verilator as it is.

#![cfg(all(unix, feature = "emit"))]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const NDA: &str = env!("CARGO_BIN_EXE_nda");
const LIBRARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../hdl/fusesoc");

fn tools() -> Option<PathBuf> {
    let bin = Path::new(LIBRARY).join("../../.tools/buses/bin").canonicalize().ok()?;
    bin.join("fusesoc").exists().then_some(bin)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// FuseSoC in a folder of its own, with the library beside it and this command as its generator.
fn fusesoc(bin: &Path, folder: &Path, arguments: &[&str]) -> String {
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let run = |arguments: &[&str]| {
        let mut command = Command::new(bin.join("fusesoc"));
        command.args(arguments).current_dir(folder).env("PATH", &path).env("NDA", NDA).env("HOME", folder).output().unwrap()
    };
    if !folder.join("fusesoc.conf").exists() {
        let output = run(&["library", "add", "nda", LIBRARY]);
        assert!(output.status.success(), "{}", said(&output));
    }
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    said(&output)
}

#[test]
fn fusesoc_generates_and_lints_the_array_on_both_buses_and_the_token_machine() {
    let Some(bin) = tools() else { return nda_tests::skip("FuseSoC's library", "./tools.sh buses installs FuseSoC") };
    let folder = tempfile::tempdir().unwrap();
    for (target, core, top) in
        [("lint", "nda:cores:gemv", "gemv_axis"), ("lint_wishbone", "nda:cores:gemv", "gemv_wb"), ("lint", "nda:cores:token", "board")]
    {
        let place = folder.path().join(format!("{top}-{target}"));
        let text = fusesoc(&bin, folder.path(), &["run", &format!("--target={target}"), "--build-root", place.to_str().unwrap(), core]);
        assert!(!text.contains("ERROR"), "{core}, {target}: {text}");
    }
}

/// Minutes of yosys and nextpnr: 'cargo test --release -p nda-cli --test others -- --ignored'.
#[test]
#[ignore = "minutes of synthesis, placement and routing"]
fn fusesoc_builds_a_bitstream_of_a_board_with_open_tools() {
    let is_there = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
    let Some(bin) = tools().filter(|_| is_there("yosys") && is_there("nextpnr-ice40")) else {
        return nda_tests::skip(
            "a bitstream by FuseSoC",
            "it takes FuseSoC (./tools.sh buses), and yosys with Tcl, nextpnr-ice40 and icepack of the system",
        );
    };
    let folder = tempfile::tempdir().unwrap();
    fusesoc(&bin, folder.path(), &["run", "--target=hx8k", "--build-root", "out", "nda:cores:board"]);
    let built = folder.path().join("out/hx8k-icestorm");
    let bitstream = std::fs::read_dir(&built).unwrap().flatten().find(|entry| entry.path().extension().is_some_and(|end| end == "bin"));
    assert!(bitstream.is_some_and(|file| file.metadata().unwrap().len() > 100_000), "{built:?}");
    let log = std::fs::read_to_string(built.join("next.log")).unwrap();
    assert!(log.contains("PASS at 12.00 MHz"), "{log}");
}

/// A minute of yosys or two.
#[test]
#[ignore = "a minute of synthesis"]
fn fusesoc_synthesises_the_commands_of_the_token_machine() {
    let is_there = Command::new("yosys").arg("-V").output().is_ok();
    let Some(bin) = tools().filter(|_| is_there) else {
        return nda_tests::skip("a synthesis by FuseSoC", "it takes FuseSoC (./tools.sh buses), and yosys with Tcl of the system");
    };
    let folder = tempfile::tempdir().unwrap();
    fusesoc(&bin, folder.path(), &["run", "--target=commands", "--build-root", "out", "nda:cores:token"]);
    let built = folder.path().join("out/nda_cores_token_0.1.0/commands-yosys");
    let log = std::fs::read_to_string(built.join("yosys.log")).unwrap_or_else(|e| panic!("{built:?}: {e}"));
    let netlist = std::fs::read_to_string(built.join("nda_cores_token_0.1.0.json")).unwrap();
    assert!(log.contains("board_engine_commands") && netlist.contains("\"TRELLIS_FF\""), "{log}");
}

#[test]
fn litex_puts_the_array_into_a_soc_whose_verilog_is_whole() {
    let Some(bin) = tools() else { return nda_tests::skip("a SoC of LiteX", "./tools.sh buses installs LiteX") };
    let folder = tempfile::tempdir().unwrap();
    let run = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(folder.path()).env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
        assert!(output.status.success(), "{program:?}: {}", said(&output));
        said(&output)
    };
    run(Path::new(NDA), &["emit", "--bus", "wishbone", "--rows", "4", "--cols", "32", "--out", "rtl"]);
    let script = Path::new(LIBRARY).join("litex_gemv.py");
    let told = run(&bin.join("python"), &[script.to_str().unwrap(), "rtl/gemv_wb.v", "build"]);
    assert!(told.contains("gemv") && told.contains("0x90000000"), "the array has a place in the memory map: {told}");
    // Every port of the instance is one of the core's, and every module is there.
    if Command::new("iverilog").arg("-V").output().is_ok() {
        let warnings = run(Path::new("iverilog"), &["-g2005", "-t", "null", "-s", "soc", "build/gateware/soc.v", "rtl/gemv_wb.v"]);
        assert!(!warnings.contains("error"), "{warnings}");
    }
}

/// Verilator ends with an error at the first of its own warnings, and who takes the text must not have to switch any off.
#[test]
fn verilator_takes_what_is_emitted_without_any_option() {
    if Command::new("verilator_bin").arg("--version").output().is_err() {
        return nda_tests::skip("the emitted Verilog in Verilator", "there is no verilator_bin; './tools.sh system' installs it");
    }
    let folder = tempfile::tempdir().unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {}", said(&output));
        output
    };
    for config in ["nano16", "small64", "wide256", "seed64", "token1024"] {
        run(NDA, &["emit", "--config", config, "--out", "."]);
        for port in ["parallel", "uart"] {
            let lint = run("verilator_bin", &["--lint-only", "--top-module", "board", &format!("board_{config}_{port}.v")]);
            assert_eq!(said(&lint), "", "{config}, {port}");
        }
    }
    for (bus, top) in [("axi-stream", "gemv_axis"), ("wishbone", "gemv_wb")] {
        run(NDA, &["emit", "--bus", bus, "--rows", "4", "--cols", "32", "--out", "."]);
        let lint = run("verilator_bin", &["--lint-only", "--top-module", top, &format!("{top}.v")]);
        assert_eq!(said(&lint), "", "{bus}");
    }
}
