//! Folders as Hugging Face keeps models: `config.json`, `tokenizer.json` and their like, and safetensors.

mod config;
mod holds;
mod known;
mod numbers;
mod sentencepiece;
mod stretch;
mod text;
mod weights;
mod window;

use crate::architecture::{Architecture, Needed, describe};
use crate::error::ConvertError;
use crate::rope::{divisors, stretched};
use crate::source::{Content, Description, Shared, Source, TensorInfo, Ternary, finite, hash_of};
use config::{Config, Packing};
pub use holds::Holds;
use holds::lacking;
use nda_engine::Feature;
use nda_ndf::VectorShape;
use safetensors::tensor::Dtype;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use weights::{Shards, StoredTensor};

/// Longest file of text that is read: vocabularies of a quarter of a million tokens take half of it.
const MAX_TEXT_BYTES: u64 = 1 << 26;
/// How a pointer of Git LFS begins: "version https://git-lfs.github.com/spec/v1".
const LFS: &[u8] = b"version https://";
/// What is said of one.
const IS_POINTER: &str = "it is a pointer of Git LFS to it; fetch it with 'git lfs pull'";
/// The file without which a folder is not a model.
const CONFIG: &str = "config.json";
/// Weights of a byte in a packed ternary tensor.
const PACKED: usize = 4;

/// A model's folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    shards: Shards,
    packing: Packing,
    description: Description,
    /// By our names.
    needed: BTreeMap<String, Needed>,
}

impl Folder {
    /// Opens a folder and checks that it is a whole model of an architecture that is known.
    ///
    /// # Errors
    /// A file that is missing, cannot be read or is damaged, an architecture or a type of numbers that is not known, a
    /// tensor that is missing, of another shape or left over.
    pub fn open(path: &Path) -> Result<Folder, ConvertError> {
        let json = read_json(path, CONFIG)?.ok_or_else(|| lacking(path, CONFIG))?;
        let config = Config::read(&json)?;
        let shards = Shards::open(path)?;
        let (features, mut metadata) = features(&config, &shards);
        let mut needed = config.architecture.needed(&config.shape, &features);
        if let Some(factors) = needed.iter_mut().find(|needed| needed.is_rope_factors()) {
            factors.values = Some(divisors(&config.stretch, &vec![1.0; config.shape.head_dim / 2], &metadata));
        }
        let tensors = needed.iter().map(|needed| info(needed, &config, &shards)).collect::<Result<_, _>>()?;
        refuse_leftovers(&needed, &config, &shards)?;
        metadata.insert("architecture".into(), config.architecture.name().into());
        metadata.insert("activation".into(), "A8".into());
        if let Some(name) = path.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned())) {
            metadata.insert("name".into(), name);
        }
        let tokenizer = text::tokenizer(path, &json, &mut metadata)?;
        let description = Description { architecture: config.architecture, shape: config.shape, features, metadata, tokenizer, tensors };
        let needed = needed.into_iter().map(|needed| (needed.name.clone(), needed)).collect();
        Ok(Folder { path: path.into(), shards, packing: config.packing, description, needed })
    }

    /// The scale that belongs to a packed tensor's codes.
    fn packed_scale(&mut self, name: &str) -> Result<f32, ConvertError> {
        let name = scale_name(name);
        let (stored, bytes) = self.shards.read(&name)?;
        let scale = floats(&name, &stored, &bytes)?.first().copied().unwrap_or(1.0);
        Ok(if self.packing == Packing::Divided { 1.0 / scale } else { scale })
    }
}

/// What a model has beside the rest of its architecture, and the numbers of its shape and its forward pass.
fn features(config: &Config, shards: &Shards) -> (Vec<Feature>, BTreeMap<String, String>) {
    let mut metadata: BTreeMap<String, String> = config.shape.metadata().collect();
    metadata.extend(config.constants.clone());
    let mut features = config.architecture.features_of(&config.shape, |needed| shards.get(&needed.folder).is_some());
    if let Some(window) = config.window {
        features.push(Feature::Window);
        metadata.insert("sliding_window".into(), window.to_string());
    }
    stretched(&config.stretch, &config.shape, &mut features, &mut metadata);
    (features, metadata)
}

/// What a packed tensor's scale is called.
fn scale_name(weight: &str) -> String {
    format!("{weight}_scale")
}

impl Source for Folder {
    fn description(&self) -> &Description {
        &self.description
    }

