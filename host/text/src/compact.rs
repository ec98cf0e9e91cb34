//! A text in the memory that it needs. Hours of typing leave pieces of a few bytes, each of which takes more memory than its bytes, and
//! typed bytes that no piece speaks of any more. Both go when the short pieces that lie side by side are copied into new buffers.

use crate::buffers::{Buffers, Place};
use crate::leaf::Piece;
use crate::sums::Sums;
use std::collections::BTreeMap;

/// Bytes of memory that a piece takes in a leaf that is half full.
pub const PIECE_BYTES: usize = 40;
/// A piece with at most these many bytes is copied wherever it lies: a copy takes less memory than a piece of its own.
const SHORT_BYTES: u32 = 2 * PIECE_BYTES as u32;

/// The same text as fewer pieces, and buffers that hold what they need: all that was opened, and those of which most is in use.
pub fn compacted(pieces: &[Piece], from: &Buffers) -> (Vec<Piece>, Buffers) {
    let is_long = |piece: &Piece| piece.sums.bytes > SHORT_BYTES;
    let mut used = BTreeMap::new();
    for piece in pieces.iter().filter(|piece| is_long(piece)) {
        *used.entry(piece.place.chunk).or_insert(0) += piece.sums.bytes as usize;
    }
    let (mut to, numbers) = from.kept(&used);
    let kept = |piece: &Piece| numbers[piece.place.chunk as usize].filter(|_| is_long(piece));
    let (mut made, mut rest) = (Vec::new(), pieces);
    while let Some((first, behind)) = rest.split_first() {
        if let Some(chunk) = kept(first) {
            made.push(Piece { place: Place { chunk, ..first.place }, ..*first });
            rest = behind;
            continue;
        }
        let (run, behind) = rest.split_at(rest.iter().position(|piece| kept(piece).is_some()).unwrap_or(rest.len()));
        made.push(copied(run, from, &mut to));
        rest = behind;
    }
    (made, to)
}

/// Pieces side by side as one.
fn copied(run: &[Piece], from: &Buffers, to: &mut Buffers) -> Piece {
    let text: String = run.iter().map(|piece| from.text(piece.place, 0..piece.sums.bytes as usize)).collect();
    let sums = run.iter().fold(Sums::default(), |all, piece| all + piece.sums);
    Piece { place: to.add(&text), sums }
}
