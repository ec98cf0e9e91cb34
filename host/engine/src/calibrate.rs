//! The form of a model's cache for the token machine: constants per channel, from what a text makes of its blocks.

use crate::error::EngineError;
use crate::model::{Model, Session};
use crate::token::token_program_with;
use crate::weights::Weights;
use nda_gemv::Gemv;
use nda_ir::{Graph, NodeId, Op};
use nda_ndf::{Kv, KvLayer};
use nda_spec::token::KvForm;
use std::collections::HashMap;

/// Share of a channel's magnitudes that its levels reach; the rest saturate. Less and more of it cost bits per byte.
const QUANTILE: f64 = 0.98;
/// What a block's gate is taken to give where it cannot be observed.
const GATED: f32 = 256.0;
/// The smallest constant: of a channel that is always 0.
const SMALLEST: f32 = 1e-6;

/// Magnitudes that a text showed, channel by channel.
#[derive(Debug, Clone, Default)]
struct Observed {
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
    query: f32,
    gated: f32,
}

fn largest(found: f32, x: &[f32]) -> f32 {
    x.iter().fold(found, |max, v| max.max(v.abs()))
}

/// Runs a model in floats over a text, in windows of its context, and finds what levels of four bits stand for.
///
/// # Errors
/// A program without a graph, no attention in it, a text of no tokens, a failure of the model.
pub fn calibrate_cache<'m>(weights: &'m Weights<'_>, gemv: &mut dyn Gemv<'m>, tokens: &[u32], ring: u32) -> Result<Kv, EngineError> {
    let refused = |reason: String| EngineError::NoTokenProgram { reason };
    let graph = weights.graph().map_err(|error| refused(error.to_string()))?;
    let shape = cache_shape(&graph).ok_or_else(|| refused("no block attends".into()))?;
    let CacheShape { layers, head_dim, width } = shape;
    let gates = gates(&graph);
    // Before a text is read: whether there is any use in it.
    token_program_with(weights, &shape.of_ones(ring))?;
    if tokens.is_empty() {
        return Err(EngineError::Empty { what: "the calibration text", needed: 1 });
    }
    let mut observed = vec![Observed::default(); layers];
    let mut gated: HashMap<usize, f32> = HashMap::new();
    let model = Model::prepare(weights, gemv)?;
    {
        let mut session = Session::new(&model, gemv);
        session.on_attention(|block, qkv| {
            if let Some(observed) = observed.get_mut(block) {
                observed.observe(width, qkv);
            }
        });
        session.on_input(|names, _, x| {
            if let Some(layer) = names.first().and_then(|name| gates.get(name)) {
                let found = gated.entry(*layer).or_default();
                *found = largest(*found, x);
            }
        });
        for window in tokens.chunks(session.context().max(1)) {
            session.clear();
            session.feed_all(window)?;
        }
    }
    for (layer, observed) in observed.iter_mut().enumerate() {
        observed.gated = gated.get(&layer).copied().unwrap_or(GATED);
    }
    let form = KvForm::four_bits();
    let layers = observed.into_iter().map(|observed| observed.constants(head_dim, f32::from(form.largest()))).collect();
    Ok(Kv { ring, coefficients: form.coefficients().to_vec(), layers })
}

/// Blocks that attend, channels of a head, channels of a position's keys.
#[derive(Debug, Clone, Copy)]
struct CacheShape {
    layers: usize,
    head_dim: usize,
    width: usize,
}

/// None if nothing attends.
fn cache_shape(graph: &Graph) -> Option<CacheShape> {
    let appended = graph.nodes().filter_map(|(_, node)| if let Op::Append { block, .. } = node.op { Some(block + 1) } else { None });
    let layers = appended.max()?;
    graph.nodes().find_map(|(_, node)| match node.op {
        Op::Attend { q, heads, kv_heads, .. } => {
            let head_dim = graph.node(q).shape.len() / heads.max(1);
            Some(CacheShape { layers, head_dim, width: kv_heads * head_dim })
        }
        _ => None,
    })
}

impl CacheShape {
    /// A form whose constants are all 1.
    fn of_ones(self, ring: u32) -> Kv {
        let ones = vec![1.0; self.width];
        let layer = KvLayer { keys: ones.clone(), values: ones, query: 1.0, gated: 1.0 };
        Kv { ring, coefficients: KvForm::four_bits().coefficients().to_vec(), layers: vec![layer; self.layers] }
    }
}

/// The layers of gates by the first matrix that is multiplied by what they give.
fn gates(graph: &Graph) -> HashMap<String, usize> {
    let users = graph.users();
    let product = |id: &NodeId| match graph.node(*id).op {
        Op::Gemv { product, .. } => graph.product(product).parts.first().map(|part| part.tensor.clone()),
        _ => None,
    };
    let gates = graph.nodes().filter(|(_, node)| matches!(node.op, Op::Gate { .. }));
    gates.filter_map(|(id, node)| Some((users[id.0].iter().find_map(product)?, node.layer?))).collect()
}

impl Observed {
    fn observe(&mut self, width: usize, [q, keys, values]: [&[f32]; 3]) {
        self.query = largest(self.query, q);
        for (observed, found) in [(&mut self.keys, keys), (&mut self.values, values)] {
            observed.resize(width, Vec::new());
            found.iter().enumerate().for_each(|(i, v)| observed[i % width].push(v.abs()));
        }
    }

    fn constants(self, head_dim: usize, levels: f32) -> KvLayer {
        let pair = |i: usize| {
            let other = i / head_dim * head_dim + (i + head_dim / 2) % head_dim;
            quantile([&self.keys[i][..], &self.keys[other]].concat()) / levels
        };
        let keys = (0..self.keys.len()).map(pair).collect();
        let values = self.values.iter().map(|observed| quantile(observed.clone()) / levels).collect();
        KvLayer { keys, values, query: self.query.max(SMALLEST), gated: self.gated.max(SMALLEST) }
    }
}

fn quantile(mut magnitudes: Vec<f32>) -> f32 {
    magnitudes.sort_unstable_by(f32::total_cmp);
    let at = (magnitudes.len().saturating_sub(1) as f64 * QUANTILE) as usize;
    magnitudes.get(at).copied().unwrap_or(0.0).max(SMALLEST)
}
