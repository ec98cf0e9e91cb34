//! What a model's program reads: metadata with their defaults filled in, and tensors in place.

use crate::hyper::Hyper;
use crate::tensors::Tensors;
use nda_lang::{Document, HostError};

/// A document as its program sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'w, 'd> {
    pub hyper: &'w Hyper,
    pub tensors: &'w Tensors<'d>,
}

impl Document for View<'_, '_> {
    fn metadata_int(&self, key: &str) -> Option<i64> {
        let hyper = self.hyper;
        let count = match key {
            "d_model" => hyper.d_model,
            "n_layers" => hyper.n_layers,
            "n_heads" => hyper.n_heads,
            "n_kv_heads" => hyper.n_kv_heads,
            "head_dim" => hyper.head_dim,
            "ff" => hyper.ff,
            "vocab_size" => hyper.vocab_size,
            "context" => hyper.context,
            // A whole number that a float holds exactly.
            _ => return hyper.others.get(key).filter(|v| v.fract() == 0.0 && v.abs() < 9e15).map(|v| *v as i64),
        };
        i64::try_from(count).ok()
    }

    fn metadata_float(&self, key: &str) -> Option<f64> {
        match key {
            "rope_theta" => Some(f64::from(self.hyper.rope_theta)),
            "rms_eps" => Some(f64::from(self.hyper.rms_eps)),
            _ => self.hyper.others.get(key).copied(),
        }
    }

    fn layer_shape(&self, layer: usize) -> Result<(usize, usize), HostError> {
        Ok((self.tensors.layers[layer].rows, self.tensors.layers[layer].cols))
    }

    fn part_rows(&self, layer: usize) -> Result<Vec<usize>, HostError> {
        Ok(self.tensors.layers[layer].parts.iter().map(|part| self.tensors.shape(*part).0).collect())
    }

    fn tensor(&self, tensor: usize) -> Result<&[f32], HostError> {
        Ok(self.tensors.vectors[tensor])
    }

    fn shape(&self, tensor: usize) -> Result<(usize, usize), HostError> {
        Ok(self.tensors.shape(self.tensors.rows[tensor]))
    }

    fn row(&self, tensor: usize, row: i64, out: &mut [f32]) -> Result<(), HostError> {
        Ok(self.tensors.row(self.tensors.rows[tensor], row, out)?)
    }
}
