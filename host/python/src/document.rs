//! A document that several objects share.

use crate::fault::Fault;
use nda_ndf::{MappedDocument, MatrixFrame};
use nda_spec::TileMatrix;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A mapped file, checked to its last byte, and where it came from.
#[derive(Debug)]
pub struct Document {
    path: PathBuf,
    mapped: MappedDocument,
}

impl Document {
    /// Maps a document and checks every byte of it.
    ///
    /// # Errors
    /// The system's answer, or the first thing that is wrong with the document.
    pub fn open(path: &Path) -> Result<Arc<Document>, Fault> {
        let mapped = MappedDocument::open(path).map_err(|error| Fault::of_document(path, &error))?;
        Ok(Arc::new(Document { path: path.into(), mapped }))
    }

    /// Where it came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it.
    pub fn content(&self) -> nda_ndf::Document<'_> {
        self.mapped.document()
    }

    /// A stack of a matrix, by the matrix's name.
    ///
    /// # Errors
    /// No such matrix, or no such stack of it.
    pub fn part(self: &Arc<Self>, name: &str, stack: usize) -> Result<Part, Fault> {
        let found = self.content().matrix(name).map_err(|error| Fault::of_document(&self.path, &error))?;
        if stack >= found.stacks() {
            let (at, last) = (format_args!("{}, matrix '{name}'", self.path.display()), found.stacks() - 1);
            return Err(Fault::argument(format_args!("the matrix has no stack {stack}"), at, format_args!("its stacks are 0 to {last}")));
        }
        Ok(Part { document: Arc::clone(self), index: found.index(), stack })
    }
}

/// A stack of a matrix: integers that a device multiplies by.
#[derive(Debug, Clone)]
pub struct Part {
    document: Arc<Document>,
    index: u32,
    stack: usize,
}

impl Part {
    /// The document that it lies in.
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// The matrix's place in the document, and the stack.
    pub(crate) fn key(&self) -> (u32, usize) {
        (self.index, self.stack)
    }

    /// The whole matrix.
    pub fn frame(&self) -> MatrixFrame<'_> {
        self.document.content().matrix_at(self.index).expect("the document was asked for this matrix by its name")
    }

    /// The planes of the stack.
    pub fn tiles(&self) -> TileMatrix<'_> {
        self.frame().stack(self.stack)
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.frame().rows(), self.frame().cols())
    }

    /// Where it lies, for messages.
    pub fn place(&self) -> String {
        format!("{}, matrix '{}'", self.document.path.display(), self.frame().name())
    }

    /// The stack's integers, row by row.
    pub fn codes(&self) -> Vec<i8> {
        let tiles = self.tiles();
        let (rows, cols) = self.shape();
        (0..rows).flat_map(|row| (0..cols).map(move |col| tiles.get(row, col))).collect()
    }

    /// The whole matrix as floats, row by row: all stacks with their scales, and then the outliers.
    pub fn floats(&self) -> Vec<f32> {
        let frame = self.frame();
        let (rows, cols) = self.shape();
        let stacks: Vec<_> = (0..frame.stacks()).map(|stack| (frame.stack(stack), frame.stack_scales(stack))).collect();
        let mut all = Vec::with_capacity(rows * cols);
        for row in 0..rows {
            for col in 0..cols {
                let scale = frame.granularity().scale_index(cols, row, col);
                all.push(stacks.iter().map(|(tiles, scales)| scales[scale] * f32::from(tiles.get(row, col))).sum());
            }
        }
        frame.outliers().iter().for_each(|outlier| all[outlier.row * cols + outlier.col] += outlier.value);
        all
    }
}
