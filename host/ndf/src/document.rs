//! A document over bytes in memory, used in place.

use std::ops::Deref;
use std::sync::Arc;

use crate::chain::{Body, Depth, Entry, Index, walk};
use crate::fields::Stretch;
use crate::{FrameKind, GridFrame, Kv, MatrixFrame, Metadata, NdfError, Tokenizer, VectorFrame};

/// A document: what was checked about some bytes, and the way to what stands in them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    bytes: &'a [u8],
    index: Known<'a>,
}

/// What was learned about the bytes: shared by a document and its clones, or lent by a mapping, which costs no counting.
#[derive(Debug, Clone)]
enum Known<'a> {
    Shared(Arc<Index>),
    Lent(&'a Index),
}

impl Deref for Known<'_> {
    type Target = Index;

    #[inline]
    fn deref(&self) -> &Index {
        match self {
            Known::Shared(index) => index,
            Known::Lent(index) => index,
        }
    }
}

/// Views of a document's matrices, see [`Document::views`].
#[derive(Debug, Clone)]
pub struct Views<'a> {
    matrices: Box<[Option<MatrixFrame<'a>>]>,
}

impl<'a> Views<'a> {
    /// The matrix at that place in the chain ([`MatrixFrame::index`]); `None` if there is no such frame or it is not a matrix.
    #[inline]
    pub fn matrix(&self, index: u32) -> Option<&MatrixFrame<'a>> {
        self.matrices.get(index as usize)?.as_ref()
    }
}

/// One frame, as a listing shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameInfo<'a> {
    /// Position in the chain; the first frame is 0.
    pub index: u32,
    /// What it holds.
    pub kind: FrameKind,
    /// Its name; empty for kinds that have none.
    pub name: &'a str,
    /// Offset of its header in the file.
    pub offset: u64,
    /// Length with header and padding.
    pub frame_bytes: u64,
    /// Length of the payload.
    pub payload_bytes: u64,
    /// Its BLAKE3 hash, which covers the hash before it.
    pub hash: [u8; 32],
}

impl<'a> Document<'a> {
    /// Opens a document and checks every byte of it: structure, hashes, chain, padding, planes, outliers, numbers.
    /// `bytes` begin at a multiple of 8, as mappings and [`crate::AlignedBytes`] do.
    ///
    /// # Errors
    /// The first thing that is wrong, with frame and offset.
    pub fn open(bytes: &'a [u8]) -> Result<Self, NdfError> {
        Ok(Document { bytes, index: Known::Shared(Arc::new(walk(bytes, Depth::Full)?)) })
    }

    /// Opens a document and checks its structure only: all sizes, offsets, names, text and scales, but no frame's hash
    /// and no plane, outlier or vector value. For listings of large files; call [`Self::check`] before computing with it.
    ///
    /// # Errors
    /// The first thing that is wrong, with frame and offset.
    pub fn open_structure(bytes: &'a [u8]) -> Result<Self, NdfError> {
        Ok(Document { bytes, index: Known::Shared(Arc::new(walk(bytes, Depth::Structure)?)) })
    }

    /// Checks every byte, as [`Self::open`] does.
    ///
    /// # Errors
    /// The first thing that is wrong, with frame and offset.
    pub fn check(&self) -> Result<(), NdfError> {
        walk(self.bytes, Depth::Full).map(|_| ())
    }

    /// A document over bytes that `index` was learned from.
    #[inline]
    pub(crate) fn from_index(bytes: &'a [u8], index: &'a Index) -> Self {
        Document { bytes, index: Known::Lent(index) }
    }

    /// The whole file.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The last frame's hash. It covers every byte of the document, so it is the document's identity.
    pub fn hash(&self) -> [u8; 32] {
        self.index.frames.last().map_or([0; 32], |entry| entry.hash)
    }

