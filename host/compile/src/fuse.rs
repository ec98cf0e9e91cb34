//! Graph to graph: what a back end has as one operation becomes one node.

use nda_ir::{Builder, Graph, NodeId, Op};

/// Nodes that the token's choice does not need are dropped.
pub(crate) fn pruned(graph: &Graph) -> Graph {
    let mut needed = vec![false; graph.len()];
    for (id, node) in graph.nodes().rev() {
        let is_end = matches!(node.op, Op::Select { .. }) || id == graph.residual() || id == graph.logits();
        if is_end || needed[id.0] {
            needed[id.0] = true;
            node.op.inputs().iter().for_each(|input| needed[input.0] = true);
        }
    }
    rewritten(graph, |id| if needed[id.0] { Rewrite::Keep } else { Rewrite::Drop })
}

/// An activation whose only use is a product with another vector becomes a gate, as `swiglu` is one.
pub fn fuse(graph: &Graph) -> Graph {
    let users = graph.users();
    let gate_of = |id: NodeId| match graph.node(id).op {
        Op::Activate { x, function } if users[id.0].len() == 1 && id != graph.residual() && id != graph.logits() => Some((x, function)),
        _ => None,
    };
    let gated = |id: NodeId| {
        let Op::Mul { a, b } = graph.node(id).op else { return None };
        let (gate, function, up) =
            gate_of(a).map(|(x, function)| (x, function, b)).or_else(|| gate_of(b).map(|(x, function)| (x, function, a)))?;
        Some(Op::Gate { gate, up, function })
    };
    let fused = rewritten(graph, |id| gated(id).map_or(Rewrite::Keep, Rewrite::As));
    pruned(&fused)
}

/// What becomes of a node.
enum Rewrite {
    Keep,
    Drop,
    /// Another operation on nodes of the old graph.
    As(Op),
}

fn rewritten(graph: &Graph, of: impl Fn(NodeId) -> Rewrite) -> Graph {
    let mut builder = Builder::rewriting(graph);
    let mut places = vec![NodeId(0); graph.len()];
    for (id, node) in graph.nodes() {
        let op = match of(id) {
            Rewrite::Drop => continue,
            Rewrite::Keep => node.op,
            Rewrite::As(op) => op,
        };
        let op = op.with_inputs(|input| places[input.0]);
        places[id.0] = builder.push(op, node.stage, node.layer, node.line).expect("the same shapes as before");
    }
    builder.finish(places[graph.residual().0], places[graph.logits().0])
}
