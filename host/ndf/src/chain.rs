//! Walking the chain of frames: the one place that decides whether bytes are a document.

use std::ops::Range;

use ahash::AHashMap;

use crate::fields::Stretch;
use crate::grid::GridLayout;
use crate::layout::{FRAME_HEADER_BYTES, HASH_BYTES, HEADER_BYTES, MAGIC, MatrixLayout, VERSION, VectorLayout, align_up, frame, header};
use crate::{Fault, FrameKind, FrameLabel, Kv, MAX_NAME_BYTES, Metadata, NdfError, Place, Tokenizer, grid, hash, matrix, vector};

/// How much of a document is read to judge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Headers, descriptors, names, text, scales, section padding: not hashes, planes, outliers, vector values.
    Structure,
    /// Every byte.
    Full,
}

/// What a walk learns; it borrows nothing, so it can stand next to a mapping.
#[derive(Debug)]
pub(crate) struct Index {
    pub frames: Vec<Entry>,
    pub by_name: AHashMap<Box<str>, usize>,
    pub metadata: Metadata,
    pub tokenizer: Option<Tokenizer>,
    pub program: Option<String>,
    pub kv: Option<Kv>,
}

/// One frame of the chain. All ranges are in the file.
#[derive(Debug)]
pub(crate) struct Entry {
    pub kind: FrameKind,
    pub bytes: Range<usize>,
    pub name: Range<usize>,
    pub payload: Range<usize>,
    pub hash: [u8; HASH_BYTES],
    pub body: Body,
}

/// Where the sections of a frame's payload stand.
#[derive(Debug)]
pub(crate) enum Body {
    Text,
    Matrix(MatrixLayout),
    Vector(VectorLayout),
    Grid(GridLayout),
}

/// The document header's content.
struct Header {
    frame_count: u32,
    file_bytes: u64,
    hash: [u8; HASH_BYTES],
}

fn header_fault(offset: usize, fault: Fault) -> NdfError {
    NdfError::Broken { at: Place { frame: None, offset: offset as u64 }, fault }
}

/// Copies a hash out of a range of 32 bytes that exists.
fn hash_at(stretch: Stretch<'_>, range: Range<usize>) -> Result<[u8; HASH_BYTES], NdfError> {
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(stretch.range(range)?);
    Ok(hash)
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, NdfError> {
        let magic = &bytes[..bytes.len().min(MAGIC.len())];
        if !MAGIC.starts_with(magic) {
            return Err(header_fault(0, Fault::Magic { found: magic.to_vec() }));
        }
        let found = bytes.len();
        let truncated = header_fault(found, Fault::Truncated { expected: HEADER_BYTES as u64, found: found as u64 });
        let stretch = Stretch { bytes: bytes.get(..HEADER_BYTES).ok_or(truncated)?, offset: 0, frame: None };
        let version = stretch.u32(header::VERSION)?;
        if version != VERSION {
            return Err(stretch.fault(header::VERSION, Fault::Version { found: version }));
        }
        let hash = hash_at(stretch, header::HASH)?;
        if blake3::hash(stretch.range(header::HASHED)?) != hash {
            return Err(stretch.fault(0, Fault::Hash { start: 0, end: HEADER_BYTES as u64 }));
        }
        stretch.zeros(header::RESERVED)?;
        let frame_count = stretch.count(header::FRAME_COUNT, "frame_count")? as u32;
        Ok(Header { frame_count, file_bytes: stretch.u64(header::FILE_BYTES)?, hash })
    }
}

/// Reads the whole chain and judges it as deep as asked.
pub(crate) fn walk(bytes: &[u8], depth: Depth) -> Result<Index, NdfError> {
    let header = Header::parse(bytes)?;
    if !bytes.as_ptr().cast::<u64>().is_aligned() {
        return Err(NdfError::Misaligned);
    }
    let hashes = if depth == Depth::Full { hash::frames(bytes, header.frame_count) } else { Vec::new() };
    let mut walk = Walk { bytes, depth, hashes, file_bytes: header.file_bytes, index: Index::new() };
    let (mut offset, mut previous) = (HEADER_BYTES, header.hash);
    // A forged frame count ends at the file's end: every frame takes at least its header.
    for index in 0..header.frame_count {
        let entry = walk.frame(index, offset, previous)?;
        (offset, previous) = (entry.bytes.end, entry.hash);
        walk.index.frames.push(entry);
    }
    if offset as u64 != header.file_bytes {
        return Err(header_fault(header::FILE_BYTES, Fault::FileBytes { expected: header.file_bytes, found: offset as u64 }));
    }
    if bytes.len() > offset {
        let at = Place { frame: walk.last_label(), offset: offset as u64 };
        return Err(NdfError::Broken { at, fault: Fault::Trailing { extra: (bytes.len() - offset) as u64 } });
    }
    Ok(walk.index)
}

