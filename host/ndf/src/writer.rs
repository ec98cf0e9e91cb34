//! Writing documents: the same content in the same order gives the same bytes.

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use crate::chain::{Depth, header_bytes, seal};
use crate::fields::Stretch;
use crate::layout::{FRAME_HEADER_BYTES, HASH_BYTES, HEADER_BYTES, align_up, frame, header};
use crate::{
    AlignedBytes, Fault, FrameKind, GridContent, Kv, MAX_NAME_BYTES, MatrixContent, Metadata, NdfError, Tokenizer, VectorContent, grid,
    matrix, vector,
};
use nda_files::{Draft, FilesError, Target};

/// Collects the frames of a document. Metadata, tokenizer, program and the form of the cache stand first whenever they are set;
/// matrices and vectors follow in the order in which they are added.
#[derive(Debug, Default)]
pub struct DocumentWriter {
    metadata: Metadata,
    tokenizer: Option<Tokenizer>,
    program: Option<String>,
    kv: Option<Kv>,
    names: Names,
    tensors: Vec<AlignedBytes>,
}

impl DocumentWriter {
    /// A document without frames but for empty metadata.
    pub fn new() -> Self {
        DocumentWriter::default()
    }

    /// The metadata, to set keys of.
    pub fn metadata(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    /// Sets the tokenizer.
    ///
    /// # Errors
    /// A merge or special token that contradicts the vocabulary.
    pub fn set_tokenizer(&mut self, tokenizer: Tokenizer) -> Result<(), NdfError> {
        let payload = tokenizer.payload()?;
        let kind = FrameKind::Tokenizer;
        Tokenizer::parse(stretch(&payload)).map_err(|error| unwritable(kind, "", error))?;
        self.tokenizer = Some(tokenizer);
        Ok(())
    }

    /// Sets the program's source.
    pub fn set_program(&mut self, source: impl Into<String>) {
        self.program = Some(source.into());
    }

    /// Sets the form of the cache of keys and values.
    ///
    /// # Errors
    /// Content that the reader would refuse: no layer, layers that differ, a constant that is not finite and positive.
    pub fn set_kv(&mut self, kv: Kv) -> Result<(), NdfError> {
        let kind = FrameKind::Kv;
        let payload = kv.payload().map_err(|fault| unwritable_fault(kind, "", fault))?;
        Kv::parse(stretch(&payload)).map_err(|error| unwritable(kind, "", error))?;
        self.kv = Some(kv);
        Ok(())
    }

    /// Adds a matrix.
    ///
    /// # Errors
    /// Content that the reader would refuse: a name that is taken or not allowed, an empty shape, stacks that differ,
    /// numbers that are not finite, set padding, contradicting planes, outliers out of order.
    pub fn add_matrix(&mut self, content: &MatrixContent<'_>) -> Result<(), NdfError> {
        self.names.check(FrameKind::Matrix, content.name)?;
        self.tensors.push(matrix_frame(content)?);
        self.names.add(content.name);
        Ok(())
    }

    /// Adds a grid.
    ///
    /// # Errors
    /// Content that the reader would refuse, as for [`Self::add_matrix`].
    pub fn add_grid(&mut self, content: &GridContent<'_>) -> Result<(), NdfError> {
        self.names.check(FrameKind::Grid, content.name)?;
        self.tensors.push(grid_frame(content)?);
        self.names.add(content.name);
        Ok(())
    }

    /// Adds a vector or table.
    ///
    /// # Errors
    /// Content that the reader would refuse: a name that is taken or not allowed, an empty shape, a value that is not finite.
    pub fn add_vector(&mut self, content: &VectorContent<'_>) -> Result<(), NdfError> {
        self.names.check(FrameKind::Vector, content.name)?;
        self.tensors.push(vector_frame(content)?);
        self.names.add(content.name);
        Ok(())
    }

    /// The document's bytes.
    ///
    /// # Errors
    /// Metadata with an empty key, or more of something than its field counts.
    pub fn finish(self) -> Result<Vec<u8>, NdfError> {
        let chunks: Vec<AlignedBytes> = self.chunks()?;
        let mut bytes = Vec::with_capacity(chunks.iter().map(|chunk| chunk.len()).sum());
        chunks.iter().for_each(|chunk| bytes.extend_from_slice(chunk));
        Ok(bytes)
    }

    /// Writes the document to a file that is replaced only when everything is on the disk: whatever happens,
    /// the file is the old one or the whole new one.
    ///
    /// # Errors
    /// As [`Self::finish`], or [`NdfError::File`] for a target that is not a regular file or that the system refuses.
    pub fn write_to(self, path: impl AsRef<Path>) -> Result<(), NdfError> {
        let path = path.as_ref();
        let chunks = self.chunks()?;
        let draft = Draft::create(&Target::judge(path, &[])?)?;
        let mut file = draft.file();
        chunks.iter().try_for_each(|chunk| file.write_all(chunk)).map_err(|error| FilesError::io("write", path, error))?;
        Ok(draft.publish()?)
    }

    /// Header and frames, chained.
    fn chunks(self) -> Result<Vec<AlignedBytes>, NdfError> {
        let (_, mut frames) = self.into_frames()?;
        let frame_count = frame_count(frames.len())?;
        let file_bytes = HEADER_BYTES + frames.iter().map(|frame| frame.len()).sum::<usize>();
        let first = header_bytes(frame_count, file_bytes as u64);
        let mut previous = [0; HASH_BYTES];
        previous.copy_from_slice(&first[header::HASH]);
        for (index, frame) in (0..frame_count).zip(&mut frames) {
            previous = seal(frame, index, previous);
        }
        frames.insert(0, AlignedBytes::from(first.as_slice()));
        Ok(frames)
    }

    /// All frames in their order, not chained yet, and their names.
    pub(crate) fn into_frames(self) -> Result<(Names, Vec<AlignedBytes>), NdfError> {
        let metadata = self.metadata.payload().map_err(|fault| unwritable_fault(FrameKind::Metadata, "", fault))?;
        let mut frames = vec![text_frame(FrameKind::Metadata, &metadata)?];
        if let Some(tokenizer) = &self.tokenizer {
            frames.push(text_frame(FrameKind::Tokenizer, &tokenizer.payload()?)?);
        }
        if let Some(program) = &self.program {
            frames.push(text_frame(FrameKind::Program, program.as_bytes())?);
        }
        if let Some(kv) = &self.kv {
            let payload = kv.payload().map_err(|fault| unwritable_fault(FrameKind::Kv, "", fault))?;
            frames.push(text_frame(FrameKind::Kv, &payload)?);
        }
        frames.extend(self.tensors);
        Ok((self.names, frames))
    }
}

/// The names that are taken in a document.
#[derive(Debug, Default)]
pub(crate) struct Names(HashSet<String>);

impl Names {
    /// Refuses a name that is malformed or taken.
    pub fn check(&self, kind: FrameKind, name: &str) -> Result<(), NdfError> {
        if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            return Err(unwritable_fault(kind, name, Fault::Name { bytes: name.len() }));
        }
        if self.0.contains(name) {
            return Err(unwritable_fault(kind, name, Fault::DuplicateName { name: name.to_owned() }));
        }
        Ok(())
    }

