//! A small document with a frame of every kind, and a way to forge one.

use nda_ndf::{
    BytePairs, Document, DocumentWriter, Granularity, MatrixContent, Merge, Outliers, TileBuffer, Tokenizer, VectorContent, VectorShape,
};
use nda_spec::WeightCode;

/// Weights that look like nothing in particular.
pub fn values(rows: usize, cols: usize, code: WeightCode, seed: usize) -> Vec<i8> {
    let allowed = code.values();
    (0..rows * cols).map(|i| allowed[(i * 7 + i / 5 + i / 64 * 3 + seed) % allowed.len()]).collect()
}

pub fn tiles(rows: usize, cols: usize, code: WeightCode, seed: usize) -> TileBuffer {
    TileBuffer::from_values(rows, cols, code, &values(rows, cols, code, seed)).unwrap()
}

pub fn scales(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i as f32 - 2.5) * 0.125).collect()
}

pub fn byte_pairs() -> BytePairs {
    let tokens = ["a", "b", "ab", "abb", "<end>", ""].map(|token| token.as_bytes().to_vec()).to_vec();
    let merges = vec![Merge { left: 0, right: 1, merged: 2 }, Merge { left: 2, right: 1, merged: 3 }];
    BytePairs { split: "gpt2".to_owned(), tokens, merges, specials: vec![4, 5] }
}

pub const OUTLIERS: Outliers<'static> = Outliers { rows: &[0, 0, 2], cols: &[1, 69, 0], values: &[4.5, -8.0, 0.25] };

/// A writer that holds a frame of every kind.
pub fn writer() -> DocumentWriter {
    let mut writer = DocumentWriter::new();
    writer.metadata().set("model.name", "sample");
    writer.metadata().set("model.layers", 2);
    writer.metadata().set("model.epsilon", 1e-5_f32);
    writer.metadata().set("model.tied", true);
    writer.set_tokenizer(Tokenizer::BytePairs(byte_pairs())).unwrap();
    writer.set_program("x = embed(token)\n");
    let (first, second) = (tiles(3, 70, WeightCode::Quaternary, 0), tiles(3, 70, WeightCode::Quaternary, 1));
    let stacks = [first.matrix(), second.matrix()];
    let (name, granularity) = ("blk.0.q", Granularity::Group32);
    writer.add_matrix(&MatrixContent { name, granularity, scales: &scales(18), stacks: &stacks, outliers: OUTLIERS }).unwrap();
    let shape = VectorShape::Vector(3);
    writer.add_vector(&VectorContent { name: "blk.0.norm", shape, values: &[1.0, -0.5, 3.25] }).unwrap();
    let third = tiles(33, 5, WeightCode::Ternary, 2);
    let (name, granularity, outliers) = ("blk.0.up", Granularity::Matrix, Outliers::default());
    writer.add_matrix(&MatrixContent { name, granularity, scales: &[0.5], stacks: &[third.matrix()], outliers }).unwrap();
    let shape = VectorShape::Table { rows: 4, cols: 3 };
    writer.add_vector(&VectorContent { name: "embed", shape, values: &scales(12) }).unwrap();
    writer
}

pub fn document() -> Vec<u8> {
    writer().finish().unwrap()
}

/// Start and end of every frame of a good document.
pub fn frame_ranges(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let aligned = nda_ndf::AlignedBytes::from(bytes);
    let document = Document::open(&aligned).unwrap();
    document.frames().map(|frame| frame.offset as usize..(frame.offset + frame.frame_bytes) as usize).collect()
}

/// Makes every hash right again after bytes were changed, as somebody would who wants to fool the reader.
/// The offsets are retyped here from FORMAT.md, not imported.
pub fn reseal(bytes: &mut [u8], frames: &[std::ops::Range<usize>]) {
    let hash = *blake3::hash(&bytes[..32]).as_bytes();
    bytes[32..64].copy_from_slice(&hash);
    let mut previous = hash;
    for range in frames {
        let frame = &mut bytes[range.clone()];
        frame[32..64].copy_from_slice(&previous);
        previous = *blake3::hash(&frame[32..]).as_bytes();
        frame[..32].copy_from_slice(&previous);
    }
}
