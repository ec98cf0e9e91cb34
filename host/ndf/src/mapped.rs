//! A document mapped from a file.

use std::fs;
use std::io;
use std::path::Path;

use crate::chain::{Depth, Index, walk};
use crate::{AlignedBytes, Document, NdfError};

/// A mapped file and what was checked about it. Readable from many threads.
///
/// A shared lock is held on the file while it is mapped. Writers that replace the file, as
/// [`crate::DocumentWriter::write_to`] does, leave the mapping as it was; a program that ignores the lock and
/// writes into the file or shortens it changes the mapping under the reader.
#[derive(Debug)]
pub struct MappedDocument {
    file: Bytes,
    index: Index,
}

#[derive(Debug)]
enum Bytes {
    Mapped(mmap_guard::FileData),
    /// Where the file system can neither lock nor map, and for the empty file, which cannot be mapped.
    Read(AlignedBytes),
}

impl Bytes {
    #[inline]
    fn get(&self) -> &[u8] {
        match self {
            Bytes::Mapped(data) => data,
            Bytes::Read(bytes) => bytes,
        }
    }

    fn of(path: &Path) -> Result<Self, NdfError> {
        drop(nda_files::open(path)?);
        match mmap_guard::map_file(path) {
            Ok(data) => Ok(Bytes::Mapped(data)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {
                Err(NdfError::io("map", path, error))
            }
            Err(_) => {
                let bytes = fs::read(path).map_err(|error| NdfError::io("read", path, error))?;
                Ok(Bytes::Read(AlignedBytes::from(bytes.as_slice())))
            }
        }
    }
}

impl MappedDocument {
    /// Maps a document and checks every byte of it: see [`Document::open`].
    ///
    /// # Errors
    /// The system's answer, or the first thing that is wrong with the document.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, NdfError> {
        let file = Bytes::of(path.as_ref())?;
        let index = walk(file.get(), Depth::Full)?;
        Ok(MappedDocument { file, index })
    }

    /// Maps a document and checks its structure only: see [`Document::open_structure`].
    ///
    /// # Errors
    /// The system's answer, or the first thing that is wrong with the structure.
    pub fn open_structure(path: impl AsRef<Path>) -> Result<Self, NdfError> {
        let file = Bytes::of(path.as_ref())?;
        let index = walk(file.get(), Depth::Structure)?;
        Ok(MappedDocument { file, index })
    }

    /// The document. Costs nothing, no allocation and no counting; frames taken from it live as long as the mapping.
    #[inline]
    pub fn document(&self) -> Document<'_> {
        Document::from_index(self.file.get(), &self.index)
    }
}
