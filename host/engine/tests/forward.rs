//! The forward pass against a second one, written here by plain loops in f64.

mod common;

use common::{CONTEXT, GoldenGemv, HEAD_DIM, HEADS, LAYERS, PLAIN, Recipe, model_bytes};
use nda_engine::{EngineError, LLAMA, Model, Session, Weights, block_tensor};
use nda_gemv::Gemv;
use nda_kernels::CpuGemv;
use nda_lang::{Program, Tier};
use nda_ndf::{Document, Granularity};
use nda_spec::WeightCode;

const TEXT: &[u8] = b"two layers, forty wide";

/// Every way in which a document can hold a matrix.
fn recipes() -> Vec<Recipe> {
    vec![
        PLAIN,
        Recipe { code: WeightCode::Ternary, granularity: Granularity::Matrix, n_kv_heads: 2, seed: 2, ..PLAIN },
        Recipe { granularity: Granularity::Group32, stacks: 2, outliers: 9, n_kv_heads: 1, seed: 3, ..PLAIN },
        Recipe { granularity: Granularity::Group64, stacks: 4, seed: 4, ..PLAIN },
        Recipe { granularity: Granularity::Row, stacks: 3, outliers: 30, seed: 5, ..PLAIN },
        Recipe { activation: "A4", seed: 6, ..PLAIN },
        Recipe { activation: "A2", seed: 7, ..PLAIN },
    ]
}

fn logits<'m>(weights: &'m Weights<'_>, gemv: &mut dyn Gemv<'m>, text: &[u8]) -> Vec<Vec<f32>> {
    let model = Model::prepare(weights, gemv).unwrap();
    let mut session = Session::new(&model, gemv);
    text.iter().map(|&b| session.predict(u32::from(b)).unwrap().to_vec()).collect()
}

#[test]
fn logits_equal_the_plain_loops_within_rounding() {
    for recipe in recipes() {
        let bytes = model_bytes(recipe);
        let document = Document::open(&bytes).unwrap();
        let weights = Weights::new(&document).unwrap();
        let found = logits(&weights, &mut CpuGemv::new(), TEXT);
        let expected = Plain { document: &document, recipe }.logits(TEXT);
        for (position, (a, b)) in found.iter().zip(&expected).enumerate() {
            let spread = b.iter().map(|v| v.abs()).fold(0.0, f64::max);
            // A sum that rounds to the other side of a half moves one activation by one code; coarse codes move more.
            let tolerance = spread * if recipe.activation == "A8" { 0.03 } else { 0.25 };
            for (token, (a, b)) in a.iter().zip(b).enumerate() {
                assert!(
                    (f64::from(*a) - b).abs() <= tolerance,
                    "{recipe:?}, position {position}, token {token}: {a} against {b}, spread {spread}"
                );
            }
        }
    }
}

#[test]
fn a_text_in_batches_gives_the_logits_of_its_tokens_one_by_one() {
    let text: Vec<u32> = (0..CONTEXT as u32).map(|i| (i * 37 + 11) % 256).collect();
    let bytes = model_bytes(PLAIN);
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let mut session = Session::new(&model, &mut gemv);
    assert!(session.batch() >= text.len(), "each piece below is one batch");
    let bits = |logits: &[f32]| logits.iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
    let one_by_one: Vec<Vec<u32>> = text.iter().map(|&token| bits(session.predict(token).unwrap())).collect();
    for pieces in [&[24][..], &[1, 23], &[7, 13, 4]] {
        session.clear();
        let mut batched = Vec::new();
        let mut rest = text.as_slice();
        for &count in pieces {
            let (piece, after) = rest.split_at(count);
            rest = after;
            let first = batched.len();
            let told = session.predict_all(piece, |at, logits| {
                assert_eq!(first + at, batched.len());
                batched.push(bits(logits));
                Ok::<_, EngineError>(())
            });
            told.unwrap();
        }
        assert_eq!(batched, one_by_one, "pieces of {pieces:?} tokens");
    }
    // And from the middle, after a prompt that was read in one go.
    session.clear();
    session.feed_all(&text[..15]).unwrap();
    assert_eq!(bits(session.predict(text[15]).unwrap()), one_by_one[15]);
    assert_eq!(session.position(), 16);
}

#[test]
fn two_back_ends_give_the_same_logits_bit_for_bit() {
    for recipe in recipes() {
        let bytes = model_bytes(recipe);
        let document = Document::open(&bytes).unwrap();
        let weights = Weights::new(&document).unwrap();
        let bits = |logits: Vec<Vec<f32>>| logits.into_iter().flatten().map(f32::to_bits).collect::<Vec<_>>();
        let cpu = bits(logits(&weights, &mut CpuGemv::new(), TEXT));
        assert_eq!(cpu, bits(logits(&weights, &mut GoldenGemv::default(), TEXT)), "{recipe:?}");
        assert_eq!(cpu, bits(logits(&weights, &mut CpuGemv::new(), TEXT)), "{recipe:?}");
    }
}

