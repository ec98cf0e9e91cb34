//! The graphs of three architectures, and the reasons for what has none.

mod common;

use common::floats::GraphRun;
use common::{PLAIN, bitnet_bytes, decoder_bytes, gemma3_bytes, model_bytes};
use nda_engine::{BITNET, Feature, GEMMA3, LLAMA, Model, Session, Weights, decoder};
use nda_kernels::CpuGemv;
use nda_lang::Tier;
use nda_ndf::{AlignedBytes, Document};
use std::path::Path;

fn weights<'d>(document: &Document<'d>, program: &str) -> Weights<'d> {
    Weights::with_program(document, "model.nda", program, Tier::Closure).unwrap()
}

fn is_snapshot(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.graph"));
    nda_tests::assert_snapshot(&path, found);
}

#[test]
fn graphs_of_three_architectures_are_as_reviewed() {
    let models = [
        ("llama", LLAMA, model_bytes(PLAIN)),
        ("gemma3", GEMMA3, gemma3_bytes()),
        ("bitnet", BITNET, bitnet_bytes("1")),
        ("bitnet_silu", BITNET, bitnet_bytes("0")),
    ];
    for (name, program, bytes) in models {
        let document = Document::open(&bytes).unwrap();
        let graph = weights(&document, program).graph().unwrap();
        is_snapshot(name, &graph.to_string());
        let json = graph.to_json();
        assert_eq!(json["nodes"].as_array().unwrap().len(), graph.len());
        assert_eq!(json["version"], nda_ir::VERSION);
    }
}

#[test]
fn a_graphs_products_are_the_models_layers_in_their_order() {
    for (program, bytes) in [(LLAMA, model_bytes(PLAIN)), (GEMMA3, gemma3_bytes()), (BITNET, bitnet_bytes("1"))] {
        let document = Document::open(&bytes).unwrap();
        let weights = weights(&document, program);
        let found: Vec<String> = weights.graph().unwrap().products().iter().map(nda_ir::Product::name).collect();
        let run: Vec<String> = weights.fused_layers().into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, run);
    }
}

/// What a changed Llama's graph fails with.
fn reason(bytes: &AlignedBytes, from: &str, to: &str) -> String {
    let program = LLAMA.replacen(from, to, 1);
    assert_ne!(program, LLAMA, "{from}");
    let document = Document::open(bytes).unwrap();
    weights(&document, &program).graph().unwrap_err().to_string()
}

#[test]
fn a_graph_evaluated_node_by_node_gives_the_programs_logits_to_the_bit() {
    let models = [(LLAMA, model_bytes(PLAIN)), (GEMMA3, gemma3_bytes()), (BITNET, bitnet_bytes("1")), (BITNET, bitnet_bytes("0"))];
    for (program, bytes) in models {
        let document = Document::open(&bytes).unwrap();
        let weights = weights(&document, program);
        // More tokens than Gemma's window holds.
        same_logits(&weights, &document, b"windows of five");
    }
}

/// Runs a program and evaluates its graph on a text; the logits are the same to the bit.
fn same_logits(weights: &Weights<'_>, document: &Document<'_>, text: &[u8]) {
    let graph = weights.graph().unwrap();
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(weights, &mut gemv).unwrap();
    let mut session = Session::new(&model, &mut gemv);
    let mut run = GraphRun::new(&graph, weights, document);
    for token in text {
        let wanted: Vec<u32> = session.predict(u32::from(*token)).unwrap().iter().map(|v| v.to_bits()).collect();
        let found: Vec<u32> = run.predict(usize::from(*token)).iter().map(|v| v.to_bits()).collect();
        assert!(found == wanted, "{graph}");
    }
}

const BEGIN: &str = "    let x = gather(\"embed\", tokens);\n";

/// The line of the program that [`BEGIN`] is.
fn begin_line() -> usize {
    1 + LLAMA.lines().position(|line| BEGIN.trim_end() == line).unwrap()
}

