//! A token in blocks: close to the program in floats, and the same on every back end.

mod common;

use common::{GoldenGemv, PLAIN, Recipe, bitnet_bytes, gemma3_bytes, model_bytes};
use nda_compile::{STREAM_BITS, VALUE_BITS};
use nda_engine::{BITNET, BlockForm, GEMMA3, LLAMA, Model, Session, Weights, evaluate, greedy};
use nda_gemv::Gemv;
use nda_kernels::CpuGemv;
use nda_lang::{Argument, Limits, Tier};
use nda_ndf::{AlignedBytes, Document, Granularity};
use nda_spec::WeightCode;
use nda_spec::growing::{Grown, growing_add};
use nda_spec::vector::{
    Fault, Machine, Op, Program, SCALE_BYTES, SILU_BITS, Scale, Step, StepWord, WIDE_BYTES, constants_of, floats_of, part, wide_of,
};

fn tiny() -> AlignedBytes {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");
    AlignedBytes::from(std::fs::read(path).unwrap().as_slice())
}

fn text() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/val.txt")).unwrap()
}

/// Logits of every token of a text in blocks.
fn logits<'m>(weights: &'m Weights<'_>, gemv: &mut dyn Gemv<'m>, text: &[u8]) -> Vec<Vec<f32>> {
    let mut model = Model::prepare(weights, gemv).unwrap();
    assert_eq!(model.use_blocks(gemv, None), BlockForm::Here);
    let mut session = Session::new(&model, gemv);
    text.iter().map(|&b| session.predict(u32::from(b)).unwrap().to_vec()).collect()
}

#[test]
fn blocks_give_the_same_bits_on_every_back_end_and_only_the_largest_if_asked() {
    for recipe in [PLAIN, Recipe { code: WeightCode::Ternary, granularity: Granularity::Matrix, n_kv_heads: 2, seed: 2, ..PLAIN }] {
        let bytes = model_bytes(recipe);
        let document = Document::open(&bytes).unwrap();
        let weights = Weights::with_program(&document, "llama.nda", LLAMA, Tier::Closure).unwrap();
        let (mut cpu, mut golden) = (CpuGemv::new(), GoldenGemv::default());
        let found = logits(&weights, &mut cpu, b"two layers");
        assert_eq!(found, logits(&weights, &mut golden, b"two layers"));
        let mut gemv = CpuGemv::new();
        let mut model = Model::prepare(&weights, &mut gemv).unwrap();
        assert_eq!(model.use_blocks(&mut gemv, Some(3)), BlockForm::Here);
        let mut session = Session::new(&model, &mut gemv);
        for (token, all) in b"two layers".iter().zip(&found) {
            let three = session.predict(u32::from(*token)).unwrap();
            let kept: Vec<usize> = (0..three.len()).filter(|&i| three[i].is_finite()).collect();
            assert_eq!(kept.len(), 3);
            assert!(kept.iter().all(|&i| three[i] == all[i]));
            assert_eq!(greedy(three), greedy(all));
        }
    }
}

/// Why a model has no blocks; it runs all the same.
fn refused(bytes: &AlignedBytes, program: &str) -> String {
    let document = Document::open(bytes).unwrap();
    let weights = Weights::with_program(&document, "p.nda", program, Tier::Closure).unwrap();
    let mut gemv = CpuGemv::new();
    let mut model = Model::prepare(&weights, &mut gemv).unwrap();
    let BlockForm::Plain(found) = model.use_blocks(&mut gemv, None) else { panic!("{program}") };
    Session::new(&model, &mut gemv).predict(1).unwrap();
    found
}

#[test]
fn weights_that_no_vector_unit_takes_stay_plain_and_say_why() {
    for (recipe, reason) in [
        (Recipe { stacks: 2, ..PLAIN }, "stacked"),
        (Recipe { outliers: 3, ..PLAIN }, "outliers"),
        (Recipe { activation: "A4", ..PLAIN }, "not A8"),
        (Recipe { granularity: Granularity::Group32, ..PLAIN }, "more than one product"),
    ] {
        let found = refused(&model_bytes(recipe), LLAMA);
        assert!(found.contains(reason), "{found}");
    }
}

