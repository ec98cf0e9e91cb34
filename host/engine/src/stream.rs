//! The stream's plain form: floats between products, in the order in which a program without a stream would compute them.

use crate::tensors::{Tensor, Tensors};
use nda_lang::{HostError, StreamOp};

/// What is known of a stream without its numbers: enough to refuse what does not fit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shape {
    /// Rows, one a token; 0 before the stream begins.
    pub rows: usize,
    /// Values of a row.
    pub width: usize,
    /// Values of the input's rows; 0 before there is one.
    pub input: usize,
}

impl Shape {
    /// Takes an operation, or says why it does not fit; returns how many values the operation gives.
    pub fn apply(&mut self, op: &StreamOp<'_>, tensors: &Tensors<'_>) -> Result<usize, HostError> {
        if let StreamOp::Begin { x, width } = op {
            if x.is_empty() || x.len() % width != 0 {
                return Err(format!("stream: {} values are no rows of {width}", x.len()).into());
            }
            *self = Shape { rows: x.len() / width, width: *width, input: 0 };
            return Ok(0);
        }
        if self.rows == 0 {
            return Err("the stream has not begun: call stream(x, width) first".into());
        }
        let fits = |what: &str, name: &str, found: usize, wanted: usize| -> Result<(), HostError> {
            if found == wanted { Ok(()) } else { Err(format!("{what} of {name} are {found}, but the stream has {wanted}").into()) }
        };
        match *op {
            StreamOp::Begin { .. } => {}
            StreamOp::Norm { tensor, .. } => {
                fits("the weights", "a norm", tensors.vectors[tensor].len(), self.width)?;
                self.input = self.width;
            }
            StreamOp::Gemv { layer } | StreamOp::Head { layer } => {
                let layer = &tensors.layers[layer];
                fits("the columns", &layer.name, layer.cols, self.input)?;
                return Ok(layer.rows * self.rows);
            }
            StreamOp::Swiglu { layer } => {
                let layer = &tensors.layers[layer];
                fits("the columns", &layer.name, layer.cols, self.input)?;
                let rows: Vec<usize> = layer.parts.iter().map(|part: &Tensor<'_>| tensors.shape(*part).0).collect();
                if rows.len() != 2 || rows[0] != rows[1] {
                    return Err(format!("stream_swiglu: {} are no two matrices of equal rows", layer.name).into());
                }
                self.input = rows[0];
            }
            StreamOp::Add { layer, x } => {
                let layer = &tensors.layers[layer];
                let found = x.map_or(self.input, |x| if x.len() % self.rows == 0 { x.len() / self.rows } else { 0 });
                fits("the columns", &layer.name, layer.cols, found)?;
                fits("the rows", &layer.name, layer.rows, self.width)?;
                // Where the input was, `x` is now.
                self.input = if x.is_some() { 0 } else { self.input };
            }
            StreamOp::End => return Ok(self.rows * self.width),
        }
        Ok(0)
    }
}

/// The stream's floats.
#[derive(Debug, Clone, Default)]
pub(crate) struct Floats {
    /// The rows.
    pub x: Vec<f32>,
    /// The input's rows.
    pub input: Vec<f32>,
    /// What a product gave.
    pub out: Vec<f32>,
}
