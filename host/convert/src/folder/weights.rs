//! The safetensors of a folder: one file, or several.

use super::holds::lacking;
use super::{IS_POINTER, LFS, read_json};
use crate::error::ConvertError;
use safetensors::tensor::{Dtype, Metadata};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Which tensor stands in which file.
const INDEX: &str = "model.safetensors.index.json";
/// The name of a file that stands alone.
const SINGLE: &str = "model.safetensors";
/// Bytes before the header: its length.
const LENGTH_BYTES: u64 = 8;
/// Longest header: the crate's own bound.
const MAX_HEADER_BYTES: u64 = 100_000_000;
/// Where models of text and images keep the text's part, and what it is called in models of text alone.
const PREFIXES: [(&str, &str); 2] = [("language_model.", ""), ("model.language_model.", "model.")];
/// What the first published BitNets (2024) call the norms that later ones have other names for.
const BITNET_NORMS: [(&str, &str); 2] =
    [("self_attn.inner_attn_ln.weight", "self_attn.attn_sub_norm.weight"), ("mlp.ffn_layernorm.weight", "mlp.ffn_sub_norm.weight")];
/// The parts of models of text and images that see.
const IMAGES: [&str; 4] = ["vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector."];

/// A tensor's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredTensor {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// In its file.
    pub range: Range<u64>,
    pub shard: usize,
}

/// The files of a folder, and the tensors in them.
#[derive(Debug)]
pub(super) struct Shards {
    files: Vec<(PathBuf, File)>,
    tensors: BTreeMap<String, StoredTensor>,
}

impl Shards {
    pub fn open(folder: &Path) -> Result<Shards, ConvertError> {
        let mut shards = Shards { files: Vec::new(), tensors: BTreeMap::new() };
        for name in names(folder)? {
            let path = folder.join(&name);
            if !path.exists() {
                return Err(ConvertError::parts(&path, "this file of the model's weights is missing".into()));
            }
            shards.add(&name, path)?;
        }
        Ok(shards)
    }

