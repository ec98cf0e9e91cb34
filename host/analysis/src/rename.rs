//! New names. A rename is tried on a copy first: it is refused if anything would mean something else.

use crate::Analysis;
use nda_lang::ast::Span;
use nda_lang::{KEYWORDS, find_builtin};

/// Why a name cannot be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenameError {
    /// Nothing that can be renamed stands there.
    #[error("no name of this program stands here: put the cursor on a function, a variable or a constant")]
    NoName,
    /// A text that no name may be.
    #[error("'{0}' cannot be a name: a name starts with a letter or _ and goes on with letters, digits and _")]
    NotAName(String),
    /// A word of the language.
    #[error("'{0}' is a word of the language; choose another name")]
    Taken(String),
    /// Something else has this name where the old one is used, or the other way round.
    #[error("'{0}' means something else in a place where this name is used; choose another name")]
    Captured(String),
}

impl Analysis {
    /// What is to be replaced so that the name at a byte becomes another one: spans in order, all with the new name.
    ///
    /// # Errors
    /// No name there, one that is not allowed, or one that would change what the program means.
    pub fn rename(&self, byte: usize, name: &str) -> Result<Vec<Span>, RenameError> {
        let number = self.definition_number(byte).ok_or(RenameError::NoName)?;
        let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !name.starts_with(is_letter) || !name.chars().all(|c| is_letter(c) || c.is_ascii_digit()) {
            return Err(RenameError::NotAName(name.into()));
        }
        if KEYWORDS.contains(&name) || find_builtin(name).is_some() {
            return Err(RenameError::Taken(name.into()));
        }
        let mut places = self.places(number);
        places.sort_by_key(|span| span.start);
        let renamed = Analysis::new(replaced(&self.source, &places, name));
        if self.faults().len() != renamed.faults().len() || self.links() != renamed.links() {
            return Err(RenameError::Captured(name.into()));
        }
        Ok(places)
    }

    /// Which declaration each use means, in the order of the places.
    fn links(&self) -> Vec<usize> {
        let mut uses: Vec<_> = self.inspection.notes.uses.iter().map(|one| (one.span.start, one.definition)).collect();
        uses.sort_unstable();
        uses.into_iter().map(|(_, definition)| definition).collect()
    }
}

fn replaced(source: &str, places: &[Span], name: &str) -> String {
    let (mut text, mut at) = (String::with_capacity(source.len()), 0);
    for place in places {
        text.push_str(&source[at..place.start as usize]);
        text.push_str(name);
        at = place.end as usize;
    }
    text + &source[at..]
}
