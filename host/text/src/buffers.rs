//! The bytes that pieces speak of: the text as it was opened, and what was typed since. Bytes are only ever added; what no piece
//! speaks of any more goes when a text is compacted.

use crate::sums::{Sums, Unit};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Bytes that a chunk of typed text holds. After a snapshot the next edit copies the last chunk, so it is small.
const CHUNK_BYTES: usize = 4096;
/// A chunk longer than this has its sums counted ahead, every [`BLOCK_BYTES`].
const MARKED_BYTES: usize = 4 * BLOCK_BYTES;
/// Bytes between two marks.
const BLOCK_BYTES: usize = 256;

/// A text that somebody else holds: a mapped file. Its bytes never change.
pub trait Opened: Send + Sync {
    /// All bytes.
    fn bytes(&self) -> &[u8];
}

/// Where a chunk's bytes are.
#[derive(Clone)]
enum Held {
    Own(String),
    Other(Arc<dyn Opened>),
}

impl Default for Held {
    fn default() -> Held {
        Held::Own(String::new())
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.as_bytes().len())
    }
}

impl Held {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Held::Own(text) => text.as_bytes(),
            Held::Other(opened) => opened.bytes(),
        }
    }

    /// Some bytes at borders of characters.
    fn text(&self, range: Range<usize>) -> &str {
        match self {
            Held::Own(text) => &text[range],
            Held::Other(opened) => std::str::from_utf8(&opened.bytes()[range]).expect("checked when it was opened, and it never changes"),
        }
    }

    fn own(&self) -> &str {
        self.text(0..self.as_bytes().len())
    }
}

/// A part of the bytes.
#[derive(Debug, Clone, Default)]
struct Chunk {
    text: Held,
    /// Sums of everything before each block.
    marks: Vec<Sums>,
}

impl Chunk {
    fn new(text: Held) -> Chunk {
        let mut marks = Vec::new();
        if text.as_bytes().len() > MARKED_BYTES {
            marks.reserve_exact(text.as_bytes().len().div_ceil(BLOCK_BYTES) + 1);
            let mut before = Sums::default();
            for block in text.as_bytes().chunks(BLOCK_BYTES) {
                marks.push(before);
                before += Sums::of(block);
            }
            marks.push(before);
        }
        Chunk { text, marks }
    }

    /// Sums of everything before a place.
    fn before(&self, at: usize) -> Sums {
        let block = at / BLOCK_BYTES;
        self.marks[block] + Sums::of(&self.text.as_bytes()[block * BLOCK_BYTES..at])
    }

    fn sums(&self, from: usize, to: usize) -> Sums {
        if to - from <= MARKED_BYTES || self.marks.is_empty() {
            return Sums::of(&self.text.as_bytes()[from..to]);
        }
        self.before(to) - self.before(from)
    }

    fn with_room(&self) -> Chunk {
        let mut text = String::with_capacity(CHUNK_BYTES);
        text.push_str(self.text.own());
        Chunk { text: Held::Own(text), marks: Vec::new() }
    }
}

/// All bytes, shared with every snapshot.
#[derive(Debug, Clone)]
pub struct Buffers {
    closed: Arc<Vec<Arc<Chunk>>>,
    /// The chunk that is written to.
    open: Arc<Chunk>,
}

/// Where some bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The chunk's number.
    pub chunk: u32,
    /// The first byte in it.
    pub at: u32,
}

impl Default for Buffers {
    fn default() -> Buffers {
        Buffers::new(String::new())
    }
}

impl Buffers {
    /// The bytes of a text as it was opened: chunk 0.
    pub fn new(text: String) -> Buffers {
        Buffers::of(Held::Own(text))
    }

    /// The bytes of a text that somebody else holds, which are UTF-8: chunk 0.
    pub fn opened(text: Arc<dyn Opened>) -> Buffers {
        Buffers::of(Held::Other(text))
    }

    fn of(text: Held) -> Buffers {
        Buffers { closed: Arc::new(vec![Arc::new(Chunk::new(text))]), open: Arc::new(Chunk::default()) }
    }

    /// Bytes of the text as it was opened.
    pub fn bytes_opened(&self) -> u32 {
        self.closed[0].text.as_bytes().len() as u32
    }

    fn chunk(&self, number: u32) -> &Chunk {
        self.closed.get(number as usize).unwrap_or(&self.open)
    }

