//! The architectures that are converted: which tensors they have, and what others call them.

use crate::error::ConvertError;
use nda_engine::{BITNET, EMBEDDING, FINAL_NORM, GEMMA3, HEAD, LLAMA, block_tensor};
use nda_ndf::VectorShape;

/// Most of anything that a model's numbers count: beyond it a file is a mistake. The engine's own bound.
const MAX_COUNT: usize = 1 << 24;
/// Most blocks: the list of tensors is made from their number before any of them was seen.
const MAX_LAYERS: usize = 1 << 12;

/// A forward pass and the tensors that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Llama (Touvron et al., 2023).
    Llama,
    /// Gemma 3, text (Gemma Team, 2025): norms around every part, norms of q and k, local and global attention.
    Gemma3,
    /// BitNet b1.58 (Ma et al., 2024): ternary weights, norms inside attention and feed-forward part.
    Bitnet,
}

/// Counts that every tensor's shape follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Width of the residual stream.
    pub d_model: usize,
    /// Blocks.
    pub n_layers: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads.
    pub n_kv_heads: usize,
    /// Values of a head.
    pub head_dim: usize,
    /// Width of the feed-forward part.
    pub ff: usize,
    /// Tokens.
    pub vocab_size: usize,
    /// Positions that the model was trained for.
    pub context: usize,
    /// Whether the head is the embedding.
    pub tied_head: bool,
}

/// A width in a tensor's shape.
#[derive(Debug, Clone, Copy)]
enum Width {
    Model,
    Queries,
    Keys,
    Head,
    FeedForward,
}

/// A tensor of a block.
struct Part {
    /// Its name in a document, in a GGUF file, in a Hugging Face folder.
    names: [&'static str; 3],
    /// None of a vector.
    rows: Option<Width>,
    cols: Width,
}

const fn norm(names: [&'static str; 3]) -> Part {
    Part { names, rows: None, cols: Width::Model }
}

const fn matrix(names: [&'static str; 3], rows: Width, cols: Width) -> Part {
    Part { names, rows: Some(rows), cols }
}

const ATTN_NORM: Part = norm(["attn_norm", "attn_norm", "input_layernorm"]);
const Q: Part = matrix(["q", "attn_q", "self_attn.q_proj"], Width::Queries, Width::Model);
const K: Part = matrix(["k", "attn_k", "self_attn.k_proj"], Width::Keys, Width::Model);
const V: Part = matrix(["v", "attn_v", "self_attn.v_proj"], Width::Keys, Width::Model);
const O: Part = matrix(["o", "attn_output", "self_attn.o_proj"], Width::Model, Width::Queries);
const GATE: Part = matrix(["gate", "ffn_gate", "mlp.gate_proj"], Width::FeedForward, Width::Model);
const UP: Part = matrix(["up", "ffn_up", "mlp.up_proj"], Width::FeedForward, Width::Model);
const DOWN: Part = matrix(["down", "ffn_down", "mlp.down_proj"], Width::Model, Width::FeedForward);
const FFN_NORM: Part = norm(["ffn_norm", "ffn_norm", "post_attention_layernorm"]);

const LLAMA_PARTS: [Part; 9] = [ATTN_NORM, Q, K, V, O, FFN_NORM, GATE, UP, DOWN];

// In a Gemma 3 the norm in front of the feed-forward part has a name of its own, and Llama's name for it is the norm
// behind the attention.
const GEMMA3_PARTS: [Part; 13] = [
    ATTN_NORM,
    Q,
    K,
    V,
    Part { names: ["q_norm", "attn_q_norm", "self_attn.q_norm"], rows: None, cols: Width::Head },
    Part { names: ["k_norm", "attn_k_norm", "self_attn.k_norm"], rows: None, cols: Width::Head },
    O,
    norm(["attn_post_norm", "post_attention_norm", "post_attention_layernorm"]),
    norm(["ffn_norm", "ffn_norm", "pre_feedforward_layernorm"]),
    GATE,
    UP,
    DOWN,
    norm(["ffn_post_norm", "post_ffw_norm", "post_feedforward_layernorm"]),
];

const BITNET_PARTS: [Part; 11] = [
    ATTN_NORM,
    Q,
    K,
    V,
    Part { names: ["attn_sub_norm", "attn_sub_norm", "self_attn.attn_sub_norm"], rows: None, cols: Width::Queries },
    O,
    FFN_NORM,
    GATE,
    UP,
    Part { names: ["ffn_sub_norm", "ffn_sub_norm", "mlp.ffn_sub_norm"], rows: None, cols: Width::FeedForward },
    DOWN,
];

/// A tensor that an architecture needs: its name here and elsewhere, and its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Needed {
    pub name: String,
    pub gguf: String,
    pub folder: String,
    pub shape: VectorShape,
    /// Heads whose rows a GGUF file of a Llama keeps in another order; 0 of all other tensors.
    pub rotated_heads: usize,
}

impl Architecture {
    /// The name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Architecture::Llama => "llama",
            Architecture::Gemma3 => "gemma3",
            Architecture::Bitnet => "bitnet",
        }
    }

