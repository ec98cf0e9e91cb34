//! The tensors of a document, and their tiles on a board.

use crate::facts::{Facts, Kind, Symbol};
use nda_ndf::{Document, NdfError};

/// Why a document gives no tensors.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct GraphError(#[from] NdfError);

/// What a document holds: matrices, grids and vectors by name.
///
/// # Errors
/// Bytes that are not a document.
pub fn tensors(bytes: &[u8]) -> Result<Facts, GraphError> {
    let document = Document::open_structure(bytes)?;
    let mut facts = Facts::default();
    let names = document.matrices().map(|m| m.name().to_owned()).chain(document.grids().map(|g| g.name().to_owned()));
    for name in names.chain(document.vectors().map(|v| v.name().to_owned())) {
        facts.add(Symbol::new(Kind::Tensor, &name, "", 0));
    }
    Ok(facts)
}

/// A fused product on a board, as a plan says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its tensors, joined by `+`.
    pub name: String,
    /// The first word of the tile store that it has.
    pub first_word: u64,
    /// How many words.
    pub words: u64,
}

/// Which words of a board's tile store hold which tensors of a document.
pub fn tiles(board: &str, document: &str, products: &[Product]) -> Facts {
    let mut facts = Facts::default();
    for Product { name, first_word, words } in products {
        for tensor in name.split('+') {
            let mut tile = Symbol::new(Kind::Tile, &format!("{board}:{first_word}"), tensor.trim(), 0);
            let number = |number: &u64, what: &str| (number.to_string(), what.to_owned());
            tile.parts = vec![
                (board.into(), "board".into()),
                number(first_word, "first word"),
                number(words, "words"),
                (document.into(), "document".into()),
                (name.clone(), "product".into()),
            ];
            facts.add(tile);
        }
    }
    facts
}
