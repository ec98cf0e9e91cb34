//! Tensor names.

use nda_lang::{Program, Tier};

fn link(source: &str, names: &[&str]) -> Result<nda_lang::Links, String> {
    let program = Program::compile("n.nda", source, Tier::Closure).map_err(|e| e.to_string())?;
    let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
    program.link(&names).map_err(|e| e.to_string())
}

const FUSED: &str = "fn f(i: int, e: int, x: vec) -> vec {\n    let y = gemv(\"blk.{i}.q\", \"blk.{i}.k\", x);\n    return gemv(\"blk.{i}.expert.{e}\", y);\n}\n";

#[test]
fn names_become_numbers_before_the_run_and_fused_ones_stay_together() {
    let links =
        link(FUSED, &["blk.0.q", "blk.0.k", "blk.2.k", "blk.2.q", "blk.0.expert.0", "blk.2.expert.1", "blk.01.q", "blk..q", "blk.x.q"])
            .unwrap();
    let layers: Vec<String> = links.layers.iter().map(|l| l.join("+")).collect();
    assert_eq!(layers, ["blk.0.q+blk.0.k", "blk.2.q+blk.2.k", "blk.0.expert.0", "blk.2.expert.1"]);
}

#[test]
fn a_name_that_leads_to_no_tensor_is_reported_at_its_place() {
    let error = link(FUSED, &["blk.0.q", "blk.0.k"]).unwrap_err();
    assert!(error.contains("the document has no tensor 'blk.{i}.expert.{j}'") && error.contains("n.nda:3:12"), "{error}");
    let error = link(FUSED, &["blk.0.q", "blk.0.expert.0"]).unwrap_err();
    assert!(error.contains("the document has a tensor 'blk.0.q', but no 'blk.0.k'") && error.contains("n.nda:2:13"), "{error}");
}

#[test]
fn wild_numbers_are_refused_instead_of_filling_memory() {
    let error = link("fn f(i: int) -> vec { return tensor(\"w{i}\"); }", &["w4000000000"]).unwrap_err();
    assert!(error.contains("too large"), "{error}");
    let error = link("fn f(i: int) -> vec { return tensor(\"w{i}\"); }", &["w18446744073709551615"]).unwrap_err();
    assert!(error.contains("too large"), "{error}");
    assert!(link("fn f(i: int) -> vec { return tensor(\"w{i}\"); }", &["w99999999999999999999999"]).is_err());
}
