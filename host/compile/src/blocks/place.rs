//! What of a graph a vector unit does, and what the host.
//!
//! Three patterns go to the unit: a norm of the residual in front of products, two products and the SiLU gate between
//! them, and a product that is added to the residual. A product's result that others need goes to the host.

use nda_ir::{Activation, ConstantId, Graph, NodeId, Op, ProductId, Stage};

/// What a vector unit does in some steps. It holds the residual, and the codes that a product takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Action {
    /// The residual is a value of the host.
    Begin { x: NodeId },
    /// The codes are those of the residual's norm.
    Norm { weight: ConstantId, eps: f32 },
    /// Gives a product with the codes, as codes.
    Product { product: ProductId, gives: NodeId },
    /// Gives a product with the codes: scores.
    Scores { product: ProductId, gives: NodeId },
    /// The codes are those of `silu(gate) * up` of a product's two parts.
    Gated { product: ProductId },
    /// Adds a product with the codes to the residual.
    Add { product: ProductId },
    /// Adds a product with a value of the host to the residual.
    AddTaken { product: ProductId, x: NodeId },
    /// Gives the residual.
    End { gives: NodeId },
}

impl Action {
    /// The node whose value the host gets, if it gets one.
    pub fn gives(&self) -> Option<NodeId> {
        match *self {
            Action::Product { gives, .. } | Action::Scores { gives, .. } | Action::End { gives } => Some(gives),
            _ => None,
        }
    }
}

/// An operation and who does it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Placed {
    Host(NodeId),
    Unit(Action),
}

/// Everything a token takes, in order.
///
/// # Errors
/// The first operation that neither side does.
pub(super) fn place(graph: &Graph) -> Result<Vec<(Placed, Stage)>, String> {
    let mut placer = Placer::new(graph);
    for (id, _) in graph.nodes() {
        placer.node(id)?;
    }
    Ok(placer.placed)
}

struct Placer<'g> {
    graph: &'g Graph,
    users: Vec<Vec<NodeId>>,
    placed: Vec<(Placed, Stage)>,
    /// The node whose value the unit holds as its residual.
    residual: Option<NodeId>,
    /// The node whose value the unit holds as codes.
    codes: Option<NodeId>,
    /// Values that the host has.
    on_host: Vec<bool>,
    /// Nodes that are part of an action before them.
    fused: Vec<bool>,
}

impl<'g> Placer<'g> {
    fn new(graph: &'g Graph) -> Self {
        let none = vec![false; graph.len()];
        Placer { graph, users: graph.users(), placed: Vec::new(), residual: None, codes: None, on_host: none.clone(), fused: none }
    }

    fn refuse<T>(&self, id: NodeId, reason: &str) -> Result<T, String> {
        let node = self.graph.node(id);
        Err(format!("line {}: {} {reason}", node.line, node.op.name()))
    }

    fn unit(&mut self, id: NodeId, action: Action) {
        if let Some(given) = action.gives() {
            self.on_host[given.0] = true;
        }
        self.placed.push((Placed::Unit(action), self.graph.node(id).stage));
    }

    /// The two sides of a residual addition: what it is added to, and the product.
    fn residual_add(&self, id: NodeId) -> Option<(NodeId, NodeId)> {
        let Op::Add { a, b } = self.graph.node(id).op else { return None };
        let is_product = |x: NodeId| matches!(self.graph.node(x).op, Op::Gemv { .. }) && self.users[x.0].len() == 1;
        match (is_product(a), is_product(b)) {
            (_, true) => Some((a, b)),
            (true, false) => Some((b, a)),
            (false, false) => None,
        }
    }

    /// Whether a value is a residual: something is added to it, it is such a sum, or it is the last block's output.
    fn is_residual(&self, id: NodeId) -> bool {
        id == self.graph.residual()
            || self.residual_add(id).is_some()
            || self.users[id.0].iter().any(|user| self.residual_add(*user).is_some_and(|(to, _)| to == id))
    }