impl Index {
    fn new() -> Self {
        Index { frames: Vec::new(), by_name: AHashMap::new(), metadata: Metadata::default(), tokenizer: None, program: None, kv: None }
    }
}

struct Walk<'a> {
    bytes: &'a [u8],
    depth: Depth,
    /// Of every frame whose end could be found: what its hash must be.
    hashes: Vec<[u8; HASH_BYTES]>,
    file_bytes: u64,
    index: Index,
}

impl Walk<'_> {
    /// What the bytes at `offset` say the frame is called; they may be damaged.
    fn label(&self, index: u32, offset: usize) -> FrameLabel {
        let field = |at: usize| self.bytes.get(offset + at..offset + at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
        let name_bytes = field(frame::NAME_BYTES).map_or(0, |n| (n as usize).min(MAX_NAME_BYTES));
        let start = offset + frame::NAME.start;
        let name = self.bytes.get(start..start + name_bytes).unwrap_or_default();
        FrameLabel { index, kind: field(frame::KIND).and_then(FrameKind::from_number), name: String::from_utf8_lossy(name).into_owned() }
    }

    fn last_label(&self) -> Option<FrameLabel> {
        let last = self.index.frames.last()?;
        Some(self.label(self.index.frames.len() as u32 - 1, last.bytes.start))
    }

    /// Reads the frame at `offset`, which must follow the frame whose hash is `previous`.
    fn frame(&mut self, index: u32, offset: usize, previous: [u8; HASH_BYTES]) -> Result<Entry, NdfError> {
        let label = self.label(index, offset);
        let (bytes, payload_bytes) = self.bounds(&label, offset)?;
        let whole = Stretch { bytes: &self.bytes[bytes.clone()], offset, frame: Some(&label) };
        let hash = hash_at(whole, frame::HASH)?;
        if self.depth == Depth::Full && self.hash_of(index, whole)? != hash {
            return Err(whole.fault(0, Fault::Hash { start: bytes.start as u64, end: bytes.end as u64 }));
        }
        if hash_at(whole, frame::PREVIOUS)? != previous {
            return Err(whole.fault(frame::PREVIOUS.start, Fault::Chain));
        }
        let kind = self.kind(whole, index)?;
        let name = self.name(whole, kind)?;
        whole.zeros(frame::RESERVED)?;
        let payload_end = FRAME_HEADER_BYTES + payload_bytes;
        whole.zeros(payload_end..bytes.len())?;
        let payload =
            Stretch { bytes: whole.range(FRAME_HEADER_BYTES..payload_end)?, offset: offset + FRAME_HEADER_BYTES, frame: whole.frame };
        let body = self.body(kind, payload)?;
        let at = |range: Range<usize>| offset + range.start..offset + range.end;
        Ok(Entry { kind, bytes, name: at(name), payload: at(FRAME_HEADER_BYTES..payload_end), hash, body })
    }

    /// What the hash of a frame must be.
    fn hash_of(&self, index: u32, whole: Stretch<'_>) -> Result<[u8; HASH_BYTES], NdfError> {
        match self.hashes.get(index as usize) {
            Some(hash) => Ok(*hash),
            None => Ok(*blake3::hash(whole.range(frame::HASHED_FROM..whole.bytes.len())?).as_bytes()),
        }
    }

    /// The frame's bytes in the file and the length of its payload, both inside the file.
    fn bounds(&self, label: &FrameLabel, offset: usize) -> Result<(Range<usize>, usize), NdfError> {
        let found = self.bytes.len() as u64;
        let at = |offset: u64| Place { frame: Some(label.clone()), offset };
        let broken = |at, fault| Err(NdfError::Broken { at, fault });
        let header_end = (offset + FRAME_HEADER_BYTES) as u64;
        if found < header_end {
            return broken(at(found), Fault::Truncated { expected: self.file_bytes.max(header_end), found });
        }
        let stretch = Stretch { bytes: &self.bytes[offset..], offset, frame: Some(label) };
        let payload_bytes = stretch.u64(frame::PAYLOAD_BYTES)?;
        let frame_bytes = usize::try_from(payload_bytes).ok().and_then(|n| n.checked_add(FRAME_HEADER_BYTES)).and_then(align_up);
        let end = frame_bytes.and_then(|n| n.checked_add(offset));
        match end {
            Some(end) if end as u64 <= found => Ok((offset..end, payload_bytes as usize)),
            Some(end) if end as u64 <= self.file_bytes => broken(at(found), Fault::Truncated { expected: self.file_bytes, found }),
            _ => {
                let fault = Fault::Field { field: "payload_bytes", found: payload_bytes, allowed: "no more than the file has left" };
                broken(at((offset + frame::PAYLOAD_BYTES) as u64), fault)
            }
        }
    }

    fn kind(&self, whole: Stretch<'_>, index: u32) -> Result<FrameKind, NdfError> {
        let number = whole.u32(frame::KIND)?;
        let unknown = Fault::Field { field: "kind", found: number.into(), allowed: "1, 2, 3, 4, 16, 17 or 18" };
        let kind = FrameKind::from_number(number).ok_or_else(|| whole.fault(frame::KIND, unknown))?;
        let last = self.index.frames.last().map(|entry| entry.kind);
        let stands = match kind {
            FrameKind::Metadata => last.is_none(),
            FrameKind::Tokenizer => last == Some(FrameKind::Metadata),
            FrameKind::Program => matches!(last, Some(FrameKind::Metadata | FrameKind::Tokenizer)),
            FrameKind::Kv => matches!(last, Some(FrameKind::Metadata | FrameKind::Tokenizer | FrameKind::Program)),
            FrameKind::Matrix | FrameKind::Vector | FrameKind::Grid => last.is_some(),
        };
        if !stands {
            return Err(whole.fault(frame::KIND, Fault::Order { kind }));
        }
        let found = whole.u32(frame::INDEX)?;
        if found != index {
            let fault = Fault::Field { field: "index", found: found.into(), allowed: "the frame's place in the chain" };
            return Err(whole.fault(frame::INDEX, fault));
        }
        Ok(kind)
    }

    /// Checks the name and takes it down; returns where it stands in the frame.
    fn name(&mut self, whole: Stretch<'_>, kind: FrameKind) -> Result<Range<usize>, NdfError> {
        let name_bytes = whole.u32(frame::NAME_BYTES)? as usize;
        let allowed = if kind.is_named() { 1..=MAX_NAME_BYTES } else { 0..=0 };
        if !allowed.contains(&name_bytes) {
            return Err(whole.fault(frame::NAME_BYTES, Fault::Name { bytes: name_bytes }));
        }
        let range = frame::NAME.start..frame::NAME.start + name_bytes;
        whole.zeros(range.end..frame::NAME.end)?;
        let fault = |fault| whole.fault(frame::NAME.start, fault);
        let name = std::str::from_utf8(whole.range(range.clone())?).map_err(|_| fault(Fault::NotUtf8 { what: "the frame's name" }))?;
        if name.chars().any(char::is_control) {
            return Err(fault(Fault::Name { bytes: name_bytes }));
        }
        if kind.is_named() {
            let index = self.index.frames.len();
            if self.index.by_name.insert(name.into(), index).is_some() {
                return Err(fault(Fault::DuplicateName { name: name.to_owned() }));
            }
        }
        Ok(range)
    }

    fn body(&mut self, kind: FrameKind, payload: Stretch<'_>) -> Result<Body, NdfError> {
        match kind {
            FrameKind::Metadata => self.index.metadata = Metadata::parse(payload)?,
            FrameKind::Tokenizer => self.index.tokenizer = Some(Tokenizer::parse(payload)?),
            FrameKind::Program => {
                let text = std::str::from_utf8(payload.bytes);
                let fault = |error: std::str::Utf8Error| payload.fault(error.valid_up_to(), Fault::NotUtf8 { what: "the program" });
                self.index.program = Some(text.map_err(fault)?.to_owned());
            }
            FrameKind::Kv => self.index.kv = Some(Kv::parse(payload)?),
            FrameKind::Matrix => return Ok(Body::Matrix(matrix::parse(payload, self.depth)?)),
            FrameKind::Vector => return Ok(Body::Vector(vector::parse(payload, self.depth)?)),
            FrameKind::Grid => return Ok(Body::Grid(grid::parse(payload, self.depth)?)),
        }
        Ok(Body::Text)
    }
}