#[test]
fn programs_that_no_vector_unit_runs_stay_plain_and_say_why() {
    let changed = |from: &str, to: &str| {
        let program = LLAMA.replace(from, to);
        assert_ne!(program, LLAMA);
        program
    };
    let llama = model_bytes(PLAIN);
    for (bytes, program, reason) in [
        (&gemma3_bytes(), GEMMA3.to_string(), "norm is not of the residual in front of products"),
        (&bitnet_bytes("1"), BITNET.to_string(), "norm is not of the residual in front of products"),
        (&llama, changed("\"blk.{i}.v\", normed)", "\"blk.{i}.v\", x)"), "gemv is not of the residual's norm"),
        (&llama, changed("swiglu(", "geglu("), "gate has no place between the products"),
        (&llama, changed("    return x;\n", "    print(count);\n    return x;\n"), "'print' shows a line per token"),
    ] {
        let found = refused(bytes, &program);
        assert!(found.contains(reason), "{found}");
    }
}

#[test]
fn blocks_cost_the_committed_model_less_than_a_hundredth_of_a_bit_a_byte() {
    let bytes = tiny();
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::with_program(&document, "llama.nda", LLAMA, Tier::Closure).unwrap();
    let text = text();
    let tokens: Vec<u32> = text[..4096].iter().map(|b| u32::from(*b)).collect();
    let bits = |blocks: bool| {
        let mut gemv = CpuGemv::new();
        let mut model = Model::prepare(&weights, &mut gemv).unwrap();
        if blocks {
            assert_eq!(model.use_blocks(&mut gemv, None), BlockForm::Here);
        }
        let mut session = Session::new(&model, &mut gemv);
        evaluate(&mut session, &tokens, 256, |_, _| {}).unwrap().bits_per_byte()
    };
    let (plain, blocks) = (bits(false), bits(true));
    println!("{plain:.4} bits a byte plain, {blocks:.4} in blocks");
    assert!((blocks - plain).abs() < 0.01, "{plain} and {blocks}");
}

/// What a variant of the plain program gives after some tokens: residuals, or what a layer makes of them.
fn activations(document: &Document<'_>, layers: usize, ending: &str) -> Vec<f32> {
    let program = LLAMA.replace("loop layers as i {\n        let normed", &format!("loop {layers} as i {{\n        let normed"));
    let program = program.replace("    return x;\n", ending);
    let weights = Weights::with_main(document, nda_lang::Program::compile("a.nda", &program, Tier::Closure).unwrap()).unwrap();
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let mut session = Session::new(&model, &mut gemv);
    let entry = weights.program().entry("forward").unwrap();
    let tokens = text()[1000..1024].iter().map(|b| i64::from(*b)).collect();
    let found = session.call_main(entry, vec![Argument::Ints(tokens), Argument::Int(0)], Limits::default()).unwrap();
    found.vector().unwrap().to_vec()
}

fn run(steps: Vec<Step>, input: &[i32]) -> Vec<u8> {
    let bytes: Vec<u8> = input.iter().flat_map(|v| v.to_le_bytes().into_iter().take(WIDE_BYTES)).collect();
    Machine::new(1024).run::<Fault>(&Program { steps }, &bytes, |_, _, _| Ok(())).unwrap()
}

fn wide(bytes: &[u8], bits: u32) -> Vec<f32> {
    let values: Vec<i32> = bytes.chunks_exact(WIDE_BYTES).map(|b| i32::from_le_bytes([0, b[0], b[1], b[2]]) >> 8).collect();
    floats_of(&values, bits)
}

fn codes(bytes: &[u8]) -> Vec<f32> {
    let step = Scale::from_bytes(bytes[..SCALE_BYTES].try_into().unwrap()).step() as f32;
    bytes[SCALE_BYTES..].iter().map(|code| f32::from(*code as i8) * step).collect()
}

/// Squared error, and squared size of what is right.
#[derive(Default)]
struct Error(f64, f64);

