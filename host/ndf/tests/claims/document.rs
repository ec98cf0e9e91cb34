//! What goes in comes out, in place.

use nda_ndf::{
    AlignedBytes, Document, DocumentWriter, Fault, FrameKind, Granularity, MAX_NAME_BYTES, MatrixContent, Merge, NdfError, Outliers,
    TileBuffer, Tokenizer, VectorContent, VectorShape,
};
use nda_spec::WeightCode;

use proptest::prelude::*;

use crate::{definition, sample};

#[test]
fn everything_that_was_written_is_read_again() {
    let bytes = AlignedBytes::from(sample::document().as_slice());
    let document = Document::open(&bytes).unwrap();
    document.check().unwrap();
    assert_eq!(
        document.metadata().iter().collect::<Vec<_>>(),
        [("model.epsilon", "0.00001"), ("model.layers", "2"), ("model.name", "sample"), ("model.tied", "true")]
    );
    assert_eq!(document.tokenizer(), Some(&Tokenizer::BytePairs(sample::byte_pairs())));
    assert_eq!(document.program(), Some("x = embed(token)\n"));
    let kinds: Vec<_> = document.frames().map(|frame| (frame.index, frame.kind, frame.name)).collect();
    assert_eq!(
        kinds,
        [
            (0, FrameKind::Metadata, ""),
            (1, FrameKind::Tokenizer, ""),
            (2, FrameKind::Program, ""),
            (3, FrameKind::Matrix, "blk.0.q"),
            (4, FrameKind::Vector, "blk.0.norm"),
            (5, FrameKind::Matrix, "blk.0.up"),
            (6, FrameKind::Vector, "embed"),
        ]
    );
    assert_eq!(document.matrices().map(|matrix| matrix.name()).collect::<Vec<_>>(), ["blk.0.q", "blk.0.up"]);
    assert_eq!(document.vectors().map(|vector| vector.name()).collect::<Vec<_>>(), ["blk.0.norm", "embed"]);

    let q = document.matrix("blk.0.q").unwrap();
    assert_eq!((q.rows(), q.cols(), q.code(), q.stacks()), (3, 70, WeightCode::Quaternary, 2));
    assert_eq!((q.granularity(), q.scales()), (Granularity::Group32, sample::scales(18).as_slice()));
    assert_eq!(q.stack_scales(1), &sample::scales(18)[9..]);
    assert_eq!(q.stack(0).to_values(), sample::values(3, 70, WeightCode::Quaternary, 0));
    assert_eq!(q.stack(1).to_values(), sample::values(3, 70, WeightCode::Quaternary, 1));
    assert_eq!(q.outliers(), sample::OUTLIERS);
    let norm = document.vector("blk.0.norm").unwrap();
    assert_eq!((norm.shape(), norm.values()), (VectorShape::Vector(3), &[1.0, -0.5, 3.25][..]));
    let embed = document.vector("embed").unwrap();
    assert_eq!(embed.shape(), VectorShape::Table { rows: 4, cols: 3 });
    assert_eq!((embed.row(3), embed.row(4)), (Some(&sample::scales(12)[9..]), None));
}

#[test]
fn weights_are_the_sum_of_stacks_and_outliers_at_every_granularity() {
    let (rows, cols, code) = (5, 130, WeightCode::Quaternary);
    let stacks: Vec<TileBuffer> = (0..4).map(|seed| sample::tiles(rows, cols, code, seed)).collect();
    for (granularity, groups) in
        [(Granularity::Matrix, 1), (Granularity::Row, rows), (Granularity::Group32, rows * 5), (Granularity::Group64, rows * 3)]
    {
        for count in 1..=4 {
            let scales = sample::scales(groups * count);
            let matrices: Vec<_> = stacks[..count].iter().map(TileBuffer::matrix).collect();
            let outliers = Outliers { rows: &[4], cols: &[129], values: &[7.0] };
            let mut writer = DocumentWriter::new();
            writer.add_matrix(&MatrixContent { name: "w", granularity, scales: &scales, stacks: &matrices, outliers }).unwrap();
            let bytes = AlignedBytes::from(writer.finish().unwrap().as_slice());
            let document = Document::open(&bytes).unwrap();
            let matrix = document.matrix("w").unwrap();
            for (row, col) in (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))) {
                let group = match granularity {
                    Granularity::Matrix => 0,
                    Granularity::Row => row,
                    Granularity::Group32 => row * 5 + col / 32,
                    Granularity::Group64 => row * 3 + col / 64,
                };
                let of_stack = |k: usize| scales[k * groups + group] * f32::from(sample::values(rows, cols, code, k)[row * cols + col]);
                // Multiples of 1/8 below 2^10: every sum is exact, so the order of addition does not matter.
                let expected = (0..count).map(of_stack).sum::<f32>() + if (row, col) == (4, 129) { 7.0 } else { 0.0 };
                assert_eq!(matrix.weight(row, col), expected, "{granularity:?}, {count} stacks, row {row}, column {col}");
            }
        }
    }
}

