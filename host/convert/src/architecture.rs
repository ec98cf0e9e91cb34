//! The architectures that are converted: which tensors they have, and what others call them.

use crate::error::ConvertError;
use crate::rope::Stretch;
use crate::source::TensorInfo;
use nda_engine::{BITNET, EMBEDDING, FINAL_NORM, Feature, HEAD, LLAMA, block_tensor, decoder, gemma3};
use nda_ndf::VectorShape;
use std::borrow::Cow;

/// Most of anything that a model's numbers count: beyond it a file is a mistake. The engine's own bound.
const MAX_COUNT: usize = 1 << 24;
/// Most blocks: the list of tensors is made from their number before any of them was seen.
const MAX_LAYERS: usize = 1 << 12;

/// A forward pass and the tensors that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Llama (Touvron et al., 2023), and Mistral (Jiang et al., 2023), which is one whose positions may see a window.
    Llama,
    /// Qwen 2 and 2.5 (Yang et al., 2024): a Llama with biases on queries, keys and values.
    Qwen2,
    /// Qwen 3 (Yang et al., 2025): a Llama with norms of queries and keys.
    Qwen3,
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
    /// What the other two names end in.
    suffix: &'static str,
    /// None of a vector.
    rows: Option<Width>,
    cols: Width,
    /// The feature that it belongs to; none if every model has it.
    feature: Option<Feature>,
}