    /// The bytes opened, and the chunks of typed text that are worth keeping rather than copying what of them is in use: at most a quarter
    /// is lost. Each old chunk's new number comes back, none for those that are left out. `used` has the bytes in use, chunk by chunk.
    pub fn kept(&self, used: &BTreeMap<u32, usize>) -> (Buffers, Vec<Option<u32>>) {
        let (mut closed, mut numbers) = (Vec::new(), Vec::new());
        for (old, chunk) in (0..).zip(self.closed.iter()) {
            let is_used = used.get(&old).is_some_and(|used| 4 * used >= 3 * chunk.text.as_bytes().len());
            numbers.push((old == 0 || is_used).then_some(closed.len() as u32));
            if old == 0 || is_used {
                closed.push(chunk.clone());
            }
        }
        numbers.push(None);
        (Buffers { closed: Arc::new(closed), open: Arc::default() }, numbers)
    }

    /// Bytes that were typed, used or not.
    pub fn bytes_typed(&self) -> usize {
        let typed = self.closed.iter().skip(1).chain([&self.open]);
        typed.map(|chunk| chunk.text.as_bytes().len()).sum()
    }

    /// Puts the open chunk among the closed ones.
    fn close(&mut self) -> &mut Vec<Arc<Chunk>> {
        let full = std::mem::take(&mut self.open);
        let closed = Arc::make_mut(&mut self.closed);
        if !full.text.as_bytes().is_empty() {
            closed.push(full);
        }
        closed
    }

    /// Adds a text; all of it is in one chunk.
    pub fn add(&mut self, text: &str) -> Place {
        let used = self.open.text.as_bytes().len();
        if used + text.len() > CHUNK_BYTES {
            let closed = self.close();
            if text.len() > CHUNK_BYTES {
                closed.push(Arc::new(Chunk::new(Held::Own(text.to_owned()))));
                return Place { chunk: closed.len() as u32 - 1, at: 0 };
            }
        }
        let place = Place { chunk: self.closed.len() as u32, at: self.open.text.as_bytes().len() as u32 };
        match Arc::get_mut(&mut self.open).map(|open| &mut open.text) {
            Some(Held::Own(open)) if open.capacity() > 0 => open.push_str(text),
            _ => {
                let mut open = self.open.with_room();
                if let Held::Own(own) = &mut open.text {
                    own.push_str(text);
                }
                self.open = Arc::new(open);
            }
        }
        place
    }

    /// Some bytes, `range` of those from a place on; at borders of characters.
    pub fn text(&self, place: Place, range: Range<usize>) -> &str {
        let at = place.at as usize;
        self.chunk(place.chunk).text.text(at + range.start..at + range.end)
    }

    /// Some bytes.
    pub fn raw(&self, place: Place, bytes: u32) -> &[u8] {
        let at = place.at as usize;
        &self.chunk(place.chunk).text.as_bytes()[at..at + bytes as usize]
    }

    /// The sums of some bytes.
    pub fn sums(&self, place: Place, bytes: u32) -> Sums {
        self.chunk(place.chunk).sums(place.at as usize, (place.at + bytes) as usize)
    }

    /// The byte behind the `count`-th of a unit in some bytes; within a pair of UTF-16 units, the character's first byte.
    pub fn nth(&self, place: Place, bytes: u32, unit: Unit, count: u32) -> usize {
        let chunk = self.chunk(place.chunk);
        let (start, end) = (place.at as usize, (place.at + bytes) as usize);
        let text = chunk.text.as_bytes();
        let (mut at, mut seen) = (start, 0);
        if bytes as usize > MARKED_BYTES && !chunk.marks.is_empty() {
            // The last block that begins before the place, and not before the bytes.
            let wanted = unit.of(&chunk.before(start)) + count;
            let block = chunk.marks.partition_point(|mark| unit.of(mark) < wanted).saturating_sub(1);
            if block * BLOCK_BYTES > start {
                (at, seen) = (block * BLOCK_BYTES, count - (wanted - unit.of(&chunk.marks[block])));
            }
        }
        while at < end && seen < count {
            let byte = text[at];
            let more = match unit {
                Unit::Bytes => 1,
                Unit::Lines => u32::from(byte == b'\n'),
                Unit::Units => u32::from((byte as i8) >= -64) + u32::from(byte >= 0xf0),
            };
            if seen + more > count {
                return at - start;
            }
            (at, seen) = (at + 1, seen + more);
        }
        // Behind a character's first byte its others follow.
        while unit == Unit::Units && at < end && (text[at] as i8) < -64 {
            at += 1;
        }
        at - start
    }
}
