//! The graph as JSON, for editors and other tools. The form is stable within a [`crate::VERSION`]: fields may be added.

use crate::VERSION;
use crate::describe::Attribute;
use crate::graph::{Graph, Node, NodeId};
use crate::tables::{Constant, Product, Source, Table};
use serde_json::{Value, json};

impl From<Attribute> for Value {
    fn from(attribute: Attribute) -> Value {
        match attribute {
            Attribute::Count(value) => value.into(),
            Attribute::Offset(value) => value.into(),
            // The shortest decimal that is this f32, as the text has it, and not the f64 next to it.
            Attribute::Real(value) => format!("{value:?}").parse::<f64>().map_or(Value::Null, Value::from),
            Attribute::Name(name) => name.into(),
        }
    }
}

fn node(graph: &Graph, id: NodeId, node: &Node) -> Value {
    let described = node.op.describe(graph);
    let inputs: Vec<usize> = described.inputs.iter().map(|input| input.0).collect();
    let mut value = json!({
        "id": id.0, "op": described.name, "inputs": inputs, "rows": node.shape.rows, "values": node.shape.values,
        "stage": node.stage.name(), "layer": node.layer, "line": node.line,
    });
    for (key, attribute) in described.attributes {
        value[key] = attribute.into();
    }
    value
}

fn table(table: &Table) -> Value {
    json!({ "tensor": table.tensor, "rows": table.rows, "cols": table.cols })
}

fn constant(constant: &Constant) -> Value {
    match &constant.source {
        Source::Tensor(tensor) => json!({ "name": constant.name(), "tensor": tensor, "values": constant.len }),
        Source::Values(values) => json!({ "name": constant.name(), "computed": values, "values": constant.len }),
    }
}

fn product(product: &Product) -> Value {
    let parts: Vec<Value> = product.parts.iter().map(|part| json!({ "tensor": part.tensor, "rows": part.rows })).collect();
    json!({ "name": product.name(), "rows": product.rows(), "cols": product.cols, "parts": parts })
}

impl Graph {
    /// Tables, constants, products and nodes as one object. Nodes name products, tables and constants by their `name` or `tensor`.
    pub fn to_json(&self) -> Value {
        json!({
            "version": VERSION,
            "tables": self.tables().iter().map(table).collect::<Vec<_>>(),
            "constants": self.constants().iter().map(constant).collect::<Vec<_>>(),
            "products": self.products().iter().map(product).collect::<Vec<_>>(),
            "nodes": self.nodes().map(|(id, at)| node(self, id, at)).collect::<Vec<_>>(),
            "residual": self.residual().0,
            "logits": self.logits().0,
        })
    }
}
