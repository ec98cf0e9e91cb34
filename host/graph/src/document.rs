//! The tensors of a document, and their tiles on a board.

use crate::facts::{Facts, Kind, Symbol};
use nda_ndf::{Document, NdfError};

/// Why a document gives no tensors.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct GraphError(#[from] NdfError);

/// What a document holds: matrices, grids and vectors by name. `tiles`, if a plan is known, are the board's name and, in the order in
/// which the driver loads them, the fused products: names joined by `+`, and words of the tile store.
///
/// # Errors
/// Bytes that are not a document.
pub fn tensors(bytes: &[u8], tiles: Option<(&str, &[(String, usize)])>) -> Result<Facts, GraphError> {
    let document = Document::open_structure(bytes)?;
    let mut facts = Facts::default();
    let names = document.matrices().map(|m| m.name().to_owned()).chain(document.grids().map(|g| g.name().to_owned()));
    for name in names.chain(document.vectors().map(|v| v.name().to_owned())) {
        facts.add(Symbol::new(Kind::Tensor, &name, "", 0));
    }
    if let Some((board, products)) = tiles {
        let mut first = 0;
        for (name, words) in products {
            for tensor in name.split('+') {
                let mut tile = Symbol::new(Kind::Tile, &format!("{board}:{first}"), tensor.trim(), 0);
                tile.parts =
                    vec![(board.into(), "board".into()), (first.to_string(), "first word".into()), (words.to_string(), "words".into())];
                facts.add(tile);
            }
            first += words;
        }
    }
    Ok(facts)
}
