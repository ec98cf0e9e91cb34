//! Reading numbers and text out of bytes that may hold anything.

use std::ops::Range;

use bytemuck::Pod;

use crate::{Fault, FrameLabel, NdfError, Place};

/// A stretch of the file that knows where it is, so that every fault can be located.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch<'a> {
    pub bytes: &'a [u8],
    /// Offset of the stretch in the file.
    pub offset: usize,
    /// The frame it belongs to, or `None` for the document's header.
    pub frame: Option<&'a FrameLabel>,
}

impl<'a> Stretch<'a> {
    /// The error of a fault at `offset` within the stretch.
    #[cold]
    pub fn fault(&self, offset: usize, fault: Fault) -> NdfError {
        let at = Place { frame: self.frame.cloned(), offset: (self.offset as u64).saturating_add(offset as u64) };
        NdfError::Broken { at, fault }
    }

    #[cold]
    fn too_short(&self, needed: usize) -> NdfError {
        self.fault(self.bytes.len(), Fault::PayloadBytes { expected: needed as u64, found: self.bytes.len() as u64 })
    }

    /// The bytes of a range.
    #[inline]
    pub fn range(&self, range: Range<usize>) -> Result<&'a [u8], NdfError> {
        self.bytes.get(range.clone()).ok_or_else(|| self.too_short(range.end))
    }

    /// The `u32` at an offset.
    pub fn u32(&self, offset: usize) -> Result<u32, NdfError> {
        let end = offset.saturating_add(4);
        let bytes = self.bytes.get(offset..end).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_le_bytes).ok_or_else(|| self.too_short(end))
    }

    /// The `u64` at an offset.
    pub fn u64(&self, offset: usize) -> Result<u64, NdfError> {
        let end = offset.saturating_add(8);
        let bytes = self.bytes.get(offset..end).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u64::from_le_bytes).ok_or_else(|| self.too_short(end))
    }

    /// The `u32` at an offset as a count, which must not be zero.
    pub fn count(&self, offset: usize, field: &'static str) -> Result<usize, NdfError> {
        match self.u32(offset)? {
            0 => Err(self.fault(offset, Fault::Field { field, found: 0, allowed: "at least 1" })),
            count => Ok(count as usize),
        }
    }

    /// The elements of a range, in place.
    #[inline]
    pub fn elements<T: Pod>(&self, range: Range<usize>) -> Result<&'a [T], NdfError> {
        bytemuck::try_cast_slice(self.range(range)?).map_err(|_| NdfError::Misaligned)
    }

    /// The elements of a range whose place has been checked before; `None` only if it has not.
    #[inline(always)]
    pub fn placed<T: Pod>(&self, range: &Range<usize>) -> Option<&'a [T]> {
        bytemuck::try_cast_slice(self.bytes.get(range.start..range.end)?).ok()
    }

    /// Refuses a range with a byte that is not zero.
    pub fn zeros(&self, range: Range<usize>) -> Result<(), NdfError> {
        let start = range.start;
        match self.range(range)?.iter().enumerate().find(|(_, byte)| **byte != 0) {
            Some((at, found)) => Err(self.fault(start.saturating_add(at), Fault::Padding { found: *found })),
            None => Ok(()),
        }
    }

    /// Refuses numbers that are not finite; `range` is where they stand.
    pub fn finite(&self, range: Range<usize>, what: &'static str) -> Result<(), NdfError> {
        let start = range.start;
        match self.elements::<f32>(range)?.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            Some((index, value)) => Err(self.fault(start + 4 * index, Fault::NotFinite { what, index, value: *value })),
            None => Ok(()),
        }
    }

    /// Refuses a stretch that is longer or shorter than `expected`.
    pub fn exactly(&self, expected: usize) -> Result<(), NdfError> {
        if self.bytes.len() == expected {
            return Ok(());
        }
        let fault = Fault::PayloadBytes { expected: expected as u64, found: self.bytes.len() as u64 };
        Err(self.fault(expected.min(self.bytes.len()), fault))
    }
}

/// Reads a stretch from front to back.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    pub stretch: Stretch<'a>,
    pub at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(stretch: Stretch<'a>) -> Self {
        Cursor { stretch, at: 0 }
    }

    /// The next `u32`.
    pub fn u32(&mut self) -> Result<u32, NdfError> {
        let value = self.stretch.u32(self.at)?;
        self.at += 4;
        Ok(value)
    }

    /// The next bytes, whose count stands before them.
    pub fn bytes(&mut self) -> Result<&'a [u8], NdfError> {
        let count = self.u32()? as usize;
        let bytes = self.stretch.range(self.at..self.at.saturating_add(count))?;
        self.at += count;
        Ok(bytes)
    }

    /// The next text, whose count of bytes stands before it.
    pub fn text(&mut self, what: &'static str) -> Result<&'a str, NdfError> {
        let start = self.at;
        std::str::from_utf8(self.bytes()?).map_err(|_| self.stretch.fault(start, Fault::NotUtf8 { what }))
    }

    /// Refuses what is left.
    pub fn end(self) -> Result<(), NdfError> {
        self.stretch.exactly(self.at)
    }
}