const fn norm(names: [&'static str; 3]) -> Part {
    norm_of(names, Width::Model)
}

const fn norm_of(names: [&'static str; 3], cols: Width) -> Part {
    Part { names, suffix: "weight", rows: None, cols, feature: None }
}

const fn matrix(names: [&'static str; 3], rows: Width, cols: Width) -> Part {
    Part { names, suffix: "weight", rows: Some(rows), cols, feature: None }
}

const fn bias(feature: Feature, name: &'static str, of: &Part) -> Part {
    let cols = if let Some(rows) = of.rows { rows } else { of.cols };
    Part { names: [name, of.names[1], of.names[2]], suffix: "bias", rows: None, cols, feature: Some(feature) }
}

const fn with(feature: Feature, part: Part) -> Part {
    Part { feature: Some(feature), ..part }
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

const Q_NORM: Part = norm_of(["q_norm", "attn_q_norm", "self_attn.q_norm"], Width::Head);
const K_NORM: Part = norm_of(["k_norm", "attn_k_norm", "self_attn.k_norm"], Width::Head);

/// Those of a Llama and its relatives; which of the optional ones a model has, its architecture and its tensors say.
const DECODER_PARTS: [Part; 15] = [
    ATTN_NORM,
    Q,
    K,
    V,
    bias(Feature::QueryBias, "q_bias", &Q),
    bias(Feature::KeyBias, "k_bias", &K),
    bias(Feature::ValueBias, "v_bias", &V),
    with(Feature::HeadNorms, Q_NORM),
    with(Feature::HeadNorms, K_NORM),
    O,
    bias(Feature::OutputBias, "o_bias", &O),
    FFN_NORM,
    GATE,
    UP,
    DOWN,
];

// In a Gemma 3 the norm in front of the feed-forward part has a name of its own, and Llama's name for it is the norm
// behind the attention.
const GEMMA3_PARTS: [Part; 13] = [
    ATTN_NORM,
    Q,
    K,
    V,
    Q_NORM,
    K_NORM,
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
    norm_of(["attn_sub_norm", "attn_sub_norm", "self_attn.attn_sub_norm"], Width::Queries),
    O,
    FFN_NORM,
    GATE,
    UP,
    norm_of(["ffn_sub_norm", "ffn_sub_norm", "mlp.ffn_sub_norm"], Width::FeedForward),
    DOWN,
];

/// A tensor that an architecture needs: its name here and elsewhere, and its shape.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Needed {
    pub name: String,
    pub gguf: String,
    pub folder: String,
    pub shape: VectorShape,
    /// Heads whose rows a GGUF file of a Llama keeps in another order; 0 of all other tensors.
    pub rotated_heads: usize,
    /// The values of a tensor that follows from the model's numbers; none of one that the source stores.
    pub values: Option<Vec<f32>>,
}

/// The name of the tensor that [`Feature::RopeFactors`] is about.
const ROPE_FACTORS: &str = "rope_factors";

impl Architecture {
    /// The name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Architecture::Llama => "llama",
            Architecture::Qwen2 => "qwen2",
            Architecture::Qwen3 => "qwen3",
            Architecture::Gemma3 => "gemma3",
            Architecture::Bitnet => "bitnet",
        }
    }

    /// Whether it is a Llama or one of its relatives.
    pub(crate) const fn is_decoder(self) -> bool {
        matches!(self, Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3)
    }

    /// Whether its program has lines for a rotation that is stretched so: a Gemma 3's for one whose scores stay as they are.
    pub(crate) fn takes(self, stretch: &Stretch) -> bool {
        self.is_decoder() || *stretch == Stretch::NONE || (self == Architecture::Gemma3 && stretch.magnitude == 1.0)
    }

    /// The program of the forward pass of a model with these features.
    pub fn program(self, features: &[Feature]) -> Cow<'static, str> {
        match self {
            Architecture::Gemma3 => gemma3(features).into(),
            Architecture::Bitnet => BITNET.into(),
            _ if features.is_empty() => LLAMA.into(),
            _ => decoder(features).into(),
        }
    }

    const fn parts(self) -> &'static [Part] {
        match self {
            Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => &DECODER_PARTS,
            Architecture::Gemma3 => &GEMMA3_PARTS,
            Architecture::Bitnet => &BITNET_PARTS,
        }
    }

    /// What every model of it has.
    const fn features(self) -> &'static [Feature] {
        match self {
            Architecture::Qwen2 => &[Feature::QueryBias, Feature::KeyBias, Feature::ValueBias],
            Architecture::Qwen3 => &[Feature::HeadNorms],
            Architecture::Llama | Architecture::Gemma3 | Architecture::Bitnet => &[],
        }
    }

    /// The features of a model, by the tensors of its first block: norms of heads come with the architecture alone, biases with the file.
    pub(crate) fn features_of(self, shape: &Shape, is_there: impl Fn(&Needed) -> bool) -> Vec<Feature> {
        let mut features = self.features().to_vec();
        let biases = self.parts().iter().filter(|part| part.suffix == "bias");
        features.extend(biases.filter(|part| is_there(&self.block_part(0, part, shape))).filter_map(|part| part.feature));
        features.sort_unstable();
        features.dedup();
        features
    }

    /// Every tensor that a model of this shape with these features has, in the order of a document.
    pub(crate) fn needed(self, shape: &Shape, features: &[Feature]) -> Vec<Needed> {
        let vocabulary = VectorShape::Table { rows: shape.vocab_size, cols: shape.d_model };
        let mut needed = vec![top(EMBEDDING, "token_embd", "model.embed_tokens", vocabulary)];
        if features.contains(&Feature::RopeFactors) {
            needed.push(top(ROPE_FACTORS, "rope_freqs", ROPE_FACTORS, VectorShape::Vector(shape.head_dim / 2)));
        }
        for block in 0..shape.n_layers {
            let parts = self.parts().iter().filter(|part| part.feature.is_none_or(|feature| features.contains(&feature)));
            needed.extend(parts.map(|part| self.block_part(block, part, shape)));
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
            (Architecture::Llama, "q" | "q_bias") => shape.n_heads,
            (Architecture::Llama, "k" | "k_bias") => shape.n_kv_heads,
            _ => 0,
        };
        Needed {
            name: block_tensor(block, ours),
            gguf: format!("blk.{block}.{gguf}.{}", part.suffix),
            folder: format!("model.layers.{block}.{folder}.{}", part.suffix),
            shape: part.rows.map_or(VectorShape::Vector(cols), |rows| VectorShape::Table { rows: shape.width(rows), cols }),
            rotated_heads,
            values: None,
        }
    }
}

/// A tensor that is no block's.
fn top(name: &str, gguf: &str, folder: &str, shape: VectorShape) -> Needed {
    let (gguf, folder) = (format!("{gguf}.weight"), format!("{folder}.weight"));
    Needed { name: name.into(), gguf, folder, shape, rotated_heads: 0, values: None }
}

impl Needed {
    /// Whether it is the tensor that the rotation's frequencies are divided by.
    pub(crate) fn is_rope_factors(&self) -> bool {
        self.name == ROPE_FACTORS
    }

    /// A tensor that follows from the model's numbers, as a document's list says it.
    pub(crate) fn computed(&self) -> Option<TensorInfo> {
        let bytes = self.values.as_ref()?.len() as u64 * 4;
        Some(TensorInfo { name: self.name.clone(), shape: self.shape, stored_as: "computed".into(), stored_bytes: bytes })
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
        if !self.n_heads.is_multiple_of(self.n_kv_heads) || !self.head_dim.is_multiple_of(2) {
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