#[test]
fn a_block_takes_four_products_and_the_head_one() {
    let bytes = model_bytes(PLAIN);
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let mut gemv = GoldenGemv::default();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let mut session = Session::new(&model, &mut gemv);
    session.feed(1).unwrap();
    assert_eq!(session.cost().jobs, 4 * LAYERS as u64);
    session.predict(2).unwrap();
    assert_eq!(session.cost().jobs, 8 * LAYERS as u64 + 1);
}

#[test]
fn a_cleared_session_starts_anew_and_a_full_one_says_so() {
    let bytes = model_bytes(PLAIN);
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let mut session = Session::new(&model, &mut gemv);
    let first = session.predict(7).unwrap().to_vec();
    (1..CONTEXT).for_each(|_| session.feed(9).unwrap());
    assert!(session.feed(9).unwrap_err().to_string().contains("24 tokens"));
    session.clear();
    assert_eq!(session.predict(7).unwrap(), first);
    assert!(session.feed(256).is_err(), "there is no token 256");
    assert_eq!(session.position(), 1, "a refused token takes no position");
}

/// What three tokens give when a program is run on them.
fn logits_of(document: &Document<'_>, program: &str, tier: Tier) -> Vec<u32> {
    let weights = Weights::with_program(document, "changed.nda", program, tier).unwrap_or_else(|e| panic!("{e}"));
    logits(&weights, &mut CpuGemv::new(), &TEXT[..3]).into_iter().flatten().map(f32::to_bits).collect()
}

#[test]
fn another_architecture_is_another_program_and_needs_no_rust() {
    let bytes = model_bytes(PLAIN);
    let document = Document::open(&bytes).unwrap();
    let llama = logits_of(&document, LLAMA, Tier::Closure);
    // Attention and feed-forward side by side, as in GPT-J: both read the same normed vector.
    let before = "        let gate_up = gemv(\"blk.{i}.gate\", \"blk.{i}.up\", rms_norm(x, tensor(\"blk.{i}.ffn_norm\"), eps));\n";
    let parallel = LLAMA.replace(before, "        let gate_up = gemv(\"blk.{i}.gate\", \"blk.{i}.up\", normed);\n");
    let unnormed = LLAMA.replace("rms_norm(x, tensor(\"norm\"), eps)", "x");
    // The products quantized by hand, to the model's precision: the same numbers by another way.
    let by_hand = LLAMA.replace(
        "gemv(\"head\", rms_norm(x, tensor(\"norm\"), eps))",
        "gemv(\"head\", quantize(rms_norm(x, tensor(\"norm\"), eps), \"A8\"))",
    );
    for changed in [&parallel, &unnormed, &by_hand] {
        assert_ne!(changed, LLAMA, "the change found its place");
    }
    assert_ne!(logits_of(&document, &parallel, Tier::Closure), llama);
    assert_ne!(logits_of(&document, &unnormed, Tier::Closure), llama);
    assert_eq!(logits_of(&document, &by_hand, Tier::Closure), llama);
    for program in [LLAMA, &parallel, &unnormed, &by_hand] {
        let closure = logits_of(&document, program, Tier::Closure);
        assert_eq!(logits_of(&document, program, Tier::Interpreter), closure);
        assert_eq!(logits_of(&document, program, Tier::Native), closure);
    }
}

#[test]
fn a_block_that_attends_twice_at_a_position_is_an_error() {
    let bytes = model_bytes(PLAIN);
    let document = Document::open(&bytes).unwrap();
    let again = LLAMA.replace("let mixed = attend_rows(i, ", "let mixed = attend_rows(0, ");
    let weights = Weights::with_program(&document, "twice.nda", &again, Tier::Closure).unwrap();
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let error = Session::new(&model, &mut gemv).feed(1).unwrap_err().to_string();
    assert!(error.contains("every block attends once a position"), "{error}");
}

#[test]
fn a_models_program_compiles_in_less_than_five_milliseconds() {
    let bytes = model_bytes(PLAIN);
    let document = Document::open(&bytes).unwrap();
    let mut times: Vec<_> = (0..21)
        .map(|_| {
            let started = std::time::Instant::now();
            let program = Program::compile("llama.nda", LLAMA, Tier::Native).unwrap();
            assert!(program.entry("forward").is_some());
            started.elapsed()
        })
        .collect();
    times.sort();
    println!("compiled in {:?}", times[10]);
    assert!(times[10] < std::time::Duration::from_millis(5), "{times:?}");
    assert!(Weights::new(&document).is_ok());
}

