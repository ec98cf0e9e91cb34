//! The articles' element operations in programs: the golden models', on every tier.

use crate::common::{on_every_tier, returned};
use nda_lang::{Limits, Program, Tier};
use nda_spec::seed::{Comparison, Scaled, compare, quantize, rms_norm, silu, swiglu, truthy};

/// A program whose `main` prints a value made by `body`.
fn printed(body: &str) -> String {
    let source = format!("fn main() -> int {{\n{body}\nreturn 0;\n}}\n");
    let mut lines = on_every_tier(&source, Limits::default(), &[]);
    // Twice the same, then both results.
    assert_eq!(lines.split_off(2), ["0", "0"], "{lines:?}");
    assert_eq!(lines[0], lines[1]);
    lines.remove(0)
}

/// Statements that make `name` from codes, at the scale `2^exponent`.
fn vector(name: &str, codes: &[i8], exponent: i8) -> String {
    let mut text = format!("let {name}_v = zeros({});\n", codes.len());
    codes.iter().enumerate().for_each(|(i, code)| text += &format!("{name}_v[{i}] = {code}.0;\n"));
    // Behind a 2, half of the largest magnitude is 1, and codes are what they were.
    text + &format!("let {name} = seed_scale(seed_quantize({name}_v), {exponent});\n")
}

const X: [i8; 9] = [2, -2, -1, 1, 2, -1, 1, -2, 2];
const Y: [i8; 9] = [2, 2, 1, -1, -2, -2, 1, 1, -1];

#[test]
fn every_operation_is_the_golden_models() {
    let (x, y) = (Scaled { codes: X.to_vec(), log2_scale: 3 }, Scaled { codes: Y.to_vec(), log2_scale: 2 });
    let operands = vector("x", &X, 3) + &vector("y", &Y, 2);
    let print = |call: &str| printed(&format!("{operands}print({call});"));
    let expected = |of: &Scaled| format!("{:?} * {:?}", 2_f32.powi(of.log2_scale.into()), of.codes);
    assert_eq!(print("seed_add(x, y)"), expected(&nda_spec::seed::add(&x, &y)));
    assert_eq!(print("seed_add(y, x)"), expected(&nda_spec::seed::add(&x, &y)));
    let aligned = nda_spec::seed::add(&x, &Scaled { log2_scale: 3, ..y.clone() });
    assert_eq!(print("seed_aligned_add(x, seed_scale(y, 3))"), expected(&aligned));
    assert_eq!(print("seed_swiglu(x, y)"), expected(&swiglu(&x, &y)));
    assert_eq!(print("seed_silu(x)"), expected(&Scaled { codes: X.map(silu).to_vec(), log2_scale: 3 }));
    assert_eq!(print("seed_rms_norm(x, y, 14)"), expected(&rms_norm(&X, &y, 14)));
    for by in Comparison::ALL {
        let bits = compare(by, &X, &Y);
        let call = format!("seed_compare(x, \"{}\", y)", by.sign());
        assert_eq!(print(&call), expected(&Scaled { codes: bits, log2_scale: 0 }), "{by:?}");
    }
    assert_eq!(print("seed_truthy(x), seed_truthy(y)"), format!("{} {}", truthy(&X), truthy(&Y)));
}

#[test]
fn a_vector_of_floats_becomes_the_articles_codes_and_their_scale() {
    let body = "let v = zeros(5); v[0] = 3.0; v[1] = -0.0; v[2] = -2.3; v[3] = 0.0 / 0.0; v[4] = -2.2;\n\
                let q = seed_quantize(v); print(q[0], q[1], q[2], q[3], q[4], dequantize(q)[0]);";
    let golden = quantize(&[3.0, -0.0, -2.3, f32::NAN, -2.2]);
    assert_eq!((golden.codes, golden.scale), (vec![2, 1, -2, -1, -1], 1.5));
    assert_eq!(printed(body), "2 1 -2 -1 -1 3.0");
    assert_eq!(printed("let q = seed_quantize(zeros(0)); print(len(q), seed_truthy(q), len(seed_silu(q)));"), "0 false 0");
}

#[test]
fn constants_can_call_them() {
    let source = "let Q = seed_quantize(zeros(3));\nlet T = seed_truthy(seed_add(Q, Q));\nfn main() -> int { if T { return Q[1] + len(Q); } return 0; }";
    assert_eq!(returned(source), "4");
}

#[test]
fn scales_lengths_and_numbers_that_do_not_fit_are_errors_with_a_next_step() {
    let made =
        "let v = zeros(2); v[0] = 3.0; let q = seed_quantize(v); let one = seed_quantize(zeros(2)); let long = seed_quantize(zeros(3));";
    for (call, says) in [
        ("seed_add(q, one)", "seed_add needs scales that are powers of two, from 2^-128 to 2^127, and this one is 1.5"),
        ("seed_swiglu(one, q)", "seed_swiglu needs scales that are powers of two"),
        ("seed_aligned_add(q, one)", "seed_aligned_add needs equal scales: 1.5 against 1.0"),
        ("seed_add(one, long)", "seed_add needs equal lengths: 2 elements against 3"),
        ("seed_compare(one, \"<\", long)", "seed_compare needs equal lengths: 2 elements against 3"),
        ("seed_rms_norm(one, long, 14)", "seed_rms_norm needs as many weights as codes: 2 elements against 3"),
        ("seed_rms_norm(one, one, 256)", "seed_rms_norm's shift of eps is 256, but must be 0 to 255"),
        ("seed_scale(one, 128)", "seed_scale's exponent is 128, but must be -128 to 127"),
    ] {
        let source = format!("fn main() -> int {{ {made} print({call}); return 0; }}");
        let end = on_every_tier(&source, Limits::default(), &[]).pop().unwrap();
        assert!(end.contains(says), "{call}: {end}");
    }
    // Equal scales need be no powers of two.
    let source = format!("fn main() -> int {{ {made} return seed_aligned_add(q, q)[0]; }}");
    assert_eq!(returned(&source), "2");
}

#[test]
fn a_comparison_that_there_is_not_and_another_type_are_found_before_the_run() {
    for (call, says) in [
        ("seed_compare(q, \"=\", q)", "there is no comparison '='"),
        ("seed_silu(quantize(zeros(2), \"A8\"))", "a2"),
        ("seed_quantize(q)", "vec"),
    ] {
        let source = format!("fn main() -> int {{ let q = seed_quantize(zeros(2)); print({call}); return 0; }}");
        let error = Program::compile("t.nda", &source, Tier::Closure).expect_err("a mistake").to_string();
        assert!(error.contains(says), "{call}: {error}");
    }
}
