//! A run of a program without its numbers, so that every name and shape is known to fit before weights go anywhere.

use crate::blocks::BlockOp;
use crate::host::check_len;
use crate::stream::Shape;
use crate::view::View;
use nda_lang::{Attention, Builtins, Document, HostError, Input, StreamOp};

/// Shapes without numbers: products give zeros, and the layers are noted in the order of their use.
pub(crate) struct Trial<'w, 'd> {
    view: View<'w, 'd>,
    order: Vec<usize>,
    seen: Vec<bool>,
    shape: Shape,
    pending: Vec<BlockOp>,
    chains: Vec<Vec<BlockOp>>,
    zeros: Vec<f32>,
}

impl<'w, 'd> Trial<'w, 'd> {
    pub fn new(view: View<'w, 'd>) -> Self {
        Trial {
            view,
            order: Vec::new(),
            seen: vec![false; view.tensors.layers.len()],
            shape: Shape::default(),
            pending: Vec::new(),
            chains: Vec::new(),
            zeros: Vec::new(),
        }
    }

    /// Layers, and chains of operations on the stream, in the order of their use.
    pub fn into_found(self) -> (Vec<usize>, Vec<Vec<BlockOp>>) {
        (self.order, self.chains)
    }

    fn note(&mut self, layer: usize) {
        if !std::mem::replace(&mut self.seen[layer], true) {
            self.order.push(layer);
        }
    }
}

impl Builtins for Trial<'_, '_> {
    fn document(&self) -> &dyn Document {
        &self.view
    }

    fn print(&mut self, _: &str) {}

    fn stream(&mut self, op: StreamOp<'_>) -> Result<&[f32], HostError> {
        let gives = self.shape.apply(&op, self.view.tensors)?;
        if let StreamOp::Gemv { layer } | StreamOp::Head { layer } | StreamOp::Swiglu { layer } | StreamOp::Add { layer, .. } = op {
            self.note(layer);
        }
        if matches!(op, StreamOp::Begin { .. }) {
            self.pending.clear();
        }
        let op = BlockOp::of(&op);
        self.pending.push(op);
        if op.gives() {
            let chain = std::mem::take(&mut self.pending);
            if !self.chains.contains(&chain) {
                self.chains.push(chain);
            }
        }
        self.zeros.clear();
        self.zeros.resize(gives, 0.0);
        Ok(&self.zeros)
    }

    fn gemv(&mut self, layer: usize, x: Input<'_>, y: &mut [f32]) -> Result<(), HostError> {
        y.fill(0.0);
        check_len(&self.view.tensors.layers[layer].name, x.len(), self.view.tensors.layers[layer].cols)?;
        self.note(layer);
        Ok(())
    }

    fn attend(&mut self, _: i64, _: [&[f32]; 3], _: Attention, out: &mut [f32]) -> Result<(), HostError> {
        out.fill(0.0);
        Ok(())
    }
}