#[test]
fn sections_are_used_in_place_at_multiples_of_64() {
    let bytes = AlignedBytes::from(sample::document().as_slice());
    let document = Document::open(&bytes).unwrap();
    let offset = |address: *const u8| address as usize - bytes.as_ptr() as usize;
    for matrix in document.matrices() {
        let places = [offset(matrix.scales().as_ptr().cast()), offset(matrix.stack(0).words().as_ptr().cast())];
        let last = offset(matrix.stack(matrix.stacks() - 1).words().as_ptr().cast());
        let outliers = matrix.outliers();
        let outliers = [outliers.rows.as_ptr().cast(), outliers.cols.as_ptr().cast(), outliers.values.as_ptr().cast()]
            .map(|at: *const u8| (at as usize).wrapping_sub(bytes.as_ptr() as usize));
        // Outliers that there are none of stand nowhere.
        let outliers = outliers.into_iter().filter(|_| !matrix.outliers().is_empty());
        for place in places.into_iter().chain([last]).chain(outliers) {
            assert!(place < bytes.len() + 1 && place % 64 == 0, "{} at {place}", matrix.name());
        }
    }
    for vector in document.vectors() {
        assert_eq!(offset(vector.values().as_ptr().cast()) % 64, 0, "{}", vector.name());
    }
    assert!(document.frames().all(|frame| frame.offset % 64 == 0));
}

#[test]
fn the_same_content_gives_the_same_bytes_whatever_order_text_was_set_in() {
    let mut late = DocumentWriter::new();
    late.add_vector(&VectorContent { name: "v", shape: VectorShape::Vector(1), values: &[1.0] }).unwrap();
    late.set_program("p");
    late.set_tokenizer(Tokenizer::Bytes).unwrap();
    late.metadata().set("b", 1);
    late.metadata().set("a", 2);
    let mut early = DocumentWriter::new();
    early.metadata().set("a", 2);
    early.metadata().set("b", 0);
    early.metadata().set("b", 1);
    early.set_tokenizer(Tokenizer::Bytes).unwrap();
    early.set_program("p");
    early.add_vector(&VectorContent { name: "v", shape: VectorShape::Vector(1), values: &[1.0] }).unwrap();
    assert_eq!(late.finish().unwrap(), early.finish().unwrap());
}

#[test]
fn a_document_of_metadata_alone_is_a_document() {
    let bytes = AlignedBytes::from(DocumentWriter::new().finish().unwrap().as_slice());
    let document = Document::open(&bytes).unwrap();
    assert_eq!(document.frames().count(), 1);
    assert_eq!((document.tokenizer(), document.program()), (None, None));
    assert_eq!(document.hash(), document.frames().last().unwrap().hash);
}

