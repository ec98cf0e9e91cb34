//! A document: its frames, their hashes, what codes its tensors are made of, and its program, edited in place.

use super::{Act, is};
use crate::grid::Ink;
use crate::key::Key;
use crate::list::Row;
use nda_guard::{Hash, RelPath};
use nda_ndf::{Document, MappedDocument, NdfError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Bytes up to which a document is checked byte by byte when it is shown; of a larger one its structure is.
const CHECKED_BYTES: u64 = 256 << 20;
/// Weights that are counted at most; of a larger tensor evenly spread rows are.
const COUNTED: usize = 4 << 20;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its place in the chain.
    pub index: u32,
    /// What it holds.
    pub kind: String,
    /// Its name, if it has one.
    pub name: String,
    /// Bytes of its payload.
    pub bytes: u64,
    /// The begin of its hash.
    pub hash: String,
    /// Shape and code of a tensor.
    pub shape: String,
}

/// How often each code stands in a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes {
    /// The tensor.
    pub tensor: String,
    /// By stack, by code.
    pub counts: BTreeMap<(usize, i8), u64>,
    /// Rows that were counted, of how many.
    pub rows: (usize, usize),
}

/// What a document holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The document.
    pub path: RelPath,
    /// Its frames.
    pub frames: Vec<Frame>,
    /// What was checked, in words.
    pub checked: &'static str,
    /// Its program.
    pub program: Option<String>,
    /// The file's hash.
    pub file: Hash,
}

/// A program that is edited in place: the document, what its file was, and the buffer that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The document.
    pub document: RelPath,
    /// What the document's file was when its program was taken out.
    pub file: Hash,
    /// The buffer's path.
    pub program: RelPath,
    /// What is being put back: the buffer's state, and its text.
    pub written: Option<(u64, String)>,
}

/// The pane.
#[derive(Debug, Clone, Default)]
pub struct DocumentPane {
    /// What is shown.
    pub facts: Option<Facts>,
    /// The tensor whose codes are shown.
    pub codes: Option<Codes>,
    /// What went wrong.
    pub error: Option<String>,
    /// Programs that are edited in place.
    pub edited: Vec<Edited>,
}

/// Reads what a document holds.
///
/// # Errors
/// The system's answer, or what is wrong with the document.
pub fn read(root: &Path, path: &RelPath) -> Result<Facts, NdfError> {
    let place = root.join(path.as_path());
    let bytes = std::fs::read(&place).map_err(|error| NdfError::Io { action: "read", path: place.clone(), source: error })?;
    let is_small = bytes.len() as u64 <= CHECKED_BYTES;
    let mapped = if is_small { MappedDocument::open(&place)? } else { MappedDocument::open_structure(&place)? };
    let document = mapped.document();
    Ok(Facts {
        path: path.clone(),
        frames: document.frames().map(|frame| told(&document, &frame)).collect(),
        checked: if is_small { "every byte is as its frames say" } else { "its structure is checked; 'nda check' checks every byte" },
        program: document.program().map(str::to_owned),
        file: Hash::of(&bytes),
    })
}

fn told(document: &Document<'_>, frame: &nda_ndf::FrameInfo<'_>) -> Frame {
    let matrix = document.matrix_at(frame.index).map(|matrix| {
        let stacks = if matrix.stacks() == 1 { String::new() } else { format!(", {} stacks", matrix.stacks()) };
        format!("{} x {} {:?}{stacks}", matrix.rows(), matrix.cols(), matrix.code())
    });
    Frame {
        index: frame.index,
        kind: format!("{:?}", frame.kind).to_lowercase(),
        name: frame.name.to_owned(),
        bytes: frame.payload_bytes,
        hash: frame.hash[..6].iter().map(|byte| format!("{byte:02x}")).collect(),
        shape: matrix.unwrap_or_default(),
    }
}

