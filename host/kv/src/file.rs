//! A text's cache as bytes: the chain in order, then what is open. Every byte stands under a hash that the next one is bound to, so
//! what was changed, left out or put elsewhere is found and located before anything of it is used. FORMAT.md has the layout.

mod read;

use crate::frames::Frames;
use nda_spec::kv::{FRAME_POSITIONS, FrameForm};

pub use read::{read, read_header};

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
        frame.put_contents(&mut out);
        out.extend(frame.seal().as_bytes());
    }
    let tail = out.len();
    frames.tokens[frames.closed.len() * FRAME_POSITIONS..].iter().for_each(|token| out.extend(token.to_le_bytes()));
    for block in &frames.blocks {
        block.recent.iter().flatten().chain(&block.open).for_each(|head| head.put(&mut out));
    }
    put(&mut out, note.len());
    out.extend(note);
    let last = seal(frames.link().seal, &out[tail..]);
    let last = seal(header, last.as_bytes());
    out.extend(last.as_bytes());
    out
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
