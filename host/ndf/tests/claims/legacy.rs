//! The articles' matrix files: byte for byte, right for every count of columns.

use nda_ndf::{AlignedBytes, Document, DocumentWriter, Granularity, LegacyError, LegacyMatrix, MatrixContent, Outliers, TileBuffer};
use nda_spec::WeightCode;
use proptest::prelude::*;

use crate::sample;

/// Typed by hand. Quaternary 3 x 3, scale 0.5: -2 -1 +1 / +2 +1 -1 / -2 +2 +1.
const QUATERNARY: [u8; 22] =
    [0x00, 0x41, 0x44, 0x4e, 0x02, 0x00, 0x03, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x3f, 0x9c, 0x01, 0xaa, 0x00];
/// Typed by hand. Ternary 2 x 3, scale -1.5: 0 -1 +1 / +1 0 -1.
const TERNARY: [u8; 20] =
    [0x00, 0x41, 0x44, 0x4e, 0x01, 0x00, 0x02, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc0, 0xbf, 0x2e, 0x0c];

/// A file by the definition alone: element i is bit i % 8 of byte i / 8 of each flat bitmap.
fn by_definition(rows: usize, cols: usize, code: WeightCode, scale: f32, values: &[i8]) -> Vec<u8> {
    let mut bytes = vec![0x00, 0x41, 0x44, 0x4e, if code == WeightCode::Ternary { 1 } else { 2 }, 0];
    bytes.extend((rows as u32).to_le_bytes());
    bytes.extend((cols as u32).to_le_bytes());
    bytes.extend(scale.to_le_bytes());
    for plane in 0..2 {
        let mut bitmap = vec![0_u8; (rows * cols).div_ceil(8)];
        for (i, value) in values.iter().enumerate() {
            let bits = match (code, value) {
                (WeightCode::Ternary, value) => [*value != 0, *value > 0],
                (WeightCode::Quaternary, value) => [*value > 0, matches!(value, -1 | 2)],
                (code, _) => unreachable!("the articles have no {} files", code.name()),
            };
            bitmap[i / 8] |= u8::from(bits[plane]) << (i % 8);
        }
        bytes.extend(bitmap);
    }
    bytes
}

/// The weights of a good file by the definition alone.
fn values_by_definition(bytes: &[u8]) -> Vec<i8> {
    let field = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let elements = field(6) * field(10);
    let bit = |plane: usize, i: usize| bytes[18 + plane * elements.div_ceil(8) + i / 8] >> (i % 8) & 1 == 1;
    let value = |i: usize| match (bytes[4], bit(0, i), bit(1, i)) {
        (1, false, _) => 0,
        (1, true, positive) => {
            if positive {
                1
            } else {
                -1
            }
        }
        (_, false, extra) => {
            if extra {
                -1
            } else {
                -2
            }
        }
        (_, true, extra) => {
            if extra {
                2
            } else {
                1
            }
        }
    };
    (0..elements).map(value).collect()
}

#[test]
fn files_typed_by_hand_mean_what_the_articles_say() {
    let matrix = LegacyMatrix::parse(&QUATERNARY).unwrap();
    assert_eq!((matrix.rows(), matrix.cols(), matrix.code(), matrix.scale()), (3, 3, WeightCode::Quaternary, 0.5));
    assert_eq!(matrix.planes(), [&[0x9c, 0x01][..], &[0xaa, 0x00]]);
    assert_eq!(matrix.to_tiles().unwrap().matrix().to_values(), [-2, -1, 1, 2, 1, -1, -2, 2, 1]);
    assert_eq!(matrix.to_bytes(), QUATERNARY);
    let matrix = LegacyMatrix::parse(&TERNARY).unwrap();
    assert_eq!((matrix.rows(), matrix.cols(), matrix.code(), matrix.scale()), (2, 3, WeightCode::Ternary, -1.5));
    assert_eq!(matrix.to_tiles().unwrap().matrix().to_values(), [0, -1, 1, 1, 0, -1]);
    assert_eq!(matrix.to_bytes(), TERNARY);
}