    /// The metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.index.metadata
    }

    /// The tokenizer, if the document has one.
    pub fn tokenizer(&self) -> Option<&Tokenizer> {
        self.index.tokenizer.as_ref()
    }

    /// The program's source, if the document has one. Nothing but its UTF-8 is checked here.
    pub fn program(&self) -> Option<&str> {
        self.index.program.as_deref()
    }

    /// The form of the cache of keys and values, if the document has one.
    pub fn kv(&self) -> Option<&Kv> {
        self.index.kv.as_ref()
    }

    /// All frames in file order.
    pub fn frames(&self) -> impl Iterator<Item = FrameInfo<'a>> {
        self.index.frames.iter().enumerate().map(|(index, entry)| FrameInfo {
            index: index as u32,
            kind: entry.kind,
            name: name(self.name_bytes(entry)),
            offset: entry.bytes.start as u64,
            frame_bytes: entry.bytes.len() as u64,
            payload_bytes: entry.payload.len() as u64,
            hash: entry.hash,
        })
    }

    /// A matrix by its name. Look it up once, not per token.
    ///
    /// # Errors
    /// [`NdfError::NoSuchFrame`].
    #[inline]
    pub fn matrix(&self, name: &str) -> Result<MatrixFrame<'a>, NdfError> {
        self.find(name).and_then(|(index, entry)| self.matrix_frame(index, entry)).ok_or_else(|| self.missing(FrameKind::Matrix, name))
    }

    /// A matrix by its place in the chain ([`MatrixFrame::index`]): what a look-up by name costs is saved.
    ///
    /// Returns `None` if there is no such frame or it is not a matrix.
    #[inline]
    pub fn matrix_at(&self, index: u32) -> Option<MatrixFrame<'a>> {
        self.matrix_frame(index as usize, self.index.frames.get(index as usize)?)
    }

    /// A vector or table by its name. Look it up once, not per token.
    ///
    /// # Errors
    /// [`NdfError::NoSuchFrame`].
    #[inline]
    pub fn vector(&self, name: &str) -> Result<VectorFrame<'a>, NdfError> {
        self.find(name).and_then(|(index, entry)| self.vector_frame(index, entry)).ok_or_else(|| self.missing(FrameKind::Vector, name))
    }

    /// A grid by its name. Look it up once, not per token.
    ///
    /// # Errors
    /// [`NdfError::NoSuchFrame`].
    #[inline]
    pub fn grid(&self, name: &str) -> Result<GridFrame<'a>, NdfError> {
        self.find(name).and_then(|(index, entry)| self.grid_frame(index, entry)).ok_or_else(|| self.missing(FrameKind::Grid, name))
    }

    /// All grids in file order.
    pub fn grids(&self) -> impl Iterator<Item = GridFrame<'a>> {
        self.index.frames.iter().enumerate().filter_map(|(index, entry)| self.grid_frame(index, entry))
    }

    /// All matrices in file order.
    pub fn matrices(&self) -> impl Iterator<Item = MatrixFrame<'a>> {
        self.index.frames.iter().enumerate().filter_map(|(index, entry)| self.matrix_frame(index, entry))
    }

    /// Every matrix cut once, to be taken by its place in the chain afterwards: what [`Self::matrix_at`] does for every view
    /// is done here for all.
    pub fn views(&self) -> Views<'a> {
        let frames = self.index.frames.iter().enumerate();
        Views { matrices: frames.map(|(index, entry)| self.matrix_frame(index, entry)).collect() }
    }

    /// All vectors and tables in file order.
    pub fn vectors(&self) -> impl Iterator<Item = VectorFrame<'a>> {
        self.index.frames.iter().enumerate().filter_map(|(index, entry)| self.vector_frame(index, entry))
    }

    #[inline]
    fn find(&self, name: &str) -> Option<(usize, &Entry)> {
        let index = *self.index.by_name.get(name)?;
        Some((index, self.index.frames.get(index)?))
    }

    #[cold]
    fn missing(&self, kind: FrameKind, name: &str) -> NdfError {
        let count = self.index.frames.iter().filter(|entry| entry.kind == kind).count();
        NdfError::NoSuchFrame { kind, name: name.to_owned(), count }
    }

    #[inline]
    fn name_bytes(&self, entry: &Entry) -> &'a [u8] {
        &self.bytes[entry.name.clone()]
    }

    #[inline]
    fn payload(&self, entry: &Entry) -> Stretch<'a> {
        Stretch { bytes: &self.bytes[entry.payload.clone()], offset: entry.payload.start, frame: None }
    }

    #[inline(always)]
    fn matrix_frame(&self, index: usize, entry: &Entry) -> Option<MatrixFrame<'a>> {
        let Body::Matrix(layout) = &entry.body else { return None };
        let frame = layout.frame(index as u32, self.name_bytes(entry), self.payload(entry));
        Some(frame.expect("the walk over these bytes found every section in its place"))
    }

    #[inline]
    fn grid_frame(&self, index: usize, entry: &Entry) -> Option<GridFrame<'a>> {
        let Body::Grid(layout) = &entry.body else { return None };
        let frame = layout.frame(index as u32, self.name_bytes(entry), self.payload(entry));
        Some(frame.expect("the walk over these bytes found every section in its place"))
    }

    #[inline]
    fn vector_frame(&self, index: usize, entry: &Entry) -> Option<VectorFrame<'a>> {
        let Body::Vector(layout) = &entry.body else { return None };
        let frame = layout.frame(index as u32, self.name_bytes(entry), self.payload(entry));
        Some(frame.expect("the walk over these bytes found every section in its place"))
    }
}

/// A frame's name. Frames keep its bytes, so that taking one costs no look at them.
pub(crate) const fn name(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(name) => name,
        Err(_) => panic!("the walk over these bytes found UTF-8 here"),
    }
}
