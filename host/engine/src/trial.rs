//! A run of a program without its numbers, so that every name and shape is known to fit before weights go anywhere.

use crate::host::check_len;
use crate::view::View;
use nda_lang::{Attention, Builtins, Document, HostError, Input};

/// Shapes without numbers: products give zeros, and the layers are noted in the order of their use.
pub(crate) struct Trial<'w, 'd> {
    view: View<'w, 'd>,
    order: Vec<usize>,
    seen: Vec<bool>,
}

impl<'w, 'd> Trial<'w, 'd> {
    pub fn new(view: View<'w, 'd>) -> Self {
        Trial { view, order: Vec::new(), seen: vec![false; view.tensors.layers.len()] }
    }

    /// Layers in the order of their use.
    pub fn into_order(self) -> Vec<usize> {
        self.order
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