impl Error {
    fn add(&mut self, found: &[f32], exact: &[f64]) {
        assert_eq!(found.len(), exact.len());
        self.0 += found.iter().zip(exact).map(|(f, e)| (f64::from(*f) - e).powi(2)).sum::<f64>();
        self.1 += exact.iter().map(|e| e * e).sum::<f64>();
    }

    fn relative(&self) -> f64 {
        (self.0 / self.1).sqrt()
    }
}

fn word(op: Op, count: usize) -> StepWord {
    StepWord { count: count as u16, ..StepWord::new(op) }
}

/// The A8 codes of the exact result at its own largest value: what no arithmetic can do better with 255 codes.
fn ideal(exact: &[f64]) -> Vec<f32> {
    let step = exact.iter().fold(0.0_f64, |max, v| max.max(v.abs())) / 127.0;
    exact.iter().map(|v| ((v / step).round() * step) as f32).collect()
}

/// SiLU of a gate as the upper and lower parts of codes, or SwiGLU if there is what to multiply it with.
fn two_parts(gate: &[f32], up: Option<&[f32]>) -> Vec<f32> {
    let ff = gate.len();
    let mut machine = Machine::new(1024);
    let mut run = |steps: Vec<Step>, input: &[i32]| {
        let bytes: Vec<u8> = input.iter().flat_map(|v| v.to_le_bytes().into_iter().take(WIDE_BYTES)).collect();
        machine.run::<Fault>(&Program { steps }, &bytes, |_, _, _| Ok(())).unwrap();
        (machine.codes[..ff].to_vec(), machine.scale.step())
    };
    let mut steps = vec![Step::new(word(Op::TakeWide, ff))];
    let mut input = wide_of(gate, SILU_BITS);
    // Where what becomes codes stands, and its bits behind the point.
    let (mut src, mut bits) = (0, SILU_BITS);
    if let Some(up) = up {
        steps.push(Step::new(StepWord { dst: 512, ..word(Op::TakeWide, ff) }));
        input.extend(wide_of(up, VALUE_BITS));
    }
    steps.push(Step::new(word(Op::Silu, ff)));
    if up.is_some() {
        (src, bits) = (512, VALUE_BITS);
        steps.push(Step::new(StepWord { with: 512, dst: 512, shift: SILU_BITS as u8, ..word(Op::Multiply, ff) }));
    }
    let codes = |with| Step::new(StepWord { src, bias: bits as i8, with, ..word(Op::Codes, ff) });
    steps.push(codes(part::UPPER));
    let (upper, step) = run(steps, &input);
    // What stands in between changes the largest, as a product does; the lower parts are by what the upper ones were.
    let elsewhere = 512 - src;
    let between = Step::new(StepWord { src: elsewhere, dst: elsewhere, with: elsewhere, shift: 1, ..word(Op::Multiply, ff) });
    let (lower, same) = run(vec![between, codes(part::LOWER)], &[]);
    assert_eq!(step, same);
    upper.iter().zip(lower).map(|(u, l)| ((f64::from(*u) + f64::from(l) / 256.0) * step) as f32).collect()
}

