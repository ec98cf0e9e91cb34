//! Leaves: pieces side by side, their lengths apart from the rest, because a search reads lengths alone.

use crate::buffers::{Buffers, Place};
use crate::sums::Sums;

/// Pieces in a leaf, at most.
pub const LEAF: usize = 32;

/// A run of bytes in the buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Piece {
    /// Where the bytes are.
    pub place: Place,
    /// Their sums.
    pub sums: Sums,
}

impl Piece {
    /// The piece's first bytes and the rest.
    fn split(self, at: u32, buffers: &Buffers) -> (Piece, Piece) {
        let behind = Place { at: self.place.at + at, ..self.place };
        // The shorter part is counted.
        let first =
            if at <= self.sums.bytes / 2 { buffers.sums(self.place, at) } else { self.sums - buffers.sums(behind, self.sums.bytes - at) };
        (Piece { place: self.place, sums: first }, Piece { place: behind, sums: self.sums - first })
    }

    /// Whether `next` goes on where this ends.
    fn is_followed_by(&self, next: &Piece) -> bool {
        self.place.chunk == next.place.chunk && self.place.at + self.sums.bytes == next.place.at
    }
}

/// What a piece is but its length.
#[derive(Debug, Clone, Copy, Default)]
struct Tail {
    place: Place,
    lines: u32,
    units: u32,
}

/// A leaf.
#[derive(Debug, Clone)]
pub struct Leaf {
    count: usize,
    bytes: [u32; LEAF],
    tails: [Tail; LEAF],
}

impl Default for Leaf {
    fn default() -> Leaf {
        Leaf { count: 0, bytes: [0; LEAF], tails: [Tail::default(); LEAF] }
    }
}

/// The number whose share of `bytes` holds `at`, or ends there, and the place in it.
pub fn find(bytes: &[u32], mut at: u32) -> (usize, u32) {
    let last = bytes.len().saturating_sub(1);
    for (k, &bytes) in bytes[..last].iter().enumerate() {
        if at <= bytes {
            return (k, at);
        }
        at -= bytes;
    }
    (last, at)
}

impl Leaf {
    /// A leaf of these pieces, [`LEAF`] at most.
    pub fn of(pieces: &[Piece]) -> Leaf {
        let mut leaf = Leaf::default();
        leaf.put(0, pieces);
        leaf
    }

    /// Pieces.
    pub fn count(&self) -> usize {
        self.count
    }

    /// A piece.
    pub fn piece(&self, k: usize) -> Piece {
        let Tail { place, lines, units } = self.tails[k];
        Piece { place, sums: Sums { bytes: self.bytes[k], lines, units } }
    }

    /// All pieces.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> {
        (0..self.count).map(|k| self.piece(k))
    }

    fn set(&mut self, k: usize, piece: Piece) {
        self.bytes[k] = piece.sums.bytes;
        self.tails[k] = Tail { place: piece.place, lines: piece.sums.lines, units: piece.sums.units };
    }

    /// The sums of all pieces.
    pub fn sums(&self) -> Sums {
        self.pieces().fold(Sums::default(), |all, piece| all + piece.sums)
    }

    /// Takes all pieces of the leaf behind, if there is room.
    pub fn take(&mut self, right: &Leaf) -> bool {
        let count = self.count + right.count;
        if count <= LEAF {
            self.bytes[self.count..count].copy_from_slice(&right.bytes[..right.count]);
            self.tails[self.count..count].copy_from_slice(&right.tails[..right.count]);
            self.count = count;
        }
        count <= LEAF
    }

    /// Makes room for `new` pieces in front of number `k`.
    fn shift(&mut self, k: usize, new: usize) {
        self.bytes.copy_within(k..self.count, k + new);
        self.tails.copy_within(k..self.count, k + new);
        self.count += new;
    }

    /// Puts pieces in front of number `k`; what does not fit is a new leaf behind this one.
    fn put(&mut self, k: usize, new: &[Piece]) -> Option<Leaf> {
        if self.count + new.len() <= LEAF {
            self.shift(k, new.len());
            new.iter().enumerate().for_each(|(i, piece)| self.set(k + i, *piece));
            return None;
        }
        let half = self.count / 2;
        let mut right = Leaf { count: self.count - half, ..Leaf::default() };
        right.bytes[..right.count].copy_from_slice(&self.bytes[half..self.count]);
        right.tails[..right.count].copy_from_slice(&self.tails[half..self.count]);
        self.count = half;
        let none = if k <= half { self.put(k, new) } else { right.put(k - half, new) };
        debug_assert!(none.is_none(), "half a leaf has room for two");
        Some(right)
    }

    /// Inserts a piece; what does not fit is a new leaf behind this one.
    pub fn insert(&mut self, at: u32, piece: Piece, buffers: &Buffers) -> Option<Leaf> {
        if self.count == 0 {
            return self.put(0, &[piece]);
        }
        let (k, at) = find(&self.bytes[..self.count], at);
        let there = self.piece(k);
        if at == there.sums.bytes {
            if there.is_followed_by(&piece) {
                self.set(k, Piece { sums: there.sums + piece.sums, ..there });
                return None;
            }
            return self.put(k + 1, &[piece]);
        }
        if at == 0 {
            return self.put(k, &[piece]);
        }
        let (first, rest) = there.split(at, buffers);
        self.set(k, first);
        self.put(k + 1, &[piece, rest])
    }

    /// Removes bytes; their sums, and what does not fit any more (a cut in one piece makes two).
    pub fn remove(&mut self, from: u32, to: u32, buffers: &Buffers) -> (Sums, Option<Leaf>) {
        let (mut removed, mut left) = (Sums::default(), to - from);
        // The piece that holds the first byte: `find` prefers the one that ends there.
        let (mut k, at) = find(&self.bytes[..self.count], from + 1);
        let (mut at, first) = (at - 1, k);
        let mut whole = (first, first);
        while left > 0 && k < self.count {
            let piece = self.piece(k);
            let take = left.min(piece.sums.bytes - at);
            left -= take;
            if take == piece.sums.bytes {
                removed += piece.sums;
                whole = if whole.0 == whole.1 { (k, k + 1) } else { (whole.0, k + 1) };
            } else {
                let (head, rest) = if at > 0 { piece.split(at, buffers) } else { (Piece::default(), piece) };
                let (gone, tail) = if take < rest.sums.bytes { rest.split(take, buffers) } else { (rest, Piece::default()) };
                removed += gone.sums;
                self.set(k, if at > 0 { head } else { tail });
                if at > 0 && tail.sums.bytes > 0 {
                    return (removed, self.put(k + 1, &[tail]));
                }
            }
            at = 0;
            k += 1;
        }
        let (start, end) = whole;
        if start < end {
            self.bytes.copy_within(end..self.count, start);
            self.tails.copy_within(end..self.count, start);
            self.count -= end - start;
        }
        (removed, None)
    }
}
