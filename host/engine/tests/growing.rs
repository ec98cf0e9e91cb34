//! The growing sum on the committed model's own residuals: what codes lose there.

use nda_engine::{LLAMA, Model, Session, Weights};
use nda_kernels::CpuGemv;
use nda_lang::{Argument, Limits, Tier};
use nda_ndf::{AlignedBytes, Document};
use nda_spec::growing::{Grown, growing_add};

fn tiny() -> AlignedBytes {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");
    AlignedBytes::from(std::fs::read(path).unwrap().as_slice())
}

fn text() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/val.txt")).unwrap()
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

/// The A8 codes of the exact result at its own largest value: what no arithmetic can do better with 255 codes.
fn ideal(exact: &[f64]) -> Vec<f32> {
    let step = exact.iter().fold(0.0_f64, |max, v| max.max(v.abs())) / 127.0;
    exact.iter().map(|v| ((v / step).round() * step) as f32).collect()
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