#[test]
fn norm_swiglu_and_requantize_are_within_a_hundredth_of_f64_on_the_models_own_activations() {
    let bytes = tiny();
    let document = Document::open(&bytes).unwrap();
    let (d, ff) = (128, 384);
    let (mut norm, mut norm_codes, mut norm_ideal) = (Error::default(), Error::default(), Error::default());
    let (mut hidden, mut hidden_codes, mut hidden_ideal) = (Error::default(), Error::default(), Error::default());
    let (mut hidden_parts, mut silu_parts) = (Error::default(), Error::default());
    let (mut silu_wide, mut silu_codes, mut silu_ideal) = (Error::default(), Error::default(), Error::default());
    let (mut again, mut again_ideal) = (Error::default(), Error::default());
    for layer in 0..5 {
        let residuals = activations(&document, layer, "    return x;\n");
        let weight = document.vector(&format!("blk.{layer}.attn_norm")).unwrap();
        let factors: Vec<f64> = weight.values().iter().map(|w| f64::from(*w) * f64::from(d as u32).sqrt()).collect();
        let (constants, constant_bits) = constants_of(&factors);
        let floor = (d as f64 * 1e-5 * 4_f64.powi(STREAM_BITS as i32)).round() as u64;
        for x in residuals.chunks_exact(d) {
            let answer = run(
                vec![
                    Step::new(word(Op::TakeWide, d)),
                    Step { floor, ..Step::new(word(Op::Squares, d)) },
                    Step::with(StepWord { shift: 22, ..word(Op::Weight, d) }, constants.clone()),
                    Step::new(word(Op::SendWide, d)),
                    Step::new(StepWord { bias: (31 + constant_bits - 22) as i8, flag: true, ..word(Op::SendCodes, d) }),
                ],
                &wide_of(x, STREAM_BITS),
            );
            let root = (x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / d as f64 + 1e-5).sqrt();
            let exact: Vec<f64> = x.iter().zip(weight.values()).map(|(x, w)| f64::from(*x) * f64::from(*w) / root).collect();
            // Before its codes the norm stands without its root: the same direction, another length.
            let before = wide(&answer[..3 * d], 0);
            let length = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>().sqrt();
            let to = length(&mut exact.iter().copied()) / length(&mut before.iter().map(|v| f64::from(*v)));
            norm.add(&before.iter().map(|v| (f64::from(*v) * to) as f32).collect::<Vec<_>>(), &exact);
            norm_codes.add(&codes(&answer[3 * d..]), &exact);
            norm_ideal.add(&ideal(&exact), &exact);
        }
        let gate_up =
            format!("    return gemv(\"blk.{layer}.gate\", \"blk.{layer}.up\", rms_norm(x, tensor(\"blk.{layer}.ffn_norm\"), eps));\n");
        for both in activations(&document, layer, &gate_up).chunks_exact(2 * ff) {
            let (gate, up) = both.split_at(ff);
            let answer = run(
                vec![
                    Step::new(word(Op::TakeWide, ff)),
                    Step::new(StepWord { dst: 512, ..word(Op::TakeWide, ff) }),
                    Step::new(StepWord { src: 512, bias: VALUE_BITS as i8, ..word(Op::SendCodes, ff) }),
                    Step::new(word(Op::Silu, ff)),
                    Step::new(StepWord { with: 512, dst: 512, shift: SILU_BITS as u8, ..word(Op::Multiply, ff) }),
                    Step::new(StepWord { src: 512, ..word(Op::SendWide, ff) }),
                    Step::new(StepWord { src: 512, bias: VALUE_BITS as i8, ..word(Op::SendCodes, ff) }),
                ],
                &[wide_of(gate, SILU_BITS), wide_of(up, VALUE_BITS)].concat(),
            );
            let (first, rest) = answer.split_at(SCALE_BYTES + ff);
            let exact: Vec<f64> = up.iter().map(|v| f64::from(*v)).collect();
            again.add(&codes(first), &exact);
            again_ideal.add(&ideal(&exact), &exact);
            let silu = |g: f32| f64::from(g) / (1.0 + (-f64::from(g)).exp());
            let alone = run(
                vec![
                    Step::new(word(Op::TakeWide, ff)),
                    Step::new(word(Op::Silu, ff)),
                    Step::new(word(Op::SendWide, ff)),
                    Step::new(StepWord { bias: SILU_BITS as i8, ..word(Op::SendCodes, ff) }),
                ],
                &wide_of(gate, SILU_BITS),
            );
            let exact: Vec<f64> = gate.iter().map(|g| silu(*g)).collect();
            silu_wide.add(&wide(&alone[..3 * ff], SILU_BITS), &exact);
            silu_codes.add(&codes(&alone[3 * ff..]), &exact);
            silu_ideal.add(&ideal(&exact), &exact);
            silu_parts.add(&two_parts(gate, None), &exact);
            let exact: Vec<f64> = gate.iter().zip(up).map(|(g, u)| silu(*g) * f64::from(*u)).collect();
            hidden.add(&wide(&rest[..3 * ff], VALUE_BITS), &exact);
            hidden_codes.add(&codes(&rest[3 * ff..]), &exact);
            hidden_ideal.add(&ideal(&exact), &exact);
            hidden_parts.add(&two_parts(gate, Some(up)), &exact);
        }
    }
    // What the model's blocks do: SwiGLU's codes are its upper parts, and its lower ones in a second product.
    println!("swiglu: {:.5} in two parts of A8", hidden_parts.relative());
    println!("silu: {:.5} in two parts of A8", silu_parts.relative());
    assert!(norm_codes.relative() < 0.01 && again.relative() < 0.01);
    assert!(hidden_parts.relative() < 0.001 && silu_parts.relative() < 0.001);
    let table = [
        ("norm", norm.relative(), norm_codes.relative(), norm_ideal.relative()),
        ("silu", silu_wide.relative(), silu_codes.relative(), silu_ideal.relative()),
        ("swiglu", hidden.relative(), hidden_codes.relative(), hidden_ideal.relative()),
        ("requantize", 0.0, again.relative(), again_ideal.relative()),
    ];
    for (name, wide, codes, ideal) in table {
        println!("{name}: {wide:.2e} in fixed point, {codes:.5} in A8, {ideal:.5} the best A8");
        assert!(wide < 0.001, "{name}: {wide}");
        assert!(codes < ideal * 1.01 + 1e-4, "{name}: {codes} where {ideal} can be had");
    }
}

