//! What a model file of others gives: keys, a tokenizer, and tensors one at a time.

use crate::architecture::{Architecture, Shape};
use crate::error::ConvertError;
use nda_engine::Feature;
use nda_ndf::VectorShape;
use nda_spec::GroupCols;
use std::collections::BTreeMap;
use std::path::Path;

/// What a model is made of, under the names that documents use.
#[derive(Debug, Clone)]
pub struct Description {
    /// The forward pass that the tensors are for.
    pub architecture: Architecture,
    /// What this model has beside the rest of its architecture.
    pub features: Vec<Feature>,
    /// Counts that the tensors' shapes follow from.
    pub shape: Shape,
    /// The document's metadata, complete.
    pub metadata: BTreeMap<String, String>,
    /// The text of a `tokenizer.json`, if the source has a vocabulary.
    pub tokenizer: Option<String>,
    /// All tensors, in the order in which they are written.
    pub tensors: Vec<TensorInfo>,
}

/// A tensor that a source holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name in the document.
    pub name: String,
    /// A vector, or rows and columns.
    pub shape: VectorShape,
    /// What the source calls the numbers' type.
    pub stored_as: String,
    /// Bytes that the source keeps it in.
    pub stored_bytes: u64,
}

/// A tensor's values, row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Floats.
    Floats(Vec<f32>),
    /// Weights that are ternary in the source: they arrive as they are.
    Ternary(Ternary),
}

/// A ternary matrix: `W = scale * code`.
#[derive(Debug, Clone, PartialEq)]
pub struct Ternary {
    /// -1, 0 or 1, row by row; 2 too where the source has a fourth code.
    pub codes: Vec<i8>,
    /// How many weights share a scale.
    pub shared: Shared,
    /// The scales: one, one per row, or row by row and in a row group by group.
    pub scales: Vec<f32>,
}

/// Which weights of a ternary matrix share a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// All.
    Matrix,
    /// Those of a row.
    Row,
    /// Those of that many columns of a row.
    Columns(GroupCols),
}

/// A model in a format of others.
pub trait Source {
    /// What there is. Known from the start; no tensor is read for it.
    fn description(&self) -> &Description;

    /// Reads one tensor by its name in the document. Memory is bounded by this tensor.
    ///
    /// # Errors
    /// A name that the description does not list, a file that cannot be read, or numbers that are not what they are said to be.
    fn read(&mut self, name: &str) -> Result<Content, ConvertError>;

    /// The files that it is read from, or the folder that holds them: none of them may be the output.
    fn paths(&self) -> Vec<&Path>;

    /// One line that says what the source is: its kind, its file's name and its BLAKE3 hash.
    ///
    /// # Errors
    /// A file that cannot be read.
    fn identity(&mut self) -> Result<String, ConvertError>;
}

impl Content {
    /// The floats, if that is what they are.
    pub(crate) fn floats(&self) -> Option<&[f32]> {
        if let Content::Floats(values) = self { Some(values) } else { None }
    }
}

impl Ternary {
    /// Floats that have one magnitude per row but for zeros, as ternary weights with a scale per matrix or row: they lose nothing.
    /// Binary weights are such floats too. None of any others.
    pub fn of_floats(values: &[f32], cols: usize) -> Option<Ternary> {
        let rows: Vec<Option<f32>> = values.chunks(cols.max(1)).map(magnitude).collect();
        rows.iter().flatten().next()?;
        let code = |value: &f32, magnitude: f32| match *value {
            0.0 => Some(0),
            value if value == magnitude => Some(1),
            value if value == -magnitude => Some(-1),
            _ => None,
        };
        let each = values.chunks(cols.max(1)).zip(&rows).flat_map(|(row, magnitude)| row.iter().map(move |value| (value, magnitude)));
        let codes = each.map(|(value, magnitude)| code(value, magnitude.unwrap_or(0.0))).collect::<Option<Vec<i8>>>()?;
        Some(match common(&rows) {
            Some(scale) => Ternary { codes, shared: Shared::Matrix, scales: vec![scale] },
            None => {
                let scales = rows.iter().map(|magnitude| magnitude.unwrap_or(0.0)).collect();
                Ternary { codes, shared: Shared::Row, scales }
            }
        })
    }

    /// The floats that the codes of a matrix of `cols` columns stand for.
    pub fn floats(&self, cols: usize) -> Vec<f32> {
        let scale = |at: usize| match self.shared {
            Shared::Matrix => self.scales[0],
            Shared::Row => self.scales[at / cols],
            Shared::Columns(group) => self.scales[at / group.cols()],
        };
        self.codes.iter().enumerate().map(|(at, code)| f32::from(*code) * scale(at)).collect()
    }

    /// The same with its rows as documents keep them: see [`plain_rows`].
    pub(crate) fn plain(self, cols: usize, heads: usize) -> Ternary {
        let Ternary { codes, shared, scales } = self;
        let rows = codes.len() / cols;
        let scales = if shared == Shared::Matrix {
            scales
        } else {
            let a_row = scales.len() / rows;
            plain_rows(scales, a_row, heads)
        };
        Ternary { codes: plain_rows(codes, cols, heads), shared, scales }
    }