    fn read(&mut self, name: &str) -> Result<Content, ConvertError> {
        let needed = self.needed.get(name).cloned().ok_or_else(|| ConvertError::MissingTensor { name: name.into() })?;
        if let Some(values) = needed.values {
            return Ok(Content::Floats(values));
        }
        let (stored, bytes) = self.shards.read(&needed.folder)?;
        let is_block = name.starts_with("blk.");
        if let (Dtype::U8, VectorShape::Table { rows, .. }) = (stored.dtype, needed.shape) {
            let scale = self.packed_scale(&needed.folder)?;
            let codes = unpacked(&needed.folder, &bytes, &stored, rows)?;
            return Ok(Content::Ternary(Ternary { codes, shared: Shared::Matrix, scales: vec![scale] }));
        }
        let mut values = floats(&needed.folder, &stored, &bytes)?;
        drop(bytes);
        match (self.description.architecture, needed.shape) {
            // Stored is what is added to 1; the program multiplies by the whole.
            (Architecture::Gemma3, VectorShape::Vector(_)) => values.iter_mut().for_each(|value| *value += 1.0),
            (_, VectorShape::Table { .. }) if is_block && self.packing == Packing::Online => return Ok(online(&values)),
            // Codes that were written as floats: their scale stands beside them all the same.
            (_, VectorShape::Table { .. }) if self.packing != Packing::None && self.shards.get(&scale_name(&needed.folder)).is_some() => {
                let scale = self.packed_scale(&needed.folder)?;
                values.iter_mut().for_each(|value| *value *= scale);
            }
            _ => {}
        }
        Ok(Content::Floats(values))
    }

    fn paths(&self) -> Vec<&Path> {
        vec![&self.path]
    }

    fn identity(&mut self) -> Result<String, ConvertError> {
        let config = self.path.join(CONFIG);
        let paths: Vec<&Path> = std::iter::once(config.as_path()).chain(self.shards.paths()).collect();
        let count = paths.len() - 1;
        Ok(format!("Hugging Face folder, {CONFIG} and {count} safetensors in their order, blake3 {}", hash_of(&paths)?))
    }
}

/// Four codes per byte: the lowest bits are the first quarter of the rows, the highest the last.
///
/// Source: `pack_weights` of the package transformers (`integrations/bitnet.py`).
fn unpacked(name: &str, bytes: &[u8], stored: &StoredTensor, rows: usize) -> Result<Vec<i8>, ConvertError> {
    let cols = stored.shape[1];
    let mut codes = Vec::with_capacity(rows * cols);
    for row in 0..rows {
        let (quarter, at) = (row / stored.shape[0], row % stored.shape[0]);
        for byte in &bytes[at * cols..][..cols] {
            let code = byte >> (2 * quarter) & 3;
            if code > 2 {
                return Err(ConvertError::Ternary { name: name.into(), index: codes.len(), code });
            }
            codes.push(code as i8 - 1);
        }
    }
    Ok(codes)
}

/// Weights that are made ternary before every product: rounded to multiples of their mean magnitude.
///
/// Source: `WeightQuant` of the package transformers; Ma et al., The Era of 1-bit LLMs, 2024, equations 1 to 3.
fn online(values: &[f32]) -> Content {
    let mean = values.iter().map(|value| f64::from(value.abs())).sum::<f64>() / values.len() as f64;
    let inverse = 1.0 / (mean as f32).max(1e-5);
    let codes = values.iter().map(|value| (value * inverse).round_ties_even().clamp(-1.0, 1.0) as i8).collect();
    Content::Ternary(Ternary { codes, shared: Shared::Matrix, scales: vec![1.0 / inverse] })
}

/// The floats of a tensor.
fn floats(name: &str, stored: &StoredTensor, bytes: &[u8]) -> Result<Vec<f32>, ConvertError> {
    let two = |bytes: &[u8]| [bytes[0], bytes[1]];
    let values: Vec<f32> = match stored.dtype {
        Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F16 => bytes.chunks_exact(2).map(|b| half::f16::from_le_bytes(two(b)).to_f32()).collect(),
        Dtype::BF16 => bytes.chunks_exact(2).map(|b| half::bf16::from_le_bytes(two(b)).to_f32()).collect(),
        other => return Err(wrong_type(name, other)),
    };
    finite(name, "weight", &values)?;
    Ok(values)
}

fn wrong_type(name: &str, found: Dtype) -> ConvertError {
    ConvertError::Tensor { name: name.into(), found: format!("{found:?}"), wanted: "F32, F16, BF16, or U8 of a BitNet's matrix".into() }
}

