//! Node by node to steps.

use super::chain::{Chain, Turn};
use super::{Calibration, LayerCalibration, NoTokenProgram, Tensors, TokenProgram, because};
use nda_ir::{Activation, ConstantId, Graph, NodeId, Op};
use nda_spec::token::{self, Assembler, AttentionShape, CodesTo, Factor, Folded, Gate, Into, KvShape, Matrix, Range, Source, Unit, WORD};
use std::collections::HashMap;

type Done<T = ()> = Result<T, NoTokenProgram>;

/// Bits of a residual that its products do not see: +-128 with 10 bits behind the point are left. More saturates.
const TAKE: u8 = 2;
/// How much larger than in the calibration's text a query may become.
const QUERY_HEADROOM: f64 = 8.0;

pub(super) struct Lowering<'a> {
    graph: &'a Graph,
    tensors: &'a dyn Tensors,
    calibration: &'a Calibration,
    asm: Assembler,
    matrices: Vec<Vec<String>>,
    users: Vec<Vec<NodeId>>,
    /// Nodes that are the embedding.
    embedding: Vec<NodeId>,
    residual: NodeId,
    /// The largest magnitudes that each gate is made for.
    gates: HashMap<NodeId, Range>,
    /// What the last step wrote and codes can be made of.
    fresh: Option<NodeId>,
    /// What the array's codes are of.
    codes: Option<NodeId>,
    head_dim: usize,
    /// The first word behind the residual.
    scratch: u16,
}

/// The range of every gate whose block was calibrated.
fn gate_ranges(graph: &Graph, calibration: &Calibration) -> HashMap<NodeId, Range> {
    let of = |(id, node): (NodeId, &nda_ir::Node)| match node.op {
        Op::Gate { function, .. } => Some((id, (of_machine(function), calibration.layers.get(node.layer?)?.gate))),
        _ => None,
    };
    let (ids, found): (Vec<_>, Vec<_>) = graph.nodes().filter_map(of).unzip();
    ids.into_iter().zip(super::gates::shared(&found)).collect()
}

fn of_machine(function: Activation) -> token::Activation {
    match function {
        Activation::Silu => token::Activation::Silu,
        Activation::Gelu => token::Activation::Gelu,
        Activation::SquaredRelu => token::Activation::SquaredRelu,
    }
}

fn doubles(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}

impl<'a> Lowering<'a> {
    /// Up to the embedding.
    pub fn begin(graph: &'a Graph, tensors: &'a dyn Tensors, calibration: &'a Calibration) -> Done<Self> {
        let nothing = |reason: &str| NoTokenProgram { line: None, reason: reason.into() };
        let gathered = graph.nodes().find_map(|(id, node)| if let Op::Gather { table } = node.op { Some((id, table)) } else { None });
        let (first, table) = gathered.ok_or_else(|| nothing("no table gives the token's first vector"))?;
        let table = graph.table(table);
        let missing = || because(graph, first, format!("the embedding '{}' cannot be read as rows of floats", table.tensor));
        let mut rows = tensors.table(&table.tensor).ok_or_else(missing)?;
        let users = graph.users();
        let (mut residual, mut embedding) = (first, vec![first]);
        while let [user] = users[residual.0][..] {
            let Op::Scale { factor, .. } = graph.node(user).op else { break };
            rows.iter_mut().for_each(|v| *v *= factor);
            residual = user;
            embedding.push(user);
        }
        let kv = kv_shape(graph, calibration)?;
        let (head_dim, scratch) = (kv.head_dim, table.cols.div_ceil(WORD) as u16);
        let asm = Assembler::new(&rows, table.cols, kv);
        let (fresh, codes, matrices) = (Some(residual), None, Vec::new());
        let gates = gate_ranges(graph, calibration);
        Ok(Lowering { graph, tensors, calibration, asm, matrices, users, embedding, residual, gates, fresh, codes, head_dim, scratch })
    }

