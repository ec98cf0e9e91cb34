//! Why a patch is refused, and what helps: the nearest places with the first line that differs.

use std::fmt;

/// Most places that a refusal lists.
pub const MOST_PLACES: usize = 20;

/// A place that is near to what was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Near {
    /// Its first line, from 1.
    pub line: usize,
    /// Lines that are equal, of how many.
    pub equal: (usize, usize),
    /// The first line that differs, from 1.
    pub differs_at: usize,
    /// What the patch has there.
    pub wanted: String,
    /// What the file has there; `None` behind its end.
    pub found: Option<String>,
}

/// A looser match, for whoever proposes to take up; it is never applied by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What was looked over: `trailing blanks` or `indentation`.
    pub loosened: &'static str,
    /// The first line, from 1.
    pub line: usize,
    /// The text that stands there, exactly.
    pub text: String,
}

/// Why a patch is refused; nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatchError {
    /// The patch itself cannot be read.
    Form {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// Nothing matches.
    None {
        /// The edit, from 1.
        edit: usize,
        /// The nearest places, the best first.
        near: Vec<Near>,
        /// A looser match, if there is one alone.
        offer: Option<Offer>,
    },
    /// Several places match.
    Several {
        /// The edit, from 1.
        edit: usize,
        /// The lines where they begin.
        lines: Vec<usize>,
    },
    /// An anchor stands nowhere, or at several places.
    Anchor {
        /// The edit, from 1.
        edit: usize,
        /// The anchor.
        anchor: String,
        /// The lines where it stands.
        lines: Vec<usize>,
    },
    /// An addition that does not say where.
    NoAnchor {
        /// The edit, from 1.
        edit: usize,
    },
    /// Lines by number that hold something else.
    Expected {
        /// The edit, from 1.
        edit: usize,
        /// The first line that differs, and both texts.
        near: Near,
        /// Where the expected text stands instead, if at one place alone.
        elsewhere: Option<usize>,
    },
    /// Two edits of the same lines.
    Overlap {
        /// The two edits, from 1.
        edits: (usize, usize),
    },
    /// Some edits are in the file already, others are not.
    Partly {
        /// Those that are, from 1.
        applied: Vec<usize>,
    },
    /// The edit leaves everything as it is.
    NoChange,
}

impl fmt::Display for Near {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (equal, of) = self.equal;
        write!(f, "line {}: {equal} of {of} lines equal; line {} ", self.line, self.differs_at)?;
        match &self.found {
            Some(found) => write!(f, "is {found:?}, the patch has {:?}", self.wanted),
            None => write!(f, "is behind the end, the patch has {:?}", self.wanted),
        }
    }
}

fn listed(lines: &[usize]) -> String {
    let mut text = lines.iter().take(MOST_PLACES).map(usize::to_string).collect::<Vec<_>>().join(", ");
    if lines.len() > MOST_PLACES {
        text.push_str(&format!(" and {} more", lines.len() - MOST_PLACES));
    }
    text
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PatchError::Form { line, why } => write!(f, "line {line} of the patch: {why}"),
            PatchError::None { edit, near, offer } => {
                write!(f, "edit {edit}: the file has no such text")?;
                near.iter().try_for_each(|near| write!(f, "\n  {near}"))?;
                match offer {
                    Some(Offer { loosened, line, text }) => {
                        write!(f, "\n  without regard to {loosened}, line {line} matches; its text is\n{text}")
                    }
                    None => Ok(()),
                }
            }
            PatchError::Several { edit, lines } => {
                write!(f, "edit {edit}: the text stands at lines {}; add lines around it, or the file's hash as base", listed(lines))
            }
            PatchError::Anchor { edit, anchor, lines } if lines.is_empty() => {
                write!(f, "edit {edit}: there is no line {anchor:?} behind the anchors before it")
            }
            PatchError::Anchor { edit, anchor, lines } => {
                write!(f, "edit {edit}: the anchor {anchor:?} stands at lines {}; name one above it too", listed(lines))
            }
            PatchError::NoAnchor { edit } => {
                write!(f, "edit {edit} only adds and does not say where: give a line beside it as context, or an anchor")
            }
            PatchError::Expected { edit, near, elsewhere } => {
                write!(f, "edit {edit}: {near}")?;
                elsewhere.map_or(Ok(()), |line| write!(f, "; the expected text stands at line {line}"))
            }
            PatchError::Overlap { edits: (a, b) } => write!(f, "edits {a} and {b} change the same lines; make them one"),
            PatchError::Partly { applied } => write!(f, "edits {} are in the file already, the others are not", listed(applied)),
            PatchError::NoChange => write!(f, "the patch changes nothing"),
        }
    }
}

impl std::error::Error for PatchError {}