/// The forward pass by loops that a reader checks by hand: every vector f64, every weight asked for one by one.
struct Plain<'d> {
    document: &'d Document<'d>,
    recipe: Recipe,
}

impl Plain<'_> {
    fn logits(&self, text: &[u8]) -> Vec<Vec<f64>> {
        let mut keys = vec![Vec::new(); LAYERS];
        let mut values = vec![Vec::new(); LAYERS];
        text.iter().enumerate().map(|(position, &byte)| self.step(position, byte, &mut keys, &mut values)).collect()
    }

    fn step(&self, position: usize, byte: u8, keys: &mut [Vec<Vec<f64>>], values: &mut [Vec<Vec<f64>>]) -> Vec<f64> {
        let mut x: Vec<f64> =
            self.document.vector("embed").unwrap().row(usize::from(byte)).unwrap().iter().map(|v| f64::from(*v)).collect();
        for layer in 0..LAYERS {
            let name = |part: &str| block_tensor(layer, part);
            let normed = self.norm(&name("attn_norm"), &x);
            let q = rope(&self.linear(&name("q"), &normed), position);
            keys[layer].push(rope(&self.linear(&name("k"), &normed), position));
            values[layer].push(self.linear(&name("v"), &normed));
            let mut mixed = vec![0.0; HEADS * HEAD_DIM];
            for head in 0..HEADS {
                let kv_head = head * self.recipe.n_kv_heads / HEADS;
                let part = |v: &[f64], h: usize, i: usize| v[h * HEAD_DIM + i];
                let score = |key: &Vec<f64>| {
                    (0..HEAD_DIM).map(|i| part(&q, head, i) * part(key, kv_head, i)).sum::<f64>() / (HEAD_DIM as f64).sqrt()
                };
                let weights: Vec<f64> = keys[layer].iter().map(|key| score(key).exp()).collect();
                for i in 0..HEAD_DIM {
                    let sum: f64 = weights.iter().zip(&values[layer]).map(|(w, v)| w * part(v, kv_head, i)).sum();
                    mixed[head * HEAD_DIM + i] = sum / weights.iter().sum::<f64>();
                }
            }
            x = plus(&x, &self.linear(&name("o"), &mixed));
            let normed = self.norm(&name("ffn_norm"), &x);
            let (gate, up) = (self.linear(&name("gate"), &normed), self.linear(&name("up"), &normed));
            let activated: Vec<f64> = gate.iter().zip(&up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
            x = plus(&x, &self.linear(&name("down"), &activated));
        }
        self.linear("head", &self.norm("norm", &x))
    }

    fn norm(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let weight = self.document.vector(name).unwrap().values().to_vec();
        let mean = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
        x.iter().zip(weight).map(|(v, w)| v / (mean + 1e-5).sqrt() * f64::from(w)).collect()
    }

    fn linear(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let frame = self.document.matrix(name).unwrap();
        let rounded = quantized(self.recipe.activation, x);
        (0..frame.rows())
            .map(|row| {
                let mut sum = 0.0;
                for col in 0..frame.cols() {
                    let outlier = frame.outliers().iter().find(|o| (o.row, o.col) == (row, col)).map_or(0.0, |o| f64::from(o.value));
                    sum += (f64::from(frame.weight(row, col)) - outlier) * rounded[col] + outlier * x[col];
                }
                sum
            })
            .collect()
    }
}

/// The values that the activations' codes stand for.
fn quantized(activation: &str, x: &[f64]) -> Vec<f64> {
    let absmax = x.iter().map(|v| v.abs()).fold(0.0, f64::max);
    let round = |max: f64| x.iter().map(|v| (v / (absmax / max)).round() * (absmax / max)).collect();
    match activation {
        "A8" => round(127.0),
        "A4" => round(7.0),
        _ => {
            // A sum that is exactly zero in integers is a rounding error here; zero counts as positive.
            let sign = |v: f64| if v < -1e-9 * absmax { -1.0 } else { 1.0 };
            x.iter().map(|&v| absmax / 2.0 * sign(v) * if v.abs() >= 0.75 * absmax { 2.0 } else { 1.0 }).collect()
        }
    }
}

fn rope(x: &[f64], position: usize) -> Vec<f64> {
    let half = HEAD_DIM / 2;
    let mut out = x.to_vec();
    for head in 0..x.len() / HEAD_DIM {
        for i in 0..half {
            let angle = position as f64 / 10_000_f64.powf(i as f64 / half as f64);
            let (a, b) = (x[head * HEAD_DIM + i], x[head * HEAD_DIM + half + i]);
            out[head * HEAD_DIM + i] = a * angle.cos() - b * angle.sin();
            out[head * HEAD_DIM + half + i] = a * angle.sin() + b * angle.cos();
        }
    }
    out
}

fn plus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}
