//! Words that begin with a cache line, as those of a document do.

use std::ops::Deref;

/// Bytes of a cache line, and what the frames of a document are aligned to.
pub const LINE_BYTES: usize = 64;

/// Words from the start of a cache line on. A load of 64 bytes elsewhere takes two lines and twice the time.
#[derive(Debug)]
pub struct Lines {
    words: Vec<u64>,
    start: usize,
}

impl From<&[u64]> for Lines {
    fn from(from: &[u64]) -> Self {
        let mut words: Vec<u64> = Vec::with_capacity(from.len() + LINE_BYTES / 8);
        let start = words.as_ptr().align_offset(LINE_BYTES);
        words.resize(start, 0);
        words.extend_from_slice(from);
        Lines { words, start }
    }
}

impl Deref for Lines {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.words[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_with_a_line_and_hold_what_they_were_made_of() {
        for count in 0..50_u64 {
            let words: Vec<u64> = (0..count).collect();
            let lines = Lines::from(&words[..]);
            assert_eq!(lines.as_ptr().addr() % LINE_BYTES, 0);
            assert_eq!(*lines, words);
        }
    }
}
