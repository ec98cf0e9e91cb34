//! Documents that are written frame by frame.

use nda_ndf::{DocumentWriter, Granularity, MappedDocument, MatrixContent, NdfError, Outliers, TileBuffer, VectorContent, VectorShape};
use nda_spec::WeightCode;
use std::fs;

fn head() -> DocumentWriter {
    let mut writer = DocumentWriter::new();
    writer.metadata().set("name", "stream");
    writer.set_program("fn main() {}");
    writer
}

/// More values than are hashed at once.
fn long() -> Vec<f32> {
    (0..300_001).map(|i| i as f32).collect()
}

#[test]
fn a_stream_gives_the_bytes_of_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ndf");
    let tiles = TileBuffer::from_values(2, 3, WeightCode::Ternary, &[0, 1, -1, 1, 0, 0]).unwrap();
    let (stacks, values) = ([tiles.matrix()], long());
    let matrix =
        MatrixContent { name: "w", granularity: Granularity::Row, scales: &[0.5, 0.25], stacks: &stacks, outliers: Outliers::default() };
    let vector = VectorContent { name: "v", shape: VectorShape::Vector(values.len()), values: &values };
    let mut writer = head();
    writer.add_matrix(&matrix).unwrap();
    writer.add_vector(&vector).unwrap();
    let mut stream = head().stream_to(&path).unwrap();
    stream.add_matrix(&matrix).unwrap();
    assert!(matches!(stream.add_matrix(&matrix), Err(NdfError::Unwritable { .. })), "a name is taken once");
    stream.add_vector(&vector).unwrap();
    let sealed = stream.seal().unwrap();
    assert!(!path.exists(), "nothing is seen before it is published");
    let hash = sealed.hash();
    assert_eq!(MappedDocument::open(sealed.path()).unwrap().document().hash(), hash);
    sealed.publish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), writer.finish().unwrap());
}

#[test]
fn a_stream_that_is_dropped_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ndf");
    fs::write(&path, "old").unwrap();
    drop(head().stream_to(&path).unwrap());
    drop(head().stream_to(&path).unwrap().seal().unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    head().stream_to(&path).unwrap().seal().unwrap().publish().unwrap();
    MappedDocument::open(&path).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(matches!(head().stream_to(folder.path().join("no/such")), Err(NdfError::File(_))));
}
