//! A GGUF file as a source: what its keys say of the model, and its tensors under our names.

use super::file::{GgufFile, StoredTensor};
use super::kind::Kind;
use super::value::Keys;
use super::vocabulary::{self, Tokens};
use crate::architecture::{Architecture, Needed, Shape, describe};
use crate::error::ConvertError;
use crate::source::{Content, Description, Source, TensorInfo, Ternary, finite, hash_of, plain_rows};
use nda_ndf::{Granularity, VectorShape};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Gemma 3's layers attend locally but for every sixth.
const GEMMA3_PATTERN: usize = 6;
/// Blocks of the one Gemma 3 whose attention scale is not that of its heads.
const GEMMA3_27B_LAYERS: usize = 62;
/// Base of the rotation in layers that attend locally.
const GEMMA3_LOCAL_THETA: &str = "10000";

/// A GGUF file.
#[derive(Debug)]
pub struct Gguf {
    path: PathBuf,
    file: GgufFile<File>,
    description: Description,
    /// By our names.
    needed: BTreeMap<String, Needed>,
}

impl Gguf {
    /// Opens a file and checks that it is a whole model of an architecture that is known.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged, an architecture or a tensor type that is not known, a key or a tensor
    /// that is missing, of another shape or left over.
    pub fn open(path: &Path) -> Result<Gguf, ConvertError> {
        let input = nda_files::open(path)?;
        let file = GgufFile::open(path, input)?;
        let model = Model::read(file.keys(), file.tensors())?;
        let needed = model.architecture.needed(&model.shape);
        let tensors = needed.iter().map(|needed| info(needed, file.tensors())).collect::<Result<_, _>>()?;
        refuse_leftovers(&needed, file.tensors(), model.architecture)?;
        let description = model.describe(file.keys(), tensors);
        let needed = needed.into_iter().map(|needed| (needed.name.clone(), needed)).collect();
        Ok(Gguf { path: path.into(), file, description, needed })
    }

    fn scale_tensor(&mut self, needed: &Needed) -> Result<Option<f32>, ConvertError> {
        let name = scale_name(&needed.gguf);
        let Some(stored) = self.file.tensors().get(&name).cloned() else { return Ok(None) };
        let bytes = self.file.read(&self.path, &name)?;
        let scale = stored.kind.floats(&bytes);
        finite(&name, "scale", &scale)?;
        Ok(scale.first().copied())
    }
}

/// Where llama.cpp keeps the scale of a ternary tensor, if it does not stand in the tensor.
fn scale_name(weight: &str) -> String {
    format!("{}.scale", weight.trim_end_matches(".weight"))
}

impl Source for Gguf {
    fn description(&self) -> &Description {
        &self.description
    }

    fn read(&mut self, name: &str) -> Result<Content, ConvertError> {
        let needed = self.needed.get(name).cloned().ok_or_else(|| ConvertError::MissingTensor { name: name.into() })?;
        let stored = self.file.tensors().get(&needed.gguf).cloned();
        let StoredTensor { kind, cols, .. } = stored.ok_or_else(|| ConvertError::MissingTensor { name: needed.gguf.clone() })?;
        let bytes = self.file.read(&self.path, &needed.gguf)?;
        let scale = self.scale_tensor(&needed)?;
        let is_matrix = matches!(needed.shape, VectorShape::Table { .. });
        if kind.is_ternary() && is_matrix {
            let mut ternary = ternary(kind, &needed.gguf, &bytes, cols)?;
            finite(&needed.gguf, "scale", &ternary.scales)?;
            ternary.scales.iter_mut().for_each(|value| *value *= scale.unwrap_or(1.0));
            return Ok(Content::Ternary(ternary.plain(cols, needed.rotated_heads)));
        }
        let mut values = kind.floats(&bytes);
        drop(bytes);
        finite(&needed.gguf, "weight", &values)?;
        values.iter_mut().for_each(|value| *value *= scale.unwrap_or(1.0));
        Ok(Content::Floats(plain_rows(values, cols, needed.rotated_heads)))
    }

    fn identity(&mut self) -> Result<String, ConvertError> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        Ok(format!("GGUF file {name}, blake3 {}", hash_of(&[&self.path])?))
    }
}

