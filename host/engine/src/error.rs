//! The errors of this crate's border.

use nda_gemv::GemvError;
use nda_lang::{Diagnostics, RuntimeError, Trap};

/// Why a model cannot be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The metadata lacks a key.
    #[error("the metadata has no '{key}'")]
    MissingMetadata {
        /// The key.
        key: &'static str,
    },
    /// A metadata value is no such thing, out of range, or contradicts another.
    #[error("metadata '{key}' is '{value}', but must be {rule}")]
    BadMetadata {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// A tensor that the program names is not in the document.
    #[error("tensor '{name}' is missing; the model's program asks for it")]
    MissingTensor {
        /// The tensor.
        name: String,
    },
    /// A tensor is not what the program takes it for.
    #[error("tensor '{name}' is {found}, but the program needs {wanted}")]
    TensorShape {
        /// The tensor.
        name: String,
        /// What it is.
        found: String,
        /// What it should be.
        wanted: String,
    },
    /// The program is no program, no model's program, or failed.
    #[error("{reason}")]
    Program {
        /// Where: file, line and column.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// The program is of an earlier version of the language.
    #[error("{reason}")]
    OldProgram {
        /// Where: file, line and column.
        place: String,
        /// What is no longer so.
        reason: String,
    },
    /// The model cannot be made whole tokens of.
    #[error("no token program: {reason}")]
    NoTokenProgram {
        /// Why not.
        reason: String,
    },
    /// A product's input is not as long as its matrices are wide.
    #[error("the input has {found} values, but the matrices have {cols} columns")]
    Input {
        /// The fused layer.
        layer: String,
        /// Values given.
        found: usize,
        /// Columns.
        cols: usize,
    },
    /// A row that a tensor does not have.
    #[error("row {row} is not one of the tensor's {rows}")]
    Row {
        /// The row.
        row: i64,
        /// Rows that there are.
        rows: usize,
    },
    /// The tokenizer cannot be used.
    #[error("tokenizer: {reason}")]
    Tokenizer {
        /// Why.
        reason: String,
    },
    /// The document needs a part of the program that was left out of this build.
    #[error("this build has no {what}")]
    NotBuilt {
        /// The part.
        what: &'static str,
        /// The feature that it comes with.
        feature: &'static str,
    },
    /// A token that the embedding does not know.
    #[error("token {token} is not in the vocabulary of {vocab_size}")]
    Token {
        /// The token.
        token: u32,
        /// Tokens that there are.
        vocab_size: usize,
    },
    /// No room for another position.
    #[error("position {position} is outside the context of {context} tokens")]
    Context {
        /// The position.
        position: usize,
        /// Positions that there are.
        context: usize,
    },
    /// A prompt or a text without tokens.
    #[error("{what} has no tokens; a prediction needs at least {needed}")]
    Empty {
        /// What was empty.
        what: &'static str,
        /// Tokens needed.
        needed: usize,
    },
    /// A value in front of a product is infinite or not a number.
    #[error("input {index} is {value}; the model's numbers have left the finite range")]
    NotFinite {
        /// The layer whose input it is.
        layer: String,
        /// Which value.
        index: usize,
        /// The value.
        value: f32,
    },
    /// The back end refused or failed.
    #[error("{source}")]
    Gemv {
        /// The fused layer.
        layer: String,
        /// What the back end said.
        #[source]
        source: GemvError,
    },
}

impl EngineError {
    /// What a run ended in: an error of this crate comes back as itself, all else as the program's.
    pub(crate) fn of_run(error: RuntimeError) -> EngineError {
        let place = format!("{}:{}:{}", error.file, error.line, error.column);
        match error.trap {
            Trap::NoTensor { name } => EngineError::MissingTensor { name },
            Trap::Host(source) => match source.downcast::<EngineError>() {
                Ok(error) => *error,
                Err(other) => EngineError::Program { place, reason: other.to_string() },
            },
            trap => EngineError::Program { place, reason: trap.to_string() },
        }
    }

    /// Where in the model it happened, a few words.
    pub fn place(&self) -> String {
        match self {
            EngineError::MissingMetadata { .. } | EngineError::BadMetadata { .. } => "metadata (frame 0)".into(),
            EngineError::MissingTensor { name, .. } | EngineError::TensorShape { name, .. } => format!("tensor '{name}'"),
            EngineError::Program { place, .. } | EngineError::OldProgram { place, .. } => place.clone(),
            EngineError::Row { .. } | EngineError::NoTokenProgram { .. } => "the model's program".into(),
            EngineError::Tokenizer { .. } => "the tokenizer frame".into(),
            EngineError::NotBuilt { feature, .. } => format!("feature '{feature}'"),
            EngineError::Token { .. } => "the embedding".into(),
            EngineError::Context { .. } => "the KV cache".into(),
            EngineError::Empty { what, .. } => (*what).into(),
            EngineError::NotFinite { layer, .. } | EngineError::Input { layer, .. } | EngineError::Gemv { layer, .. } => {
                format!("layer {layer}")
            }
        }
    }

    /// The next step for a person, one line.
    pub fn help(&self) -> &'static str {
        match self {
            EngineError::MissingMetadata { .. } | EngineError::BadMetadata { .. } => {
                "list the metadata with 'nda info FILE'; convert the model again with every key set"
            }
            EngineError::MissingTensor { .. } | EngineError::TensorShape { .. } => {
                "list the tensors with 'nda info FILE'; the document must hold what its program names"
            }
            EngineError::Program { .. } | EngineError::Input { .. } | EngineError::Row { .. } => {
                "mend the program (host/lang/LANGUAGE.md describes the language), or use a document that fits it"
            }
            EngineError::OldProgram { .. } => {
                "the weights are good: give the document a newer program, 'nda convert OLD.ndf NEW.ndf --program llama' (or gemma3, bitnet)"
            }
            EngineError::NoTokenProgram { .. } => "use --offload gemv, or convert the model again with this version",
            EngineError::NotBuilt { .. } => "build nda-cli with this feature, or with its default features",
            EngineError::Tokenizer { .. } => "use a document with vocab 'bytes' or with a tokenizer frame that this version reads",
            EngineError::Token { .. } => "the prompt's tokens must come from this model's tokenizer",
            EngineError::Context { .. } => "use a shorter prompt or a model with a longer context",
            EngineError::Empty { .. } => "give a longer text",
            EngineError::NotFinite { .. } => "check the model with 'nda check FILE'; its scales or norms are too large",
            EngineError::Gemv { source: GemvError::Device(_), .. } => "check the cable and 'nda devices', or run with '--backend cpu'",
            EngineError::Gemv { .. } => "see 'nda plan FILE' for what this back end holds, or run with '--backend cpu'",
        }
    }
}

/// Faults of a program's source or of the names in it: the first one, and how many there are.
impl From<Diagnostics> for EngineError {
    fn from(faults: Diagnostics) -> EngineError {
        let first = faults.first();
        let more = if faults.all.len() > 1 { format!(" (the first of {} faults)", faults.all.len()) } else { String::new() };
        EngineError::Program { place: faults.place(first), reason: format!("{}{more}", first.message) }
    }
}
