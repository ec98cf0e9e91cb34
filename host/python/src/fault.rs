//! The error of this crate's border: what, where and the next step, whatever part of the project it comes from.

use nda_backends::{BackendError, SimError};
use nda_engine::EngineError;
use nda_gemv::GemvError;
use nda_ndf::NdfError;
use std::fmt::Display;
use std::path::Path;

/// Whose fault it is: each is a class of exceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The caller's: a value, a shape or a name.
    Argument,
    /// A file that is not read, or is not what it should be.
    Document,
    /// A model that cannot be run.
    Model,
    /// A back end or its board.
    Device,
}

/// What happened, where, and what to do: the three lines that the command prints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}\n  at: {at}\n  help: {help}")]
pub struct Fault {
    /// Whose it is.
    pub kind: Kind,
    /// What happened.
    pub what: String,
    /// Where.
    pub at: String,
    /// The next step.
    pub help: String,
}

impl Fault {
    /// A fault in words.
    pub fn new(kind: Kind, what: impl Display, at: impl Display, help: impl Display) -> Fault {
        Fault { kind, what: what.to_string(), at: at.to_string(), help: help.to_string() }
    }

    /// A fault of the caller's.
    pub fn argument(what: impl Display, at: impl Display, help: impl Display) -> Fault {
        Fault::new(Kind::Argument, what, at, help)
    }

    /// A document's fault: the place apart from what is wrong there.
    pub fn of_document(path: &Path, error: &NdfError) -> Fault {
        let place = path.display();
        match error {
            NdfError::Broken { at, fault } => {
                let help = "restore the file from where it came, or convert the model again";
                Fault::new(Kind::Document, fault, format_args!("{place}, {at}"), help)
            }
            NdfError::NoSuchFrame { .. } | NdfError::NoSuchKey { .. } => {
                Fault::argument(error, place, "Document.matrices and Document.vectors list what is there")
            }
            NdfError::File(error) => Fault::new(Kind::Document, error, place, error.help()),
            _ => Fault::new(Kind::Document, error, place, "check the path, the disk and the content"),
        }
    }

    /// What a back end said of a product.
    pub fn of_gemv(error: &GemvError, at: impl Display) -> Fault {
        match error {
            GemvError::Length { .. } => Fault::argument(error, at, "x has a value for each column of the matrix, y for each row"),
            GemvError::Value { .. } => Fault::argument(error, at, "use activation='A8', which has every int8"),
            GemvError::Device(_) => {
                Fault::new(Kind::Device, error, at, "check the board and its cable with 'nda devices', or use Device('cpu')")
            }
            GemvError::Unsupported { .. } => {
                Fault::new(Kind::Device, error, at, "see 'nda plan' for what a configuration holds, or use Device('cpu')")
            }
            _ => Fault::new(Kind::Device, error, at, "this is a mistake in nda; please report it with what led to it"),
        }
    }

    /// The same with the file in front of the place.
    #[must_use]
    pub fn in_file(self, path: &Path) -> Fault {
        Fault { at: format!("{}, {}", path.display(), self.at), ..self }
    }
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Fault {
        let kind = match &error {
            EngineError::Gemv { source, .. } => return Fault::of_gemv(source, error.place()),
            EngineError::Context { .. } | EngineError::Empty { .. } | EngineError::Token { .. } => Kind::Argument,
            _ => Kind::Model,
        };
        Fault::new(kind, &error, error.place(), error.help())
    }
}

impl From<BackendError> for Fault {
    fn from(error: BackendError) -> Fault {
        let unknown = |source: &SimError| matches!(source, SimError::Unknown { .. } | SimError::SlowUart { .. } | SimError::Config(_));
        let kind = match &error {
            BackendError::Name { .. } | BackendError::Config(_) => Kind::Argument,
            BackendError::Simulator { source, .. } if unknown(source) => Kind::Argument,
            _ => Kind::Device,
        };
        Fault::new(kind, &error, error.place(), error.help())
    }
}
