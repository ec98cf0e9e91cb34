//! Documents whose every hash is right but whose content is not.

use nda_ndf::{AlignedBytes, Document, Fault, FrameKind, NdfError};
use nda_spec::TileError;
use proptest::prelude::*;

use crate::{definition, sample};

/// Overwrites bytes of the sample from the start of a frame (or of the file), makes all hashes right, and opens it.
fn forge(frame: Option<usize>, patches: &[(usize, &[u8])]) -> NdfError {
    let mut bytes = sample::document();
    let frames = sample::frame_ranges(&bytes);
    let start = frame.map_or(0, |frame| frames[frame].start);
    for (at, patch) in patches {
        bytes[start + at..start + at + patch.len()].copy_from_slice(patch);
    }
    sample::reseal(&mut bytes, &frames);
    let bytes = AlignedBytes::from(bytes.as_slice());
    let error = Document::open(&bytes).map(|_| ()).expect_err("a forged document was accepted");
    // The structure alone finds all but what stands in planes, outliers and vector values.
    if let Ok(document) = Document::open_structure(&bytes) {
        assert_eq!(document.check().unwrap_err().to_string(), error.to_string());
        assert!(matches!(error.fault(), Some(Fault::Tile { .. } | Fault::Outlier { .. } | Fault::NotFinite { .. })), "{error}");
    }
    let place = error.place().expect("a broken document has a place");
    assert_eq!(place.frame.as_ref().map(|frame| frame.index as usize), frame, "{error}");
    error
}

fn fault(frame: Option<usize>, at: usize, patch: &[u8]) -> Fault {
    forge(frame, &[(at, patch)]).fault().unwrap().clone()
}

const MAX32: [u8; 4] = u32::MAX.to_le_bytes();

#[test]
fn wrong_magic_and_version_are_named() {
    assert!(matches!(fault(None, 0, b"GGUF"), Fault::Magic { .. }));
    assert!(matches!(fault(None, 8, &[2]), Fault::Version { found: 2 }));
    assert!(matches!(fault(None, 8, &[0]), Fault::Version { found: 0 }));
}

#[test]
fn a_forged_header_is_refused() {
    assert!(matches!(fault(None, 24, &[0, 0, 1]), Fault::Padding { found: 1 }));
    assert!(matches!(fault(None, 12, &[0; 4]), Fault::Field { field: "frame_count", found: 0, .. }));
    assert!(matches!(fault(None, 12, &[6]), Fault::FileBytes { .. }));
    assert!(matches!(fault(None, 16, &[0xff; 8]), Fault::FileBytes { expected: u64::MAX, .. }));
    assert!(matches!(fault(None, 16, &[0; 8]), Fault::FileBytes { expected: 0, .. }));
    // More frames than the file has: the eighth is not there.
    let mut bytes = sample::document();
    let frames = sample::frame_ranges(&bytes);
    for count in [[8, 0, 0, 0], MAX32] {
        bytes[12..16].copy_from_slice(&count);
        sample::reseal(&mut bytes, &frames);
        let error = Document::open(&AlignedBytes::from(bytes.as_slice())).map(|_| ()).unwrap_err();
        assert!(matches!(error.fault(), Some(Fault::Truncated { .. })), "{error}");
        assert_eq!(error.place().unwrap().frame.as_ref().unwrap().index, 7);
    }
}

#[test]
fn a_forged_frame_header_is_refused() {
    for length in [u64::MAX, u64::MAX - 191, u64::MAX - 255, 1 << 63, 1 << 32, 0x1_0000] {
        assert!(matches!(fault(Some(3), 72, &length.to_le_bytes()), Fault::Field { field: "payload_bytes", found, .. } if found == length));
    }
    assert!(matches!(fault(Some(3), 64, &[0]), Fault::Field { field: "kind", found: 0, .. }));
    assert!(matches!(fault(Some(3), 64, &[99]), Fault::Field { field: "kind", found: 99, .. }));
    assert!(matches!(fault(Some(0), 64, &[16]), Fault::Order { kind: FrameKind::Matrix }));
    assert!(matches!(fault(Some(3), 64, &[1]), Fault::Order { kind: FrameKind::Metadata }));
    assert!(matches!(fault(Some(2), 64, &[2]), Fault::Order { kind: FrameKind::Tokenizer }));
    assert!(matches!(fault(Some(3), 64, &[3]), Fault::Order { kind: FrameKind::Program }));
    assert!(matches!(fault(Some(3), 68, &[4]), Fault::Field { field: "index", found: 4, .. }));
    assert!(matches!(fault(Some(3), 84, &[1]), Fault::Padding { found: 1 }));
}

