//! A GGUF file as a source: what its keys say of the model, and its tensors under our names.

use super::file::StoredTensor;
use super::hyper::Hyper;
use super::kind::Kind;
use super::parts::Parts;
use super::value::Keys;
use super::vocabulary::{self, Tokens};
use crate::architecture::{Architecture, Needed, Shape, describe};
use crate::error::ConvertError;
use crate::rope::{Stretch, divisors, stretched};
use crate::source::{Content, Description, Shared, Source, TensorInfo, Ternary, finite, hash_of, plain_rows};
use nda_engine::Feature;
use nda_ndf::VectorShape;
use nda_spec::GroupCols;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Where llama.cpp keeps what a Llama 3's frequencies are divided by.
const ROPE_FREQUENCIES: &str = "rope_freqs.weight";

/// A GGUF file.
#[derive(Debug)]
pub struct Gguf {
    path: PathBuf,
    parts: Parts,
    description: Description,
    /// By our names.
    needed: BTreeMap<String, Needed>,
}

impl Gguf {
    /// Opens a file, and with it the other parts of a model in several, and checks that it is a whole model of an architecture that is known.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged, an architecture or a tensor type that is not known, a key or a tensor
    /// that is missing, of another shape or left over.
    pub fn open(path: &Path) -> Result<Gguf, ConvertError> {
        Gguf::open_splitting(path, None)
    }

    /// [`Self::open`] with the name of the rule that splits text before its byte pairs are merged, whatever the file says.
    ///
    /// # Errors
    /// As [`Self::open`], or a name that is not known.
    pub fn open_splitting(path: &Path, pre: Option<&str>) -> Result<Gguf, ConvertError> {
        let mut parts = Parts::open(path)?;
        let model = Model::read(parts.keys(), parts.tensors(), pre)?;
        let mut needed = model.architecture.needed(&model.shape, &model.features);
        if let Some(factors) = needed.iter_mut().find(|needed| needed.is_rope_factors()) {
            factors.values = Some(rope_factors(&mut parts, &model, factors)?);
        }
        let tensors = needed.iter().map(|needed| info(needed, parts.tensors())).collect::<Result<_, _>>()?;
        refuse_leftovers(&needed, parts.tensors(), model.architecture)?;
        let description = model.describe(parts.keys(), tensors);
        let needed = needed.into_iter().map(|needed| (needed.name.clone(), needed)).collect();
        Ok(Gguf { path: path.into(), parts, description, needed })
    }

    fn scale_tensor(&mut self, needed: &Needed) -> Result<Option<f32>, ConvertError> {
        let name = scale_name(&needed.gguf);
        let Some(stored) = self.parts.tensors().get(&name).cloned() else { return Ok(None) };
        let bytes = self.parts.read(&name)?;
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
        if let Some(values) = needed.values {
            return Ok(Content::Floats(values));
        }
        let stored = self.parts.tensors().get(&needed.gguf).cloned();
        let StoredTensor { kind, cols, .. } = stored.ok_or_else(|| ConvertError::MissingTensor { name: needed.gguf.clone() })?;
        let bytes = self.parts.read(&needed.gguf)?;
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
        let row = if is_matrix { cols } else { 1 };
        Ok(Content::Floats(plain_rows(values, row, needed.rotated_heads)))
    }

    fn paths(&self) -> Vec<&Path> {
        self.parts.paths().collect()
    }

    fn identity(&mut self) -> Result<String, ConvertError> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let paths = self.paths();
        let parts = if paths.len() == 1 { String::new() } else { format!(" and the other {} parts in their order", paths.len() - 1) };
        Ok(format!("GGUF file {name}{parts}, blake3 {}", hash_of(&paths)?))
    }
}

/// A ternary tensor with its scales as wide as they are equal.
fn ternary(kind: Kind, name: &str, bytes: &[u8], cols: usize) -> Result<Ternary, ConvertError> {
    let stored = kind.ternary(name, bytes)?;
    let block = kind.scale_values(stored.codes.len());
    if block == stored.codes.len() {
        return Ok(Ternary { codes: stored.codes, shared: Shared::Matrix, scales: stored.scales });
    }
    let block = GroupCols::from_cols(block).expect("blocks of codes have 64, 128 or 256 values");
    Ok(Ternary::of_blocks(stored.codes, &stored.scales, cols, block))
}

/// What the frequencies are divided by: by the file's tensor, by the stretch, or by both.
fn rope_factors(parts: &mut Parts, model: &Model, needed: &Needed) -> Result<Vec<f32>, ConvertError> {
    let pairs = model.shape.head_dim / 2;
    let mut stored = vec![1.0; pairs];
    if parts.tensors().contains_key(&needed.gguf) {
        let kind = info(needed, parts.tensors()).map(|_| parts.tensors()[&needed.gguf].kind)?;
        stored = kind.floats(&parts.read(&needed.gguf)?);
        if let Some(bad) = stored.iter().find(|factor| !factor.is_finite() || **factor <= 0.0) {
            return Err(ConvertError::Tensor {
                name: needed.gguf.clone(),
                found: format!("{bad} in a place"),
                wanted: "positive numbers".into(),
            });
        }
    }
    Ok(divisors(&model.stretch, &stored, &model.metadata))
}

/// What the list of tensors says of one that is needed.
fn info(needed: &Needed, tensors: &BTreeMap<String, StoredTensor>) -> Result<TensorInfo, ConvertError> {
    if let Some(info) = needed.computed() {
        return Ok(info);
    }
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
    features: Vec<Feature>,
    stretch: Stretch,
    metadata: BTreeMap<String, String>,
    tokens: Tokens,
}

impl Model {
    fn read(keys: &Keys, tensors: &BTreeMap<String, StoredTensor>, pre: Option<&str>) -> Result<Model, ConvertError> {
        let hyper = Hyper::new(keys)?;
        let architecture = hyper.architecture;
        let none = ConvertError::NoVocabulary { wanted: "the file has no 'tokenizer.ggml.model'" };
        let tokens = vocabulary::tokens(keys, pre)?.ok_or(none)?;
        let shape = hyper.shape(tensors, tokens.count)?;
        let mut features = architecture.features_of(&shape, |needed| tensors.contains_key(&needed.gguf));
        let mut metadata: BTreeMap<String, String> = shape.metadata().collect();
        metadata.extend(hyper.constants(&shape)?);
        let stretch = hyper.stretch(&shape)?;
        if architecture == Architecture::Llama && tensors.contains_key(ROPE_FREQUENCIES) {
            features.push(Feature::RopeFactors);
        }
        stretched(&stretch, &shape, &mut features, &mut metadata);
        Ok(Model { architecture, shape, features, stretch, metadata, tokens })
    }

    fn describe(self, keys: &Keys, tensors: Vec<TensorInfo>) -> Description {
        let Model { architecture, shape, features, mut metadata, tokens, .. } = self;
        metadata.insert("architecture".into(), architecture.name().into());
        metadata.insert("activation".into(), "A8".into());
        for (key, theirs) in [("name", "general.name"), ("licence", "general.license"), ("chat_template", "tokenizer.chat_template")] {
            // A name that is not text is no reason to refuse a model.
            if let Ok(Some(text)) = keys.text(theirs) {
                metadata.insert(key.into(), text.into());
            }
        }
        metadata.extend(tokens.metadata);
        Description { architecture, shape, features, metadata, tokenizer: Some(tokens.json), tensors }
    }
}