#[test]
fn every_count_of_columns_is_read_and_written_byte_for_byte() {
    for code in [WeightCode::Ternary, WeightCode::Quaternary] {
        for (rows, cols) in (0..=140).flat_map(|cols| [0, 1, 3, 8, 33].map(|rows| (rows, cols))) {
            let values = sample::values(rows, cols, code, rows + cols);
            let file = by_definition(rows, cols, code, 0.75, &values);
            let matrix = LegacyMatrix::parse(&file).unwrap_or_else(|error| panic!("{code:?} {rows} x {cols}: {error}"));
            assert_eq!(matrix.to_bytes(), file, "{code:?} {rows} x {cols}");
            let tiles = matrix.to_tiles().unwrap();
            assert_eq!(tiles, TileBuffer::from_values(rows, cols, code, &values).unwrap(), "{code:?} {rows} x {cols}");
            let again = LegacyMatrix::from_tiles(tiles.matrix(), 0.75).unwrap();
            assert_eq!(again, matrix, "{code:?} {rows} x {cols}");
            assert_eq!(again.to_bytes(), file, "{code:?} {rows} x {cols}");
        }
    }
}

#[test]
fn codes_that_the_articles_do_not_have_are_refused_by_name() {
    for code in [WeightCode::Asymmetric, WeightCode::Binary] {
        let tiles = TileBuffer::from_values(3, 70, code, &sample::values(3, 70, code, 0)).unwrap();
        let error = LegacyMatrix::from_tiles(tiles.matrix(), 1.0).unwrap_err();
        assert_eq!(error, LegacyError::Code { code });
        assert!(error.to_string().contains(code.name()), "{error}");
        let mut file = by_definition(2, 3, WeightCode::Ternary, 1.0, &[0; 6]);
        file[4] = code.row().number as u8;
        assert_eq!(LegacyMatrix::parse(&file), Err(LegacyError::Version { found: code.row().number as u16 }));
    }
}

#[test]
fn a_file_survives_the_way_through_a_document() {
    let matrix = LegacyMatrix::parse(&QUATERNARY).unwrap();
    let tiles = matrix.to_tiles().unwrap();
    let mut writer = DocumentWriter::new();
    let (granularity, outliers) = (Granularity::Matrix, Outliers::default());
    let content = MatrixContent { name: "w", granularity, scales: &[matrix.scale()], stacks: &[tiles.matrix()], outliers };
    writer.add_matrix(&content).unwrap();
    let bytes = AlignedBytes::from(writer.finish().unwrap().as_slice());
    let frame = Document::open(&bytes).unwrap().matrix("w").unwrap();
    assert_eq!(LegacyMatrix::from_tiles(frame.stack(0), frame.scales()[0]).unwrap().to_bytes(), QUATERNARY);
}

#[test]
fn truncated_and_trailing_files_are_refused_at_every_length() {
    for file in [&QUATERNARY[..], &TERNARY] {
        for length in 0..file.len() {
            let error = LegacyMatrix::parse(&file[..length]).unwrap_err();
            assert!(matches!(error, LegacyError::Truncated { found, .. } if found == length as u64), "{length}: {error}");
        }
        let long = [file, &[0]].concat();
        let expected = file.len() as u64;
        assert_eq!(LegacyMatrix::parse(&long), Err(LegacyError::Trailing { expected, extra: 1 }));
    }
}

fn changed(file: &[u8], at: usize, patch: &[u8]) -> LegacyError {
    let mut file = file.to_vec();
    file[at..at + patch.len()].copy_from_slice(patch);
    LegacyMatrix::parse(&file).unwrap_err()
}

