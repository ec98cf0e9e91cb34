//! Graphs of three architectures become the token programs that are written by hand in the contract's own tests.

#[path = "../../../hdl/spec/tests/token/lower.rs"]
mod lower;
#[path = "../../../hdl/spec/tests/token/model.rs"]
#[allow(dead_code)]
mod model;

use model::{Layer, Model, SMALL, Style, Weights};
use nda_compile::token::{Calibration, LayerCalibration, Scaled, Tensors, lower_token};
use nda_ir::{Activation, Builder, Constant, Graph, NodeId, Op, Part, Product, Source, Stage, Table};
use nda_spec::WeightCode;
use nda_spec::token::KvForm;
use std::collections::HashMap;
use std::path::Path;

/// A graph in the making, and the tensors that it names.
struct Graphed {
    builder: Builder,
    vectors: HashMap<String, Vec<f64>>,
    matrices: HashMap<String, Scaled>,
    table: Vec<f32>,
    layer: Option<usize>,
    stage: Stage,
    factors: Option<Vec<f32>>,
}

impl Tensors for Graphed {
    fn table(&self, name: &str) -> Option<Vec<f32>> {
        (name == "embed").then(|| self.table.clone())
    }
    fn vector(&self, name: &str) -> Option<Vec<f32>> {
        Some(self.vectors.get(name)?.iter().map(|v| *v as f32).collect())
    }
    fn matrix(&self, name: &str) -> Result<Scaled, String> {
        self.matrices.get(name).cloned().ok_or_else(|| "it has 2 stacks".into())
    }
}

impl Graphed {
    fn push(&mut self, op: Op) -> NodeId {
        self.builder.push(op, self.stage, self.layer, 7).unwrap()
    }

    fn norm(&mut self, x: NodeId, name: &str, weights: &[f64]) -> NodeId {
        self.vectors.insert(name.into(), weights.to_vec());
        let weight = self.builder.add_constant(Constant { source: Source::Tensor(name.into()), len: weights.len() });
        self.push(Op::Norm { x, weight, eps: 1e-5 })
    }

    /// The rows of every part.
    fn gemv(&mut self, x: NodeId, style: Style, parts: &[(String, &Weights)]) -> Vec<NodeId> {
        let code = if style == Style::BitNet { WeightCode::Ternary } else { WeightCode::Quaternary };
        for (name, w) in parts {
            self.matrices.insert(name.clone(), Scaled { code, scales: w.scales.clone() });
        }
        let product =
            Product { parts: parts.iter().map(|(name, w)| Part { tensor: name.clone(), rows: w.rows }).collect(), cols: parts[0].1.cols };
        let (width, product) = (product.rows(), self.builder.add_product(product));
        let y = self.push(Op::Gemv { x, product });
        if parts.len() == 1 {
            return vec![y];
        }
        let mut from = 0;
        let columns = parts.iter().map(|(_, w)| {
            from += w.rows;
            Op::Columns { x: y, width, from: from - w.rows, to: from }
        });
        columns.collect::<Vec<_>>().into_iter().map(|op| self.push(op)).collect()
    }

