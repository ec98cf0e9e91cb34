//! Grid frames come back as they were written, and what is wrong with one is refused with its place.

use nda_ndf::{AlignedBytes, Document, DocumentWriter, Fault, FrameKind, GridContent, NdfError, TileBuffer};
use nda_spec::grid::{GridError, GroupCols, scale_count, scale_index};
use nda_spec::{TileMatrix, WeightCode};

const SHAPE: (usize, usize) = (33, 70);

fn tiles() -> Vec<TileBuffer> {
    let stack = |seed: usize| {
        let codes: Vec<i8> = (0..SHAPE.0 * SHAPE.1).map(|i| [-2, -1, 1, 2][(i * 7 + i / 3 + seed) % 4]).collect();
        TileBuffer::from_values(SHAPE.0, SHAPE.1, WeightCode::Quaternary, &codes).unwrap()
    };
    vec![stack(0), stack(1)]
}

fn scales() -> Vec<u16> {
    let mut scales = vec![0; scale_count(SHAPE.0, SHAPE.1, GroupCols::C32).unwrap()];
    for row in 0..SHAPE.0 {
        for col in (0..SHAPE.1).step_by(32) {
            scales[scale_index(row, col, SHAPE.1, GroupCols::C32)] = 0x2c00 + row as u16;
        }
    }
    scales
}

fn written(coefficients: &[i8], scales: &[u16], stacks: &[TileMatrix<'_>]) -> Result<Vec<u8>, NdfError> {
    let mut writer = DocumentWriter::new();
    writer.add_grid(&GridContent { name: "w", group: GroupCols::C32, coefficients, scales, stacks })?;
    writer.finish()
}

#[test]
fn a_grid_comes_back_as_it_was_written() {
    let tiles = tiles();
    let stacks: Vec<_> = tiles.iter().map(TileBuffer::matrix).collect();
    let bytes = written(&[4, 7], &scales(), &stacks).unwrap();
    let aligned = AlignedBytes::from(bytes.as_slice());
    let document = Document::open(&aligned).unwrap();
    let grid = document.grid("w").unwrap().matrix();
    assert_eq!((grid.rows(), grid.cols(), grid.group(), grid.coefficients()), (33, 70, GroupCols::C32, &[4_i8, 7][..]));
    assert_eq!((grid.scales(), grid.stack(1)), (scales().as_slice(), stacks[1]));
    assert_eq!(grid.level(32, 69), 4 * stacks[0].get(32, 69) + 7 * stacks[1].get(32, 69));
    assert_eq!(document.grids().count(), 1);
    assert!(matches!(document.matrix("w"), Err(NdfError::NoSuchFrame { kind: FrameKind::Matrix, .. })));
    // The stream writes the same bytes.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.ndf");
    let mut stream = DocumentWriter::new().stream_to(&path).unwrap();
    let content = GridContent { name: "w", group: GroupCols::C32, coefficients: &[4, 7], scales: &scales(), stacks: &stacks };
    stream.add_grid(&content).unwrap();
    stream.seal().unwrap().publish().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn any_changed_byte_of_a_grid_is_refused() {
    let tiles = tiles();
    let stacks: Vec<_> = tiles.iter().map(TileBuffer::matrix).collect();
    let bytes = written(&[4, 7], &scales(), &stacks).unwrap();
    for at in (0..bytes.len()).step_by(13) {
        let mut changed = AlignedBytes::from(bytes.as_slice());
        changed[at] ^= 0x10;
        assert!(Document::open(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn content_that_the_reader_would_refuse_is_not_written() {
    let tiles = tiles();
    let stacks: Vec<_> = tiles.iter().map(TileBuffer::matrix).collect();
    let fault = |error: NdfError| if let NdfError::Unwritable { fault, .. } = error { fault } else { panic!("{error}") };
    let refused = |coefficients: &[i8], scales: &[u16]| fault(written(coefficients, scales, &stacks).unwrap_err());
    assert!(matches!(refused(&[4, 0], &scales()), Fault::Grid { source: GridError::Coefficients { .. } }));
    assert!(matches!(refused(&[4], &scales()), Fault::Count { what: "coefficients", .. }));
    assert!(matches!(refused(&[4, 7], &scales()[1..]), Fault::Count { what: "scales", .. }));
    let mut wrong = scales();
    wrong[0] = 0x7c00;
    assert!(matches!(refused(&[4, 7], &wrong), Fault::Grid { source: GridError::NotFinite { index: 0 } }));
    let mut wrong = scales();
    let index = scale_index(33, 0, SHAPE.1, GroupCols::C32);
    wrong[index] = 1;
    assert!(matches!(refused(&[4, 7], &wrong), Fault::Grid { source: GridError::Padding { index: found } } if found == index));
}