    pub fn get(&self, name: &str) -> Option<&StoredTensor> {
        self.tensors.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// A tensor and its bytes.
    pub fn read(&mut self, name: &str) -> Result<(StoredTensor, Vec<u8>), ConvertError> {
        let stored = self.tensors.get(name).cloned().ok_or_else(|| ConvertError::MissingTensor { name: name.into() })?;
        let (path, file) = &mut self.files[stored.shard];
        // The range was checked against the file's length, so this much is there to be read.
        let mut bytes = vec![0; (stored.range.end - stored.range.start) as usize];
        let read = file.seek(SeekFrom::Start(stored.range.start)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|error| ConvertError::io("read", path, error))?;
        Ok((stored, bytes))
    }

    /// Takes a file's tensors down.
    fn add(&mut self, name: &str, path: PathBuf) -> Result<(), ConvertError> {
        let refuse = |reason: String| ConvertError::Part { file: name.into(), what: "safetensors file", reason };
        let mut file = nda_files::open(&path)?;
        let io = |error| ConvertError::io("read", &path, error);
        let length = file.metadata().map_err(io)?.len();
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(LENGTH_BYTES).read_to_end(&mut head).map_err(io)?;
        if LFS.starts_with(&head) && !head.is_empty() {
            return Err(refuse(IS_POINTER.into()));
        }
        let count = head.as_slice().try_into().map(u64::from_le_bytes).map_err(|_| refuse("it has no header".into()))?;
        if count > MAX_HEADER_BYTES.min(length.saturating_sub(LENGTH_BYTES)) {
            return Err(refuse(format!("its header would take {count} bytes, but the file has {length}")));
        }
        Read::by_ref(&mut file).take(count).read_to_end(&mut head).map_err(io)?;
        let header = head.get(LENGTH_BYTES as usize..).unwrap_or_default();
        let metadata: Metadata = serde_json::from_slice(header).map_err(|error| refuse(error.to_string()))?;
        let (data, shard) = (LENGTH_BYTES + count, self.files.len());
        for (stored_name, info) in metadata.tensors() {
            let (start, end) = (data + info.data_offsets.0 as u64, data + info.data_offsets.1 as u64);
            if end > length {
                return Err(refuse(format!("tensor '{stored_name}' would end at byte {end}, but the file has {length}")));
            }
            let tensor = StoredTensor { dtype: info.dtype, shape: info.shape.clone(), range: start..end, shard };
            let Some(plain) = plain_name(&stored_name) else { continue };
            if self.tensors.insert(plain, tensor).is_some() {
                return Err(refuse(format!("tensor '{stored_name}' stands in another file too")));
            }
        }
        self.files.push((path, file));
        Ok(())
    }
}

/// The name that a tensor has in a model of text alone, and today; none of a tensor that sees.
fn plain_name(name: &str) -> Option<String> {
    if IMAGES.iter().any(|prefix| name.starts_with(prefix)) {
        return None;
    }
    let stripped = PREFIXES.iter().find_map(|(prefix, plain)| Some(format!("{plain}{}", name.strip_prefix(prefix)?)));
    let plain = stripped.unwrap_or_else(|| name.to_owned());
    let renamed = BITNET_NORMS.iter().find_map(|(old, new)| Some(format!("{}{new}", plain.strip_suffix(old)?)));
    Some(renamed.unwrap_or(plain))
}

/// The files' names in their order.
fn names(folder: &Path) -> Result<Vec<String>, ConvertError> {
    let Some(index) = read_json(folder, INDEX)? else { return listed(folder) };
    let refuse = |reason: String| ConvertError::Part { file: INDEX.into(), what: "index of tensors", reason };
    let map = index.get("weight_map").and_then(|map| map.as_object()).ok_or_else(|| refuse("it has no 'weight_map'".into()))?;
    let mut names = BTreeSet::new();
    for file in map.values() {
        let name = file.as_str().filter(|name| is_plain(name)).ok_or_else(|| refuse(format!("{file} is not a file name")))?;
        names.insert(name.to_owned());
    }
    Ok(names.into_iter().collect())
}

/// Whether a name stays in the folder.
fn is_plain(name: &str) -> bool {
    Path::new(name).file_name().is_some_and(|file| file == name)
}

/// The file that stands alone, or all there are.
fn listed(folder: &Path) -> Result<Vec<String>, ConvertError> {
    if folder.join(SINGLE).exists() {
        return Ok(vec![SINGLE.into()]);
    }
    let io = |error| ConvertError::io("list", folder, error);
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        names.extend(entry.map_err(io)?.file_name().into_string().ok().filter(|name| name.ends_with(".safetensors")));
    }
    names.extend(names.iter().find_map(|name| parts_of(name)).into_iter().flatten());
    if names.is_empty() { Err(lacking(folder, SINGLE)) } else { Ok(names.into_iter().collect()) }
}

/// The names of all parts of a model, one of which is `NAME-00001-of-00002.safetensors` or the like.
fn parts_of(name: &str) -> Option<Vec<String>> {
    let (stem, count) = name.strip_suffix(".safetensors")?.rsplit_once("-of-")?;
    let (stem, number) = stem.rsplit_once('-')?;
    let value = |digits: &str| digits.parse::<usize>().ok().filter(|_| digits.len() == 5 && digits.bytes().all(|b| b.is_ascii_digit()));
    let (number, parts) = (value(number)?, value(count)?);
    (1..=parts).contains(&number).then(|| (1..=parts).map(|part| format!("{stem}-{part:05}-of-{count}.safetensors")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else_and_images_are_left_out() {
        assert!(is_plain("model-00001-of-00002.safetensors"));
        assert!(["../x", "/x", "a/b", "..", ""].iter().all(|name| !is_plain(name)));
        let parts = parts_of("model-00002-of-00002.safetensors").unwrap();
        assert_eq!(parts, ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]);
        for other in ["model.safetensors", "a-00003-of-00002.safetensors", "a-1-of-2.safetensors", "a-00000-of-00002.safetensors"] {
            assert_eq!(parts_of(other), None, "{other}");
        }
        assert_eq!(plain_name("model.language_model.norm.weight").as_deref(), Some("model.norm.weight"));
        assert_eq!(plain_name("language_model.model.norm.weight").as_deref(), Some("model.norm.weight"));
        assert_eq!(plain_name("vision_tower.x"), None);
        let norm = "model.layers.3.self_attn.inner_attn_ln.weight";
        assert_eq!(plain_name(norm).as_deref(), Some("model.layers.3.self_attn.attn_sub_norm.weight"));
    }
}
