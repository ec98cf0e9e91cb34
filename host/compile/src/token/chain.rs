//! What is read back from a node: a matrix's rows, maybe normalised head by head, maybe turned.

use super::{NoTokenProgram, because};
use nda_ir::{ConstantId, Graph, NodeId, Op};

/// Rows of one tensor times a vector, and what is done to them before they are used.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    /// The tensor.
    pub tensor: String,
    /// Its rows.
    pub rows: usize,
    /// Its columns.
    pub cols: usize,
    /// The vector that it is multiplied by.
    pub x: NodeId,
    /// Weights and epsilon of a norm of every head.
    pub norm: Option<(ConstantId, f32)>,
    /// How it is turned.
    pub turn: Option<Turn>,
}

/// A rotation by the position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Turn {
    /// The base of the frequencies.
    pub theta: f32,
    /// What every pair's frequency is divided by.
    pub factors: Option<ConstantId>,
}

impl Chain {
    /// The chain that ends in a node.
    pub fn of(graph: &Graph, end: NodeId) -> Result<Chain, NoTokenProgram> {
        let (mut id, mut turn, mut norm) = (end, None, None);
        if let Op::Rope { x, theta, offset, factors, .. } = graph.node(id).op {
            if offset != 0 {
                return Err(because(graph, id, format!("a token machine turns by the position, not by the position and {offset}")));
            }
            (id, turn) = (x, Some(Turn { theta, factors }));
        }
        if let Op::Norm { x, weight, eps } = graph.node(id).op {
            (id, norm) = (x, Some((weight, eps)));
        }
        let (gemv, part) = graph.part_of(id).unwrap_or((id, 0));
        let Op::Gemv { x, product } = graph.node(gemv).op else {
            let found = graph.line_of(graph.node(id));
            return Err(because(graph, end, format!("a token machine wants a product's rows here, not '{found}'")));
        };
        let product = graph.product(product);
        if gemv == id && product.parts.len() != 1 {
            return Err(because(graph, end, format!("the rows of '{}' are used together", product.name())));
        }
        let tensor = &product.parts[part];
        Ok(Chain { tensor: tensor.tensor.clone(), rows: tensor.rows, cols: product.cols, x, norm, turn })
    }

    /// The chain of plain rows.
    pub fn plain(graph: &Graph, end: NodeId) -> Result<Chain, NoTokenProgram> {
        let chain = Chain::of(graph, end)?;
        if chain.norm.is_some() || chain.turn.is_some() {
            return Err(because(graph, end, "a token machine normalises and turns heads of queries and keys alone"));
        }
        Ok(chain)
    }
}
