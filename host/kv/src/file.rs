//! A text's cache as bytes: the chain in order, then what is open. Every byte stands under a hash that the next one is bound to, so
//! what was changed, left out or put elsewhere is found and located before anything of it is used. FORMAT.md has the layout.

use crate::body::{Body, BodyHead};
use crate::exact::{Codes, ExactHead};
use crate::frame::Frame;
use crate::frames::{Block, Frames};
use nda_spec::kv::{FRAME_POSITIONS, FrameForm};
use std::sync::Arc;

/// First bytes of a file.
pub const MAGIC: [u8; 8] = *b"NDAKV\0\x01\n";
/// Most blocks of a file, so that a wild number is an error and not a table.
const MAX_BLOCKS: usize = 1 << 16;
/// Longest note.
const MAX_NOTE: usize = 1 << 28;
/// Most heads and channels.
const MAX_HEAD: usize = 1 << 12;
/// Longest name of a model.
const MAX_NAME: usize = 256;

/// Why bytes are not a saved text, or none of this model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Another kind of file.
    #[error("this is not a saved conversation: it does not begin with NDAKV")]
    Magic,
    /// It ends too early.
    #[error("the file ends at byte {at}, within {place}; it was cut short")]
    Short {
        /// Where it ends.
        at: usize,
        /// What stands there.
        place: String,
    },
    /// Bytes behind the last.
    #[error("{0} bytes stand behind the end")]
    Long(usize),
    /// A number that cannot be.
    #[error("{place}: {value} is no {what}")]
    Number {
        /// Where.
        place: String,
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: usize,
    },
    /// A hash differs.
    #[error("{place}: its bytes are not those that were sealed; the file was changed or damaged there")]
    Seal {
        /// Where: the header, a frame, the open positions.
        place: String,
    },
    /// More positions than the session has.
    #[error("the text has {positions} positions, but the context has {context}")]
    TooLong {
        /// Positions of the text.
        positions: usize,
        /// Positions that there are.
        context: usize,
    },
    /// It belongs to another model, program or form.
    #[error("it was saved by the model '{model}' with --kv {form}, and this is another model, program or form: {wanted}")]
    Foreign {
        /// The name of the model that saved it.
        model: String,
        /// The form that it was saved in.
        form: &'static str,
        /// What it was opened for.
        wanted: String,
    },
}

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The form's number.
    form: u32,
    /// The name of the model.
    pub model: String,
    /// What the chain begins with: document, program and form.
    pub genesis: blake3::Hash,
    /// Key heads and channels of each block.
    blocks: Vec<(usize, usize)>,
    /// Closed frames.
    pub frames: usize,
    /// Tokens behind them.
    pub open: usize,
    /// Exact frames before the open one.
    recent: usize,
}

impl Header {
    /// The form.
    pub fn form(&self) -> &'static FrameForm {
        FrameForm::by_number(self.form).expect("it was looked up when the header was read")
    }

    /// Blocks that attend.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Positions in all.
    pub fn positions(&self) -> usize {
        self.frames * FRAME_POSITIONS + self.open
    }
}

fn put(out: &mut Vec<u8>, value: usize) {
    // Every number was bounded by what memory holds of it.
    out.extend((value as u32).to_le_bytes());
}

fn seal(parent: blake3::Hash, bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key("nda kv 1 part");
    hasher.update(parent.as_bytes()).update(bytes);
    hasher.finalize()
}