#[test]
fn a_forged_name_is_refused() {
    assert!(matches!(fault(Some(3), 80, &[0]), Fault::Name { bytes: 0 }));
    assert!(matches!(fault(Some(3), 80, &[97]), Fault::Name { bytes: 97 }));
    assert!(matches!(fault(Some(3), 80, &MAX32), Fault::Name { .. }));
    assert!(matches!(fault(Some(3), 80, &[6]), Fault::Padding { found: b'q' }));
    assert!(matches!(fault(Some(3), 96, &[0xff]), Fault::NotUtf8 { .. }));
    assert!(matches!(fault(Some(3), 96, &[0]), Fault::Name { .. }));
    assert!(matches!(fault(Some(0), 80, &[1]), Fault::Name { bytes: 1 }));
    let error = forge(Some(5), &[(96, b"blk.0.q\0"), (80, &[7])]);
    assert!(matches!(error.fault(), Some(Fault::DuplicateName { .. })), "{error}");
}

#[test]
fn forged_metadata_is_refused() {
    let payload = 192;
    assert!(matches!(fault(Some(0), payload, &MAX32), Fault::PayloadBytes { .. }));
    assert!(matches!(fault(Some(0), payload, &[3]), Fault::PayloadBytes { .. }));
    assert!(matches!(fault(Some(0), payload + 4, &MAX32), Fault::PayloadBytes { .. }));
    assert!(matches!(fault(Some(0), payload + 8, &[0xff]), Fault::NotUtf8 { what: "a metadata key" }));
    // "model.epsilon" becomes a key after "model.layers".
    assert!(matches!(fault(Some(0), payload + 8, b"z"), Fault::Key { key } if key == "model.layers"));
    assert!(matches!(fault(Some(0), payload + 4, &[0]), Fault::Key { key } if key.is_empty()));
}

#[test]
fn a_forged_tokenizer_is_refused() {
    let payload = 192;
    assert!(matches!(fault(Some(1), payload, &[3]), Fault::Field { field: "tokenizer kind", found: 3, .. }));
    // As text, the first count is bytes of zero and the name follows: valid until a byte that is none.
    assert!(matches!(forge(Some(1), &[(payload, &[2]), (payload + 8, &[0xff])]).fault(), Some(Fault::NotUtf8 { what: "tokenizer.json" })));
    assert!(matches!(fault(Some(1), payload, &[0]), Fault::PayloadBytes { expected: 4, .. }));
    // kind, count and bytes of "gpt2", then three counts.
    for count in [12, 16, 20] {
        assert!(!matches!(fault(Some(1), payload + count, &MAX32), Fault::Padding { .. }));
    }
    assert!(matches!(fault(Some(1), payload + 8, &[0xff]), Fault::NotUtf8 { .. }));
    // Token 0 becomes "b", so "ab" is no longer tokens 0 and 1.
    assert!(matches!(fault(Some(1), payload + 28, b"b"), Fault::Merge { index: 0, .. }));
}

#[test]
fn a_program_that_is_not_text_is_refused_at_its_byte() {
    let error = forge(Some(2), &[(192 + 3, &[0xff])]);
    assert!(matches!(error.fault(), Some(Fault::NotUtf8 { .. })), "{error}");
    let start = sample::frame_ranges(&sample::document())[2].start;
    assert_eq!(error.place().unwrap().offset, (start + 192 + 3) as u64);
}

#[test]
fn a_forged_matrix_shape_is_refused_without_reserving_memory() {
    let payload = 192;
    let huge = forge(Some(3), &[(payload, &MAX32), (payload + 4, &MAX32)]);
    assert!(matches!(huge.fault(), Some(Fault::TooLarge { .. } | Fault::PayloadBytes { .. })), "{huge}");
    for at in [0, 4] {
        assert!(matches!(fault(Some(3), payload + at, &MAX32), Fault::PayloadBytes { .. }));
        assert!(matches!(fault(Some(3), payload + at, &[0]), Fault::Field { found: 0, allowed: "at least 1", .. }));
    }
    for code in [0, 5] {
        assert!(matches!(fault(Some(3), payload + 8, &[code]), Fault::Field { field: "code", .. }));
    }
    // A binary matrix has one plane, so the frame is too long for it.
    assert!(matches!(fault(Some(3), payload + 8, &[4]), Fault::PayloadBytes { .. }));
    for stacks in [0, 5, 255] {
        assert!(matches!(fault(Some(3), payload + 12, &[stacks]), Fault::Field { field: "stacks", .. }));
    }
    assert!(matches!(fault(Some(3), payload + 12, &[3]), Fault::PayloadBytes { .. }));
    assert!(matches!(fault(Some(3), payload + 16, &[4]), Fault::Field { field: "granularity", found: 4, .. }));
    assert!(matches!(fault(Some(3), payload + 20, &MAX32), Fault::PayloadBytes { .. }));
    assert!(matches!(fault(Some(3), payload + 20, &[0]), Fault::PayloadBytes { .. }));
    assert!(matches!(fault(Some(3), payload + 24, &[1]), Fault::Padding { found: 1 }));
}