#[test]
fn metadata_is_typed_and_says_what_it_expected() {
    let bytes = AlignedBytes::from(sample::document().as_slice());
    let document = Document::open(&bytes).unwrap();
    let metadata = document.metadata();
    assert_eq!(metadata.text("model.name").unwrap(), "sample");
    assert_eq!(metadata.integer("model.layers").unwrap(), 2);
    assert_eq!(metadata.size("model.layers").unwrap(), 2);
    assert_eq!(metadata.float("model.epsilon").unwrap() as f32, 1e-5);
    assert!(metadata.flag("model.tied").unwrap());
    assert!(matches!(metadata.text("nothing"), Err(NdfError::NoSuchKey { .. })));
    let error = metadata.integer("model.name").unwrap_err().to_string();
    assert_eq!(error, "metadata (frame 0): 'model.name' is 'sample', not a whole number from 0 to 2^64 - 1");
    let mut wild = nda_ndf::Metadata::default();
    for number in ["NaN", "inf", "-inf", "1e999", ""] {
        wild.set("x", number);
        assert!(matches!(wild.float("x"), Err(NdfError::Value { .. })), "{number}");
    }
}

#[test]
fn a_missing_frame_is_named_and_a_kind_is_not_taken_for_another() {
    let bytes = AlignedBytes::from(sample::document().as_slice());
    let document = Document::open(&bytes).unwrap();
    let error = document.matrix("blk.9.q").unwrap_err().to_string();
    assert_eq!(error, "the document has no matrix 'blk.9.q' (2 of that kind); 'nda info' lists them");
    assert!(matches!(document.matrix("embed"), Err(NdfError::NoSuchFrame { kind: FrameKind::Matrix, .. })));
    assert!(matches!(document.vector("blk.0.q"), Err(NdfError::NoSuchFrame { kind: FrameKind::Vector, .. })));
}

#[test]
fn bytes_at_an_odd_address_are_refused_and_a_copy_is_not() {
    let good = sample::document();
    let mut shifted = AlignedBytes::zeroed(good.len() + 1);
    shifted[1..].copy_from_slice(&good);
    assert!(matches!(Document::open(&shifted[1..]), Err(NdfError::Misaligned)));
    Document::open(&AlignedBytes::from(&shifted[1..])).unwrap();
}