/// Codes at the least power of two that holds them.
fn grown(bits: u32, x: &[f64]) -> Grown {
    let top = f64::from((1_i32 << (bits - 1)) - 1);
    let log2_scale = (x.iter().fold(1e-9_f64, |max, v| max.max(v.abs())) / top).log2().ceil() as i8;
    Grown { codes: x.iter().map(|v| (v / 2_f64.powi(i32::from(log2_scale))).round() as i16).collect(), log2_scale }
}

#[test]
fn residuals_in_codes_that_grow_against_f64_on_the_models_own_activations() {
    let bytes = tiny();
    let document = Document::open(&bytes).unwrap();
    let (mut found, mut power, mut any) = (Error::default(), Error::default(), Error::default());
    let (mut parts, mut parts_whole) = (Error::default(), Error::default());
    let values = |g: &Grown| g.codes.iter().map(|&c| f64::from(c) * 2_f64.powi(i32::from(g.log2_scale))).collect::<Vec<f64>>();
    let floats = |g: &Grown| values(g).into_iter().map(|v| v as f32).collect::<Vec<_>>();
    let exact = |a: &Grown, b: &Grown| values(a).iter().zip(values(b)).map(|(a, b)| a + b).collect::<Vec<f64>>();
    let mut before = activations(&document, 0, "    return x;\n");
    for layer in 1..=5 {
        let after = activations(&document, layer, "    return x;\n");
        for (x, y) in before.chunks_exact(128).zip(after.chunks_exact(128)) {
            let x: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
            let y: Vec<f64> = y.iter().map(|v| f64::from(*v)).collect();
            let d: Vec<f64> = x.iter().zip(&y).map(|(x, y)| y - x).collect();
            let (a, b) = (grown(8, &x), grown(8, &d));
            let sum = exact(&a, &b);
            found.add(&floats(&growing_add(8, &a, &b)), &sum);
            power.add(&floats(&grown(8, &sum)), &sum);
            any.add(&ideal(&sum), &sum);
            // The upper part of 16 bits is the A8 code, the lower what it leaves; against what the codes say, and against
            // the residual and the layer's floats before they were codes.
            let (a, b) = (grown(16, &x), grown(16, &d));
            parts.add(&floats(&growing_add(16, &a, &b)), &exact(&a, &b));
            parts_whole.add(&floats(&growing_add(16, &a, &b)), &y);
        }
        before = after;
    }
    let (found, power, any) = (found.relative(), power.relative(), any.relative());
    println!("growing add: {found:.5} in A8, {power:.5} the best A8 at a power of two, {any:.5} at any scale");
    assert!(found < power * 1.01 + 1e-4, "{found} where {power} can be had");
    let (parts, whole) = (parts.relative(), parts_whole.relative());
    println!("growing add: {parts:.2e} in two parts of A8, {whole:.2e} with what its operands' codes lose");
    assert!(parts < 0.001 && whole < 0.001, "{parts} and {whole}");
}
