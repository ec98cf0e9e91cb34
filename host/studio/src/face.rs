//! The two faces.

pub mod glyphs;
pub mod terminal;
pub mod window;

/// Why a face cannot be shown.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}; {help}")]
pub struct FaceError {
    /// What was tried.
    pub what: &'static str,
    /// The system's answer.
    pub why: String,
    /// The next step.
    pub help: &'static str,
}
