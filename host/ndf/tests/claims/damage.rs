//! Changed, missing and additional bytes are refused, and the message says where.

use nda_ndf::{AlignedBytes, Document, Fault, NdfError};
use proptest::prelude::*;

use crate::sample;

/// The error of the full check. Both ways to it must agree: opening, and checking what was opened by structure only.
fn refusal(bytes: &[u8], what: &dyn Fn() -> String) -> NdfError {
    let bytes = AlignedBytes::from(bytes);
    let error = match Document::open(&bytes) {
        Ok(_) => panic!("{}: accepted", what()),
        Err(error) => error,
    };
    let later = match Document::open_structure(&bytes) {
        Ok(document) => document.check().expect_err("open refused the same bytes"),
        Err(error) => error,
    };
    let message = error.to_string();
    assert!(message.contains("frame") || message.contains("header"), "{}: {message}", what());
    assert!(message.contains("byte "), "{}: {message}", what());
    assert!(matches!(later, NdfError::Broken { .. }), "{}: {later}", what());
    error
}

/// Index of the frame that a byte stands in, or `None` for the header.
fn frame_of(frames: &[std::ops::Range<usize>], offset: usize) -> Option<u32> {
    frames.iter().position(|frame| frame.contains(&offset)).map(|index| index as u32)
}

fn located(error: &NdfError) -> Option<u32> {
    error.place().expect("a broken document has a place").frame.as_ref().map(|frame| frame.index)
}

#[test]
fn any_changed_bit_of_any_byte_is_refused_in_its_frame() {
    let good = sample::document();
    let frames = sample::frame_ranges(&good);
    for offset in 0..good.len() {
        for mask in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[offset] ^= mask;
            let error = refusal(&bytes, &|| format!("byte {offset} ^ {mask:#04x}"));
            assert_eq!(located(&error), frame_of(&frames, offset), "byte {offset} ^ {mask:#04x}: {error}");
        }
    }
}

#[test]
fn any_truncation_is_refused_where_the_file_ends() {
    let good = sample::document();
    for length in 0..good.len() {
        let error = refusal(&good[..length], &|| format!("{length} bytes"));
        let Some(Fault::Truncated { expected, found }) = error.fault() else { panic!("{length} bytes: {error}") };
        assert_eq!(*found, length as u64);
        assert!(*expected > *found && *expected <= good.len() as u64, "{error}");
        assert_eq!(error.place().unwrap().offset, length as u64, "{error}");
    }
}

#[test]
fn trailing_bytes_are_refused_where_they_begin() {
    let good = sample::document();
    let tails = [vec![0], vec![0; 64], vec![0xff; 7], good.clone(), good[64..].to_vec()];
    for tail in tails {
        let bytes = [good.as_slice(), &tail].concat();
        let error = refusal(&bytes, &|| format!("{} bytes more", tail.len()));
        assert!(matches!(error.fault(), Some(Fault::Trailing { extra }) if *extra == tail.len() as u64), "{error}");
        assert_eq!((error.place().unwrap().offset, located(&error)), (good.len() as u64, Some(6)));
    }
}

#[test]
fn a_byte_missing_or_added_anywhere_is_refused_in_its_frame() {
    let good = sample::document();
    let frames = sample::frame_ranges(&good);
    for offset in 0..good.len() {
        let mut missing = good.clone();
        missing.remove(offset);
        let error = refusal(&missing, &|| format!("byte {offset} missing"));
        assert_eq!(located(&error), frame_of(&frames, offset), "byte {offset} missing: {error}");
        let mut added = good.clone();
        added.insert(offset, 0xa5);
        let error = refusal(&added, &|| format!("byte before {offset}"));
        assert_eq!(located(&error), frame_of(&frames, offset), "byte before {offset}: {error}");
    }
}

#[test]
fn frames_that_are_swapped_doubled_or_left_out_break_the_chain() {
    let good = sample::document();
    let frames = sample::frame_ranges(&good);
    let build = |order: &[usize]| {
        let parts = order.iter().flat_map(|&index| good[frames[index].clone()].iter().copied());
        good[..64].iter().copied().chain(parts).collect::<Vec<u8>>()
    };
    for order in [&[0, 1, 2, 4, 3, 5, 6][..], &[0, 1, 2, 3, 5, 6], &[0, 1, 2, 3, 3, 4, 5, 6], &[1, 2, 3, 4, 5, 6]] {
        let bytes = build(order);
        let error = refusal(&bytes, &|| format!("{order:?}"));
        assert!(matches!(error.fault(), Some(Fault::Chain)), "{order:?}: {error}");
        let structure = Document::open_structure(&AlignedBytes::from(bytes.as_slice())).map(|_| ());
        assert!(matches!(structure.unwrap_err().fault(), Some(Fault::Chain)), "{order:?}");
    }
}

#[test]
fn a_message_names_kind_name_and_byte_range() {
    let mut bytes = sample::document();
    let frame = sample::frame_ranges(&bytes)[3].clone();
    bytes[frame.end - 1] ^= 1;
    let error = refusal(&bytes, &String::new);
    let expected = format!(
        "frame 3 (matrix 'blk.0.q'), byte {}: a byte in {}..{} was changed: their BLAKE3 hash is not the stored one; fetch or convert the file again",
        frame.start, frame.start, frame.end
    );
    assert_eq!(error.to_string(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), with_magic: bool) {
        let mut bytes = AlignedBytes::from(bytes.as_slice());
        if with_magic && bytes.len() >= 12 {
            bytes[..12].copy_from_slice(b"\x89NDF\r\n\x1a\n\x01\0\0\0");
        }
        prop_assert!(Document::open(&bytes).is_err());
        prop_assert!(Document::open_structure(&bytes).is_err());
    }

    #[test]
    fn any_overwritten_stretch_is_refused(at in 0_usize..6000, patch in proptest::collection::vec(any::<u8>(), 1..40)) {
        let good = sample::document();
        let mut bytes = good.clone();
        let at = at % good.len();
        let end = (at + patch.len()).min(good.len());
        bytes[at..end].copy_from_slice(&patch[..end - at]);
        if bytes != good {
            refusal(&bytes, &|| format!("{patch:02x?} at {at}"));
        }
    }
}