    fn block(&mut self, model: &Model, i: usize, layer: &Layer, x: NodeId) -> NodeId {
        let (s, style, name) = (model.size, model.style, |part: &str| format!("blk.{i}.{part}"));
        let y = self.norm(x, &name("attn_norm"), &layer.attn_norm);
        let qkv = self.gemv(y, style, &[(name("q"), &layer.q), (name("k"), &layer.k), (name("v"), &layer.v)]);
        let (mut q, mut k, v) = (qkv[0], qkv[1], qkv[2]);
        if style == Style::Gemma {
            q = self.norm(q, &name("q_norm"), &layer.q_norm);
            k = self.norm(k, &name("k_norm"), &layer.k_norm);
        }
        let factors = self.factors.clone().map(|values| {
            let len = values.len();
            self.builder.add_constant(Constant { source: Source::Values(values), len })
        });
        let rope = |x| Op::Rope { x, head_dim: s.head_dim, theta: layer.theta as f32, offset: 0, factors };
        (q, k) = (self.push(rope(q)), self.push(rope(k)));
        let cache = self.push(Op::Append { block: i, keys: k, values: v });
        let scale = 1.0 / (s.head_dim as f32).sqrt();
        let window = (layer.window < s.ring).then_some(layer.window);
        let mut mixed = self.push(Op::Attend { q, cache, heads: s.heads, kv_heads: s.kv_heads, window, scale });
        if style == Style::BitNet {
            mixed = self.norm(mixed, &name("sub_attn"), &layer.sub_attn);
        }
        let mut out = self.gemv(mixed, style, &[(name("o"), &layer.o)])[0];
        if style == Style::Gemma {
            out = self.norm(out, &name("post_attn"), &layer.post_attn);
        }
        let x = self.push(Op::Add { a: x, b: out });
        let y = self.norm(x, &name("ffn_norm"), &layer.ffn_norm);
        let gu = self.gemv(y, style, &[(name("gate"), &layer.gate), (name("up"), &layer.up)]);
        let function = [Activation::Silu, Activation::Gelu, Activation::SquaredRelu][style as usize];
        let mut gated = self.push(Op::Gate { gate: gu[0], up: gu[1], function });
        if style == Style::BitNet {
            gated = self.norm(gated, &name("sub_ffn"), &layer.sub_ffn);
        }
        let mut out = self.gemv(gated, style, &[(name("down"), &layer.down)])[0];
        if style == Style::Gemma {
            out = self.norm(out, &name("post_ffn"), &layer.post_ffn);
        }
        self.push(Op::Add { a: out, b: x })
    }
}

/// A model as a graph; `change` may put something into its residual before the last norm.
fn graph_of(model: &Model, change: impl Fn(&mut Graphed, NodeId) -> NodeId) -> (Graphed, Graph) {
    stretched(model, None, change)
}

/// The same with rotations whose frequencies are divided by these factors, if there are any.
fn stretched(model: &Model, factors: Option<Vec<f32>>, change: impl Fn(&mut Graphed, NodeId) -> NodeId) -> (Graphed, Graph) {
    let mut made = Graphed {
        builder: Builder::default(),
        vectors: HashMap::new(),
        matrices: HashMap::new(),
        table: model.embed.clone(),
        layer: None,
        stage: Stage::Forward,
        factors,
    };
    let table = made.builder.add_table(Table { tensor: "embed".into(), rows: model.size.tokens, cols: model.size.width });
    let mut x = made.push(Op::Gather { table });
    for (i, layer) in model.layers.iter().enumerate() {
        made.layer = Some(i);
        x = made.block(model, i, layer, x);
    }
    (made.layer, made.stage) = (None, Stage::Logits);
    let residual = change(&mut made, x);
    let y = made.norm(residual, "norm", &model.norm);
    let logits = made.gemv(y, model.style, &[("head".into(), &model.head)])[0];
    made.push(Op::Select { x: logits });
    let graph = std::mem::take(&mut made.builder).finish(residual, logits);
    (made, graph)
}

fn calibration(model: &Model) -> Calibration {
    let layers = lower::calibrate(model).into_iter().map(|c| {
        let largest = c.keys.iter().fold(0.0_f64, |m, v| m.max(*v));
        LayerCalibration { query: c.query / largest, keys: c.keys, values: c.values, gate: c.gate }
    });
    Calibration { form: KvForm::four_bits(), ring: model.size.ring, layers: layers.collect() }
}

#[test]
fn a_graph_becomes_the_program_written_by_hand_in_every_architecture() {
    for style in [Style::Llama, Style::Gemma, Style::BitNet] {
        let model = Model::random(style, SMALL, 4);
        let (tensors, graph) = graph_of(&model, |_, x| x);
        let lowered = lower_token(&graph, &tensors, &calibration(&model)).unwrap();
        let (program, golden) = lower::lower(&model);
        for (at, (found, wanted)) in lowered.program.steps().zip(program.steps()).enumerate() {
            assert_eq!(found, wanted, "{style:?}, step {at}");
        }
        assert!(lowered.program == program, "{style:?}: the same steps on other data");
        assert_eq!(lowered.matrices.len(), golden.weights.len());
        assert_eq!(lowered.matrices[3], [["blk.0.o"]].concat());
        assert_eq!(lowered.matrices[4], ["blk.0.gate", "blk.0.up"]);
    }
}