/// The bytes of a text's cache, and of a note of whoever saves it.
pub fn write(frames: &Frames, model: &str, note: &[u8]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    let recent = frames.blocks.first().map_or(0, |block| block.recent.len());
    put(&mut out, frames.form.number as usize);
    let name: String = model.chars().take(MAX_NAME / 4).collect();
    put(&mut out, name.len());
    out.extend(name.as_bytes());
    out.extend(frames.genesis.as_bytes());
    put(&mut out, frames.closed.len());
    put(&mut out, frames.tokens.len() - frames.closed.len() * FRAME_POSITIONS);
    put(&mut out, recent);
    put(&mut out, frames.blocks.len());
    for block in &frames.blocks {
        put(&mut out, block.open.len());
        put(&mut out, block.head_dim);
    }
    let header = seal(frames.genesis, &out);
    out.extend(header.as_bytes());
    for frame in &frames.closed {
        frame.tokens().iter().for_each(|token| out.extend(token.to_le_bytes()));
        frame.bodies().iter().flat_map(Body::heads).for_each(|head| head.put(&mut out));
        frame.sinks().iter().flatten().for_each(|head| put_exact(&mut out, head));
        out.extend(frame.seal().as_bytes());
    }
    let tail = out.len();
    frames.tokens[frames.closed.len() * FRAME_POSITIONS..].iter().for_each(|token| out.extend(token.to_le_bytes()));
    for block in &frames.blocks {
        block.recent.iter().flatten().chain(&block.open).for_each(|head| put_exact(&mut out, head));
    }
    put(&mut out, note.len());
    out.extend(note);
    let last = seal(frames.link().seal, &out[tail..]);
    let last = seal(header, last.as_bytes());
    out.extend(last.as_bytes());
    out
}

fn put_exact(out: &mut Vec<u8>, head: &ExactHead) {
    for codes in [&head.keys, &head.values] {
        out.extend(codes.codes.iter().map(|code| code.cast_unsigned()));
        out.extend(&codes.scales);
    }
}

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
        Ok(self.take(4 * count, place)?.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }

    fn body(&mut self, form: &FrameForm, (heads, head_dim): (usize, usize), place: &str) -> Result<Body, FileError> {
        let mut body = Vec::with_capacity(heads);
        for _ in 0..heads {
            let mut head = BodyHead::empty(form, head_dim);
            for words in [&mut head.keys, &mut head.values] {
                let bytes = self.take(8 * words.len(), place)?;
                words.iter_mut().zip(bytes.as_chunks().0).for_each(|(word, bytes)| *word = u64::from_le_bytes(*bytes));
            }
            head.key_mean.iter_mut().zip(self.take(head_dim, place)?).for_each(|(code, byte)| *code = byte.cast_signed());
            head.key_mean_scale = self.take(1, place)?[0];
            head.key_scales.copy_from_slice(self.take(FRAME_POSITIONS, place)?);
            head.value_scales.copy_from_slice(self.take(FRAME_POSITIONS, place)?);
            body.push(head);
        }
        Ok(Body::of(body))
    }

    fn exact(&mut self, positions: usize, (heads, head_dim): (usize, usize), place: &str) -> Result<Vec<ExactHead>, FileError> {
        let mut codes = || -> Result<Codes, FileError> {
            let codes = self.take(positions * head_dim, place)?.iter().map(|byte| byte.cast_signed()).collect();
            Ok(Codes { codes, scales: self.take(positions, place)?.to_vec() })
        };
        (0..heads).map(|_| Ok(ExactHead { keys: codes()?, values: codes()? })).collect()
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

/// What was saved.
#[derive(Debug, Clone)]
pub struct Saved {
    /// What the file says of itself.
    pub header: Header,
    /// The text's cache.
    pub frames: Frames,
    /// The note of whoever saved it.
    pub note: Vec<u8>,
}

/// A text's cache from its bytes, every hash checked.
///
/// # Errors
/// The first thing that is wrong.
pub fn read(bytes: &[u8]) -> Result<Saved, FileError> {
    let mut reader = Reader { bytes, at: 0 };
    let (header, sealed) = header(&mut reader)?;
    let form = header.form();
    let mut frames = Frames::new(form);
    frames.genesis = header.genesis;
    for index in 0..header.frames {
        let place = format!("frame {index} (positions {} to {})", index * FRAME_POSITIONS, (index + 1) * FRAME_POSITIONS - 1);
        let tokens = reader.tokens(FRAME_POSITIONS, &place)?;
        let bodies = header.blocks.iter().map(|&shape| reader.body(form, shape, &place)).collect::<Result<_, _>>()?;
        let of_sinks = |&shape: &(usize, usize)| reader.exact(form.sinks, shape, &place);
        let sinks = if index == 0 { header.blocks.iter().map(of_sinks).collect::<Result<_, _>>()? } else { Vec::new() };
        let frame = Frame::new(frames.link(), &tokens, bodies, sinks);
        if reader.hash(&place)? != frame.seal() {
            return Err(FileError::Seal { place });
        }
        frames.tokens.extend(tokens);
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
