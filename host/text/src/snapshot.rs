//! A text as it is at one moment: cheap to keep, to send to another thread, and to read.

use crate::buffers::{Buffers, Opened};
use crate::compact::{PIECE_BYTES, compacted};
use crate::leaf::Piece;
use crate::node::{Change, Inner, Node};
use crate::sums::{Sums, Unit};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A line and a column, from 0; the column in UTF-16 units, as editors' protocols count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// UTF-16 units before it in the line.
    pub column: usize,
}

/// A text at one moment. A clone is three pointers.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    root: Arc<Node>,
    buffers: Buffers,
    sums: Sums,
}

impl Snapshot {
    /// A text, opened.
    pub(crate) fn new(text: String) -> Snapshot {
        Snapshot::of(Buffers::new(text))
    }

    /// A text that somebody else holds.
    pub(crate) fn opened(text: Arc<dyn Opened>) -> Snapshot {
        Snapshot::of(Buffers::opened(text))
    }

    fn of(buffers: Buffers) -> Snapshot {
        let mut snapshot = Snapshot { root: Arc::default(), buffers, sums: Sums::default() };
        let bytes = snapshot.buffers.bytes_opened();
        if bytes > 0 {
            let sums = snapshot.buffers.sums(Default::default(), bytes);
            snapshot.put(0, Piece { place: Default::default(), sums });
        }
        snapshot
    }

    fn put(&mut self, at: u32, piece: Piece) {
        self.sums += piece.sums;
        let split = self.root.insert_at(at, piece, &self.buffers);
        self.grow(split);
    }

    fn grow(&mut self, split: Option<(Sums, Arc<Node>)>) {
        if let Some((sums, right)) = split {
            let left = std::mem::take(&mut self.root);
            self.root = Arc::new(Node::Inner(Inner::above((self.sums - sums, left), (sums, right))));
        }
    }

    /// Replaces bytes; the caller has checked that the range lies in the text, at borders of characters.
    pub(crate) fn replace(&mut self, range: Range<u32>, text: &str) {
        if range.start < range.end {
            let (removed, split) = self.root.remove_at(range.start, range.end, &self.buffers);
            self.sums -= removed;
            self.grow(split);
            while let Some(only) = self.root.only() {
                self.root = only;
            }
        }
        if !text.is_empty() {
            let place = self.buffers.add(text);
            self.put(range.start, Piece { place, sums: Sums::of(text.as_bytes()) });
        }
    }

    /// An earlier state of this text.
    pub(crate) fn at(&self, root: &Root) -> Snapshot {
        Snapshot { root: root.0.clone(), sums: root.1, buffers: self.buffers.clone() }
    }

    /// What [`Snapshot::at`] takes: a pointer.
    pub(crate) fn root(&self) -> Root {
        Root(self.root.clone(), self.sums)
    }

    /// The same text in the memory that it needs: see [`compacted`].
    pub(crate) fn compacted(&self) -> Snapshot {
        let (pieces, buffers) = compacted(&self.pieces(), &self.buffers);
        Snapshot { root: Node::of(&pieces), buffers, sums: self.sums }
    }

