//! What the keys of a GGUF file say of a model's shape and of its forward pass.

use super::file::StoredTensor;
use super::value::Keys;
use crate::architecture::{Architecture, Shape};
use crate::error::ConvertError;
use crate::rope::{Rule, Stretch, yarn_magnitude};
use std::collections::BTreeMap;

/// Gemma 3's layers attend locally but for every sixth.
const GEMMA3_PATTERN: usize = 6;
/// Blocks of the one Gemma 3 whose attention scale is not that of its heads.
const GEMMA3_27B_LAYERS: usize = 62;
/// Base of the rotation in layers that attend locally.
const GEMMA3_LOCAL_THETA: &str = "10000";

/// The keys of one architecture.
pub(super) struct Hyper<'k> {
    keys: &'k Keys,
    prefix: &'k str,
    pub architecture: Architecture,
}

impl<'k> Hyper<'k> {
    /// The keys of the architecture that the file names.
    pub fn new(keys: &'k Keys) -> Result<Hyper<'k>, ConvertError> {
        const ARCHITECTURE: &str = "general.architecture";
        let prefix = keys.text(ARCHITECTURE)?.ok_or_else(|| ConvertError::MissingKey { key: ARCHITECTURE.into() })?;
        let architecture = match prefix {
            "llama" => Architecture::Llama,
            "qwen2" => Architecture::Qwen2,
            "qwen3" => Architecture::Qwen3,
            "gemma3" => Architecture::Gemma3,
            // bitnet.cpp has given its models of 2025 two more names.
            "bitnet" | "bitnet-25" | "bitnet-b1.58" => Architecture::Bitnet,
            other => {
                let what = format!("the architecture '{other}'");
                return Err(ConvertError::Unsupported { what, instead: "llama, qwen2, qwen3, gemma3 and bitnet are" });
            }
        };
        super::known::check(keys, prefix, architecture)?;
        Ok(Hyper { keys, prefix, architecture })
    }

    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }

    fn size(&self, key: &str) -> Result<Option<usize>, ConvertError> {
        self.keys.size(&self.key(key))
    }

    fn needed(&self, key: &str) -> Result<usize, ConvertError> {
        self.size(key)?.ok_or_else(|| ConvertError::MissingKey { key: self.key(key) })
    }

    fn number(&self, key: &str) -> Result<Option<String>, ConvertError> {
        self.keys.number(&self.key(key))
    }

    fn float(&self, key: &str) -> Result<Option<f64>, ConvertError> {
        self.keys.float(&self.key(key))
    }

    /// A number of the forward pass that must be more than 0, as text; or none.
    fn positive(&self, key: &str) -> Result<Option<String>, ConvertError> {
        if let Some(found) = self.float(key)?.filter(|found| *found <= 0.0) {
            return Err(ConvertError::key(self.key(key), found, "a positive number"));
        }
        self.number(key)
    }

    fn refused<T>(&self, key: &str, found: impl ToString, reason: &'static str) -> Result<T, ConvertError> {
        Err(ConvertError::refused(&self.key(key), found.to_string(), reason))
    }

    /// The counts, checked; `tokens` is how many the vocabulary has.
    pub fn shape(&self, tensors: &BTreeMap<String, StoredTensor>, tokens: usize) -> Result<Shape, ConvertError> {
        let (d_model, n_heads) = (self.needed("embedding_length")?, self.needed("attention.head_count")?);
        let head_dim = match self.size("attention.key_length")? {
            Some(head_dim) => head_dim,
            None => d_model.checked_div(n_heads).unwrap_or(0),
        };
        for key in ["attention.value_length", "rope.dimension_count"] {
            if let Some(found) = self.size(key)?.filter(|found| *found != head_dim) {
                return Err(ConvertError::key(self.key(key), found, format!("{head_dim}, as all of a head's values")));
            }
        }
        let shape = Shape {
            d_model,
            n_layers: self.needed("block_count")?,
            n_heads,
            n_kv_heads: self.size("attention.head_count_kv")?.unwrap_or(n_heads),
            head_dim,
            ff: self.needed("feed_forward_length")?,
            vocab_size: self.size("vocab_size")?.unwrap_or(tokens),
            context: self.needed("context_length")?,
            tied_head: !tensors.contains_key("output.weight"),
        };
        shape.check().map_err(|error| error.renamed(|ours| self.name_of_count(ours)))
    }

    /// A count of ours as the file calls it.
    fn name_of_count(&self, ours: &str) -> String {
        self.key(match ours {
            "d_model" => "embedding_length",
            "n_layers" => "block_count",
            "n_heads" => "attention.head_count",
            "n_kv_heads" => "attention.head_count_kv",
            "head_dim" => "attention.key_length",
            "ff" => "feed_forward_length",
            "context" => "context_length",
            "vocab_size" => ours,
            _ => return ours.into(),
        })
    }

