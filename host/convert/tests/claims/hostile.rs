//! Files that lie, end early or are damaged.

use crate::sample::{self, Form, GgufBytes};
use nda_convert::gguf::{GgufFault, GgufFile, Kind};
use nda_convert::{ConvertError, Gguf};
use std::io::Cursor;
use std::path::Path;

fn open(bytes: &[u8]) -> Result<GgufFile<Cursor<&[u8]>>, ConvertError> {
    GgufFile::open(Path::new("hostile.gguf"), Cursor::new(bytes))
}

/// The structure of the small model without its tensors' bytes, but for one small tensor.
fn structure() -> Vec<u8> {
    let mut file = GgufBytes::default();
    file.text("general.architecture", "llama");
    file.number("general.alignment", 32);
    file.float("f", 1.5);
    file.flag("flag", true);
    file.texts("texts", &["a", "", "ß"]);
    file.numbers("numbers", &[1, -1]);
    file.tensor("t", Some(2), 32, Kind::Q4_0, &[7; 36]);
    file.tensor("v", None, 2, Kind::F32, &[0; 8]);
    file.bytes()
}

fn fault(bytes: &[u8]) -> GgufFault {
    match open(bytes) {
        Err(ConvertError::Gguf { fault, offset }) if offset <= bytes.len() as u64 => fault,
        other => panic!("{other:?} is no fault with a place in the file"),
    }
}

#[test]
fn a_file_that_ends_anywhere_early_is_refused_with_the_place() {
    let bytes = structure();
    assert_eq!(open(&bytes).unwrap().tensors().len(), 2);
    // The last tensor has 8 bytes, and padding that nobody misses behind them.
    for length in 0..bytes.len() - 24 {
        let error = open(&bytes[..length]).unwrap_err();
        assert!(matches!(error, ConvertError::Gguf { offset, .. } if offset <= length as u64), "{length} bytes: {error}");
    }
}

#[test]
fn any_changed_byte_is_a_fault_or_a_file_whose_tensors_can_be_read() {
    let bytes = structure();
    for at in 0..bytes.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= change;
            let Ok(mut file) = open(&damaged) else { continue };
            for name in file.tensors().keys().cloned().collect::<Vec<_>>() {
                let stored = file.tensors()[&name].clone();
                let read = file.read(Path::new("hostile.gguf"), &name).unwrap();
                assert_eq!(stored.kind.floats(&read).len(), stored.rows.unwrap_or(1) * stored.cols, "byte {at}, '{name}'");
            }
        }
    }
}

#[test]
fn absurd_counts_are_refused_before_anything_is_reserved_for_them() {
    let head = |tensors: u64, keys: u64| {
        [b"GGUF".as_slice(), &3_u32.to_le_bytes(), &tensors.to_le_bytes(), &keys.to_le_bytes(), &[0; 64]].concat()
    };
    assert!(matches!(fault(&head(u64::MAX, 0)), GgufFault::Count { what: "tensors", .. }));
    assert!(matches!(fault(&head(0, 1 << 40)), GgufFault::Count { what: "keys", .. }));
    assert!(matches!(fault(&head(1000, 0)), GgufFault::Truncated { what: "tensors", .. }));
    let with = |kind: u32, rest: &[u8]| {
        let mut bytes = head(0, 1)[..24].to_vec();
        bytes.extend([&1_u64.to_le_bytes()[..], b"k", &kind.to_le_bytes(), rest].concat());
        bytes
    };
    let array = |kind: u32, count: u64| with(9, &[&kind.to_le_bytes()[..], &count.to_le_bytes()].concat());
    assert!(matches!(fault(&with(8, &u64::MAX.to_le_bytes())), GgufFault::Truncated { .. }));
    assert!(matches!(fault(&array(0, u64::MAX)), GgufFault::Count { .. }));
    assert!(matches!(fault(&array(8, 1 << 20)), GgufFault::Truncated { .. }));
    assert!(matches!(fault(&with(77, &[0; 8])), GgufFault::ValueType { found: 77 }));
    assert!(matches!(fault(&with(7, &[2])), GgufFault::Flag { found: 2 }));
    let nested: Vec<u8> = std::iter::repeat_n([&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes()].concat(), 9).flatten().collect();
    assert!(matches!(fault(&with(9, &nested)), GgufFault::Depth));
}