    /// Codes whose scales stand by blocks of columns, shared as widely as keeps every scale.
    /// A block without weights other than 0 goes along with its neighbours.
    ///
    /// # Panics
    /// If the blocks do not fill whole rows.
    pub fn of_blocks(codes: Vec<i8>, block_scales: &[f32], cols: usize, block: GroupCols) -> Ternary {
        let block_cols = block.cols();
        assert!(cols.is_multiple_of(block_cols), "blocks of {block_cols} in {cols} columns");
        assert_eq!(codes.len(), block_scales.len() * block_cols, "a scale for every block");
        let used: Vec<Option<f32>> = codes
            .chunks_exact(block_cols)
            .zip(block_scales)
            .map(|(codes, scale)| codes.iter().any(|code| *code != 0).then_some(*scale))
            .collect();
        if let Some(scale) = common(&used) {
            return Ternary { codes, shared: Shared::Matrix, scales: vec![scale] };
        }
        let rows: Option<Vec<f32>> = used.chunks_exact(cols / block_cols).map(common).collect();
        if let Some(scales) = rows {
            return Ternary { codes, shared: Shared::Row, scales };
        }
        Ternary { codes, shared: Shared::Columns(block), scales: block_scales.to_vec() }
    }
}

/// Rows as documents keep them, of a matrix whose heads a GGUF file of a Llama holds with the two of every rotated pair
/// side by side: there they stand half a head apart. As they are if there are no such heads.
pub(crate) fn plain_rows<T: Copy>(values: Vec<T>, cols: usize, heads: usize) -> Vec<T> {
    if heads == 0 {
        return values;
    }
    let head_dim = values.len() / cols / heads;
    let mut plain = Vec::with_capacity(values.len());
    for head in values.chunks_exact(head_dim * cols) {
        for row in 0..head_dim {
            let (half, pair) = (row / (head_dim / 2), row % (head_dim / 2));
            plain.extend_from_slice(&head[(2 * pair + half) * cols..][..cols]);
        }
    }
    plain
}

/// Refuses NaN and infinities while numbers still stand as in the source: later they would be rounded to some code, or
/// named by another place.
pub(crate) fn finite(name: &str, what: &'static str, values: &[f32]) -> Result<(), ConvertError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(ConvertError::NotFinite { name: name.into(), what, index, value: values[index] }),
        None => Ok(()),
    }
}

/// The BLAKE3 hash of files, one after another.
pub(crate) fn hash_of(paths: &[&Path]) -> Result<blake3::Hash, ConvertError> {
    let mut hasher = blake3::Hasher::new();
    for path in paths {
        let file = nda_files::open(path)?;
        hasher.update_reader(file).map_err(|error| ConvertError::io("read", path, error))?;
    }
    Ok(hasher.finalize())
}

/// The magnitude of a row's first value that is not 0.
fn magnitude(row: &[f32]) -> Option<f32> {
    row.iter().map(|value| value.abs()).find(|magnitude| *magnitude != 0.0)
}

/// The one scale of all blocks that have one; 0 if none has.
fn common(scales: &[Option<f32>]) -> Option<f32> {
    let mut used = scales.iter().flatten();
    let first = used.next().copied().unwrap_or(0.0);
    used.all(|scale| *scale == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_pairs_come_half_a_head_apart() {
        // Two heads of four rows; a row is one value that says its head and its pair: 10 * pair + half.
        let stored: Vec<i32> = vec![0, 1, 10, 11, 100, 101, 110, 111];
        assert_eq!(plain_rows(stored.clone(), 1, 2), [0, 10, 1, 11, 100, 110, 101, 111]);
        assert_eq!(plain_rows(stored.clone(), 1, 0), stored);
        assert_eq!(plain_rows(vec![0, 0, 1, 1, 10, 10, 11, 11], 2, 1), [0, 0, 10, 10, 1, 1, 11, 11]);
    }

    #[test]
    fn floats_of_one_magnitude_per_row_are_ternary_weights_and_lose_nothing() {
        let same = Ternary::of_floats(&[0.5, -0.5, -0.0, 0.0, -0.5, 0.5], 3).unwrap();
        assert_eq!((same.codes.as_slice(), same.shared, same.scales), (&[1, -1, 0, 0, -1, 1][..], Shared::Matrix, vec![0.5]));
        let rows = Ternary::of_floats(&[0.5, -0.5, 0.0, 0.0, -0.25, 0.25], 2).unwrap();
        assert_eq!((rows.codes.as_slice(), rows.shared), (&[1, -1, 0, 0, -1, 1][..], Shared::Row));
        assert_eq!(rows.scales, [0.5, 0.0, 0.25]);
        for other in [&[0.5, 0.25][..], &[0.5, -0.5, 0.5, 0.25], &[0.0, 0.0], &[f32::NAN, 0.5]] {
            assert!(Ternary::of_floats(other, 2).is_none(), "{other:?}");
        }
    }

    #[test]
    fn block_scales_are_shared_as_widely_as_keeps_them() {
        let ones = |blocks: usize| vec![1_i8; blocks * 64];
        let of = |scales: &[f32]| {
            let found = Ternary::of_blocks(ones(4), scales, 128, GroupCols::C64);
            (found.shared, found.scales)
        };
        assert_eq!(of(&[2.0; 4]), (Shared::Matrix, vec![2.0]));
        assert_eq!(of(&[2.0, 2.0, 3.0, 3.0]), (Shared::Row, vec![2.0, 3.0]));
        assert_eq!(of(&[2.0, 1.0, 3.0, 3.0]), (Shared::Columns(GroupCols::C64), vec![2.0, 1.0, 3.0, 3.0]));
        // A block of zeros says nothing about the scale.
        let mut codes = ones(4);
        codes[64..128].fill(0);
        assert_eq!(Ternary::of_blocks(codes, &[2.0, 0.0, 2.0, 2.0], 128, GroupCols::C64).scales, vec![2.0]);
    }
}