    /// The numbers of a forward pass that are no counts.
    pub fn constants(&self, shape: &Shape) -> Result<BTreeMap<String, String>, ConvertError> {
        let eps_key = "attention.layer_norm_rms_epsilon";
        let eps = self.positive(eps_key)?.ok_or_else(|| ConvertError::MissingKey { key: self.key(eps_key) })?;
        let theta = self.positive("rope.freq_base")?;
        let mut constants = BTreeMap::from([("rms_eps".to_owned(), eps)]);
        let mut set = |key: &str, value: String| constants.insert(key.into(), value);
        if self.architecture != Architecture::Gemma3 {
            set("rope_theta", theta.clone().unwrap_or("10000".into()));
            self.no_window(shape)?;
        }
        match self.architecture {
            Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => drop(self.activation("silu", &["silu"])?),
            Architecture::Gemma3 => {
                set("rope_theta", theta.unwrap_or("1000000".into()));
                set("rope_theta_local", self.positive("rope.freq_base_swa")?.unwrap_or(GEMMA3_LOCAL_THETA.into()));
                set("sliding_window", self.needed("attention.sliding_window")?.to_string());
                set("sliding_pattern", self.size("attention.sliding_window_pattern")?.unwrap_or(GEMMA3_PATTERN).to_string());
                let per_head = if shape.n_layers == GEMMA3_27B_LAYERS { shape.d_model / shape.n_heads } else { shape.head_dim };
                set("attention_scale", (1.0 / (per_head as f32).sqrt()).to_string());
                set("embed_scale", (shape.d_model as f32).sqrt().to_string());
            }
            Architecture::Bitnet => {
                // llama.cpp's 'bitnet' is the model of 2024, whose gate is SiLU; that of the one of 2025 is a squared ReLU.
                let usual = if self.prefix == "bitnet" { "silu" } else { "relu2" };
                let found = self.activation(usual, &["silu", "relu2"])?;
                set("squared_relu", u8::from(found == "relu2").to_string());
            }
        }
        Ok(constants)
    }

    /// The gate's function: what the file says, or what is usual.
    fn activation(&self, usual: &'static str, known: &[&'static str]) -> Result<&'static str, ConvertError> {
        for key in ["hidden_activation", "hidden_act"] {
            let Some(found) = self.keys.text(&self.key(key))? else { continue };
            let name = if found == "swiglu" { "silu" } else { found };
            return match known.iter().find(|known| **known == name) {
                Some(known) => Ok(known),
                None => self.refused(key, format!("'{found}'"), "the gate of this architecture has another function here"),
            };
        }
        Ok(usual)
    }

    /// Refuses a window that some positions would not see beyond: readers of these files do not agree on what it means.
    fn no_window(&self, shape: &Shape) -> Result<(), ConvertError> {
        let key = "attention.sliding_window";
        match self.size(key)?.filter(|window| (1..shape.context).contains(window)) {
            Some(window) => self.refused(key, window, "every position attends to all before it in this architecture"),
            None => Ok(()),
        }
    }

    /// How the rotation is stretched.
    ///
    /// A factor without a type is a linear one: so llama.cpp reads it, and files from before the types have no other.
    pub fn stretch(&self, shape: &Shape) -> Result<Stretch, ConvertError> {
        let (type_key, factor_key, attention_key) = ("rope.scaling.type", "rope.scaling.factor", "rope.scaling.attn_factor");
        let factor = match (self.float(factor_key)?, self.float("rope.scale_linear")?) {
            (Some(factor), Some(linear)) if factor != linear => {
                return Err(ConvertError::key(self.key("rope.scale_linear"), linear, format!("{factor}, as '{}'", self.key(factor_key))));
            }
            (factor, linear) => factor.or(linear).filter(|factor| *factor != 0.0).unwrap_or(1.0),
        };
        if !(1e-3..=1e6).contains(&factor) {
            return Err(ConvertError::key(self.key(factor_key), factor, "a number of 0.001 to 1000000"));
        }
        let attention = self.float(attention_key)?.unwrap_or(1.0);
        let stretch = match self.keys.text(&self.key(type_key))? {
            Some("none") => Stretch::NONE,
            None | Some("linear") if factor == 1.0 => Stretch::NONE,
            None | Some("linear") => Stretch::of(Rule::Linear { factor }),
            Some("yarn") => self.yarn(factor, shape)?,
            Some(other) => {
                return self.refused(type_key, format!("'{other}'"), "rotations are stretched by the rules linear and yarn only");
            }
        };
        let stretch = Stretch { magnitude: stretch.magnitude * attention, ..stretch };
        if !self.architecture.takes(&stretch) {
            let key = if stretch.rule == Rule::None { attention_key } else { factor_key };
            let found = if stretch.rule == Rule::None { attention } else { factor };
            return self.refused(key, found, "the rotation of this architecture is not stretched here");
        }
        Ok(stretch)
    }

    fn yarn(&self, factor: f64, shape: &Shape) -> Result<Stretch, ConvertError> {
        for (key, neutral) in [("yarn_ext_factor", 1.0), ("yarn_attn_factor", 1.0), ("yarn_log_multiplier", 0.0)] {
            let key = format!("rope.scaling.{key}");
            if let Some(found) = self.float(&key)?.filter(|found| *found != neutral) {
                return self.refused(&key, found, "YaRN is computed with its usual weights");
            }
        }
        let original = self.size("rope.scaling.original_context_length")?.filter(|length| *length > 0).unwrap_or(shape.context);
        let rule = Rule::Yarn {
            factor,
            original: original as f64,
            beta_fast: self.float("rope.scaling.yarn_beta_fast")?.unwrap_or(32.0),
            beta_slow: self.float("rope.scaling.yarn_beta_slow")?.unwrap_or(1.0),
        };
        Ok(Stretch { rule, magnitude: yarn_magnitude(factor) })
    }
}