/// Counts the codes of a tensor.
///
/// # Errors
/// No such matrix, or what is wrong with the document.
pub fn count(place: &Path, tensor: &str) -> Result<Codes, NdfError> {
    let mapped = MappedDocument::open_structure(place)?;
    let document = mapped.document();
    let matrix = document.matrix(tensor)?;
    let rows = matrix.rows();
    let step = (rows * matrix.cols() * matrix.stacks()).div_ceil(COUNTED).max(1);
    let mut counts = BTreeMap::new();
    for stack in 0..matrix.stacks() {
        for row in (0..rows).step_by(step) {
            let tiles = matrix.stack(stack);
            (0..matrix.cols()).for_each(|col| *counts.entry((stack, tiles.get(row, col))).or_insert(0) += 1);
        }
    }
    Ok(Codes { tensor: tensor.to_owned(), counts, rows: (rows.div_ceil(step), rows) })
}

impl Codes {
    /// A bar for each code.
    pub fn rows(&self, columns: usize) -> Vec<Row> {
        let most = self.counts.values().copied().max().unwrap_or(1).max(1);
        let all: u64 = self.counts.values().sum();
        let room = columns.saturating_sub(34).max(8);
        let (counted, of) = self.rows;
        let head = format!("{}: {all} weights of {counted} rows of {of}", self.tensor);
        let rows = self.counts.iter().map(|((stack, code), count)| {
            let eighths = (*count as f64 / most as f64 * (room * 8) as f64) as usize;
            let part = ["", "\u{258f}", "\u{258e}", "\u{258d}", "\u{258c}", "\u{258b}", "\u{258a}", "\u{2589}"][eighths % 8];
            let bar = format!("{}{part}", "\u{2588}".repeat(eighths / 8));
            let share = 100.0 * *count as f64 / all as f64;
            Row::new(format!("stack {stack} {code:>4} {count:>10} {share:>5.1} % "), Ink::Number).and(bar, Ink::Keyword)
        });
        [Row::new(head, Ink::Accent)].into_iter().chain(rows).collect()
    }
}

impl DocumentPane {
    /// A row for each frame, and the codes of the chosen tensor below.
    pub fn rows(&self, columns: usize) -> Vec<Row> {
        if let Some(error) = &self.error {
            return vec![Row::new(error.clone(), Ink::Fault)];
        }
        let Some(facts) = &self.facts else { return vec![Row::new("open an .ndf document: ctrl+o", Ink::Dim)] };
        let head = Row::new(format!("{}: {} frames, {}", facts.path, facts.frames.len(), facts.checked), Ink::Accent);
        let frames = facts.frames.iter().map(|frame| {
            Row::new(format!("{:>3} {:<10}", frame.index, frame.kind), Ink::Keyword)
                .and(format!("{:<18} ", frame.name), Ink::Text)
                .and(format!("{:>10} bytes  {}  ", frame.bytes, frame.hash), Ink::Dim)
                .and(frame.shape.clone(), Ink::Number)
        });
        let codes = self.codes.iter().flat_map(|codes| codes.rows(columns));
        [head].into_iter().chain(codes).chain(frames).collect()
    }

    /// A key.
    pub fn press(&mut self, key: Key, chosen: usize) -> Option<Act> {
        if is(key, 'p') {
            return Some(Act::EditProgram);
        }
        let frame = self.facts.as_ref()?.frames.get(chosen.checked_sub(self.above())?)?;
        (key == Key::Enter && !frame.shape.is_empty()).then(|| Act::Codes(frame.name.clone()))
    }

    /// Rows above the frames.
    pub fn above(&self) -> usize {
        1 + self.codes.as_ref().map_or(0, |codes| codes.counts.len() + 1)
    }

    /// The document whose program this buffer is.
    pub fn edited_in(&self, path: Option<&RelPath>) -> Option<Edited> {
        self.edited.iter().find(|one| Some(&one.program) == path).cloned()
    }

    /// Where the document lies.
    pub fn place(&self, root: &Path) -> Option<PathBuf> {
        self.facts.as_ref().map(|facts| root.join(facts.path.as_path()))
    }
}
