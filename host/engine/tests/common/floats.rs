//! A graph evaluated node by node in floats, one token at a time: what a program's tiers must give, by another way.

use nda_engine::{Prepared, Scratch, Weights, ops, quantize};
use nda_ir::{Activation, ConstantId, Graph, NodeId, Op, ProductId, Source};
use nda_kernels::CpuGemv;
use nda_kernels::attention::{HeadCache, attend_plainly};
use nda_lang::Codes;
use nda_ndf::Document;
use std::collections::HashMap;

/// A text in progress.
pub struct GraphRun<'g, 'm> {
    graph: &'g Graph,
    document: &'g Document<'m>,
    layers: HashMap<String, Prepared>,
    gemv: CpuGemv<'m>,
    scratch: Scratch,
    /// Keys and values of every block, position by position.
    caches: HashMap<usize, [Vec<f32>; 2]>,
    position: usize,
}

impl<'g, 'm> GraphRun<'g, 'm> {
    pub fn new(graph: &'g Graph, weights: &'m Weights<'m>, document: &'g Document<'m>) -> Self {
        let mut gemv = CpuGemv::new();
        let prepared = weights.fused_layers().into_iter().map(|(name, products)| {
            let prepared = Prepared::new(&name, &products, weights.hyper().activation, &mut gemv).unwrap();
            (name, prepared)
        });
        let layers = prepared.collect();
        GraphRun { graph, document, layers, gemv, scratch: Scratch::default(), caches: HashMap::new(), position: 0 }
    }

    /// The logits of what follows a token.
    pub fn predict(&mut self, token: usize) -> Vec<f32> {
        let mut values: Vec<Vec<f32>> = Vec::new();
        for (id, node) in self.graph.nodes() {
            let value = self.evaluate(&node.op, token, &values);
            assert!(matches!(node.op, Op::Select { .. }) || value.len() == node.shape.len(), "{id} = {}", self.graph.line_of(node));
            values.push(value);
        }
        self.position += 1;
        values.swap_remove(self.graph.logits().0)
    }

    fn constant(&self, id: ConstantId) -> Vec<f32> {
        match &self.graph.constant(id).source {
            Source::Tensor(name) => self.document.vector(name).unwrap().values().to_vec(),
            Source::Values(values) => values.clone(),
        }
    }

    fn product(&mut self, product: ProductId, x: &[f32]) -> Vec<f32> {
        let layer = &self.layers[&self.graph.product(product).name()];
        let mut y = vec![0.0; layer.rows() * (x.len() / layer.cols())];
        layer.apply(&mut self.gemv, x, &mut self.scratch, &mut y).unwrap();
        y
    }

    fn evaluate(&mut self, op: &Op, token: usize, values: &[Vec<f32>]) -> Vec<f32> {
        let of = |node: NodeId| values[node.0].as_slice();
        let both = |a: NodeId, b: NodeId, f: fn(f32, f32) -> f32| of(a).iter().zip(of(b)).map(|(a, b)| f(*a, *b)).collect();
        match *op {
            Op::Gather { table } => {
                let table = self.graph.table(table);
                self.document.vector(&table.tensor).unwrap().values()[token * table.cols..][..table.cols].to_vec()
            }
            Op::Constant { constant } => self.constant(constant),
            Op::Scale { x, factor } => of(x).iter().map(|v| v * factor).collect(),
            Op::Norm { x, weight, eps } => {
                let (weight, mut out) = (self.constant(weight), vec![0.0; of(x).len()]);
                let rows = of(x).chunks_exact(weight.len()).zip(out.chunks_exact_mut(weight.len()));
                rows.for_each(|(x, out)| ops::rms_norm(x, &weight, eps, out));
                out
            }
            Op::Gemv { x, product } => self.product(product, of(x)),
            Op::Columns { x, width, from, to } => of(x).chunks_exact(width).flat_map(|row| row[from..to].to_vec()).collect(),
            Op::Add { a, b } => both(a, b, |a, b| a + b),
            Op::Mul { a, b } => both(a, b, |a, b| a * b),
            Op::Activate { x, function } => of(x).iter().map(|v| activated(function, *v)).collect(),
            Op::Gate { gate, up, function } => gated(function, of(gate), of(up)),
            Op::Rope { x, head_dim, theta, offset, factors } => {
                let rope = factors.map_or_else(|| ops::Rope::new(head_dim, theta), |at| ops::Rope::scaled(theta, &self.constant(at)));
                let mut x = of(x).to_vec();
                let position = self.position.checked_add_signed(offset as isize).unwrap();
                ops::rotate(&rope.turns(position), &mut x);
                x
            }
            Op::Append { block, keys, values } => {
                let cache = self.caches.entry(block).or_default();
                cache[0].extend_from_slice(of(keys));
                cache[1].extend_from_slice(of(values));
                [of(keys), of(values)].concat()
            }
            Op::Attend { q, cache, heads, kv_heads, window, scale } => {
                let Op::Append { block, .. } = self.graph.node(cache).op else { panic!("attends to what is no cache") };
                self.attend(block, of(q), [heads, kv_heads], window, scale)
            }
            Op::Quantize { x, code } => {
                let mut codes = Codes { code, scale: 0.0, values: vec![0; of(x).len()] };
                codes.scale = quantize(code, of(x), &mut codes.values);
                codes.values.iter().map(|v| f32::from(*v) * codes.scale).collect()
            }
            Op::Select { .. } => Vec::new(),
        }
    }

    fn attend(&self, block: usize, q: &[f32], [heads, kv_heads]: [usize; 2], window: Option<usize>, scale: f32) -> Vec<f32> {
        let head_dim = q.len() / heads;
        let (stride, seen) = (head_dim * kv_heads, self.position + 1);
        let from = window.map_or(0, |window| seen.saturating_sub(window));
        let mut out = vec![0.0; q.len()];
        for (head, (q, out)) in q.chunks_exact(head_dim).zip(out.chunks_exact_mut(head_dim)).enumerate() {
            let at = head * kv_heads / heads * head_dim;
            let [keys, values] = [0, 1].map(|which| HeadCache { values: &self.caches[&block][which][at..], stride });
            attend_plainly(q, keys, values, scale, from..seen, out);
        }
        out
    }
}

fn activated(function: Activation, x: f32) -> f32 {
    match function {
        Activation::Silu => ops::silu(x),
        Activation::SquaredRelu => ops::relu2(x),
        Activation::Gelu => panic!("the language has no GELU alone"),
    }
}

fn gated(function: Activation, gate: &[f32], up: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; gate.len()];
    match function {
        Activation::Silu => ops::swiglu(gate, up, &mut out),
        Activation::Gelu => ops::geglu(gate, up, &mut out),
        Activation::SquaredRelu => out.iter_mut().zip(gate).zip(up).for_each(|((out, g), u)| *out = ops::relu2(*g) * u),
    }
    out
}