#[test]
fn a_stretched_rotation_turns_every_pair_by_its_own_part() {
    let model = Model::random(Style::Llama, SMALL, 4);
    let lowered = |factors: Option<Vec<f32>>| {
        let (tensors, graph) = stretched(&model, factors, |_, x| x);
        lower_token(&graph, &tensors, &calibration(&model)).unwrap().program
    };
    let (plain, pairs) = (lowered(None), SMALL.head_dim / 2);
    assert!(lowered(Some(vec![1.0; pairs])) == plain, "factors of 1 stretch nothing");
    // Linear by four, and by more the slower a pair turns.
    for factors in [vec![4.0; pairs], (0..pairs).map(|pair| 1.0 + pair as f32 / 2.0).collect()] {
        let found = lowered(Some(factors.clone()));
        assert_eq!((found.turns.len(), found.steps().count()), (plain.turns.len(), plain.steps().count()));
        for (pair, factor) in factors.iter().enumerate() {
            let wanted = f64::from(plain.turns[0][pair]) / f64::from(*factor);
            assert!((f64::from(found.turns[0][pair]) - wanted).abs() <= 1.0, "pair {pair}: {} for {wanted}", found.turns[0][pair]);
        }
    }
}

/// The steps as a review reads them, a line each.
#[test]
fn the_steps_of_three_architectures_are_as_reviewed() {
    for style in [Style::Llama, Style::Gemma, Style::BitNet] {
        let model = Model::random(style, SMALL, 4);
        let (tensors, graph) = graph_of(&model, |_, x| x);
        let program = lower_token(&graph, &tensors, &calibration(&model)).unwrap().program;
        let steps: String = program.steps().enumerate().map(|(at, step)| format!("{at:3}  {step:?}\n")).collect();
        let name = format!("tests/snapshots/{}.steps", format!("{style:?}").to_lowercase());
        nda_tests::assert_snapshot(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name), &steps);
    }
}

#[test]
fn what_a_token_machine_has_no_step_for_is_refused_with_its_line() {
    let model = Model::random(Style::Llama, SMALL, 4);
    let refused = |change: &dyn Fn(&mut Graphed, NodeId) -> NodeId| {
        let (tensors, graph) = graph_of(&model, change);
        lower_token(&graph, &tensors, &calibration(&model)).unwrap_err().to_string()
    };
    let bias = refused(&|g, x| {
        let constant = g.builder.add_constant(Constant { source: Source::Values(vec![1.0; SMALL.width]), len: SMALL.width });
        let b = g.push(Op::Constant { constant });
        g.push(Op::Add { a: x, b })
    });
    assert!(bias.starts_with("line 7 of the model's program: a token machine has no step for 'constant"), "{bias}");
    let scaled = refused(&|g, x| g.push(Op::Scale { x, factor: 2.0 }));
    assert!(scaled.contains("has no step for 'scale"), "{scaled}");
    let twice = refused(&|g, x| g.push(Op::Add { a: x, b: x }));
    assert!(twice.contains("adds to its one residual alone"), "{twice}");
    let (mut tensors, graph) = graph_of(&model, |_, x| x);
    tensors.matrices.remove("blk.1.o");
    assert_eq!(lower_token(&graph, &tensors, &calibration(&model)).unwrap_err().to_string(), "'blk.1.o': it has 2 stacks");
    tensors.table.clear();
    assert!(lower_token(&graph, &tensors, &calibration(&model)).is_err());
    let mut few = calibration(&model);
    few.layers.pop();
    let (tensors, graph) = graph_of(&model, |_, x| x);
    assert!(lower_token(&graph, &tensors, &few).unwrap_err().reason.contains("nothing was calibrated for block 1"));
}
