//! Getting at a 64 x 64 matrix: a view of a mapped document.

use divan::{Bencher, black_box};
use nda_ndf::{DocumentWriter, Granularity, MappedDocument, MatrixContent, Outliers, TileBuffer};
use nda_spec::WeightCode;

fn main() {
    divan::main();
}

#[divan::bench]
fn view_of_a_mapped_matrix(bencher: Bencher<'_, '_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("small.ndf");
    let values: Vec<i8> = (0..64 * 64).map(|i| [-2, -1, 1, 2][(i * 7 + i / 5) % 4]).collect();
    let tiles = TileBuffer::from_values(64, 64, WeightCode::Quaternary, &values).expect("values of the code");
    let mut writer = DocumentWriter::new();
    let (stacks, scales, outliers) = (&[tiles.matrix()], &[0.5; 64], Outliers::default());
    writer.add_matrix(&MatrixContent { name: "w", granularity: Granularity::Row, scales, stacks, outliers }).expect("a matrix");
    writer.write_to(&path).expect("a document");
    let mapped = MappedDocument::open(&path).expect("what was written");
    assert_eq!(mapped.document().matrix("w").expect("the matrix").stack(0).to_values(), values);
    bencher.bench_local(|| black_box(&mapped).document().matrix(black_box("w")).map(|frame| frame.stack(0).words()[0]).ok());
}
