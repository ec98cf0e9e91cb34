//! An operation as a listing shows it: its name, what goes in, and its constants. Both printed forms read this.

use crate::graph::{Graph, NodeId};
use crate::op::Op;

/// A constant of an operation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Attribute {
    Count(usize),
    Offset(i64),
    Real(f32),
    Name(String),
}

/// An operation without its types.
pub(crate) struct Description {
    pub name: &'static str,
    pub inputs: Vec<NodeId>,
    pub attributes: Vec<(&'static str, Attribute)>,
}

impl Op {
    /// Its name in a listing.
    pub const fn name(&self) -> &'static str {
        match self {
            Op::Gather { .. } => "gather",
            Op::Constant { .. } => "constant",
            Op::Scale { .. } => "scale",
            Op::Norm { .. } => "norm",
            Op::Gemv { .. } => "gemv",
            Op::Columns { .. } => "columns",
            Op::Add { .. } => "add",
            Op::Mul { .. } => "mul",
            Op::Activate { .. } => "activate",
            Op::Gate { .. } => "gate",
            Op::Rope { .. } => "rope",
            Op::Append { .. } => "append",
            Op::Attend { .. } => "attend",
            Op::Quantize { .. } => "quantize",
            Op::Select { .. } => "select",
        }
    }

    /// The nodes that it reads, in order.
    pub fn inputs(&self) -> Vec<NodeId> {
        match *self {
            Op::Gather { .. } | Op::Constant { .. } => vec![],
            Op::Scale { x, .. }
            | Op::Norm { x, .. }
            | Op::Gemv { x, .. }
            | Op::Columns { x, .. }
            | Op::Activate { x, .. }
            | Op::Rope { x, .. }
            | Op::Quantize { x, .. }
            | Op::Select { x } => vec![x],
            Op::Add { a, b } | Op::Mul { a, b } => vec![a, b],
            Op::Gate { gate, up, .. } => vec![gate, up],
            Op::Append { keys, values, .. } => vec![keys, values],
            Op::Attend { q, cache, .. } => vec![q, cache],
        }
    }

    /// The same operation on other nodes.
    pub fn with_inputs(&self, of: impl Fn(NodeId) -> NodeId) -> Op {
        let mut op = *self;
        match &mut op {
            Op::Gather { .. } | Op::Constant { .. } => {}
            Op::Scale { x, .. }
            | Op::Norm { x, .. }
            | Op::Gemv { x, .. }
            | Op::Columns { x, .. }
            | Op::Activate { x, .. }
            | Op::Rope { x, .. }
            | Op::Quantize { x, .. }
            | Op::Select { x } => *x = of(*x),
            Op::Add { a, b } | Op::Mul { a, b } => (*a, *b) = (of(*a), of(*b)),
            Op::Gate { gate, up, .. } => (*gate, *up) = (of(*gate), of(*up)),
            Op::Append { keys, values, .. } => (*keys, *values) = (of(*keys), of(*values)),
            Op::Attend { q, cache, .. } => (*q, *cache) = (of(*q), of(*cache)),
        }
        op
    }

    pub(crate) fn describe(&self, graph: &Graph) -> Description {
        use Attribute::{Count, Name, Offset, Real};
        let attributes = match self {
            Op::Gather { table } => vec![("table", Name(graph.table(*table).tensor.clone()))],
            Op::Constant { constant } => vec![("constant", Name(graph.constant(*constant).name()))],
            Op::Scale { factor, .. } => vec![("factor", Real(*factor))],
            Op::Norm { weight, eps, .. } => vec![("weight", Name(graph.constant(*weight).name())), ("eps", Real(*eps))],
            Op::Gemv { product, .. } => vec![("product", Name(graph.product(*product).name()))],
            Op::Columns { width, from, to, .. } => vec![("width", Count(*width)), ("from", Count(*from)), ("to", Count(*to))],
            Op::Add { .. } | Op::Mul { .. } | Op::Select { .. } => vec![],
            Op::Activate { function, .. } | Op::Gate { function, .. } => vec![("function", Name(function.name().into()))],
            Op::Rope { head_dim, theta, offset, factors, .. } => {
                let mut all = vec![("head_dim", Count(*head_dim)), ("theta", Real(*theta))];
                all.extend(factors.map(|factors| ("factors", Name(graph.constant(factors).name()))));
                all.extend((*offset != 0).then_some(("offset", Offset(*offset))));
                all
            }
            Op::Append { block, .. } => vec![("block", Count(*block))],
            Op::Attend { heads, kv_heads, window, scale, .. } => {
                let mut all = vec![("heads", Count(*heads)), ("kv_heads", Count(*kv_heads))];
                all.extend(window.map(|window| ("window", Count(window))));
                all.push(("scale", Real(*scale)));
                all
            }
            Op::Quantize { code, .. } => vec![("code", Name(code.name().into()))],
        };
        Description { name: self.name(), inputs: self.inputs(), attributes }
    }
}
