//! Writing a document that need not fit into memory: frame by frame into a file that nobody sees yet.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::chain::header_bytes;
use crate::layout::{FRAME_HEADER_BYTES, HASH_BYTES, HEADER_BYTES, frame, header};
use crate::writer::{Names, frame_count, grid_frame, matrix_frame, vector_frame};
use crate::{AlignedBytes, DocumentWriter, GridContent, MatrixContent, NdfError, VectorContent};
use nda_files::{Draft, FilesError, Target};

/// Bytes that are hashed at once when the chain is made.
const HASHED_AT_ONCE: usize = 1 << 20;

/// A document on its way to the disk; [`DocumentWriter::stream_to`] begins one. Its memory is that of one frame.
///
/// The first hash of the chain covers the length of the whole, so the chain is made when the last frame is there, in a
/// second pass over the file.
#[derive(Debug)]
pub struct DocumentStream {
    draft: Draft,
    names: Names,
    /// Length of every frame.
    frames: Vec<usize>,
}

/// A whole document that does not stand in its place yet. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct SealedDocument {
    draft: Draft,
    hash: [u8; 32],
}

impl DocumentStream {
    pub(crate) fn new(path: &Path, names: Names, frames: Vec<AlignedBytes>) -> Result<Self, NdfError> {
        let draft = Draft::create(&Target::judge(path, &[])?)?;
        let mut stream = DocumentStream { draft, names, frames: Vec::new() };
        stream.write(&[0; HEADER_BYTES])?;
        for frame in frames {
            stream.push(&frame)?;
        }
        Ok(stream)
    }

    /// Writes a matrix.
    ///
    /// # Errors
    /// As [`DocumentWriter::add_matrix`], or the system's answer.
    pub fn add_matrix(&mut self, content: &MatrixContent<'_>) -> Result<(), NdfError> {
        self.names.check(crate::FrameKind::Matrix, content.name)?;
        let frame = matrix_frame(content)?;
        self.push(&frame)?;
        self.names.add(content.name);
        Ok(())
    }

    /// Writes a grid.
    ///
    /// # Errors
    /// As [`DocumentWriter::add_grid`], or the system's answer.
    pub fn add_grid(&mut self, content: &GridContent<'_>) -> Result<(), NdfError> {
        self.names.check(crate::FrameKind::Grid, content.name)?;
        let frame = grid_frame(content)?;
        self.push(&frame)?;
        self.names.add(content.name);
        Ok(())
    }

    /// Writes a vector or table.
    ///
    /// # Errors
    /// As [`DocumentWriter::add_vector`], or the system's answer.
    pub fn add_vector(&mut self, content: &VectorContent<'_>) -> Result<(), NdfError> {
        self.names.check(crate::FrameKind::Vector, content.name)?;
        let frame = vector_frame(content)?;
        self.push(&frame)?;
        self.names.add(content.name);
        Ok(())
    }

    /// Makes the chain of hashes. The same content in the same order gives the bytes that [`DocumentWriter`] gives.
    ///
    /// # Errors
    /// More frames than their field counts, or the system's answer.
    pub fn seal(self) -> Result<SealedDocument, NdfError> {
        let count = frame_count(self.frames.len())?;
        let hash = chain(self.draft.file(), count, &self.frames);
        let hash = hash.map_err(|error| FilesError::io("write", self.draft.target(), error))?;
        Ok(SealedDocument { draft: self.draft, hash })
    }

    fn push(&mut self, frame: &[u8]) -> Result<(), NdfError> {
        self.write(frame)?;
        self.frames.push(frame.len());
        Ok(())
    }

    fn write(&self, bytes: &[u8]) -> Result<(), NdfError> {
        let mut file = self.draft.file();
        Ok(file.write_all(bytes).map_err(|error| FilesError::io("write", self.draft.target(), error))?)
    }
}

impl SealedDocument {
    /// A path under which this process can open it, to try it before anybody else sees it.
    pub fn path(&self) -> PathBuf {
        self.draft.path()
    }

    /// The document's identity: its last frame's hash.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// Puts the document in its place when everything is on the disk: whatever happens, there is the old file or the
    /// whole new one.
    ///
    /// # Errors
    /// [`NdfError::File`].
    pub fn publish(self) -> Result<(), NdfError> {
        Ok(self.draft.publish()?)
    }
}

/// Writes the header, and every frame's index and hashes; the last hash comes back.
fn chain(mut file: &File, count: u32, frames: &[usize]) -> io::Result<[u8; HASH_BYTES]> {
    let file_bytes = HEADER_BYTES + frames.iter().sum::<usize>();
    let first = header_bytes(count, file_bytes as u64);
    file.rewind()?;
    file.write_all(&first)?;
    let mut previous = [0; HASH_BYTES];
    previous.copy_from_slice(&first[header::HASH]);
    let mut offset = HEADER_BYTES as u64;
    for (index, frame_bytes) in (0..count).zip(frames) {
        previous = seal_in_file(file, index, (offset, *frame_bytes), previous)?;
        offset += *frame_bytes as u64;
    }
    Ok(previous)
}

/// What [`crate::chain::seal`] does, to a frame in a file.
fn seal_in_file(mut file: &File, index: u32, (offset, frame_bytes): (u64, usize), previous: [u8; 32]) -> io::Result<[u8; 32]> {
    let mut head = [0; FRAME_HEADER_BYTES];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut head)?;
    head[frame::PREVIOUS].copy_from_slice(&previous);
    head[frame::INDEX..frame::INDEX + 4].copy_from_slice(&index.to_le_bytes());
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head[frame::HASHED_FROM..]);
    let mut left = frame_bytes - FRAME_HEADER_BYTES;
    let mut buffer = vec![0; left.min(HASHED_AT_ONCE)];
    while left > 0 {
        let part = &mut buffer[..left.min(HASHED_AT_ONCE)];
        file.read_exact(part)?;
        hasher.update(part);
        left -= part.len();
    }
    let hash = *hasher.finalize().as_bytes();
    head[frame::HASH].copy_from_slice(&hash);
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(&head)?;
    Ok(hash)
}

impl DocumentWriter {
    /// Begins a document that is written frame by frame: what this writer holds comes first, then what is added to the stream.
    ///
    /// # Errors
    /// As [`Self::finish`], or [`NdfError::File`] for a target that is not a regular file or that the system refuses.
    pub fn stream_to(self, path: impl AsRef<Path>) -> Result<DocumentStream, NdfError> {
        let (names, frames) = self.into_frames()?;
        DocumentStream::new(path.as_ref(), names, frames)
    }
}
