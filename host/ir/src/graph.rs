//! The graph: nodes in the order of evaluation, and the tables that they name.

use crate::op::Op;
use crate::shape::{Shape, ShapeError, shape_of};
use crate::tables::{Constant, ConstantId, Product, ProductId, Table, TableId};
use std::fmt;

/// Place of a node in its graph; it prints as `%7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub usize);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// Which part of a token a node belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// What every token takes: the program's `forward`.
    Forward,
    /// What only a token that is asked for its successor takes: the program's `logits`, and the choice.
    Logits,
}

impl Stage {
    /// Its name in a listing.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Forward => "forward",
            Stage::Logits => "logits",
        }
    }
}

/// An operation with its place in the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The operation.
    pub op: Op,
    /// The result's shape.
    pub shape: Shape,
    /// Which part of a token it belongs to.
    pub stage: Stage,
    /// The layer, if the program numbers it.
    pub layer: Option<usize>,
    /// The line of the program's source, from 1.
    pub line: usize,
}

/// One token's work, from the token to the next one. [`Builder`] makes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    tables: Vec<Table>,
    constants: Vec<Constant>,
    products: Vec<Product>,
    nodes: Vec<Node>,
    residual: NodeId,
    logits: NodeId,
}

/// The place of an entry; equal entries share one.
fn intern<T: PartialEq>(all: &mut Vec<T>, entry: T) -> usize {
    all.iter().position(|known| *known == entry).unwrap_or_else(|| {
        all.push(entry);
        all.len() - 1
    })
}

/// A graph in the making.
#[derive(Debug, Clone)]
pub struct Builder {
    /// What there is so far; its ends are set by [`Builder::finish`].
    graph: Graph,
}

impl Default for Builder {
    fn default() -> Builder {
        let (tables, constants, products, nodes) = Default::default();
        Builder { graph: Graph { tables, constants, products, nodes, residual: NodeId(0), logits: NodeId(0) } }
    }
}

impl Builder {
    /// What another graph names, with no nodes: for a pass that rewrites them.
    pub fn rewriting(graph: &Graph) -> Builder {
        Builder { graph: Graph { nodes: Vec::new(), ..graph.clone() } }
    }

    /// A table's number.
    pub fn add_table(&mut self, table: Table) -> TableId {
        TableId(intern(&mut self.graph.tables, table))
    }

    /// A constant's number.
    pub fn add_constant(&mut self, constant: Constant) -> ConstantId {
        ConstantId(intern(&mut self.graph.constants, constant))
    }

    /// A product's number.
    pub fn add_product(&mut self, product: Product) -> ProductId {
        ProductId(intern(&mut self.graph.products, product))
    }

    /// Adds a node.
    ///
    /// # Errors
    /// Operands that do not go together.
    ///
    /// # Panics
    /// If an operand or a table is not of this graph.
    pub fn push(&mut self, op: Op, stage: Stage, layer: Option<usize>, line: usize) -> Result<NodeId, ShapeError> {
        let shape = shape_of(&op, &self.graph)?;
        self.graph.nodes.push(Node { op, shape, stage, layer, line });
        Ok(NodeId(self.graph.nodes.len() - 1))
    }

    /// Nodes and tables so far.
    pub fn so_far(&self) -> &Graph {
        &self.graph
    }

    /// The graph, with its two ends: the last block's output and the scores of the vocabulary.
    ///
    /// # Panics
    /// If one of them is not of this graph.
    pub fn finish(self, residual: NodeId, logits: NodeId) -> Graph {
        assert!(residual.0.max(logits.0) < self.graph.nodes.len(), "a graph ends in its own nodes");
        Graph { residual, logits, ..self.graph }
    }
}

impl Graph {
    /// The last block's output.
    pub fn residual(&self) -> NodeId {
        self.residual
    }

    /// The scores of the vocabulary.
    pub fn logits(&self) -> NodeId {
        self.logits
    }

    /// All nodes with their ids, in the order of evaluation.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = (NodeId, &Node)> + ExactSizeIterator {
        self.nodes.iter().enumerate().map(|(at, node)| (NodeId(at), node))
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// A node.
    ///
    /// # Panics
    /// If it is not of this graph, here and below.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// A table.
    pub fn table(&self, id: TableId) -> &Table {
        &self.tables[id.0]
    }

    /// A constant.
    pub fn constant(&self, id: ConstantId) -> &Constant {
        &self.constants[id.0]
    }

    /// A product.
    pub fn product(&self, id: ProductId) -> &Product {
        &self.products[id.0]
    }

    /// All tables, by their numbers.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// All constants, by their numbers.
    pub fn constants(&self) -> &[Constant] {
        &self.constants
    }

    /// All products, by their numbers: the order in which a token first meets them.
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// The nodes that read each node.
    pub fn users(&self) -> Vec<Vec<NodeId>> {
        let mut users = vec![Vec::new(); self.nodes.len()];
        for (id, node) in self.nodes() {
            for input in node.op.inputs() {
                users[input.0].push(id);
            }
        }
        users
    }

    /// The product's result that a node is one part of, and which part: `columns` over exactly one matrix's rows.
    pub fn part_of(&self, id: NodeId) -> Option<(NodeId, usize)> {
        let Op::Columns { x, width, from, to } = self.node(id).op else { return None };
        let Op::Gemv { product, .. } = self.node(x).op else { return None };
        let product = self.product(product);
        let part = product.part_of_rows(from, to)?;
        (width == product.rows()).then_some((x, part))
    }
}