/// What the safetensors say of a tensor that is needed.
fn info(needed: &Needed, config: &Config, shards: &Shards) -> Result<TensorInfo, ConvertError> {
    if let Some(info) = needed.computed() {
        return Ok(info);
    }
    let name = &needed.folder;
    let stored = shards.get(name).ok_or_else(|| ConvertError::MissingTensor { name: name.clone() })?;
    let is_packed = stored.dtype == Dtype::U8 && config.packing != Packing::None;
    let wanted = match needed.shape {
        VectorShape::Vector(cols) => vec![cols],
        VectorShape::Table { rows, cols } if is_packed => vec![rows.div_ceil(PACKED), cols],
        VectorShape::Table { rows, cols } => vec![rows, cols],
    };
    if stored.shape != wanted {
        let found = format!("{} {:?}", stored.dtype, stored.shape);
        let wanted = format!("{wanted:?}, for {}", describe(needed.shape));
        return Err(ConvertError::Tensor { name: name.clone(), found, wanted });
    }
    if !matches!(stored.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) && !is_packed {
        return Err(wrong_type(name, stored.dtype));
    }
    if is_packed && shards.get(&scale_name(name)).is_none() {
        return Err(ConvertError::MissingTensor { name: scale_name(name) });
    }
    let stored_bytes = stored.range.end - stored.range.start;
    Ok(TensorInfo { name: needed.name.clone(), shape: needed.shape, stored_as: format!("{:?}", stored.dtype), stored_bytes })
}

fn refuse_leftovers(needed: &[Needed], config: &Config, shards: &Shards) -> Result<(), ConvertError> {
    let used: BTreeSet<&str> = needed.iter().map(|needed| needed.folder.as_str()).collect();
    let is_left = |name: &&str| {
        let scale_of = name.strip_suffix("_scale").is_some_and(|weight| used.contains(weight));
        // A tied head may be written out all the same, and old files hold the frequencies that follow from the base.
        let follows = (*name == "lm_head.weight" && config.shape.tied_head) || name.ends_with(".rotary_emb.inv_freq");
        !(used.contains(*name) || follows || (scale_of && config.packing != Packing::None))
    };
    let left: Vec<&str> = shards.names().filter(is_left).collect();
    match left.first() {
        None => Ok(()),
        Some(name) => Err(ConvertError::Leftover { name: (*name).into(), count: left.len(), architecture: config.architecture.name() }),
    }
}

/// A file in the folder; `None` if it does not exist.
fn read_bytes(folder: &Path, file: &str) -> Result<Option<Vec<u8>>, ConvertError> {
    let path = folder.join(file);
    let bytes = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ConvertError::io("open", &path, error)),
    };
    if bytes > MAX_TEXT_BYTES {
        let reason = format!("it takes {bytes} bytes, more than the {MAX_TEXT_BYTES} that are read");
        return Err(ConvertError::Part { file: file.into(), what: "file of text", reason });
    }
    let mut bytes = Vec::new();
    let read = std::io::Read::read_to_end(&mut nda_files::open(&path)?, &mut bytes);
    read.map_err(|error| ConvertError::io("read", &path, error))?;
    if bytes.starts_with(LFS) {
        return Err(ConvertError::Part { file: file.into(), what: "file of the model", reason: IS_POINTER.into() });
    }
    Ok(Some(bytes))
}

/// A text file in the folder; `None` if it does not exist.
fn read_text(folder: &Path, file: &str) -> Result<Option<String>, ConvertError> {
    let Some(bytes) = read_bytes(folder, file)? else { return Ok(None) };
    let part = |reason: String| ConvertError::Part { file: file.into(), what: "file of text", reason };
    String::from_utf8(bytes).map(Some).map_err(|error| part(error.to_string()))
}

/// A file of JSON in the folder; none if there is no such file.
fn read_json(folder: &Path, file: &str) -> Result<Option<Value>, ConvertError> {
    let Some(text) = read_text(folder, file)? else { return Ok(None) };
    let part = |error: serde_json::Error| ConvertError::Part { file: file.into(), what: "JSON", reason: error.to_string() };
    serde_json::from_str(&text).map(Some).map_err(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_codes_come_quarter_by_quarter_of_the_rows() {
        // The example in the documentation of transformers' unpack_weights.
        let bytes = [0b1010_0001, 0b0001_1000, 0b1001_0000, 0b0000_1010];
        let stored = StoredTensor { dtype: Dtype::U8, shape: vec![2, 2], range: 0..4, shard: 0 };
        let codes = unpacked("w", &bytes, &stored, 8).unwrap();
        assert_eq!(codes, [0, -1, -1, 1, -1, 1, -1, 1, 1, 0, 0, -1, 1, -1, 1, -1]);
        assert_eq!(unpacked("w", &bytes, &stored, 7).unwrap(), codes[..14]);
        let refused = unpacked("w", &[0, 3, 0, 0], &stored, 8).unwrap_err();
        assert!(matches!(refused, ConvertError::Ternary { index: 1, code: 3, .. }), "{refused}");
    }

    #[test]
    fn online_weights_are_rounded_to_their_mean_magnitude() {
        let Content::Ternary(found) = online(&[1.0, -1.0, 0.1, -0.4, 0.0]) else { panic!("these are ternary") };
        assert_eq!(found.codes, [1, -1, 0, -1, 0]);
        assert!((found.scales[0] - 0.5).abs() < 1e-6);
    }
}
