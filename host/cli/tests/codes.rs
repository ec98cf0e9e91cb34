//! Models of one-bit and two-bit codes whose scales stand by blocks, from a file of others to the simulated board.

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

/// The software model of a board with an array of tables and of one with an array of planes, and their Verilog where that is built in.
const BOARDS: &[&str] = if cfg!(feature = "configurations") {
    &["loopback", "loopback:wide256", "sim", "sim:wide256"]
} else if cfg!(feature = "verilator") {
    &["loopback", "loopback:wide256", "sim"]
} else {
    &["loopback", "loopback:wide256"]
};

fn nda(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_slice(&nda(arguments).stdout).unwrap()
}

#[test]
fn codes_with_a_scale_per_block_say_the_same_on_the_cpu_and_on_the_boards_verilog() {
    let folder = tempfile::tempdir().unwrap();
    for (name, form, bits) in [
        ("Q1_0", "binary, 1 stack, scale per 128 columns", 1.125),
        ("Q2_0", "asymmetric, 1 stack, scale per 64 columns", 2.25),
        ("Q2_0-128", "asymmetric, 1 stack, scale per 128 columns", 2.125),
        ("TQ2_0", "ternary, 1 stack, scale per 256 columns", 2.0625),
    ] {
        let file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "convert", "tests", "models", "types", name].iter().collect();
        let file = file.with_extension("gguf");
        let document = folder.path().join(name).with_extension("ndf");
        let (file, document) = (file.to_str().unwrap(), document.to_str().unwrap());
        nda(&["convert", file, document]);
        let model = &json(&["info", document, "--json"])["model"];
        // The embedding has 33 rows of the 64 that its tiles hold, so it is kept in more.
        let kept = model["bits_per_weight"][form].as_f64().unwrap_or_else(|| panic!("no '{form}' in {model}"));
        assert!((bits..2.0 * bits).contains(&kept), "{name}: {kept}");
        let drawn = |backend: &str| {
            let found = json(&["run", document, "--json", "--backend", backend, "--max-tokens", "3", "--prompt", "she was"]);
            (found["tokens"].clone(), found["work"]["device"]["products"].clone())
        };
        let (cpu, _) = drawn("cpu");
        for backend in BOARDS {
            let (tokens, products) = drawn(backend);
            assert_eq!(tokens, cpu, "{name} on {backend}");
            assert!(products.as_u64().is_some_and(|products| products > 0), "{name}: {backend} multiplied {products}");
        }
    }
}
