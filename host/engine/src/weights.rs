//! A document as a model: every tensor found, every shape checked against the metadata.

use crate::error::EngineError;
use crate::hyper::Hyper;
use crate::projection::Projection;
use crate::tokenizer::Tokenizer;
use nda_ndf::{Document, Tokenizer as Stored};

/// Name of the embedding: a table (vector frame) or a matrix, `vocab_size x d_model`.
pub const EMBEDDING: &str = "embed";
/// Name of the last norm's weights.
pub const FINAL_NORM: &str = "norm";
/// Name of the head: a matrix or a table, `vocab_size x d_model`; absent if metadata `tied_head` is `true`.
pub const HEAD: &str = "head";

/// Name of a block's tensor: `blk.3.q`. The parts are `attn_norm`, `q`, `k`, `v`, `o`, `ffn_norm`, `gate`, `up`, `down`.
pub fn block_tensor(block: usize, part: &str) -> String {
    format!("blk.{block}.{part}")
}

/// A tensor that may be quantized or not: the embedding, the head.
#[derive(Debug)]
pub(crate) enum Tensor<'d> {
    /// Codes, multiplied by the back end.
    Matrix(Projection<'d>),
    /// Floats, row by row, multiplied on the CPU.
    Table(&'d [f32]),
}

#[derive(Debug)]
struct BlockWeights<'d> {
    attention_norm: &'d [f32],
    qkv: [Projection<'d>; 3],
    o: Projection<'d>,
    feed_forward_norm: &'d [f32],
    gate_up: [Projection<'d>; 2],
    down: Projection<'d>,
}

/// The tensors of a model, in place. Lives as long as the models that are prepared from it.
#[derive(Debug)]
pub struct Weights<'d> {
    hyper: Hyper,
    tokenizer: Tokenizer,
    embedding: Tensor<'d>,
    blocks: Vec<BlockWeights<'d>>,
    final_norm: &'d [f32],
    head: Tensor<'d>,
}

/// Products that share an input, with their common name: `blk.0.q+k+v`.
pub type FusedLayer<'w, 'd> = (String, Vec<&'w Projection<'d>>);

impl<'d> Weights<'d> {
    /// Reads a document's metadata and finds every tensor that they call for.
    ///
    /// # Errors
    /// The first key or tensor that is missing or contradicts another.
    pub fn new(document: &Document<'d>) -> Result<Weights<'d>, EngineError> {
        let metadata = document.metadata();
        let hyper = Hyper::from_metadata(|key| metadata.get(key))?;
        let tokenizer = Tokenizer::new(document.tokenizer().unwrap_or(&Stored::Bytes))?;
        if tokenizer.vocab_size() > hyper.vocab_size {
            let reason = format!("it has {} tokens, but the metadata's vocab_size is {}", tokenizer.vocab_size(), hyper.vocab_size);
            return Err(EngineError::Tokenizer { reason });
        }
        let tensors = Tensors { document };
        let (vocab, d) = (hyper.vocab_size, hyper.d_model);
        let embedding = tensors.find(EMBEDDING, vocab, d)?;
        let has_head = document.matrix(HEAD).is_ok() || document.vector(HEAD).is_ok();
        let head_name = if !has_head && metadata.get("tied_head") == Some("true") { EMBEDDING } else { HEAD };
        let head = tensors.find(head_name, vocab, d)?;
        let final_norm = tensors.norm(FINAL_NORM.into(), d)?;
        // The first missing block ends this, so a forged count costs nothing.
        let blocks = (0..hyper.n_layers).map(|block| tensors.block(block, &hyper)).collect::<Result<_, _>>()?;
        Ok(Weights { hyper, tokenizer, embedding, blocks, final_norm, head })
    }

    /// The model's shape and constants.
    pub fn hyper(&self) -> &Hyper {
        &self.hyper
    }

    /// How text becomes tokens.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Every fused layer in the order of the forward pass: four a block, then the head if it is quantized.
    pub fn fused_layers(&self) -> Vec<FusedLayer<'_, 'd>> {
        let mut layers = Vec::new();
        for (index, block) in self.blocks.iter().enumerate() {
            layers.push((block_tensor(index, "q+k+v"), block.qkv.iter().collect()));
            layers.push((block_tensor(index, "o"), vec![&block.o]));
            layers.push((block_tensor(index, "gate+up"), block.gate_up.iter().collect()));
            layers.push((block_tensor(index, "down"), vec![&block.down]));
        }
        if let Tensor::Matrix(head) = &self.head {
            layers.push((HEAD.to_string(), vec![head]));
        }
        layers
    }

    pub(crate) fn head(&self) -> &Tensor<'d> {
        &self.head
    }

    pub(crate) fn final_norm(&self) -> &[f32] {
        self.final_norm
    }

    pub(crate) fn attention_norm(&self, block: usize) -> &[f32] {
        self.blocks[block].attention_norm
    }

    pub(crate) fn feed_forward_norm(&self, block: usize) -> &[f32] {
        self.blocks[block].feed_forward_norm
    }

    /// A token's vector.
    pub(crate) fn embed(&self, token: u32, out: &mut [f32]) -> Result<(), EngineError> {
        let row = token as usize;
        if row >= self.hyper.vocab_size {
            return Err(EngineError::Token { token, vocab_size: self.hyper.vocab_size });
        }
        match &self.embedding {
            Tensor::Table(values) => out.copy_from_slice(&values[row * out.len()..(row + 1) * out.len()]),
            Tensor::Matrix(projection) => projection.row(row, out),
        }
        Ok(())
    }
}

/// A document's tensors, asked for by name and shape.
struct Tensors<'s, 'd> {
    document: &'s Document<'d>,
}

impl<'d> Tensors<'_, 'd> {
    fn block(&self, block: usize, hyper: &Hyper) -> Result<BlockWeights<'d>, EngineError> {
        let name = |part: &str| block_tensor(block, part);
        let (d, ff, q, kv) = (hyper.d_model, hyper.ff, hyper.q_dim(), hyper.kv_dim());
        Ok(BlockWeights {
            attention_norm: self.norm(name("attn_norm"), d)?,
            qkv: [self.matrix(name("q"), q, d)?, self.matrix(name("k"), kv, d)?, self.matrix(name("v"), kv, d)?],
            o: self.matrix(name("o"), d, q)?,
            feed_forward_norm: self.norm(name("ffn_norm"), d)?,
            gate_up: [self.matrix(name("gate"), ff, d)?, self.matrix(name("up"), ff, d)?],
            down: self.matrix(name("down"), d, ff)?,
        })
    }

    fn matrix(&self, name: String, rows: usize, cols: usize) -> Result<Projection<'d>, EngineError> {
        match self.find(&name, rows, cols)? {
            Tensor::Matrix(projection) => Ok(projection),
            Tensor::Table(_) => {
                let (found, wanted) = ("a table of floats".into(), format!("a matrix of 2-bit weights, {rows} x {cols}"));
                Err(EngineError::TensorShape { name, found, wanted })
            }
        }
    }

    /// The matrix or table of that name and shape.
    fn find(&self, name: &str, rows: usize, cols: usize) -> Result<Tensor<'d>, EngineError> {
        let wanted = || format!("{rows} x {cols}");
        let (tensor, found) = if let Ok(frame) = self.document.matrix(name) {
            let found = (frame.rows(), frame.cols());
            if found != (rows, cols) {
                return Err(EngineError::TensorShape { name: name.into(), found: format!("{} x {}", found.0, found.1), wanted: wanted() });
            }
            (Tensor::Matrix(Projection::new(frame)), found)
        } else if let Ok(frame) = self.document.vector(name) {
            (Tensor::Table(frame.values()), frame.shape().rows_cols())
        } else {
            return Err(EngineError::MissingTensor { name: name.into(), wanted: wanted() });
        };
        if found == (rows, cols) {
            return Ok(tensor);
        }
        Err(EngineError::TensorShape { name: name.into(), found: format!("{} x {}", found.0, found.1), wanted: wanted() })
    }

    fn norm(&self, name: String, len: usize) -> Result<&'d [f32], EngineError> {
        let wanted = || format!("a vector of {len} floats");
        let Ok(frame) = self.document.vector(&name) else {
            return Err(EngineError::MissingTensor { name, wanted: wanted() });
        };
        let found = frame.shape().rows_cols();
        if found != (1, len) {
            return Err(EngineError::TensorShape { name, found: format!("{} x {}", found.0, found.1), wanted: wanted() });
        }
        Ok(frame.values())
    }
}