    /// Takes a name.
    pub fn add(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }
}

/// A count of frames as the header spells it.
pub(crate) fn frame_count(frames: usize) -> Result<u32, NdfError> {
    let too_many = Fault::Count { what: "frames", expected: u32::MAX as usize, found: frames };
    u32::try_from(frames).map_err(|_| unwritable_fault(FrameKind::Metadata, "", too_many))
}

/// The frame of a matrix that the reader takes.
pub(crate) fn matrix_frame(content: &MatrixContent<'_>) -> Result<AlignedBytes, NdfError> {
    let (kind, name) = (FrameKind::Matrix, content.name);
    let layout = content.layout().map_err(|fault| unwritable_fault(kind, name, fault))?;
    let mut bytes = new_frame(kind, name, layout.payload_bytes)?;
    let payload = &mut bytes[FRAME_HEADER_BYTES..][..layout.payload_bytes];
    content.fill(&layout, payload).map_err(|fault| unwritable_fault(kind, name, fault))?;
    matrix::parse(stretch(payload), Depth::Full).map_err(|error| unwritable(kind, name, error))?;
    Ok(bytes)
}

/// The frame of a grid, checked as the reader will.
pub(crate) fn grid_frame(content: &GridContent<'_>) -> Result<AlignedBytes, NdfError> {
    let (kind, name) = (FrameKind::Grid, content.name);
    let layout = content.layout().map_err(|fault| unwritable_fault(kind, name, fault))?;
    let mut bytes = new_frame(kind, name, layout.tiles.end)?;
    let payload = &mut bytes[FRAME_HEADER_BYTES..][..layout.tiles.end];
    content.fill(&layout, payload).map_err(|fault| unwritable_fault(kind, name, fault))?;
    grid::parse(stretch(payload), Depth::Full).map_err(|error| unwritable(kind, name, error))?;
    Ok(bytes)
}

