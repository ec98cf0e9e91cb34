//! A second reader, written from FORMAT.md alone: no offset, number or layout is imported.

use std::collections::BTreeMap;

use nda_ndf::{AlignedBytes, Document, Granularity, Tokenizer, VectorShape};
use nda_spec::WeightCode;

use crate::sample;

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn u64_at(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

fn f32_at(bytes: &[u8], at: usize) -> f32 {
    f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn round_up(bytes: usize) -> usize {
    bytes.div_ceil(64) * 64
}

/// Bit of a plane of a stack whose tiles begin at `tiles`.
fn plane_bit(bytes: &[u8], tiles: usize, (cols, planes): (usize, usize), (row, col): (usize, usize), plane: usize) -> usize {
    let tile = tiles + row / 32 * cols.div_ceil(64) * 256 * planes;
    let word = tile + col / 64 * 256 * planes;
    let block = word + row % 32 / 8 * 64 * planes;
    let u64_at = block + plane * 64 + row % 8 * 8;
    usize::from(bytes[u64_at + col % 64 / 8] >> (col % 8) & 1)
}

/// A weight as a float: code, then scale, stack by stack, then the outlier.
fn weight(payload: &[u8], row: usize, col: usize) -> f32 {
    let (rows, cols, code, stacks) = (u32_at(payload, 0), u32_at(payload, 4), u32_at(payload, 8), u32_at(payload, 12));
    let (scales_a_stack, scale) = match u32_at(payload, 16) {
        0 => (1, 0),
        1 => (rows, row),
        2 => (rows * cols.div_ceil(32), row * cols.div_ceil(32) + col / 32),
        3 => (rows * cols.div_ceil(64), row * cols.div_ceil(64) + col / 64),
        other => panic!("granularity {other}"),
    };
    let tiles = 64 + round_up(4 * stacks * scales_a_stack);
    let planes = if code == 4 { 1 } else { 2 };
    let stack_bytes = rows.div_ceil(32) * cols.div_ceil(64) * 256 * planes;
    let mut sum = 0.0;
    for stack in 0..stacks {
        let bit = |plane| plane_bit(payload, tiles + stack * stack_bytes, (cols, planes), (row, col), plane) as i32;
        let value = match code {
            1 | 3 => 2 * bit(1) - bit(0),
            2 => 3 * bit(0) + bit(1) - 2,
            4 => 2 * bit(0) - 1,
            other => panic!("code {other}"),
        };
        sum += f32_at(payload, 64 + 4 * (stack * scales_a_stack + scale)) * value as f32;
    }
    let outliers = u32_at(payload, 20);
    let outlier_rows = tiles + stacks * stack_bytes;
    let outlier_cols = outlier_rows + round_up(4 * outliers);
    let outlier_values = outlier_cols + round_up(4 * outliers);
    for index in 0..outliers {
        if (u32_at(payload, outlier_rows + 4 * index), u32_at(payload, outlier_cols + 4 * index)) == (row, col) {
            sum += f32_at(payload, outlier_values + 4 * index);
        }
    }
    sum
}

/// Takes the next text or bytes after their count.
fn take<'a>(payload: &'a [u8], at: &mut usize) -> &'a [u8] {
    let count = u32_at(payload, *at);
    *at += 4 + count;
    &payload[*at - count..*at]
}

fn compare_metadata(payload: &[u8], document: &Document<'_>) {
    let mut entries = BTreeMap::new();
    let mut at = 4;
    for _ in 0..u32_at(payload, 0) {
        let key = std::str::from_utf8(take(payload, &mut at)).unwrap();
        entries.insert(key, std::str::from_utf8(take(payload, &mut at)).unwrap());
    }
    assert_eq!(at, payload.len());
    assert_eq!(document.metadata().iter().collect::<BTreeMap<_, _>>(), entries);
}

