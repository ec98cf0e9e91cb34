//! A model in several files: each says which part it is, and the first has the keys.
//!
//! Source: `gguf-split` of llama.cpp, whose names end in `-00001-of-00002.gguf`; parts are counted from 1 in names and from 0 in keys.

use super::file::{GgufFile, StoredTensor};
use super::value::Keys;
use crate::error::ConvertError;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Keys of a part.
const NUMBER: &str = "split.no";
const COUNT: &str = "split.count";
const TENSORS: &str = "split.tensors.count";
/// Most parts: names have five digits.
const MAX_PARTS: usize = 99_999;

/// All files of a model; one, if it is in one.
#[derive(Debug)]
pub(super) struct Parts {
    files: Vec<(PathBuf, GgufFile<File>)>,
    tensors: BTreeMap<String, StoredTensor>,
}

impl Parts {
    /// Opens a file and, if it is a part, all others.
    pub fn open(path: &Path) -> Result<Parts, ConvertError> {
        let file = opened(path)?;
        let count = file.keys().size(COUNT)?.unwrap_or(1);
        let files = if count > 1 { all_parts(path, &file, count)? } else { vec![(path.to_path_buf(), file)] };
        let mut tensors = BTreeMap::new();
        for (path, file) in &files {
            for (name, stored) in file.tensors() {
                if tensors.insert(name.clone(), stored.clone()).is_some() {
                    return Err(ConvertError::parts(path, format!("tensor '{}' is in another part too", name.escape_debug())));
                }
            }
        }
        let (first, file) = &files[0];
        if let Some(wanted) = file.keys().size(TENSORS)?.filter(|wanted| *wanted != tensors.len()) {
            return Err(ConvertError::parts(first, format!("the parts have {} tensors, but should have {wanted}", tensors.len())));
        }
        Ok(Parts { files, tensors })
    }

    /// The keys of the model.
    pub fn keys(&self) -> &Keys {
        self.files[0].1.keys()
    }

    /// The tensors of all parts, by name.
    pub fn tensors(&self) -> &BTreeMap<String, StoredTensor> {
        &self.tensors
    }

    /// The files, in order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// The stored bytes of a tensor.
    pub fn read(&mut self, name: &str) -> Result<Vec<u8>, ConvertError> {
        let part = self.files.iter_mut().find(|(_, file)| file.tensors().contains_key(name));
        let (path, file) = part.ok_or_else(|| ConvertError::MissingTensor { name: name.into() })?;
        file.read(path, name)
    }
}

fn opened(path: &Path) -> Result<GgufFile<File>, ConvertError> {
    GgufFile::open(path, nda_files::open(path)?)
}

/// All parts of a model, of which one is open.
fn all_parts(path: &Path, file: &GgufFile<File>, count: usize) -> Result<Vec<(PathBuf, GgufFile<File>)>, ConvertError> {
    let number = file.keys().size(NUMBER)?.ok_or_else(|| ConvertError::MissingKey { key: NUMBER.into() })?;
    if count > MAX_PARTS || number >= count {
        return Err(ConvertError::key(NUMBER, number, format!("below the {count} parts of '{COUNT}', at most {MAX_PARTS}")));
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let suffix = |number: usize| format!("-{:05}-of-{count:05}.gguf", number + 1);
    let Some(stem) = name.strip_suffix(&suffix(number)) else {
        let reason = format!("this is part {} of {count}, but its name does not end in '{}'", number + 1, suffix(number));
        return Err(ConvertError::parts(path, reason));
    };
    let part = |number: usize| {
        let path = path.with_file_name(format!("{stem}{}", suffix(number)));
        if !path.exists() {
            return Err(ConvertError::parts(&path, format!("part {} of {count} is missing", number + 1)));
        }
        let within = |source| ConvertError::InPart { path: path.clone(), source: Box::new(source) };
        let file = opened(&path).map_err(within)?;
        let found = (file.keys().size(NUMBER)?, file.keys().size(COUNT)?);
        if found != (Some(number), Some(count)) {
            return Err(ConvertError::parts(&path, format!("this should be part {} of {count}, but its keys say otherwise", number + 1)));
        }
        Ok((path, file))
    };
    (0..count).map(part).collect()
}
