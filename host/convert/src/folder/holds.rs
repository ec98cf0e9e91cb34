//! What a folder holds that is not a model's: people give the folder of a GGUF file, or one with pickled weights.

use super::CONFIG;
use crate::error::ConvertError;
use std::fmt;
use std::path::Path;

/// What a folder has in place of a file that it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// A GGUF file, by its name.
    Gguf(String),
    /// Weights as Python's pickles, by the name of the file.
    Pickled(String),
    /// Neither.
    Nothing,
}

/// Ends of the names of files with pickled weights.
const PICKLED: [&str; 3] = [".bin", ".pth", ".pt"];

impl Holds {
    fn find(folder: &Path) -> Holds {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let ending = |ends: &[&str]| names.iter().find(|name| ends.iter().any(|end| name.ends_with(end))).cloned();
        if let Some(name) = ending(&[".gguf"]) {
            return Holds::Gguf(name);
        }
        ending(&PICKLED).map_or(Holds::Nothing, Holds::Pickled)
    }

    /// The next step for a person, one line.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Holds::Gguf(_) => "give the GGUF file itself, of a model in parts any part",
            Holds::Pickled(_) => "give the model's safetensors: pickled weights are not read",
            Holds::Nothing => "give a folder with a model's config.json, its tokenizer and its safetensors",
        }
    }
}

impl fmt::Display for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holds::Gguf(name) | Holds::Pickled(name) => write!(f, ", but it has {name}"),
            Holds::Nothing => Ok(()),
        }
    }
}

/// The error of a folder without a file that it should have.
pub(super) fn lacking(folder: &Path, file: &'static str) -> ConvertError {
    let holds = match Holds::find(folder) {
        // With a configuration beside it the folder is a model's all the same.
        Holds::Gguf(_) if file != CONFIG => Holds::Nothing,
        holds => holds,
    };
    ConvertError::Lacking { file, holds }
}
