//! What the command says of back ends as such: their products, and what GPUs could do with a model.

use serde_json::Value;
use std::process::{Command, Output};

const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");

fn nda(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nda")).args(arguments).output().unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = nda(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_plan_for_gpus_is_their_bandwidth_over_the_bytes_of_a_token() {
    let plan = json(&["plan", TINY, "--gpus", "--json"]);
    assert_eq!(plan["evidence"], "projected");
    let number = |value: &Value| value.as_f64().unwrap();
    let bytes = number(&plan["weight_bytes"]) + number(&plan["positions"]) * number(&plan["position_bytes"]);
    // 1.1 million weights of two bits and a head and embedding of 256 tokens; of four bits a position.
    let metadata = json(&["info", TINY, "--json"]);
    assert!(number(&plan["weight_bytes"]) > number(&metadata["model"]["board_weights"]) / 4.0, "{plan}");
    let gpus = plan["gpus"].as_array().unwrap();
    for kind in ["integrated", "discrete"] {
        assert!(gpus.iter().filter(|gpu| gpu["kind"] == kind).count() >= 3, "{kind}");
    }
    for gpu in gpus {
        let wanted = number(&gpu["gb_per_s"]) * 1e9 / bytes;
        assert!((number(&gpu["tokens_per_second"]) / wanted - 1.0).abs() < 1e-9, "{gpu}");
    }
    let text = String::from_utf8(nda(&["plan", TINY, "--gpus"]).stdout).unwrap();
    assert!(text.contains("projected") && text.contains("nothing was run on these GPUs"), "{text}");
}

#[cfg(feature = "bench")]
#[test]
fn the_products_of_a_back_end_are_checked_and_timed() {
    let backend = if cfg!(feature = "gpu") { "gpu" } else { "cpu:portable" };
    let found = json(&["bench", "--backend", backend, "--shape", "96x130", "--seconds", "0.001", "--json"]);
    assert_eq!((&found["rows"], &found["cols"]), (&96.into(), &130.into()));
    let products = found["products"].as_array().unwrap();
    for name in ["binary A8", "ternary A8 x16", "quaternary A2", "group-quantized k2 A8 x16"] {
        let product = products.iter().find(|product| product["name"] == name);
        assert!(product.is_some_and(|product| product["gmac_per_s"].as_f64().unwrap() > 0.0), "{name}: {found}");
    }
    let text = String::from_utf8(nda(&["bench", "--backend", "cpu", "--shape", "64x64", "--seconds", "0.001"]).stdout).unwrap();
    assert!(text.contains("64 x 64: medians, measured") && text.contains("GMAC/s"), "{text}");
    for (shape, backend) in [("0x4", "cpu"), ("64", "cpu"), ("99999999x4", "cpu"), ("64x64", "nothing")] {
        assert_eq!(nda(&["bench", "--backend", backend, "--shape", shape]).status.code(), Some(2), "{shape} {backend}");
    }
}