#[test]
fn what_depends_on_a_runs_numbers_has_no_graph_and_says_where_and_why() {
    let bytes = model_bytes(PLAIN);
    let line = begin_line();
    let data = format!("depends on the data of line {line}");
    // A statement behind the beginning, the column of the reason, and the reason.
    for (code, column, wanted) in [
        ("if tokens[0] > 5 { x = scale(x, 2.0); }", 8, "this branch depends on the tokens"),
        ("if position > 0 && count > 0 { x = scale(x, 2.0); }", 8, "this branch depends on the position"),
        ("if dot(x, x) > 5.0 { x = scale(x, 2.0); }", 8, &format!("this branch {data}")),
        ("x = scale(x, tensor(\"norm\")[position]);", 33, "this index depends on the position"),
        ("loop int(x[0]) { x = scale(x, 2.0); }", 10, &format!("the number of this loop's turns {data}")),
        ("while argmax(x) > 0 { x = scale(x, 2.0); }", 11, &format!("this loop's condition {data}")),
        ("x = scale(x, x[0]);", 9, &format!("the factor of 'scale' {data}")),
        ("x[0] = 1.0;", 5, &format!("an element of a vector is assigned that {data}")),
        ("print(count);", 5, "'print' shows a line per token"),
        ("x = softmax(x);", 9, "'softmax' has no operation in the graph"),
        ("x = gather(\"embed\", ints(scale(columns(x, d_model, 0, 1), 0.0)));", 25, "'ints' has no operation in the graph"),
        ("loop 100000000 { count = count; }", 10, "steps"),
    ] {
        let found = reason(&bytes, BEGIN, &format!("{BEGIN}    {code}\n"));
        assert!(found.starts_with(&format!("model.nda:{}:{column}: ", line + 1)) && found.contains(wanted), "{code}: {found}");
    }
    let rope = "let k = rope_rows(columns(qkv, v_end, q_end, k_end), k_end - q_end, position,";
    for (position, wanted) in [
        ("2 * position", "depends on the position but is not the position plus a constant"),
        ("int(x[0])", &*data),
        ("7", "one constant position"),
    ] {
        let found = reason(&bytes, rope, &rope.replace("position,", &format!("{position},")));
        assert!(found.contains(wanted), "{position}: {found}");
    }
}

#[test]
fn a_second_trace_finds_what_depends_on_how_many_tokens_are_taken_at_once() {
    let bytes = model_bytes(PLAIN);
    let found = reason(&bytes, BEGIN, &format!("{BEGIN}    if count == 1 {{ x = scale(x, 2.0); }}\n"));
    assert!(found.starts_with(&format!("model.nda:{}: ", begin_line() + 1)) && found.contains("how many are taken at once"), "{found}");
    let found = reason(&bytes, BEGIN, &format!("{BEGIN}    x = scale(x, float(count));\n"));
    assert!(found.contains("factor 1.0") && found.contains("factor 3.0"), "{found}");
    let found = reason(&bytes, "    return x;\n", "    return slice(x, 0, len(x));\n");
    assert!(found.contains("'slice' cuts the values of all tokens together"), "{found}");
}

#[test]
fn a_position_plus_a_constant_a_bias_and_an_unused_operation_are_traced() {
    let bytes = model_bytes(PLAIN);
    let document = Document::open(&bytes).unwrap();
    let one = LLAMA
        .replace("fn forward(tokens: ints, position: int)", "fn forward(token: int, position: int)")
        .replace(
            "    let count = len(tokens);\n    let x = gather(\"embed\", tokens);\n",
            "    let count = 1;\n    let x = add(row(\"embed\", token), tensor(\"norm\"));\n    let unused = scale(x, 3.0);\n",
        )
        .replace("k_end - q_end, position,", "k_end - q_end, 2 + position - 1,");
    let text = weights(&document, &one).graph().unwrap().to_string();
    assert!(text.contains("constant constant norm") && text.contains("offset +1"), "{text}");
    assert!(!text.contains("factor 3.0"), "what nothing needs is not there:\n{text}");
}

#[test]
fn biases_head_norms_windows_and_scaled_ropes_are_traced_and_evaluate_to_the_bit() {
    let bytes = decoder_bytes();
    let document = Document::open(&bytes).unwrap();
    let program = decoder(&[Feature::QueryBias, Feature::HeadNorms, Feature::Window, Feature::RopeFactors]);
    let weights = weights(&document, &program);
    let graph = weights.graph().unwrap();
    let text = graph.to_string();
    for part in ["constant constant blk.1.q_bias", "weight blk.0.k_norm", "factors rope_factors", "window 5"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    same_logits(&weights, &document, b"stretched");
}