    /// All pieces.
    fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        walk(&self.root, 0, &(0..self.bytes()), &mut |piece, _| pieces.push(piece));
        pieces
    }

    /// Bytes of memory that the text takes beside what was opened, about.
    pub(crate) fn held_bytes(&self) -> usize {
        self.shape().0 * PIECE_BYTES + self.buffers.bytes_typed()
    }

    /// Bytes.
    pub fn bytes(&self) -> usize {
        self.sums.bytes as usize
    }

    /// Lines: one more than line ends.
    pub fn lines(&self) -> usize {
        self.sums.lines as usize + 1
    }

    /// UTF-16 units.
    pub fn units(&self) -> usize {
        self.sums.units as usize
    }

    /// Sums of all in front of the piece in which the `count`-th of a unit is reached, that piece, and how much is left in it.
    fn descend(&self, unit: Unit, mut left: u32) -> (Sums, Option<Piece>, u32) {
        let (mut before, mut node) = (Sums::default(), &*self.root);
        'down: loop {
            match node {
                Node::Inner(inner) => {
                    let mut last = None;
                    for (sums, child) in inner.children() {
                        if left <= unit.of(&sums) {
                            node = child;
                            continue 'down;
                        }
                        last = Some(sums);
                        left -= unit.of(&sums);
                        before += sums;
                    }
                    debug_assert!(last.is_none(), "a place behind the text");
                    return (before, None, left);
                }
                Node::Leaf(leaf) => {
                    for piece in leaf.pieces() {
                        if left <= unit.of(&piece.sums) {
                            return (before, Some(piece), left);
                        }
                        left -= unit.of(&piece.sums);
                        before += piece.sums;
                    }
                    return (before, None, left);
                }
            }
        }
    }

    /// Sums of all in front of a byte.
    fn sums_before(&self, byte: usize) -> Sums {
        let (before, piece, left) = self.descend(Unit::Bytes, byte.min(self.bytes()) as u32);
        before + piece.map_or(Sums::default(), |piece| self.buffers.sums(piece.place, left))
    }

    /// Where a line begins; lines behind the last begin at the end.
    pub fn line_start(&self, line: usize) -> usize {
        if line == 0 {
            return 0;
        }
        if line >= self.lines() {
            return self.bytes();
        }
        let (before, piece, left) = self.descend(Unit::Lines, line as u32);
        let within = piece.map_or(0, |piece| self.buffers.nth(piece.place, piece.sums.bytes, Unit::Lines, left));
        before.bytes as usize + within
    }

    /// The line that holds a byte.
    pub fn line_of(&self, byte: usize) -> usize {
        self.sums_before(byte).lines as usize
    }

    /// UTF-16 units before a byte.
    pub fn units_before(&self, byte: usize) -> usize {
        self.sums_before(byte).units as usize
    }

    /// The byte in front of which these many UTF-16 units are; within a pair, the character's first byte.
    pub fn byte_of_units(&self, units: usize) -> usize {
        let units = units.min(self.units()) as u32;
        let (before, piece, left) = self.descend(Unit::Units, units);
        let within = piece.map_or(0, |piece| self.buffers.nth(piece.place, piece.sums.bytes, Unit::Units, left));
        before.bytes as usize + within
    }

    /// The position of a byte.
    pub fn position(&self, byte: usize) -> Position {
        let here = self.sums_before(byte);
        let start = self.sums_before(self.line_start(here.lines as usize));
        Position { line: here.lines as usize, column: (here.units - start.units) as usize }
    }

    /// The byte at a position; columns behind the line's end are its end.
    pub fn byte_at(&self, position: Position) -> usize {
        let start = self.line_start(position.line);
        let end = self.line_start(position.line + 1);
        let end = if position.line + 1 < self.lines() { end - 1 } else { end };
        self.byte_of_units(self.units_before(start) + position.column).min(end)
    }

    /// The text of a range, in parts as they lie in the buffers.
    ///
    /// # Panics
    /// A range that is not in the text or cuts a character.
    pub fn parts(&self, range: Range<usize>) -> Vec<&str> {
        assert!(range.start <= range.end && range.end <= self.bytes(), "{range:?} is not in a text of {} bytes", self.bytes());
        let mut parts = Vec::new();
        walk(&self.root, 0, &range, &mut |piece, within| parts.push(self.buffers.text(piece.place, within)));
        parts
    }

    /// The bytes of a range, which may cut characters.
    ///
    /// # Panics
    /// A range that is not in the text.
    pub fn slice_bytes(&self, range: Range<usize>) -> Vec<u8> {
        assert!(range.start <= range.end && range.end <= self.bytes(), "{range:?} is not in a text of {} bytes", self.bytes());
        let mut bytes = Vec::with_capacity(range.len());
        walk(&self.root, 0, &range, &mut |piece, within| bytes.extend(&self.buffers.raw(piece.place, piece.sums.bytes)[within]));
        bytes
    }

    /// The text of a range.
    ///
    /// # Panics
    /// A range that is not in the text or cuts a character.
    pub fn slice(&self, range: Range<usize>) -> String {
        self.parts(range).concat()
    }

    /// A line, without its end.
    pub fn line(&self, line: usize) -> String {
        let (start, end) = (self.line_start(line), self.line_start(line + 1));
        let mut text = self.slice(start..end);
        if text.ends_with('\n') {
            text.pop();
        }
        text
    }

    /// Whether a byte begins a character, or is the end.
    pub fn is_boundary(&self, byte: usize) -> bool {
        if byte == 0 || byte == self.bytes() {
            return true;
        }
        if byte > self.bytes() {
            return false;
        }
        // A character of one byte is one unit, and every other has fewer units than bytes: this text is ASCII.
        if self.sums.units == self.sums.bytes {
            return true;
        }
        let (_, piece, left) = self.descend(Unit::Bytes, byte as u32);
        let begins = |byte: &u8| (*byte as i8) >= -64;
        piece.is_some_and(|piece| self.buffers.raw(piece.place, piece.sums.bytes).get(left as usize).is_none_or(begins))
    }

    /// Pieces, and the height of the tree above them.
    pub fn shape(&self) -> (usize, usize) {
        fn shape(node: &Node) -> (usize, usize) {
            match node {
                Node::Leaf(leaf) => (leaf.count(), 0),
                Node::Inner(inner) => inner.children().map(|(_, child)| shape(child)).fold((0, 1), |(n, h), (m, g)| (n + m, h.max(g + 1))),
            }
        }
        shape(&self.root)
    }

    /// Whether all sums are those of the bytes below them: what tests ask after every step.
    pub fn is_sound(&self) -> bool {
        fn sound(node: &Node, buffers: &Buffers) -> Option<Sums> {
            match node {
                Node::Leaf(leaf) => {
                    let is_right = |piece: &Piece| Sums::of(buffers.raw(piece.place, piece.sums.bytes)) == piece.sums;
                    leaf.pieces().all(|piece| is_right(&piece)).then(|| node.sums())
                }
                Node::Inner(inner) => inner.children().all(|(sums, child)| sound(child, buffers) == Some(sums)).then(|| node.sums()),
            }
        }
        sound(&self.root, &self.buffers) == Some(self.sums)
    }
}

/// Says the pieces of a range, and which of their bytes are in it.
fn walk(node: &Node, mut at: usize, range: &Range<usize>, say: &mut dyn FnMut(Piece, Range<usize>)) {
    match node {
        Node::Inner(inner) => {
            for (sums, child) in inner.children() {
                if at < range.end && at + sums.bytes as usize > range.start {
                    walk(child, at, range, say);
                }
                at += sums.bytes as usize;
            }
        }
        Node::Leaf(leaf) => {
            for piece in leaf.pieces() {
                let end = at + piece.sums.bytes as usize;
                let (first, last) = (range.start.max(at), range.end.min(end));
                if first < last {
                    say(piece, first - at..last - at);
                }
                at = end;
            }
        }
    }
}

/// A state of a text for its undo: the tree alone, without the buffers.
#[derive(Debug, Clone)]
pub(crate) struct Root(Arc<Node>, Sums);

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts(0..self.bytes()).into_iter().try_for_each(|part| f.write_str(part))
    }
}