    /// All of it.
    pub fn lower(mut self) -> Done<TokenProgram> {
        for (id, node) in self.graph.nodes() {
            match node.op {
                Op::Append { block, keys, values } => self.append(id, block, keys, values)?,
                Op::Attend { .. } => self.attend(id)?,
                Op::Gate { gate, up, function } => self.gate(id, gate, up, function)?,
                Op::Add { a, b } => self.add(id, a, b)?,
                // What these give is read back from where it is used.
                Op::Norm { .. } | Op::Gemv { .. } | Op::Columns { .. } | Op::Rope { .. } | Op::Select { .. } => {}
                _ if self.embedding.contains(&id) => {}
                _ => return Err(because(self.graph, id, format!("a token machine has no step for '{}'", self.graph.line_of(node)))),
            }
        }
        self.asm.begin_head();
        let head = Chain::plain(self.graph, self.graph.logits())?;
        self.codes_of(head.x)?;
        self.product(&head, |_| 1.0, Unit::point(token::LOGIT_POINT), None, Into::Choice)?;
        Ok(TokenProgram { program: self.asm.finish()?, matrices: self.matrices })
    }

    fn constant(&self, id: ConstantId) -> Done<Vec<f64>> {
        let constant = self.graph.constant(id);
        let values = match &constant.source {
            nda_ir::Source::Tensor(name) => self.tensors.vector(name),
            nda_ir::Source::Values(values) => Some(values.clone()),
        };
        let missing = || NoTokenProgram { line: None, reason: format!("the vector '{}' cannot be read", constant.name()) };
        values.map(doubles).ok_or_else(missing)
    }