#[test]
fn tensors_outside_the_file_or_of_no_shape_are_refused() {
    let one = |rows: Option<usize>, cols: usize, kind: Kind| {
        let mut file = GgufBytes::default();
        file.tensor("t", rows, cols, kind, &[0; 64]);
        file.bytes()
    };
    assert!(open(&one(Some(2), 8, Kind::F32)).is_ok());
    assert!(matches!(fault(&one(Some(3), 8, Kind::F32)), GgufFault::Range { .. }));
    assert!(matches!(fault(&one(Some(usize::MAX), usize::MAX, Kind::F32)), GgufFault::Dimensions { .. }));
    assert!(matches!(fault(&one(Some(0), 8, Kind::F32)), GgufFault::Dimensions { .. }));
    assert!(matches!(fault(&one(Some(1), 33, Kind::Q4_0)), GgufFault::Dimensions { .. }));
    let mut twice = GgufBytes::default();
    (0..2).for_each(|_| twice.tensor("t", None, 8, Kind::F32, &[0; 32]));
    assert!(matches!(fault(&twice.bytes()), GgufFault::Twice { .. }));
    let mut two = GgufBytes::default();
    ["first", "second"].into_iter().for_each(|name| two.tensor(name, None, 8, Kind::F32, &[0; 32]));
    let mut bytes = two.bytes();
    let offset = bytes.windows(8).rposition(|window| window == 32_u64.to_le_bytes()).unwrap();
    bytes[offset..offset + 8].fill(0);
    assert!(matches!(fault(&bytes), GgufFault::Overlap { .. }));
    let mut version = structure();
    version[4] = 1;
    assert!(matches!(fault(&version), GgufFault::Version { found: 1 }));
    version[4..8].copy_from_slice(&3_u32.to_be_bytes());
    assert_eq!(fault(&version).to_string(), "GGUF version 3 in big endian is neither 2 nor 3 in little endian");
}

#[test]
fn types_are_named_and_blocks_of_two_sizes_are_told_apart_by_what_fits() {
    let of = |kind: Kind, bytes: usize| {
        let mut file = GgufBytes::default();
        ["first", "second"].into_iter().for_each(|name| file.tensor(name, Some(16), 128, kind, &vec![0x55; bytes]));
        file.bytes()
    };
    let kinds = |bytes: &[u8]| open(bytes).unwrap().tensors().values().map(|stored| stored.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&of(Kind::Q2_0, 576)), [Kind::Q2_0; 2]);
    assert_eq!(kinds(&of(Kind::Q2_0Of128, 544)), [Kind::Q2_0Of128; 2]);
    let mut unread = of(Kind::Q2_0, 576);
    let number = unread.windows(4).position(|window| window == 42_u32.to_le_bytes()).unwrap();
    unread[number] = 16;
    let error = open(&unread).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("type 16 (IQ2_XXS) is not read; F32, "), "{error}");
    assert_eq!(error.help(), "give a file of this model in one of these types");
}

#[test]
fn a_model_that_is_not_whole_or_not_plain_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let refused = |change: &dyn Fn(&mut GgufBytes)| {
        let mut file = sample::gguf(Form::Floats);
        change(&mut file);
        std::fs::write(&path, file.bytes()).unwrap();
        Gguf::open(&path).unwrap_err()
    };
    let error = refused(&|file| file.tensor("blk.0.ffn_gate.bias", None, 256, Kind::F32, &[0; 1024]));
    assert!(matches!(&error, ConvertError::Leftover { name, count: 1, .. } if name == "blk.0.ffn_gate.bias"), "{error}");
    let error = refused(&|file| file.tensor("rope_freqs.weight", None, 32, Kind::F32, &[0; 128]));
    assert!(matches!(&error, ConvertError::Tensor { name, .. } if name == "rope_freqs.weight"), "{error}");
    let error = refused(&|file| file.tensor("rope_freqs.weight", None, 31, Kind::F32, &[0; 124]));
    assert!(matches!(&error, ConvertError::Tensor { name, .. } if name == "rope_freqs.weight"), "{error}");
    let error = refused(&|file| file.float("llama.rope.scaling.factor", -2.0));
    assert!(matches!(&error, ConvertError::Key { key, .. } if key == "llama.rope.scaling.factor"), "{error}");
    let error = refused(&|file| file.number("llama.rope.dimension_count", 32));
    assert!(matches!(&error, ConvertError::Key { key, .. } if key == "llama.rope.dimension_count"), "{error}");
    let error = refused(&|file| file.float("llama.rope.freq_base", -1.0));
    assert_eq!(error.to_string(), "'llama.rope.freq_base' is -1, but must be a positive number");
    let key = "llama.attention.layer_norm_rms_epsilon";
    let mut zero = sample::gguf(Form::Floats).bytes();
    // Behind the key stands the type of its value.
    let at = zero.windows(key.len()).position(|window| window == key.as_bytes()).unwrap() + key.len() + 4;
    zero[at..at + 4].fill(0);
    std::fs::write(&path, zero).unwrap();
    assert_eq!(Gguf::open(&path).unwrap_err().to_string(), format!("'{key}' is 0, but must be a positive number"));
    let error = refused(&|file| file.number("llama.vocab_size", 5));
    assert!(matches!(&error, ConvertError::Tensor { name, .. } if name == "token_embd.weight"), "{error}");
    let error = refused(&|file| file.tensor("output.weight", Some(3), 256, Kind::F32, &[0; 3072]));
    assert!(matches!(&error, ConvertError::Tensor { name, .. } if name == "output.weight"), "{error}");
}