/// The frame of a vector that the reader takes.
pub(crate) fn vector_frame(content: &VectorContent<'_>) -> Result<AlignedBytes, NdfError> {
    let (kind, name) = (FrameKind::Vector, content.name);
    let layout = content.layout().map_err(|fault| unwritable_fault(kind, name, fault))?;
    let mut bytes = new_frame(kind, name, layout.values.end)?;
    let payload = &mut bytes[FRAME_HEADER_BYTES..][..layout.values.end];
    content.fill(&layout, payload).map_err(|fault| unwritable_fault(kind, name, fault))?;
    vector::parse(stretch(payload), Depth::Full).map_err(|error| unwritable(kind, name, error))?;
    Ok(bytes)
}

fn unwritable_fault(kind: FrameKind, name: &str, fault: Fault) -> NdfError {
    NdfError::Unwritable { kind, name: name.to_owned(), fault }
}

/// The reader's verdict on a payload as the writer's: the place in a file that will not exist is dropped.
fn unwritable(kind: FrameKind, name: &str, error: NdfError) -> NdfError {
    match error {
        NdfError::Broken { fault, .. } => unwritable_fault(kind, name, fault),
        other => other,
    }
}

fn stretch(payload: &[u8]) -> Stretch<'_> {
    Stretch { bytes: payload, offset: 0, frame: None }
}

/// A frame with header, zeroed payload and padding; its place in the chain comes later.
fn new_frame(kind: FrameKind, name: &str, payload_bytes: usize) -> Result<AlignedBytes, NdfError> {
    let too_large = Fault::TooLarge { what: "bytes", rows: 1, cols: payload_bytes as u64 };
    let frame_bytes = payload_bytes.checked_add(FRAME_HEADER_BYTES).and_then(align_up);
    let mut bytes = AlignedBytes::zeroed(frame_bytes.ok_or_else(|| unwritable_fault(kind, name, too_large))?);
    bytes[frame::KIND..frame::KIND + 4].copy_from_slice(&kind.number().to_le_bytes());
    bytes[frame::PAYLOAD_BYTES..frame::PAYLOAD_BYTES + 8].copy_from_slice(&(payload_bytes as u64).to_le_bytes());
    bytes[frame::NAME_BYTES..frame::NAME_BYTES + 4].copy_from_slice(&(name.len() as u32).to_le_bytes());
    bytes[frame::NAME.start..frame::NAME.start + name.len()].copy_from_slice(name.as_bytes());
    Ok(bytes)
}

fn text_frame(kind: FrameKind, payload: &[u8]) -> Result<AlignedBytes, NdfError> {
    let mut bytes = new_frame(kind, "", payload.len())?;
    bytes[FRAME_HEADER_BYTES..][..payload.len()].copy_from_slice(payload);
    Ok(bytes)
}
