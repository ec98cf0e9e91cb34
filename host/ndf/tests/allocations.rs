//! Taking a view allocates nothing. A program of its own, so that no other test allocates while this one counts.

use nda_ndf::{DocumentWriter, Granularity, MappedDocument, MatrixContent, Outliers, TileBuffer, VectorContent, VectorShape};
use nda_spec::WeightCode;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn a_view_of_a_mapped_matrix_allocates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.ndf");
    let mut writer = DocumentWriter::new();
    let values: Vec<i8> = (0..64 * 64).map(|i| [-2, -1, 1, 2][(i * 7 + i / 5) % 4]).collect();
    let tiles = TileBuffer::from_values(64, 64, WeightCode::Quaternary, &values).unwrap();
    let (granularity, stacks, outliers) = (Granularity::Row, &[tiles.matrix()], Outliers::default());
    writer.add_matrix(&MatrixContent { name: "blk.0.q", granularity, scales: &[0.5; 64], stacks, outliers }).unwrap();
    writer.add_vector(&VectorContent { name: "norm", shape: VectorShape::Vector(2), values: &[1.0, -2.0] }).unwrap();
    writer.write_to(&path).unwrap();
    let mapped = MappedDocument::open(&path).unwrap();
    let views = mapped.document().views();

    let counter = Region::new(ALLOCATOR);
    for _ in 0..100 {
        let document = black_box(&mapped).document();
        let frame = document.matrix(black_box("blk.0.q")).unwrap();
        black_box(document.matrix_at(frame.index()).unwrap().stack(0));
        black_box(black_box(&views).matrix(frame.index()).unwrap().stack(0));
        black_box((frame.stack(0), frame.scales(), frame.outliers(), document.clone().vector("norm").unwrap().values()));
    }
    let change = counter.change();
    assert_eq!((change.allocations, change.reallocations, change.deallocations), (0, 0, 0), "{change:?}");
    assert!(mapped.document().matrix_at(0).is_none() && mapped.document().matrix_at(9).is_none(), "metadata is not a matrix");
    assert!(views.matrix(0).is_none() && views.matrix(9).is_none(), "as of the document");
    let index = mapped.document().matrix("blk.0.q").unwrap().index();
    assert_eq!(views.matrix(index).unwrap().stack(0).to_values(), values);
    // The counter counts: a look-up that fails says so in an error that owns its text.
    assert!(mapped.document().matrix("no such name").is_err());
    assert!(counter.change().allocations > 0, "the allocator does not count");
    assert_eq!(mapped.document().matrix("blk.0.q").unwrap().stack(0).to_values(), values);
}