/// A ternary tensor with its scales as wide as they are equal.
fn ternary(kind: Kind, name: &str, bytes: &[u8], cols: usize) -> Result<Ternary, ConvertError> {
    let stored = kind.ternary(name, bytes)?;
    let block = kind.scale_values(stored.codes.len());
    if block == stored.codes.len() {
        return Ok(Ternary { codes: stored.codes, granularity: Granularity::Matrix, scales: stored.scales });
    }
    Ok(Ternary::of_blocks(stored.codes, &stored.scales, cols, block))
}

/// What the list of tensors says of one that is needed.
fn info(needed: &Needed, tensors: &BTreeMap<String, StoredTensor>) -> Result<TensorInfo, ConvertError> {
    let stored = tensors.get(&needed.gguf).ok_or_else(|| ConvertError::MissingTensor { name: needed.gguf.clone() })?;
    let found = match stored.rows {
        None => VectorShape::Vector(stored.cols),
        Some(rows) => VectorShape::Table { rows, cols: stored.cols },
    };
    if found != needed.shape {
        let (found, wanted) = (describe(found), describe(needed.shape));
        return Err(ConvertError::Tensor { name: needed.gguf.clone(), found, wanted });
    }
    let (name, stored_as) = (needed.name.clone(), stored.kind.name().into());
    Ok(TensorInfo { name, shape: found, stored_as, stored_bytes: stored.bytes })
}

fn refuse_leftovers(needed: &[Needed], tensors: &BTreeMap<String, StoredTensor>, architecture: Architecture) -> Result<(), ConvertError> {
    let mut left: BTreeSet<&str> = tensors.keys().map(String::as_str).collect();
    for needed in needed {
        left.remove(needed.gguf.as_str());
        if architecture == Architecture::Bitnet {
            left.remove(scale_name(&needed.gguf).as_str());
        }
    }
    match left.first() {
        None => Ok(()),
        Some(name) => Err(ConvertError::Leftover { name: (*name).into(), count: left.len(), architecture: architecture.name() }),
    }
}

/// What the keys say.
struct Model {
    architecture: Architecture,
    shape: Shape,
    metadata: BTreeMap<String, String>,
    tokens: Option<Tokens>,
}

/// The keys of one architecture.
struct Hyper<'k> {
    keys: &'k Keys,
    prefix: &'k str,
}

impl Hyper<'_> {
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

    /// Refuses what would change the forward pass and is not carried over.
    fn plain(&self) -> Result<(), ConvertError> {
        let unsupported = |what: String, instead| Err(ConvertError::Unsupported { what, instead });
        if self.size("expert_count")?.is_some_and(|count| count > 0) {
            return unsupported("a mixture of experts".into(), "models with one feed-forward part a block are");
        }
        let scaled = self.keys.text(&self.key("rope.scaling.type"))?.filter(|kind| *kind != "none");
        if let Some(kind) = scaled {
            return unsupported(format!("rotation stretched by the rule '{kind}'"), "models with plain rotary embeddings are");
        }
        for key in ["attn_logit_softcapping", "final_logit_softcapping"] {
            if self.number(key)?.is_some_and(|cap| cap != "0") {
                return unsupported(format!("'{}'", self.key(key)), "models without capped logits are");
            }
        }
        Ok(())
    }
}

impl Model {
    fn read(keys: &Keys, tensors: &BTreeMap<String, StoredTensor>) -> Result<Model, ConvertError> {
        const ARCHITECTURE: &str = "general.architecture";
        let prefix = keys.text(ARCHITECTURE)?.ok_or_else(|| ConvertError::MissingKey { key: ARCHITECTURE.into() })?;
        let architecture = match prefix {
            "llama" => Architecture::Llama,
            "gemma3" => Architecture::Gemma3,
            // bitnet.cpp has given its models of 2025 two more names.
            "bitnet" | "bitnet-25" | "bitnet-b1.58" => Architecture::Bitnet,
            other => {
                let what = format!("the architecture '{other}'");
                return Err(ConvertError::Unsupported { what, instead: "llama, gemma3 and bitnet are" });
            }
        };
        let hyper = Hyper { keys, prefix };
        hyper.plain()?;
        let tokens = vocabulary::tokens(keys)?;
        let shape = shape(&hyper, tensors, tokens.as_ref())?;
        let mut metadata: BTreeMap<String, String> = shape.metadata().collect();
        metadata.extend(constants(architecture, &hyper, &shape)?);
        Ok(Model { architecture, shape, metadata, tokens })
    }