/// The fault with which a writer refuses a 2 x 3 ternary matrix changed by `change`.
fn refused(change: impl Fn(&mut MatrixContent<'_>)) -> Fault {
    let tiles = sample::tiles(2, 3, WeightCode::Ternary, 0);
    let stacks = [tiles.matrix()];
    let mut content =
        MatrixContent { name: "w", granularity: Granularity::Row, scales: &[1.0, 2.0], stacks: &stacks, outliers: Outliers::default() };
    let mut writer = DocumentWriter::new();
    writer.add_matrix(&content).unwrap();
    content.name = "other";
    change(&mut content);
    let error = writer.add_matrix(&content).unwrap_err();
    assert!(matches!(error, NdfError::Unwritable { kind: FrameKind::Matrix, .. }), "{error}");
    // Whatever was refused left the writer as it was.
    assert_eq!(Document::open(&AlignedBytes::from(writer.finish().unwrap().as_slice())).unwrap().frames().count(), 2);
    error.fault().unwrap().clone()
}

#[test]
fn the_writer_refuses_names_and_vectors_that_the_reader_would() {
    let long = "n".repeat(MAX_NAME_BYTES + 1);
    assert!(matches!(refused(|content| content.name = "w"), Fault::DuplicateName { .. }));
    assert!(matches!(refused(|content| content.name = ""), Fault::Name { bytes: 0 }));
    assert!(matches!(refused(|content| content.name = "a\nb"), Fault::Name { bytes: 3 }));
    let mut writer = DocumentWriter::new();
    let shape = VectorShape::Vector(1);
    assert!(matches!(
        writer.add_vector(&VectorContent { name: &long, shape, values: &[0.0] }).unwrap_err().fault(),
        Some(Fault::Name { .. })
    ));
    writer.add_vector(&VectorContent { name: &long[1..], shape, values: &[0.0] }).unwrap();
    for shape in [VectorShape::Vector(0), VectorShape::Table { rows: 0, cols: 3 }, VectorShape::Table { rows: 3, cols: 0 }] {
        let error = writer.add_vector(&VectorContent { name: "v", shape, values: &[] }).unwrap_err();
        assert!(matches!(error.fault(), Some(Fault::Field { .. })), "{error}");
    }
    for values in [[1.0, f32::NAN], [f32::INFINITY, 1.0]] {
        let error = writer.add_vector(&VectorContent { name: "v", shape: VectorShape::Vector(2), values: &values }).unwrap_err();
        assert!(matches!(error.fault(), Some(Fault::NotFinite { .. })), "{error}");
    }
    let error = writer.add_vector(&VectorContent { name: "v", shape: VectorShape::Vector(usize::MAX), values: &[] }).unwrap_err();
    assert!(matches!(error.fault(), Some(Fault::TooLarge { .. })), "{error}");
    writer.metadata().set("", "value");
    assert!(matches!(writer.finish().unwrap_err().fault(), Some(Fault::Key { .. })));
}

#[test]
fn the_writer_refuses_scales_and_outliers_that_the_reader_would() {
    assert!(matches!(refused(|content| content.scales = &[1.0]), Fault::Count { what: "scales", expected: 2, found: 1 }));
    assert!(matches!(refused(|content| content.scales = &[1.0, f32::NAN]), Fault::NotFinite { what: "scale", index: 1, .. }));
    assert!(matches!(refused(|content| content.stacks = &[]), Fault::Field { field: "stacks", .. }));
    let outliers = |rows, cols, values| refused(move |content| content.outliers = Outliers { rows, cols, values });
    assert!(matches!(outliers(&[0], &[], &[1.0]), Fault::Count { what: "outlier columns", .. }));
    assert!(matches!(outliers(&[], &[0], &[1.0]), Fault::Count { what: "outlier rows", .. }));
    assert!(matches!(outliers(&[0], &[0], &[f32::NEG_INFINITY]), Fault::NotFinite { what: "outlier", .. }));
    assert!(matches!(outliers(&[2], &[0], &[1.0]), Fault::Outlier { index: 0, .. }));
    assert!(matches!(outliers(&[0], &[3], &[1.0]), Fault::Outlier { index: 0, .. }));
    assert!(matches!(outliers(&[0, 0], &[1, 1], &[1.0, 2.0]), Fault::Outlier { index: 1, .. }));
    assert!(matches!(outliers(&[1, 0], &[0, 0], &[1.0, 2.0]), Fault::Outlier { index: 1, .. }));
}

#[test]
fn the_writer_refuses_stacks_that_the_reader_would() {
    let mut writer = DocumentWriter::new();
    let (small, large) = (sample::tiles(2, 3, WeightCode::Ternary, 0), sample::tiles(2, 4, WeightCode::Ternary, 0));
    let other = sample::tiles(2, 3, WeightCode::Quaternary, 0);
    for second in [&large, &other] {
        let stacks = [small.matrix(), second.matrix()];
        let content = MatrixContent {
            name: "s",
            granularity: Granularity::Matrix,
            scales: &[1.0, 1.0],
            stacks: &stacks,
            outliers: Outliers::default(),
        };
        assert!(matches!(writer.add_matrix(&content).unwrap_err().fault(), Some(Fault::Stacks { stack: 1 })));
    }
    let five = [small.matrix(); 5];
    let content =
        MatrixContent { name: "s", granularity: Granularity::Matrix, scales: &[1.0; 5], stacks: &five, outliers: Outliers::default() };
    assert!(matches!(writer.add_matrix(&content).unwrap_err().fault(), Some(Fault::Field { field: "stacks", found: 5, .. })));
    let empty = TileBuffer::from_values(0, 3, WeightCode::Ternary, &[]).unwrap();
    let content = MatrixContent {
        name: "s",
        granularity: Granularity::Matrix,
        scales: &[1.0],
        stacks: &[empty.matrix()],
        outliers: Outliers::default(),
    };
    assert!(matches!(writer.add_matrix(&content).unwrap_err().fault(), Some(Fault::Field { field: "rows", found: 0, .. })));
}

#[test]
fn the_writer_refuses_tiles_that_contradict_or_have_set_padding() {
    let good = sample::tiles(2, 3, WeightCode::Ternary, 0);
    for word in [0, 8, 1, 16] {
        let mut words = good.words().to_vec();
        // Positive of the first row for all columns, or a bit in the padding.
        words[word] |= if word == 8 { u64::MAX >> 61 } else { 1 << 63 };
        if word == 8 {
            words[0] = 0;
        }
        let broken = nda_spec::TileMatrix::new(2, 3, WeightCode::Ternary, &words).unwrap();
        let content =
            MatrixContent { name: "w", granularity: Granularity::Matrix, scales: &[1.0], stacks: &[broken], outliers: Outliers::default() };
        let error = DocumentWriter::new().add_matrix(&content).unwrap_err();
        assert!(matches!(error.fault(), Some(Fault::Tile { stack: 0, .. })), "{error}");
    }
}

#[test]
fn a_tokenizer_of_json_is_its_text_and_nothing_else() {
    for text in ["", "{\"model\": \"ŝ€𝄞\"}"] {
        let mut writer = DocumentWriter::new();
        writer.set_tokenizer(Tokenizer::Json(text.to_owned())).unwrap();
        let bytes = AlignedBytes::from(writer.finish().unwrap().as_slice());
        let document = Document::open(&bytes).unwrap();
        assert_eq!(document.tokenizer(), Some(&Tokenizer::Json(text.to_owned())));
        assert_eq!((document.tokenizer().unwrap().name(), document.tokenizer().unwrap().token_count()), ("json", None));
    }
}

#[test]
fn the_writer_refuses_a_tokenizer_that_contradicts_itself() {
    let refused = |change: fn(&mut nda_ndf::BytePairs)| {
        let mut pairs = sample::byte_pairs();
        change(&mut pairs);
        DocumentWriter::new().set_tokenizer(Tokenizer::BytePairs(pairs)).unwrap_err().fault().unwrap().clone()
    };
    assert!(matches!(refused(|pairs| pairs.merges[1].merged = 2), Fault::Merge { index: 1, left: 2, right: 1, merged: 2 }));
    assert!(matches!(refused(|pairs| pairs.merges.push(Merge { left: 6, right: 0, merged: 0 })), Fault::Merge { index: 2, .. }));
    assert!(matches!(refused(|pairs| pairs.specials = vec![6]), Fault::Special { token: 6 }));
    assert!(matches!(refused(|pairs| pairs.specials = vec![4, 4]), Fault::Special { token: 4 }));
    assert!(matches!(refused(|pairs| pairs.tokens[5] = vec![0; 1025]), Fault::Token { index: 5, bytes: 1025 }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_written_matrix_reads_back_as_the_definition_says(
        (rows, cols) in (1_usize..70, 1_usize..200),
        (code, granularity) in (prop::sample::select(WeightCode::ALL.to_vec()), prop::sample::select(Granularity::ALL.to_vec())),
        (stacks, seed) in (1_usize..=4, 0_usize..1000),
        places in proptest::collection::btree_set((any::<u32>(), any::<u32>()), 0..20),
    ) {
        let buffers: Vec<TileBuffer> = (0..stacks).map(|k| sample::tiles(rows, cols, code, seed + k)).collect();
        let matrices: Vec<_> = buffers.iter().map(TileBuffer::matrix).collect();
        let scales = sample::scales(stacks * granularity.scale_count(rows, cols).unwrap());
        let places: std::collections::BTreeSet<_> = places.into_iter().map(|(row, col)| (row % rows as u32, col % cols as u32)).collect();
        let (outlier_rows, outlier_cols): (Vec<u32>, Vec<u32>) = places.into_iter().unzip();
        let values = sample::scales(outlier_rows.len());
        let outliers = Outliers { rows: &outlier_rows, cols: &outlier_cols, values: &values };
        let mut writer = DocumentWriter::new();
        writer.add_matrix(&MatrixContent { name: "w", granularity, scales: &scales, stacks: &matrices, outliers }).unwrap();
        let bytes = AlignedBytes::from(writer.finish().unwrap().as_slice());
        let document = Document::open(&bytes).unwrap();
        definition::compare(&bytes, &document);
        for (k, buffer) in buffers.iter().enumerate() {
            prop_assert_eq!(document.matrix("w").unwrap().stack(k), buffer.matrix());
        }
    }
}
