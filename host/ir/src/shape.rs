//! Shapes per token, and the rule that every operation has for them.

use crate::graph::{Graph, NodeId};
use crate::op::Op;
use std::fmt;

/// A value's shape for one token: `rows` rows of `values` values. Of `n` tokens taken at once there are `n * rows` rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Rows per token.
    pub rows: usize,
    /// Values per row.
    pub values: usize,
}

impl Shape {
    /// One row per token.
    pub const fn row(values: usize) -> Shape {
        Shape { rows: 1, values }
    }

    /// Values per token.
    pub const fn len(self) -> usize {
        self.rows * self.values
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}", self.rows, self.values)
    }
}

/// An operation whose operands do not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{op}: {reason}")]
pub struct ShapeError {
    /// The operation's name.
    pub op: &'static str,
    /// What does not fit, with its numbers.
    pub reason: String,
}

/// The shape of an operation's result.
///
/// # Errors
/// Operands that do not go together.
pub(crate) fn shape_of(op: &Op, graph: &Graph) -> Result<Shape, ShapeError> {
    let of = |node: NodeId| graph.node(node).shape;
    let fail = |reason: String| Err(ShapeError { op: op.name(), reason });
    let same = |a: NodeId, b: NodeId| match (of(a), of(b)) {
        (x, y) if x.len() == y.len() => Ok(x),
        (x, y) => fail(format!("{a} is {x} and {b} is {y}; both need the same number of values")),
    };
    match *op {
        Op::Gather { table } => Ok(Shape::row(graph.table(table).cols)),
        Op::Constant { constant } => Ok(Shape::row(graph.constant(constant).len)),
        Op::Scale { x, .. } | Op::Activate { x, .. } | Op::Quantize { x, .. } => Ok(of(x)),
        Op::Norm { x, weight, .. } => {
            let (len, values) = (of(x).len(), graph.constant(weight).len);
            match split(len, values) {
                Some(rows) => Ok(Shape { rows, values }),
                None => fail(format!("{values} weights do not divide the {len} values of a token")),
            }
        }
        Op::Gemv { x, product } => {
            let (len, product) = (of(x).len(), graph.product(product));
            match split(len, product.cols) {
                Some(rows) => Ok(Shape { rows, values: product.rows() }),
                None => fail(format!("{} has {} columns, which do not divide the {len} values of a token", product.name(), product.cols)),
            }
        }
        Op::Columns { x, width, from, to } => match split(of(x).len(), width) {
            Some(rows) if from <= to && to <= width => Ok(Shape { rows, values: to - from }),
            _ => fail(format!("{from}..{to} of rows of {width} in the {} values of a token", of(x).len())),
        },
        Op::Add { a, b } | Op::Mul { a, b } => same(a, b),
        Op::Gate { gate, up, .. } => same(gate, up),
        Op::Rope { x, head_dim, factors, .. } => match split(of(x).len(), head_dim) {
            Some(_) if head_dim % 2 == 0 && factors.is_none_or(|at| 2 * graph.constant(at).len == head_dim) => Ok(Shape::row(of(x).len())),
            _ => fail(format!("heads of {head_dim} values do not fill the {} values of a token in pairs", of(x).len())),
        },
        Op::Append { keys, values, .. } => same(keys, values).map(|shape| Shape { rows: 2, values: shape.len() }),
        Op::Attend { q, cache, heads, kv_heads, .. } => {
            let (query, cached) = (of(q).len(), of(cache).values);
            let appended = matches!(graph.node(cache).op, Op::Append { .. });
            let head_dim = split(query, heads).filter(|dim| dim.checked_mul(kv_heads) == Some(cached));
            match head_dim {
                Some(_) if appended && kv_heads > 0 && heads % kv_heads == 0 => Ok(Shape::row(query)),
                _ => fail(format!("{heads} heads of {query} values against {kv_heads} heads of {cached}")),
            }
        }
        Op::Select { x } if !of(x).is_empty() => Ok(Shape::row(1)),
        Op::Select { .. } => fail("there is nothing to select from".into()),
    }
}

/// How many parts of `size` fill `len`, if they do.
fn split(len: usize, size: usize) -> Option<usize> {
    (size > 0 && len > 0 && len.is_multiple_of(size)).then(|| len / size)
}