    /// The program of its forward pass.
    pub const fn program(self) -> &'static str {
        match self {
            Architecture::Llama => LLAMA,
            Architecture::Gemma3 => GEMMA3,
            Architecture::Bitnet => BITNET,
        }
    }

    const fn parts(self) -> &'static [Part] {
        match self {
            Architecture::Llama => &LLAMA_PARTS,
            Architecture::Gemma3 => &GEMMA3_PARTS,
            Architecture::Bitnet => &BITNET_PARTS,
        }
    }

    /// Every tensor that a model of this shape has, in the order of a document.
    pub(crate) fn needed(self, shape: &Shape) -> Vec<Needed> {
        let vocabulary = VectorShape::Table { rows: shape.vocab_size, cols: shape.d_model };
        let top = |name: &str, gguf: &str, folder: &str, shape| Needed {
            name: name.into(),
            gguf: format!("{gguf}.weight"),
            folder: format!("{folder}.weight"),
            shape,
            rotated_heads: 0,
        };
        let mut needed = vec![top(EMBEDDING, "token_embd", "model.embed_tokens", vocabulary)];
        for block in 0..shape.n_layers {
            needed.extend(self.parts().iter().map(|part| self.block_part(block, part, shape)));
        }
        needed.push(top(FINAL_NORM, "output_norm", "model.norm", VectorShape::Vector(shape.d_model)));
        if !shape.tied_head {
            needed.push(top(HEAD, "output", "lm_head", vocabulary));
        }
        needed
    }

    fn block_part(self, block: usize, part: &Part, shape: &Shape) -> Needed {
        let [ours, gguf, folder] = part.names;
        let cols = shape.width(part.cols);
        // Only Llama's rotation is over neighbouring pairs in GGUF; the others keep the halves of a head apart there too.
        let rotated_heads = match (self, ours) {
            (Architecture::Llama, "q") => shape.n_heads,
            (Architecture::Llama, "k") => shape.n_kv_heads,
            _ => 0,
        };
        Needed {
            name: block_tensor(block, ours),
            gguf: format!("blk.{block}.{gguf}.weight"),
            folder: format!("model.layers.{block}.{folder}.weight"),
            shape: part.rows.map_or(VectorShape::Vector(cols), |rows| VectorShape::Table { rows: shape.width(rows), cols }),
            rotated_heads,
        }
    }
}

impl Shape {
    fn width(&self, width: Width) -> usize {
        match width {
            Width::Model => self.d_model,
            Width::Queries => self.n_heads * self.head_dim,
            Width::Keys => self.n_kv_heads * self.head_dim,
            Width::Head => self.head_dim,
            Width::FeedForward => self.ff,
        }
    }

    /// Refuses counts that no model has, so that no product of two overflows.
    pub(crate) fn check(self) -> Result<Shape, ConvertError> {
        if !(1..=MAX_LAYERS).contains(&self.n_layers) {
            return Err(ConvertError::key("n_layers", self.n_layers, format!("1 to {MAX_LAYERS}")));
        }
        let counts = [
            ("d_model", self.d_model),
            ("n_heads", self.n_heads),
            ("n_kv_heads", self.n_kv_heads),
            ("head_dim", self.head_dim),
            ("ff", self.ff),
            ("vocab_size", self.vocab_size),
            ("context", self.context),
            ("n_heads * head_dim", self.n_heads.saturating_mul(self.head_dim)),
        ];
        for (key, count) in counts {
            if !(1..=MAX_COUNT).contains(&count) {
                return Err(ConvertError::key(key, count, format!("1 to {MAX_COUNT}")));
            }
        }
        if self.n_heads % self.n_kv_heads != 0 || self.head_dim % 2 != 0 {
            let found = format!("{}, with {} key heads of {} values", self.n_heads, self.n_kv_heads, self.head_dim);
            return Err(ConvertError::key("n_heads", found, "a multiple of the key heads, and a head an even number of values"));
        }
        Ok(self)
    }

    /// The keys of a document's metadata that these counts are.
    pub(crate) fn metadata(&self) -> impl Iterator<Item = (String, String)> + use<> {
        let counts = [
            ("d_model", self.d_model),
            ("n_layers", self.n_layers),
            ("n_heads", self.n_heads),
            ("n_kv_heads", self.n_kv_heads),
            ("head_dim", self.head_dim),
            ("ff", self.ff),
            ("vocab_size", self.vocab_size),
            ("context", self.context),
        ];
        let tied = [("tied_head".to_owned(), self.tied_head.to_string())];
        counts.into_iter().map(|(key, count)| (key.to_owned(), count.to_string())).chain(tied)
    }
}

/// "576 values", "192 x 576".
pub(crate) fn describe(shape: VectorShape) -> String {
    match shape {
        VectorShape::Vector(cols) => format!("a vector of {cols}"),
        VectorShape::Table { rows, cols } => format!("{rows} x {cols}"),
    }
}
