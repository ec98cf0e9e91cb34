//! The array on buses of others: others' bus models drive the emitted Verilog, under Icarus and under Verilator.

use nda_cores::bus::{BusKind, emit_bus};
use std::path::Path;
use std::process::Command;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Shapes: small ones at the bounds, and one whose words are wider than a bus.
const SHAPES: [(usize, usize); 3] = [(1, 16), (4, 24), (2, 64)];

fn claims(kind: BusKind, simulator: &str) {
    let python = Path::new(ROOT).join(".tools/buses/bin/python");
    let is_there = |program: &str| Command::new(program).arg("-V").output().is_ok();
    // Verilator comes with the environment.
    if !python.exists() || (simulator == "icarus" && !is_there("iverilog")) {
        return nda_tests::skip(format_args!("{} under {simulator}", kind.top()), "./tools.sh buses installs what drives it");
    }
    // A model of Verilator's is compiled for half a minute, so it has the bounds alone.
    for (rows, cols) in SHAPES.into_iter().filter(|shape| simulator == "icarus" || shape.0 < 4) {
        let folder = tempfile::tempdir().unwrap();
        let verilog = folder.path().join("core.v");
        std::fs::write(&verilog, emit_bus(kind, rows, cols).unwrap()).unwrap();
        let output = Command::new(&python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bus/run.py"))
            .args([simulator, kind.top()])
            .args([&verilog, &folder.path().join("build")])
            .args([rows.to_string(), cols.to_string()])
            .output()
            .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said.contains(", 0 failures"), "{rows} x {cols}: {said}");
    }
}

#[test]
fn cocotbs_axi_streams_get_exact_sums_under_icarus() {
    claims(BusKind::AxiStream, "icarus");
}

#[test]
fn cocotbs_axi_streams_get_exact_sums_under_verilator() {
    claims(BusKind::AxiStream, "verilator");
}

#[test]
fn cocotbs_wishbone_master_gets_exact_sums_under_icarus() {
    claims(BusKind::Wishbone, "icarus");
}

#[test]
fn cocotbs_wishbone_master_gets_exact_sums_under_verilator() {
    claims(BusKind::Wishbone, "verilator");
}

#[test]
fn shapes_that_no_bus_has_are_refused_with_their_numbers() {
    for (rows, cols) in [(0, 16), (17, 16), (1, 0), (1, 7), (1, 8), (3, 24), (1, 136)] {
        let error = emit_bus(BusKind::AxiStream, rows, cols).unwrap_err().to_string();
        assert!(error.contains(&format!("{rows} x {cols}")), "{error}");
    }
}
