//! The errors of this crate's border.

use crate::folder::Holds;
use crate::gguf::GgufFault;
use nda_engine::EngineError;
use nda_ndf::NdfError;
use std::io;
use std::path::{Path, PathBuf};

/// Why a model cannot be converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// A matrix that cannot be fitted.
    #[error("tensor '{tensor}': {source}")]
    Fit {
        /// The tensor.
        tensor: String,
        /// Why.
        source: nda_fit::FitError,
    },
    /// What the layers see of the calibration text cannot be added up.
    #[error("calibration: {0}")]
    Calibration(#[from] nda_fit::FitError),
    /// The file system refused.
    #[error("cannot {action} the file: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file that is not opened or not written: it is no plain file, or the system refuses.
    #[error(transparent)]
    File(#[from] nda_files::FilesError),
    /// A GGUF file is not what its format calls for.
    #[error("{fault}")]
    Gguf {
        /// Where in the file, in bytes.
        offset: u64,
        /// What is wrong there.
        fault: GgufFault,
    },
    /// A folder without a file that makes it a model's.
    #[error("the folder has no {file}{holds}")]
    Lacking {
        /// The file.
        file: &'static str,
        /// What it has instead.
        holds: Holds,
    },
    /// A file of a folder is no such file.
    #[error("this is not a valid {what}: {reason}")]
    Part {
        /// The file's name in the folder.
        file: String,
        /// What it should be.
        what: &'static str,
        /// What its reader says.
        reason: String,
    },
    /// A fault in a part of a model that is not the part that was opened.
    #[error("{source}")]
    InPart {
        /// The part.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<ConvertError>,
    },
    /// The parts of a model in several files do not make a whole.
    #[error("{reason}")]
    Parts {
        /// The part.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A key without which the model cannot be read.
    #[error("'{key}' is missing")]
    MissingKey {
        /// The key.
        key: String,
    },
    /// A key's value is no such thing, or contradicts another.
    #[error("'{key}' is {found}, but must be {wanted}")]
    Key {
        /// The key.
        key: String,
        /// Its value.
        found: String,
        /// What it must be.
        wanted: String,
    },
    /// A key that would change the model and is not carried over.
    #[error("'{key}' is {found}: {reason}")]
    Refused {
        /// The key.
        key: String,
        /// Its value.
        found: String,
        /// Why it cannot be carried over.
        reason: &'static str,
    },
    /// A tensor without which the model cannot run.
    #[error("tensor '{name}' is missing")]
    MissingTensor {
        /// Its name in the source.
        name: String,
    },
    /// A tensor is of another shape or type than the model's numbers call for.
    #[error("tensor '{name}' is {found}, but must be {wanted}")]
    Tensor {
        /// Its name in the source.
        name: String,
        /// What it is.
        found: String,
        /// What it must be.
        wanted: String,
    },
    /// Tensors that the architecture has no use for: leaving them out would be another model.
    #[error("tensor '{name}'{} no place in a model of the architecture '{architecture}'", others(*.count))]
    Leftover {
        /// The first of them.
        name: String,
        /// How many there are.
        count: usize,
        /// The architecture's name.
        architecture: &'static str,
    },
    /// Something that is in order and that this version does not convert.
    #[error("{what} is not supported; {instead}")]
    Unsupported {
        /// What it is.
        what: String,
        /// What is.
        instead: &'static str,
    },
    /// The vocabulary cannot be written as a tokenizer.
    #[error("tokenizer: {reason}")]
    Tokenizer {
        /// Why.
        reason: String,
    },
    /// A model without a vocabulary: texts would become other tokens than it was trained on.
    #[error("the model has no vocabulary: {wanted}")]
    NoVocabulary {
        /// What would be one.
        wanted: &'static str,
    },
    /// It is not known how a byte-pair vocabulary splits text before merging.
    #[error("it is not known how the vocabulary splits text: {what}")]
    Split {
        /// What was looked at.
        what: String,
    },
    /// A ternary matrix with a weight that is no ternary weight.
    #[error("tensor '{name}', weight {index}: {code} is not a ternary code")]
    Ternary {
        /// Its name in the source.
        name: String,
        /// Which weight, row by row.
        index: usize,
        /// The stored code.
        code: u8,
    },
    /// A weight or scale that is NaN or an infinity.
    #[error("{what} {index} is {value}, which is not a finite number")]
    NotFinite {
        /// The tensor's name in the source.
        name: String,
        /// `weight` or `scale`.
        what: &'static str,
        /// Which of them, in the source's order.
        index: usize,
        /// What it is.
        value: f32,
    },
    /// The plot of a report cannot be drawn.
    #[error("the report's plot cannot be drawn: {reason}")]
    Plot {
        /// Why.
        reason: String,
    },
    /// The document cannot be written.
    #[error(transparent)]
    Document(#[from] NdfError),
    /// What was written is no model that the engine runs.
    #[error(transparent)]
    Model(#[from] EngineError),
}

/// The verb of a tensor and of those beside it.
fn others(count: usize) -> String {
    match count {
        1 => " has".into(),
        2 => " and 1 other have".into(),
        _ => format!(" and {} others have", count - 1),
    }
}

impl ConvertError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        ConvertError::Io { action, path: path.to_path_buf(), source }
    }

    pub(crate) fn parts(path: &Path, reason: String) -> Self {
        ConvertError::Parts { path: path.to_path_buf(), reason }
    }

    pub(crate) fn key(key: impl Into<String>, found: impl ToString, wanted: impl Into<String>) -> Self {
        ConvertError::Key { key: key.into(), found: found.to_string(), wanted: wanted.into() }
    }

    /// The error with a key under the name that the source has for it.
    pub(crate) fn renamed<N: Into<String>>(self, name: impl FnOnce(&str) -> N) -> Self {
        match self {
            ConvertError::Key { key, found, wanted } => ConvertError::Key { key: name(&key).into(), found, wanted },
            other => other,
        }
    }

    pub(crate) fn refused(key: &str, found: impl Into<String>, reason: &'static str) -> Self {
        ConvertError::Refused { key: key.into(), found: found.into(), reason }
    }

    /// Whether the source is in order, but is something that this version does not convert.
    pub fn is_unsupported(&self) -> bool {
        match self {
            ConvertError::Unsupported { .. }
            | ConvertError::Refused { .. }
            | ConvertError::Leftover { .. }
            | ConvertError::Split { .. } => true,
            ConvertError::Gguf { fault, .. } => matches!(fault, GgufFault::Kind { .. }),
            ConvertError::InPart { source, .. } => source.is_unsupported(),
            _ => false,
        }
    }

    /// Where in the source it happened, a few words; empty if that is all of it.
    pub fn place(&self) -> String {
        match self {
            ConvertError::Io { path, .. } | ConvertError::Parts { path, .. } => path.display().to_string(),
            ConvertError::File(error) | ConvertError::Document(NdfError::File(error)) => error.path().display().to_string(),
            ConvertError::InPart { path, source } => format!("{}, {}", path.display(), source.place()),
            ConvertError::Gguf { offset, .. } => format!("byte {offset}"),
            ConvertError::Part { file, .. } => file.clone(),
            ConvertError::Lacking { .. } => String::new(),
            ConvertError::MissingKey { .. } | ConvertError::Key { .. } | ConvertError::Refused { .. } => "the model's metadata".into(),
            ConvertError::MissingTensor { .. } | ConvertError::Leftover { .. } => "the list of tensors".into(),
            ConvertError::Tensor { name, .. } | ConvertError::Ternary { name, .. } | ConvertError::NotFinite { name, .. } => {
                format!("tensor '{name}'")
            }
            ConvertError::Tokenizer { .. } | ConvertError::Split { .. } | ConvertError::NoVocabulary { .. } => "the vocabulary".into(),
            ConvertError::Fit { tensor, .. } => format!("tensor '{tensor}'"),
            ConvertError::Calibration(_) => "the calibration".into(),
            ConvertError::Plot { .. } => "the report".into(),
            ConvertError::Unsupported { .. } | ConvertError::Document(_) => String::new(),
            ConvertError::Model(error) => error.place(),
        }
    }

    /// The next step for a person, one line.
    pub fn help(&self) -> &'static str {
        match self {
            ConvertError::Io { .. } => "check the path, its permissions and the disk",
            ConvertError::Gguf { fault, .. } => fault.help(),
            ConvertError::InPart { source, .. } => source.help(),
            ConvertError::Lacking { holds, .. } => holds.help(),
            ConvertError::Part { .. } => "put a file of that kind in its place",
            ConvertError::Parts { .. } => "put all parts into one folder, under the names that they were published with",
            ConvertError::MissingKey { .. } => "give a file of this model that has the key",
            ConvertError::Key { .. } => "give a file of this model whose key has such a value",
            ConvertError::Refused { .. } => {
                "give a file of this model without the key, or a model of another kind; README.md lists what 'nda convert' reads"
            }
            ConvertError::MissingTensor { .. } | ConvertError::Tensor { .. } => "give a file that is a whole model of this architecture",
            ConvertError::Leftover { .. } | ConvertError::Unsupported { .. } => {
                "README.md lists what 'nda convert' reads; choose another model or another file of this one"
            }
            ConvertError::Tokenizer { .. } => "give a file of this model whose vocabulary is complete",
            ConvertError::NoVocabulary { .. } => "give a file or a folder of this model with its tokenizer",
            ConvertError::Split { .. } => {
                "name the rule of the model's own tokenizer: 'nda convert --pre NAME', for instance gpt-2, llama-bpe, qwen2, smollm or default"
            }
            ConvertError::Ternary { .. } => "give a file of this model in another type: the code stands for no weight",
            ConvertError::NotFinite { .. } => "give another file of this model: no product takes such a number",
            ConvertError::Fit { .. } => "check the source: 'nda convert --weights f32' keeps its numbers as they are",
            ConvertError::Calibration(_) => "give another --calibration text, or 'none'",
            ConvertError::Plot { .. } => "run 'nda convert' without --report: the document does not need it",
            ConvertError::File(error) | ConvertError::Document(NdfError::File(error)) => error.help(),
            ConvertError::Document(_) => "check the output's folder and its disk",
            ConvertError::Model(error) => error.help(),
        }
    }
}