#[test]
fn bad_fields_are_refused_with_their_offset() {
    assert_eq!(changed(&TERNARY, 0, &[1]), LegacyError::Magic { found: vec![0x01, 0x41, 0x44, 0x4e] });
    assert_eq!(changed(&TERNARY, 0, b"NDA\0"), LegacyError::Magic { found: b"NDA\0".to_vec() });
    for version in [0, 3, 256, u16::MAX] {
        assert_eq!(changed(&TERNARY, 4, &version.to_le_bytes()), LegacyError::Version { found: version });
    }
    let shape = [0xff; 8];
    assert!(matches!(changed(&TERNARY, 6, &shape), LegacyError::TooLarge { rows: 0xffff_ffff, cols: 0xffff_ffff }));
    assert!(matches!(changed(&TERNARY, 6, &[0xff; 4]), LegacyError::Truncated { .. }));
    assert!(matches!(changed(&TERNARY, 6, &[0; 4]), LegacyError::Trailing { expected: 18, extra: 2 }));
    for scale in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(matches!(changed(&TERNARY, 14, &scale.to_le_bytes()), LegacyError::Scale { .. }));
    }
}

#[test]
fn contradicting_planes_and_set_padding_are_refused_where_they_are() {
    // Element 4 is row 1, column 1.
    assert_eq!(changed(&TERNARY, 19, &[0x1c]), LegacyError::Contradiction { offset: 19, row: 1, col: 1 });
    assert_eq!(changed(&TERNARY, 18, &[0x6e]), LegacyError::Padding { offset: 18, plane: 0 });
    assert_eq!(changed(&TERNARY, 19, &[0x4c]), LegacyError::Padding { offset: 19, plane: 1 });
    assert_eq!(changed(&QUATERNARY, 19, &[0x03]), LegacyError::Padding { offset: 19, plane: 0 });
    assert_eq!(changed(&QUATERNARY, 21, &[0x80]), LegacyError::Padding { offset: 21, plane: 1 });
    let error = changed(&QUATERNARY, 21, &[0x80]).to_string();
    assert_eq!(error, "byte 21: a bit after the last element of plane 1 is set; write the file again with zero bits there");
}

#[test]
fn a_matrix_without_columns_costs_nothing_however_many_rows_it_claims() {
    let mut file = TERNARY[..18].to_vec();
    file[6..10].copy_from_slice(&[0xff; 4]);
    file[10..14].copy_from_slice(&[0; 4]);
    let matrix = LegacyMatrix::parse(&file).unwrap();
    assert!(matrix.to_tiles().unwrap().words().is_empty());
    assert_eq!(LegacyMatrix::from_tiles(matrix.to_tiles().unwrap().matrix(), -1.5).unwrap().to_bytes(), file);
}

#[test]
fn tiles_that_no_file_can_hold_are_refused() {
    let tiles = sample::tiles(2, 3, WeightCode::Ternary, 0);
    assert!(matches!(LegacyMatrix::from_tiles(tiles.matrix(), f32::NAN), Err(LegacyError::Scale { .. })));
    let mut words = tiles.words().to_vec();
    words[0] |= 1 << 3;
    let broken = nda_spec::TileMatrix::new(2, 3, WeightCode::Ternary, &words).unwrap();
    assert!(matches!(LegacyMatrix::from_tiles(broken, 1.0), Err(LegacyError::Tile(_))));
    assert!(TileBuffer::from_words(2, 3, WeightCode::Ternary, words).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_file_is_refused_or_means_what_the_definition_says(
        file in prop::sample::select(vec![QUATERNARY.to_vec(), TERNARY.to_vec()]),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = file;
        for (place, value) in changes {
            let at = place.index(file.len());
            file[at] = value;
        }
        if let Ok(matrix) = LegacyMatrix::parse(&file) {
            prop_assert_eq!(matrix.to_bytes(), file.clone());
            prop_assert_eq!(matrix.to_tiles().unwrap().matrix().to_values(), values_by_definition(&file));
        }
    }

    #[test]
    fn any_bytes_are_a_result_and_never_a_panic(tail in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = LegacyMatrix::parse(&tail);
        let _ = LegacyMatrix::parse(&[&TERNARY[..4], &tail].concat());
    }
}
