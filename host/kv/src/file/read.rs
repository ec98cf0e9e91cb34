//! The way back from a file's bytes: a frame's seal is checked over the bytes as they stand, then they become a frame.

use super::{FileError, Header, MAGIC, MAX_BLOCKS, MAX_HEAD, MAX_NAME, MAX_NOTE, Saved, seal};
use crate::body::{Body, HeadBytes};
use crate::exact::{Codes, ExactHead};
use crate::frame::{Frame, Link};
use crate::frames::{Block, Frames};
use nda_spec::kv::{FRAME_POSITIONS, FrameForm};
use std::sync::Arc;

/// Bytes that are read from the front.
struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize, place: &str) -> Result<&'b [u8], FileError> {
        let end = self.at.checked_add(count).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| FileError::Short { at: self.bytes.len(), place: place.into() })?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn number(&mut self, place: &str, what: &'static str, most: usize) -> Result<usize, FileError> {
        let bytes = self.take(4, place)?;
        let value = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
        if value <= most { Ok(value) } else { Err(FileError::Number { place: place.into(), what, value }) }
    }

    fn hash(&mut self, place: &str) -> Result<blake3::Hash, FileError> {
        Ok(blake3::Hash::from_slice(self.take(32, place)?).expect("32 bytes"))
    }

    fn tokens(&mut self, count: usize, place: &str) -> Result<Vec<u32>, FileError> {
        Ok(self.take(4 * count, place)?.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    fn body(&mut self, form: &FrameForm, (heads, head_dim): (usize, usize), place: &str) -> Result<Body, FileError> {
        let each = HeadBytes::of(form, head_dim);
        Ok(Body::from_bytes(heads, &each, self.take(heads * each.all(), place)?))
    }

    fn exact(&mut self, positions: usize, (heads, head_dim): (usize, usize), place: &str) -> Result<Vec<ExactHead>, FileError> {
        let mut codes = || -> Result<Codes, FileError> {
            let codes = self.take(positions * head_dim, place)?.iter().map(|byte| byte.cast_signed()).collect();
            Ok(Codes { codes, scales: self.take(positions, place)?.to_vec() })
        };
        (0..heads).map(|_| Ok(ExactHead { keys: codes()?, values: codes()? })).collect()
    }

    /// The frame behind `parent`.
    fn frame(&mut self, header: &Header, parent: Link) -> Result<Frame, FileError> {
        let (form, index) = (header.form(), parent.index);
        let place = format!("frame {index} (positions {} to {})", index * FRAME_POSITIONS, (index + 1) * FRAME_POSITIONS - 1);
        let tokens = self.tokens(FRAME_POSITIONS, &place)?;
        let first = self.at;
        let bodies = header.blocks.iter().map(|&shape| self.body(form, shape, &place)).collect::<Result<_, _>>()?;
        let of_sinks = |&shape: &(usize, usize)| self.exact(form.sinks, shape, &place);
        let sinks = if index == 0 { header.blocks.iter().map(of_sinks).collect::<Result<_, _>>()? } else { Vec::new() };
        let contents = &self.bytes[first..self.at];
        let frame = Frame::of_contents(parent, &tokens, bodies, sinks, contents);
        if self.hash(&place)? == frame.seal() { Ok(frame) } else { Err(FileError::Seal { place }) }
    }
}

fn header(reader: &mut Reader<'_>) -> Result<(Header, blake3::Hash), FileError> {
    let place = "the header";
    if reader.bytes.get(..MAGIC.len()) != Some(&MAGIC[..]) {
        return Err(FileError::Magic);
    }
    reader.at = MAGIC.len();
    let form = reader.number(place, "form", u32::MAX as usize)? as u32;
    let found = FrameForm::by_number(form).ok_or_else(|| FileError::Number { place: place.into(), what: "form", value: form as usize })?;
    let name_len = reader.number(place, "length of a name", MAX_NAME)?;
    let model = String::from_utf8_lossy(reader.take(name_len, place)?).into_owned();
    let genesis = reader.hash(place)?;
    let frames = reader.number(place, "number of frames", reader.bytes.len() / FRAME_POSITIONS)?;
    let open = reader.number(place, "number of open positions", FRAME_POSITIONS - 1)?;
    let recent = reader.number(place, "number of exact frames", (found.exact_frames + 1).min(frames))?;
    let count = reader.number(place, "number of blocks", MAX_BLOCKS)?;
    let blocks: Vec<(usize, usize)> = (0..count)
        .map(|_| Ok((reader.number(place, "number of heads", MAX_HEAD)?, reader.number(place, "length of a head", MAX_HEAD)?)))
        .collect::<Result<_, FileError>>()?;
    let sealed = seal(genesis, &reader.bytes[..reader.at]);
    if reader.hash(place)? != sealed {
        return Err(FileError::Seal { place: place.into() });
    }
    Ok((Header { form, model, genesis, blocks, frames, open, recent }, sealed))
}

/// What a file says of itself: its header alone is checked.
///
/// # Errors
/// What is wrong with it.
pub fn read_header(bytes: &[u8]) -> Result<Header, FileError> {
    header(&mut Reader { bytes, at: 0 }).map(|(header, _)| header)
}

/// A text's cache from its bytes, every hash checked.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(bytes: &[u8]) -> Result<Saved, FileError> {
    let mut reader = Reader { bytes, at: 0 };
    let (header, sealed) = header(&mut reader)?;
    let mut frames = Frames::new(header.form());
    frames.genesis = header.genesis;
    for _ in 0..header.frames {
        let frame = reader.frame(&header, frames.link())?;
        frames.tokens.extend(frame.tokens());
        frames.closed.push(Arc::new(frame));
    }
    let (place, tail) = ("the open positions", reader.at);
    frames.tokens.extend(reader.tokens(header.open, place)?);
    for (index, &shape) in header.blocks.iter().enumerate() {
        let recent = (0..header.recent).map(|_| reader.exact(FRAME_POSITIONS, shape, place)).collect::<Result<_, _>>()?;
        let open = reader.exact(header.open, shape, place)?;
        let sinks = frames.closed.first().map_or_else(Vec::new, |frame| frame.sinks()[index].clone());
        frames.blocks.push(Block { head_dim: shape.1, open, recent, sinks, pending: Vec::new() });
    }
    let note_len = reader.number("the note", "length of a note", MAX_NOTE)?;
    let note = reader.take(note_len, "the note")?.to_vec();
    let last = seal(sealed, seal(frames.link().seal, &bytes[tail..reader.at]).as_bytes());
    if reader.hash(place)? != last {
        return Err(FileError::Seal { place: place.into() });
    }
    match bytes.len() - reader.at {
        0 => Ok(Saved { header, frames, note }),
        behind => Err(FileError::Long(behind)),
    }
}