    fn node(&mut self, id: NodeId) -> Result<(), String> {
        if !self.fused[id.0] {
            match self.graph.node(id).op {
                Op::Norm { x, weight, eps } => self.norm(id, x, Action::Norm { weight, eps })?,
                Op::Gemv { x, product } => self.gemv(id, x, product)?,
                Op::Gather { .. } | Op::Scale { .. } | Op::Columns { .. } | Op::Rope { .. } | Op::Append { .. } | Op::Attend { .. } => {
                    self.host(id)?
                }
                Op::Select { .. } => {}
                _ => return self.refuse(id, "has no place between the products of a vector unit"),
            }
        }
        if id == self.graph.residual() && self.residual == Some(id) {
            self.unit(id, Action::End { gives: id });
            (self.residual, self.codes) = (None, None);
        }
        Ok(())
    }

    fn host(&mut self, id: NodeId) -> Result<(), String> {
        let node = self.graph.node(id);
        if let Some(missing) = node.op.inputs().into_iter().find(|input| !self.on_host[input.0]) {
            return self.refuse(id, &format!("needs {missing}, which stays on the vector unit"));
        }
        self.on_host[id.0] = true;
        self.placed.push((Placed::Host(id), node.stage));
        Ok(())
    }

    /// Makes a value the unit's residual.
    fn hold(&mut self, id: NodeId, x: NodeId) -> Result<(), String> {
        if self.residual != Some(x) {
            if !self.on_host[x.0] {
                return self.refuse(id, &format!("needs {x}, which the vector unit holds no longer"));
            }
            self.unit(id, Action::Begin { x });
            (self.residual, self.codes) = (Some(x), None);
        }
        Ok(())
    }

    fn norm(&mut self, id: NodeId, x: NodeId, action: Action) -> Result<(), String> {
        let feeds_products = self.users[id.0].iter().all(|user| matches!(self.graph.node(*user).op, Op::Gemv { .. }));
        if !self.is_residual(x) || !feeds_products || self.graph.node(id).shape.rows != 1 {
            return self.refuse(id, "is not of the residual in front of products, as a vector unit has it");
        }
        self.hold(id, x)?;
        self.unit(id, action);
        self.codes = Some(id);
        Ok(())
    }

    fn gemv(&mut self, id: NodeId, x: NodeId, product: ProductId) -> Result<(), String> {
        if let Some(gate) = self.gate_of(id).filter(|_| self.codes == Some(x)) {
            self.unit(id, Action::Gated { product });
            self.codes = Some(gate);
            return Ok(());
        }
        let added = self.users[id.0].first().copied().and_then(|user| Some((user, self.residual_add(user)?)));
        if let Some((sum, (to, _))) = added.filter(|(_, (_, what))| *what == id) {
            let from_codes = self.codes == Some(x);
            if !from_codes && !self.on_host[x.0] {
                return self.refuse(id, &format!("needs {x}, which is not in the vector unit's codes"));
            }
            self.hold(id, to)?;
            self.unit(id, if from_codes { Action::Add { product } } else { Action::AddTaken { product, x } });
            self.fused[sum.0] = true;
            (self.residual, self.codes) = (Some(sum), None);
            return Ok(());
        }
        if self.codes != Some(x) {
            return self.refuse(id, "is not of the residual's norm, as a vector unit has it");
        }
        let scores = id == self.graph.logits();
        self.unit(id, if scores { Action::Scores { product, gives: id } } else { Action::Product { product, gives: id } });
        Ok(())
    }

    /// The SiLU gate of a product's two parts, if they are used for nothing else and the gate feeds products alone.
    fn gate_of(&mut self, gemv: NodeId) -> Option<NodeId> {
        let [a, b] = self.users[gemv.0][..] else { return None };
        let part = |id: NodeId| self.graph.part_of(id).map(|(_, part)| part);
        let ([gate], [other]) = (&self.users[a.0][..], &self.users[b.0][..]) else { return None };
        let Op::Gate { gate: first, up: second, function: Activation::Silu } = self.graph.node(*gate).op else { return None };
        let two_parts = part(first) == Some(0) && part(second) == Some(1) && (first, second) == (a.min(b), a.max(b));
        let feeds_products = self.users[gate.0].iter().all(|user| matches!(self.graph.node(*user).op, Op::Gemv { .. }));
        if gate != other || !two_parts || !feeds_products {
            return None;
        }
        let gate = *gate;
        [a, b, gate].into_iter().for_each(|id| self.fused[id.0] = true);
        Some(gate)
    }
}