    fn describe(self, keys: &Keys, tensors: Vec<TensorInfo>) -> Description {
        let Model { architecture, shape, mut metadata, tokens } = self;
        metadata.insert("architecture".into(), architecture.name().into());
        metadata.insert("activation".into(), "A8".into());
        for (key, theirs) in [("name", "general.name"), ("licence", "general.license"), ("chat_template", "tokenizer.chat_template")] {
            // A name that is no text is no reason to refuse a model.
            if let Ok(Some(text)) = keys.text(theirs) {
                metadata.insert(key.into(), text.into());
            }
        }
        let tokenizer = tokens.map(|tokens| {
            metadata.extend(tokens.metadata);
            tokens.json
        });
        Description { architecture, shape, metadata, tokenizer, tensors }
    }
}

fn shape(hyper: &Hyper<'_>, tensors: &BTreeMap<String, StoredTensor>, tokens: Option<&Tokens>) -> Result<Shape, ConvertError> {
    let (d_model, n_heads) = (hyper.needed("embedding_length")?, hyper.needed("attention.head_count")?);
    let head_dim = match hyper.size("attention.key_length")? {
        Some(head_dim) => head_dim,
        None => d_model.checked_div(n_heads).unwrap_or(0),
    };
    for key in ["attention.value_length", "rope.dimension_count"] {
        if let Some(found) = hyper.size(key)?.filter(|found| *found != head_dim) {
            return Err(ConvertError::key(hyper.key(key), found, format!("{head_dim}, as all of a head's values")));
        }
    }
    let vocab_size = match hyper.size("vocab_size")?.or(tokens.map(|tokens| tokens.count)) {
        Some(vocab_size) => vocab_size,
        None => return Err(ConvertError::MissingKey { key: hyper.key("vocab_size") }),
    };
    let shape = Shape {
        d_model,
        n_layers: hyper.needed("block_count")?,
        n_heads,
        n_kv_heads: hyper.size("attention.head_count_kv")?.unwrap_or(n_heads),
        head_dim,
        ff: hyper.needed("feed_forward_length")?,
        vocab_size,
        context: hyper.needed("context_length")?,
        tied_head: !tensors.contains_key("output.weight"),
    };
    shape.check()
}

/// The numbers of a forward pass that are no counts.
fn constants(architecture: Architecture, hyper: &Hyper<'_>, shape: &Shape) -> Result<BTreeMap<String, String>, ConvertError> {
    let eps_key = "attention.layer_norm_rms_epsilon";
    let eps = hyper.number(eps_key)?.ok_or_else(|| ConvertError::MissingKey { key: hyper.key(eps_key) })?;
    let theta = hyper.number("rope.freq_base")?;
    let mut constants = BTreeMap::from([("rms_eps".to_owned(), eps)]);
    let mut set = |key: &str, value: String| constants.insert(key.into(), value);
    match architecture {
        Architecture::Llama => drop(set("rope_theta", theta.unwrap_or("10000".into()))),
        Architecture::Gemma3 => {
            set("rope_theta", theta.unwrap_or("1000000".into()));
            set("rope_theta_local", hyper.number("rope.freq_base_swa")?.unwrap_or(GEMMA3_LOCAL_THETA.into()));
            set("sliding_window", hyper.needed("attention.sliding_window")?.to_string());
            set("sliding_pattern", hyper.size("attention.sliding_window_pattern")?.unwrap_or(GEMMA3_PATTERN).to_string());
            let per_head = if shape.n_layers == GEMMA3_27B_LAYERS { shape.d_model / shape.n_heads } else { shape.head_dim };
            set("attention_scale", (1.0 / (per_head as f32).sqrt()).to_string());
            set("embed_scale", (shape.d_model as f32).sqrt().to_string());
        }
        Architecture::Bitnet => {
            set("rope_theta", theta.unwrap_or("10000".into()));
            // llama.cpp's 'bitnet' is the model of 2024, whose gate is SiLU; that of the one of 2025 is a squared ReLU.
            set("squared_relu", u8::from(hyper.prefix != "bitnet").to_string());
        }
    }
    Ok(constants)
}