#[test]
fn forged_scales_planes_and_outliers_are_refused_where_they_are() {
    let frame = sample::frame_ranges(&sample::document())[3].clone();
    let payload = 192;
    // 18 scales are 72 bytes, so the tiles begin at 192 and the outliers after 2 stacks of 1024 bytes.
    let (scales, tiles, outlier_rows) = (payload + 64, payload + 192, payload + 192 + 2048);
    let (outlier_cols, outlier_values) = (outlier_rows + 64, outlier_rows + 128);
    let at = |error: &NdfError| error.place().unwrap().offset as usize - frame.start;
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let error = forge(Some(3), &[(scales + 4 * 17, &number.to_le_bytes())]);
        assert!(matches!(error.fault(), Some(Fault::NotFinite { what: "scale", index: 17, .. })), "{error}");
        assert_eq!(at(&error), scales + 4 * 17);
        let error = forge(Some(3), &[(outlier_values + 8, &number.to_le_bytes())]);
        assert!(matches!(error.fault(), Some(Fault::NotFinite { what: "outlier", index: 2, .. })), "{error}");
        let error = forge(Some(4), &[(payload + 64 + 4, &number.to_le_bytes())]);
        assert!(matches!(error.fault(), Some(Fault::NotFinite { what: "value", index: 1, .. })), "{error}");
    }
    assert!(matches!(fault(Some(3), scales + 72, &[1]), Fault::Padding { found: 1 }));
    // Stack 1, row 2, columns 64..70 of plane 1: bit 6 would be column 70.
    let word = tiles + 1024 + 512 + 8 * (8 + 2);
    let error = forge(Some(3), &[(word, &[0x40])]);
    let padding = TileError::Padding { row: 2, col: 70, plane: 1 };
    assert!(matches!(error.fault(), Some(Fault::Tile { stack: 1, source }) if *source == padding), "{error}");
    assert_eq!(at(&error), word);
    // The ternary matrix of frame 5, row 32: positive everywhere, active nowhere.
    let word = payload + 128 + 512;
    let error = forge(Some(5), &[(word, &[0]), (word + 64, &[0x10])]);
    let contradiction = TileError::Contradiction { code: nda_spec::WeightCode::Ternary, row: 32, col: 4 };
    assert!(matches!(error.fault(), Some(Fault::Tile { stack: 0, source }) if *source == contradiction), "{error}");
    assert!(matches!(fault(Some(3), outlier_rows, &[1]), Fault::Outlier { index: 1, .. }));
    assert!(matches!(fault(Some(3), outlier_rows + 8, &[3]), Fault::Outlier { index: 2, row: 3, .. }));
    assert!(matches!(fault(Some(3), outlier_cols + 4, &[1]), Fault::Outlier { index: 1, col: 1, .. }));
    assert!(matches!(fault(Some(3), outlier_cols + 8, &[70]), Fault::Outlier { index: 2, col: 70, .. }));
    for gap in [outlier_rows + 12, outlier_cols + 12, outlier_values + 12] {
        assert!(matches!(fault(Some(3), gap, &[1]), Fault::Padding { found: 1 }));
    }
}

#[test]
fn a_forged_vector_is_refused() {
    let payload = 192;
    for dimensions in [0, 3] {
        assert!(matches!(fault(Some(4), payload, &[dimensions]), Fault::Field { field: "dimensions", .. }));
    }
    assert!(matches!(fault(Some(4), payload + 4, &[2]), Fault::Field { field: "rows", found: 2, .. }));
    assert!(matches!(fault(Some(4), payload + 4, &[0]), Fault::Field { field: "rows", found: 0, .. }));
    assert!(matches!(fault(Some(4), payload + 8, &[0]), Fault::Field { field: "cols", found: 0, .. }));
    assert!(matches!(fault(Some(4), payload + 8, &[4]), Fault::PayloadBytes { expected: 80, found: 76 }));
    assert!(matches!(fault(Some(6), payload + 4, &[MAX32, MAX32].concat()), Fault::TooLarge { .. } | Fault::PayloadBytes { .. }));
    assert!(matches!(fault(Some(4), payload + 12, &[1]), Fault::Padding { found: 1 }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// With right hashes a change may make another good document; then both readers must agree about it.
    #[test]
    fn a_forged_document_is_refused_or_means_what_the_definition_says(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        numbers: bool,
    ) {
        let mut bytes = sample::document();
        let frames = sample::frame_ranges(&bytes);
        for (place, value) in changes {
            // Half of the cases aim at frame headers and descriptors, where the sizes stand.
            let frame = frames[place.index(frames.len())].clone();
            let at = if numbers { frame.start + 64 + place.index(160) } else { place.index(bytes.len()) };
            bytes[at] = value;
        }
        sample::reseal(&mut bytes, &frames);
        let aligned = AlignedBytes::from(bytes.as_slice());
        let _ = Document::open_structure(&aligned);
        if let Ok(document) = Document::open(&aligned) {
            definition::compare(&bytes, &document);
        }
    }
}
