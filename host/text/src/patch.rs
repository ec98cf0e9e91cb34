//! Patches: three forms, one meaning. Every edit is a range with the text expected there and the text that replaces it; it is
//! matched exactly once, or the whole patch is refused with the nearest places.

mod apply;
mod envelope;
mod error;
mod find;
mod lines;
mod unified;

pub use apply::{Applied, Range, apply};
pub use envelope::parse as parse_envelope;
pub use error::{Near, Offer, PatchError};
pub use unified::parse as parse_unified;

/// One edit of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Text that stands there once, and what replaces it. Only in an empty file may `old` be empty.
    Replace {
        /// The text that stands there.
        old: String,
        /// What replaces it.
        new: String,
    },
    /// Lines by number, from 1, the last one included, and what is expected there.
    Lines {
        /// The first line.
        first: usize,
        /// The last line.
        last: usize,
        /// Their text, without the last line end.
        expect: String,
        /// What replaces them, without the last line end.
        new: String,
    },
    /// Lines of a hunk.
    Hunk(Hunk),
}

/// A hunk: whole lines, without their ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hunk {
    /// Lines above it, each once in the text behind the one before; the hunk is behind the last.
    pub anchors: Vec<String>,
    /// Context and removed lines, in order.
    pub old: Vec<String>,
    /// Context and added lines, in order.
    pub new: Vec<String>,
    /// Whether it must end where the file ends.
    pub end: HunkEnd,
    /// The first line that the patch names, from 1. It is trusted only where the file is known to be the one the patch was made of.
    pub line: Option<usize>,
}

/// What a hunk says of the file's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HunkEnd {
    /// Nothing.
    #[default]
    Anywhere,
    /// It ends where the file ends; the last line end stays as it is.
    OfFile,
    /// The same, and the last line's end before and after is as said.
    Says {
        /// Whether the old text ends with a line end.
        old: LastLine,
        /// Whether the new one does.
        new: LastLine,
    },
}

/// How a file's last line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastLine {
    /// With a line end.
    Ended,
    /// Without.
    Open,
}

/// What a patch does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Edits it; the new path, if it moves.
    Update {
        /// The edits; none for a move or a change of mode alone.
        edits: Vec<Edit>,
        /// Where it goes.
        to: Option<String>,
    },
    /// Makes it; it must not be there.
    Add {
        /// Its text.
        text: String,
    },
    /// Deletes it.
    Delete {
        /// The text that it must have, if the patch lists it.
        expect: Option<String>,
    },
}

/// One file of a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePatch {
    /// The path, as the patch gives it.
    pub path: String,
    /// What is done.
    pub action: Action,
    /// Whether the patch makes it executable, if it says so.
    pub executable: Option<bool>,
}

/// Whether the text is known to be the one that the patch was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known {
    /// It is not: line numbers prove nothing, and a patch may be a replay.
    #[default]
    No,
    /// Its hash is the patch's base: line numbers hold.
    Yes,
}

/// Reads a patch in either of the two forms of text.
///
/// # Errors
/// The line that is wrong.
pub fn parse(text: &str) -> Result<Vec<FilePatch>, PatchError> {
    if text.trim_start().starts_with("*** Begin Patch") { envelope::parse(text) } else { unified::parse(text) }
}
