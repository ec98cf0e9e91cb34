//! The graph as text: one node per line, layer by layer. The form is stable within a [`crate::VERSION`].

use crate::VERSION;
use crate::describe::Attribute;
use crate::graph::{Graph, Node, NodeId};
use crate::op::Op;
use std::fmt::{self, Display, Formatter};

/// Columns before the shape.
const SHAPE_COLUMN: usize = 76;

impl Display for Attribute {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Attribute::Count(value) => write!(f, "{value}"),
            Attribute::Offset(value) => write!(f, "{value:+}"),
            Attribute::Real(value) => write!(f, "{value:?}"),
            Attribute::Name(name) => f.write_str(name),
        }
    }
}

impl Graph {
    /// A node as a line shows it, without its number and shape: `norm %0 weight blk.0.attn_norm eps 1e-5`.
    pub fn line_of(&self, node: &Node) -> String {
        let described = node.op.describe(self);
        let mut line = described.name.to_string();
        described.inputs.iter().for_each(|input| line += &format!(" {input}"));
        described.attributes.iter().for_each(|(key, value)| line += &format!(" {key} {value}"));
        if let Op::Gemv { product, .. } = node.op {
            let product = self.product(product);
            let rows: Vec<String> = product.parts.iter().map(|part| part.rows.to_string()).collect();
            line += &format!(" ({} x {})", rows.join("+"), product.cols);
        }
        line
    }

    fn write_node(&self, f: &mut Formatter<'_>, id: NodeId, node: &Node) -> fmt::Result {
        let line = format!("  {:<5}= {}", id.to_string(), self.line_of(node));
        writeln!(f, "{line:<SHAPE_COLUMN$} {}", node.shape)
    }
}

impl Display for Graph {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "graph version {VERSION}: {} nodes, {} products", self.len(), self.products().len())?;
        let mut place = None;
        for (id, node) in self.nodes() {
            let here = Some((node.stage, node.layer));
            if place != here {
                place = here;
                match node.layer {
                    Some(layer) => writeln!(f, "{}, layer {layer}", node.stage.name())?,
                    None => writeln!(f, "{}", node.stage.name())?,
                }
            }
            self.write_node(f, id, node)?;
        }
        Ok(())
    }
}