/// A document's header, with its hash.
pub(crate) fn header_bytes(frame_count: u32, file_bytes: u64) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..MAGIC.len()].copy_from_slice(&MAGIC);
    bytes[header::VERSION..header::VERSION + 4].copy_from_slice(&VERSION.to_le_bytes());
    bytes[header::FRAME_COUNT..header::FRAME_COUNT + 4].copy_from_slice(&frame_count.to_le_bytes());
    bytes[header::FILE_BYTES..header::FILE_BYTES + 8].copy_from_slice(&file_bytes.to_le_bytes());
    let hash = blake3::hash(&bytes[header::HASHED]);
    bytes[header::HASH].copy_from_slice(hash.as_bytes());
    bytes
}

/// Puts a frame into the chain: its index, the hash of what stands before it, and its own hash, which comes back.
pub(crate) fn seal(frame_bytes: &mut [u8], index: u32, previous: [u8; HASH_BYTES]) -> [u8; HASH_BYTES] {
    frame_bytes[frame::PREVIOUS].copy_from_slice(&previous);
    frame_bytes[frame::INDEX..frame::INDEX + 4].copy_from_slice(&index.to_le_bytes());
    let hash = *blake3::hash(&frame_bytes[frame::HASHED_FROM..]).as_bytes();
    frame_bytes[frame::HASH].copy_from_slice(&hash);
    hash
}