    fn layer(&self, id: NodeId, block: usize) -> Done<&'a LayerCalibration> {
        self.calibration.layers.get(block).ok_or_else(|| because(self.graph, id, format!("nothing was calibrated for block {block}")))
    }

    /// The array's codes become those of a vector: one that the last step wrote, or its norm.
    fn codes_of(&mut self, x: NodeId) -> Done {
        if self.codes == Some(x) {
            return Ok(());
        }
        let (from, norm) = match self.graph.node(x).op {
            Op::Norm { x, weight, eps } => (x, Some((weight, eps))),
            _ => (x, None),
        };
        if self.fresh != Some(from) {
            let found = self.graph.line_of(self.graph.node(from));
            return Err(because(self.graph, x, format!("a token machine makes codes of the vector it made last, which '{found}' is not")));
        }
        let take = if from == self.residual { TAKE } else { 0 };
        match norm {
            Some((weight, eps)) => {
                let weights = self.constant(weight)?;
                if weights.len() != self.graph.node(from).shape.len() {
                    return Err(because(self.graph, x, "heads that are normalised before a product are not one vector"));
                }
                self.asm.reduce(Some(&weights), take, 0);
                self.asm.codes(Some(eps.into()), CodesTo::Array);
            }
            None => {
                self.asm.reduce(None, take, 0);
                self.asm.codes(None, CodesTo::Array);
            }
        }
        (self.codes, self.fresh) = (Some(x), None);
        Ok(())
    }

    /// The number of a matrix whose rows are those of these tensors, and the scales of its rows.
    fn matrix(&mut self, chains: &[&Chain]) -> Done<(Source, Vec<f64>)> {
        let (mut scales, mut code) = (Vec::new(), None);
        for chain in chains {
            let at = |reason: String| NoTokenProgram { line: None, reason: format!("'{}': {reason}", chain.tensor) };
            let scaled = self.tensors.matrix(&chain.tensor).map_err(at)?;
            if scaled.scales.len() != chain.rows || code.is_some_and(|code| code != scaled.code) {
                return Err(at("its rows or codes do not go with its product's".into()));
            }
            code = Some(scaled.code);
            scales.extend(scaled.scales);
        }
        let code = code.ok_or_else(|| NoTokenProgram { line: None, reason: "a product of nothing".into() })?;
        self.matrices.push(chains.iter().map(|chain| chain.tensor.clone()).collect());
        let matrix = self.asm.matrix(Matrix { rows: scales.len(), cols: chains[0].cols, code });
        Ok((Source::Product { matrix }, scales))
    }

    /// A product, its rows times what `fold` says besides their scales.
    fn product(&mut self, chain: &Chain, fold: impl Fn(usize) -> f64, into_unit: Unit, turn: Option<u8>, into: Into) -> Done {
        let (source, scales) = self.matrix(&[chain])?;
        let by = scales.iter().enumerate().map(|(r, scale)| scale * fold(r)).collect();
        self.asm.pass(&Folded { source, unit: self.asm.codes_unit(), factor: Factor::Codes, by, into_unit }, turn, None, into);
        Ok(())
    }

    /// What waits in wide words, divided by its root mean square: whole, or head by head.
    fn normed(&mut self, eps: f32, by: Vec<f64>, into_unit: Unit, turn: Option<u8>, into: Into) {
        let (factor, unit) = self.asm.root(eps.into());
        let source = Source::Wide { at: self.scratch, take: TAKE };
        self.asm.pass(&Folded { source, unit, factor, by, into_unit }, turn, None, into);
    }

    /// Heads of queries or keys.
    fn heads(&mut self, chain: &Chain, fold: impl Fn(usize) -> f64, into_unit: Unit, into: Into) -> Done {
        let turn = match chain.turn {
            None => None,
            Some(Turn { theta, factors: None }) => Some(self.asm.turn(theta.into())),
            Some(Turn { theta, factors: Some(factors) }) => {
                let factors = self.constant(factors)?;
                Some(self.asm.turn_divided(theta.into(), &factors))
            }
        };
        let Some((weight, eps)) = chain.norm else { return self.product(chain, fold, into_unit, turn, into) };
        let (weights, dim) = (self.constant(weight)?, self.head_dim);
        if weights.len() != dim {
            return Err(NoTokenProgram {
                line: None,
                reason: format!("'{}' is normalised over {} values, not per head", chain.tensor, weights.len()),
            });
        }
        self.product(chain, |_| 1.0, Unit::point(token::WIDE_POINT), None, Into::Wide(self.scratch))?;
        self.asm.reduce(None, TAKE, dim);
        let by = (0..chain.rows).map(|r| weights[r % dim] * fold(r)).collect();
        self.normed(eps, by, into_unit, turn, into);
        Ok(())
    }

    /// Query, keys and values of a block, up to the query's codes.
    fn append(&mut self, id: NodeId, block: usize, keys: NodeId, values: NodeId) -> Done {
        let graph = self.graph;
        let attends = self.users[id.0].iter().map(|user| graph.node(*user).op).find_map(|op| match op {
            Op::Attend { q, heads, kv_heads, .. } => Some((q, heads, kv_heads)),
            _ => None,
        });
        let (q, heads, kv_heads) = attends.ok_or_else(|| because(graph, id, "nothing attends to this cache"))?;
        let (layer, number, dim) = (self.layer(id, block)?, number(graph, id, block)?, self.head_dim);
        let (q, k, v) = (Chain::of(graph, q)?, Chain::of(graph, keys)?, Chain::plain(graph, values)?);
        if [k.rows, v.rows] != [layer.keys.len(), layer.values.len()] || q.rows != heads * dim || k.rows != kv_heads * dim {
            return Err(because(graph, id, format!("block {block}'s heads are not those that were calibrated")));
        }
        let shared = heads / kv_heads;
        let largest = layer.keys.iter().fold(0.0_f64, |m, v| m.max(*v));
        let query_unit = Unit::holding(layer.query * largest * QUERY_HEADROOM);
        self.codes_of(q.x)?;
        self.heads(&q, |r| layer.keys[r / dim / shared * dim + r % dim], query_unit, Into::Work)?;
        self.asm.reduce(None, 0, dim);
        // Other norms reduce as well, so the query's codes are made before; else its products run on meanwhile.
        let early = k.norm.is_some();
        if early {
            self.asm.codes(None, CodesTo::Query);
        }
        self.fresh = None;
        self.codes_of(k.x)?;
        self.heads(&k, |r| 1.0 / layer.keys[r], Unit::point(token::ROW_POINT), Into::Keys(number))?;
        self.codes_of(v.x)?;
        self.product(&v, |r| 1.0 / layer.values[r], Unit::point(token::ROW_POINT), None, Into::Values(number))?;
        if !early {
            self.asm.codes(None, CodesTo::Query);
        }
        Ok(())
    }

    fn attend(&mut self, id: NodeId) -> Done {
        let graph = self.graph;
        let Op::Attend { cache, heads, window, scale, .. } = graph.node(id).op else { return Ok(()) };
        let Op::Append { block, .. } = graph.node(cache).op else { return Err(because(graph, id, "it attends to no cache")) };
        let layer = self.layer(id, block)?;
        let window = window.filter(|w| *w < self.calibration.ring).map_or(Ok(0), |w| number(graph, id, w))?;
        let shape = AttentionShape { layer: number(graph, id, block)?, heads: number(graph, id, heads)?, window, scale: scale.into() };
        self.asm.attend(shape);
        self.asm.mixed(heads, &layer.values);
        self.fresh = Some(id);
        Ok(())
    }

    fn gate(&mut self, id: NodeId, gate: NodeId, up: NodeId, function: Activation) -> Done {
        let (gate, up) = (Chain::plain(self.graph, gate)?, Chain::plain(self.graph, up)?);
        if gate.x != up.x {
            return Err(because(self.graph, id, "a gate and what it gates are products of one vector"));
        }
        let block = self.graph.node(id).layer.ok_or_else(|| because(self.graph, id, "this gate belongs to no block"))?;
        self.layer(id, block)?;
        self.codes_of(gate.x)?;
        let (table, gated) = Gate::of(of_machine(function), self.gates[&id]);
        let table = self.asm.gate(table);
        let (source, by) = self.matrix(&[&gate, &up])?;
        let folded = Folded { source, unit: self.asm.codes_unit(), factor: Factor::Codes, by, into_unit: Unit::point(token::VALUE_POINT) };
        self.asm.pass(&folded, None, Some(table), Into::Work);
        self.asm.gated_unit(gated);
        self.fresh = Some(id);
        Ok(())
    }

    /// A residual and a product, or its norm.
    fn add(&mut self, id: NodeId, a: NodeId, b: NodeId) -> Done {
        let added = match (a == self.residual, b == self.residual) {
            (true, false) => b,
            (false, true) => a,
            _ => return Err(because(self.graph, id, "a token machine adds to its one residual alone; it has no bias")),
        };
        let wide = Unit::point(token::WIDE_POINT);
        match self.graph.node(added).op {
            Op::Norm { x, weight, eps } => {
                let (chain, weights) = (Chain::plain(self.graph, x)?, self.constant(weight)?);
                if weights.len() != chain.rows {
                    return Err(because(self.graph, added, "what is added is normalised as one vector"));
                }
                self.codes_of(chain.x)?;
                self.product(&chain, |_| 1.0, wide, None, Into::Wide(self.scratch))?;
                self.asm.reduce(None, TAKE, 0);
                self.normed(eps, weights, wide, None, Into::Add(0));
            }
            _ => {
                let chain = Chain::plain(self.graph, added)?;
                self.codes_of(chain.x)?;
                self.product(&chain, |_| 1.0, wide, None, Into::Add(0))?;
            }
        }
        (self.residual, self.fresh) = (id, Some(id));
        Ok(())
    }
}

/// A number in the width that a step has for it.
fn number<T: TryFrom<usize>>(graph: &Graph, id: NodeId, value: usize) -> Done<T> {
    T::try_from(value).map_err(|_| because(graph, id, format!("{value} is more than a step's field holds")))
}

/// The cache that a graph's blocks share.
fn kv_shape(graph: &Graph, calibration: &Calibration) -> Done<KvShape> {
    let (mut layers, mut shape) = (0, None);
    for (id, node) in graph.nodes() {
        let Op::Attend { q, cache, heads, kv_heads, .. } = node.op else { continue };
        let Op::Append { block, .. } = graph.node(cache).op else { continue };
        let found = (kv_heads, graph.node(q).shape.len() / heads.max(1));
        if shape.is_some_and(|shape| shape != found) || kv_heads == 0 || heads % kv_heads != 0 {
            return Err(because(graph, id, "all blocks of a token machine have equal heads"));
        }
        (layers, shape) = (layers.max(block + 1), Some(found));
    }
    let (heads, head_dim) = shape.ok_or(NoTokenProgram { line: None, reason: "no block attends".into() })?;
    Ok(KvShape { layers, heads, head_dim, ring: calibration.ring, form: calibration.form.clone() })
}
