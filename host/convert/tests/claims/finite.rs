//! NaN and infinities are named with tensor and index, whatever becomes of the weights.

use crate::sample::{self, Form, f32_bytes, paired, tensors};
use nda_convert::gguf::Kind;
use nda_convert::{ConvertError, Folder, Gguf, Options, Recipe, Source, Weights, convert};
use safetensors::SafeTensors;
use std::fs;
use std::path::Path;

/// What a conversion says, with every form of the weights; the folder holds what it held before.
fn refused(open: impl Fn() -> Box<dyn Source>, folder: &Path) -> Vec<(String, &'static str, usize, f32)> {
    let output = folder.join("out.ndf");
    let forms = [Weights::F32, Weights::Fitted(Recipe::K2), Weights::Fitted(Recipe::K3_ROW)];
    let found = forms.map(|weights| {
        let options = Options { weights, ..Options::default() };
        match convert(&mut *open(), &output, &options, |_| ()).unwrap_err() {
            ConvertError::NotFinite { name, what, index, value } => (name, what, index, value),
            other => panic!("{weights:?}: {other}"),
        }
    });
    assert!(!output.exists());
    found.into()
}

const VALUES: [f32; 3] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];

#[test]
fn nan_and_infinite_weights_of_a_gguf_file_are_named_with_tensor_and_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.gguf");
    for value in VALUES {
        // A vector, a matrix, and one whose rows stand in another order in the document: the index is the file's.
        for (wanted, index) in [("output_norm.weight", 0), ("blk.0.ffn_up.weight", 65_535), ("blk.0.attn_q.weight", 300)] {
            let mut bytes = sample::gguf(Form::Floats).bytes();
            let tensor = tensors(Form::Floats).into_iter().find(|tensor| tensor.gguf == wanted).unwrap();
            let stored = f32_bytes(&paired(&tensor.values, tensor.cols, tensor.heads));
            // A short stretch also stands in longer tensors before it.
            let at = bytes.windows(stored.len()).rposition(|window| window == stored).unwrap();
            bytes[at + 4 * index..][..4].copy_from_slice(&value.to_le_bytes());
            fs::write(&path, &bytes).unwrap();
            for (name, what, found, is) in refused(|| Box::new(Gguf::open(&path).unwrap()), folder.path()) {
                assert_eq!((name.as_str(), what, found, is.to_string()), (wanted, "weight", index, value.to_string()));
            }
        }
    }
}

#[test]
fn a_block_with_a_scale_that_is_no_number_is_named_with_tensor_and_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.gguf");
    let (tensor, nan) =
        (tensors(Form::Ternary).into_iter().find(|tensor| tensor.gguf == "blk.0.attn_v.weight").unwrap(), half::f16::NAN.to_le_bytes());
    let stored = sample::tq2_bytes(&tensor.values);
    let mut bytes = sample::gguf(Form::Ternary).bytes();
    let at = bytes.windows(stored.len()).position(|window| window == stored).unwrap();
    // A block of 256 weights takes 66 bytes, its scale last.
    bytes[at + 66 * 3 + 64..][..2].copy_from_slice(&nan);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(Kind::Tq2_0.name(), "TQ2_0");
    for (name, what, index, value) in refused(|| Box::new(Gguf::open(&path).unwrap()), folder.path()) {
        assert_eq!((name.as_str(), what, index, value.is_nan()), ("blk.0.attn_v.weight", "scale", 3, true));
    }
}

#[test]
fn nan_and_infinite_weights_of_a_folder_are_named_with_tensor_and_index() {
    for (form, wanted, index) in [
        (Form::Floats, "model.layers.0.mlp.up_proj.weight", 7),
        (Form::Floats, "model.norm.weight", 255),
        (Form::Ternary, "model.layers.0.self_attn.k_proj.weight_scale", 0),
    ] {
        for value in VALUES {
            let folder = tempfile::tempdir().unwrap();
            let source = folder.path().join("model");
            fs::create_dir(&source).unwrap();
            sample::write_folder(&source, form);
            let file = source.join("model.safetensors");
            let mut bytes = fs::read(&file).unwrap();
            let tensors = SafeTensors::deserialize(&bytes).unwrap();
            let data = tensors.tensor(wanted).unwrap().data();
            let at = data.as_ptr() as usize - bytes.as_ptr() as usize + 2 * index;
            bytes[at..][..2].copy_from_slice(&half::bf16::from_f32(value).to_le_bytes());
            fs::write(&file, &bytes).unwrap();
            for (name, _, found, is) in refused(|| Box::new(Folder::open(&source).unwrap()), folder.path()) {
                assert_eq!((name.as_str(), found, is.to_string()), (wanted, index, value.to_string()));
            }
        }
    }
}