fn compare_tokenizer(payload: &[u8], document: &Document<'_>) {
    if u32_at(payload, 0) == 0 {
        assert_eq!(document.tokenizer(), Some(&Tokenizer::Bytes));
        return;
    }
    if u32_at(payload, 0) == 2 {
        assert_eq!(document.tokenizer(), Some(&Tokenizer::Json(std::str::from_utf8(&payload[4..]).unwrap().to_owned())));
        return;
    }
    let Some(Tokenizer::BytePairs(pairs)) = document.tokenizer() else { panic!("not a byte-pair tokenizer") };
    let mut at = 4;
    assert_eq!(pairs.split.as_bytes(), take(payload, &mut at));
    let counts = [pairs.tokens.len(), pairs.merges.len(), pairs.specials.len()];
    assert_eq!(counts, [u32_at(payload, at), u32_at(payload, at + 4), u32_at(payload, at + 8)]);
    at += 12;
    for token in &pairs.tokens {
        assert_eq!(token, take(payload, &mut at));
    }
    for merge in &pairs.merges {
        let numbers = [merge.left, merge.right, merge.merged].map(|number| number as usize);
        assert_eq!(numbers, [u32_at(payload, at), u32_at(payload, at + 4), u32_at(payload, at + 8)]);
        at += 12;
    }
    for special in &pairs.specials {
        assert_eq!(*special as usize, u32_at(payload, at));
        at += 4;
    }
    assert_eq!(at, payload.len());
}

fn compare_matrix(name: &str, payload: &[u8], document: &Document<'_>) {
    let matrix = document.matrix(name).unwrap();
    assert_eq!((matrix.rows(), matrix.cols()), (u32_at(payload, 0), u32_at(payload, 4)));
    assert_eq!(matrix.code(), WeightCode::ALL[u32_at(payload, 8) - 1]);
    let granularities = [Granularity::Matrix, Granularity::Row, Granularity::Group32, Granularity::Group64];
    assert_eq!((matrix.stacks(), matrix.granularity()), (u32_at(payload, 12), granularities[u32_at(payload, 16)]));
    for (row, col) in (0..matrix.rows()).flat_map(|row| (0..matrix.cols()).map(move |col| (row, col))) {
        assert_eq!(matrix.weight(row, col).to_bits(), weight(payload, row, col).to_bits(), "{name}, row {row}, column {col}");
    }
}

fn compare_vector(name: &str, payload: &[u8], document: &Document<'_>) {
    let vector = document.vector(name).unwrap();
    let (rows, cols) = (u32_at(payload, 4), u32_at(payload, 8));
    let shape = if u32_at(payload, 0) == 1 { VectorShape::Vector(cols) } else { VectorShape::Table { rows, cols } };
    assert_eq!(vector.shape(), shape);
    assert_eq!(vector.values().len(), rows * cols);
    for (index, value) in vector.values().iter().enumerate() {
        assert_eq!(value.to_bits(), f32_at(payload, 64 + 4 * index).to_bits(), "{name}, value {index}");
    }
}

/// Reads the whole file by the definition and compares everything with what the crate says.
pub fn compare(bytes: &[u8], document: &Document<'_>) {
    assert_eq!(&bytes[..8], b"\x89NDF\r\n\x1a\n");
    assert_eq!((u32_at(bytes, 8), u64_at(bytes, 16)), (1, bytes.len()));
    assert_eq!(u32_at(bytes, 12), document.frames().count());
    let mut previous = &bytes[32..64];
    assert_eq!(blake3::hash(&bytes[..32]).as_bytes(), previous);
    let mut offset = 64;
    for frame in document.frames() {
        let payload_bytes = u64_at(bytes, offset + 72);
        let end = offset + 192 + round_up(payload_bytes);
        assert_eq!((frame.offset, frame.frame_bytes, frame.payload_bytes), (offset as u64, (end - offset) as u64, payload_bytes as u64));
        assert_eq!(&bytes[offset + 32..offset + 64], previous);
        previous = &bytes[offset..offset + 32];
        assert_eq!(blake3::hash(&bytes[offset + 32..end]).as_bytes(), previous);
        assert_eq!(frame.hash, previous);
        let name = std::str::from_utf8(&bytes[offset + 96..offset + 96 + u32_at(bytes, offset + 80)]).unwrap();
        assert_eq!(frame.name, name);
        let payload = &bytes[offset + 192..offset + 192 + payload_bytes];
        match u32_at(bytes, offset + 64) {
            1 => compare_metadata(payload, document),
            2 => compare_tokenizer(payload, document),
            3 => assert_eq!(document.program().unwrap().as_bytes(), payload),
            16 => compare_matrix(name, payload, document),
            17 => compare_vector(name, payload, document),
            other => panic!("kind {other}"),
        }
        offset = end;
    }
    assert_eq!(offset, bytes.len());
    assert_eq!(document.hash(), previous);
}

#[test]
fn a_reader_written_from_format_md_alone_reads_the_same() {
    let bytes = AlignedBytes::from(sample::document().as_slice());
    compare(&bytes, &Document::open(&bytes).unwrap());
}
