//! BitNet b1.58: one small checkpoint in every published packing, and the engine against plain loops in f64.

mod checkpoint;
mod plain;

use crate::sample::GgufBytes;
use checkpoint::{Packing, checkpoint, document, from_folder, from_gguf, gguf, masters};
use nda_convert::gguf::Kind;
use nda_convert::{ConvertError, Gguf};
use nda_engine::{Model, Session, Weights};
use nda_kernels::CpuGemv;
use nda_ndf::MappedDocument;
use nda_spec::WeightCode;
use plain::{Plain, distance, silu, squared_relu};
use std::fs;
use std::path::Path;

const TEXT: [u32; 12] = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 26, 8];

/// The logits after every token of the text.
fn logits(document: &Path) -> Vec<Vec<f32>> {
    let mapped = MappedDocument::open(document).unwrap();
    let weights = Weights::new(&mapped.document()).unwrap();
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    let mut session = Session::new(&model, &mut gemv);
    TEXT.iter().map(|token| session.predict(*token).unwrap().to_vec()).collect()
}

/// An activation that f32 rounds to the other side of a half moves a logit by about a thousandth.
const TOLERANCE: f64 = 5e-3;

#[test]
fn ternary_weights_arrive_bit_for_bit_in_every_published_packing() {
    let root = tempfile::tempdir().unwrap();
    let (multiplied, tq2) = (from_folder(root.path(), Packing::Multiplied, "relu2"), from_gguf(root.path(), "bitnet", Kind::Tq2_0));
    let i2s = from_gguf(root.path(), "bitnet-b1.58", Kind::I2S);
    let divided = from_folder(root.path(), Packing::Divided, "relu2");
    let unpacked = from_folder(root.path(), Packing::Unpacked, "relu2");
    let online = from_folder(root.path(), Packing::Online, "relu2");
    for (path, has_scales) in [(&multiplied, true), (&divided, true), (&unpacked, true), (&tq2, true), (&i2s, true), (&online, false)] {
        let mapped = MappedDocument::open(path).unwrap();
        let document = mapped.document();
        for tensor in checkpoint().iter().filter(|tensor| !tensor.codes.is_empty()) {
            let place = format!("{}, {}", path.display(), tensor.name);
            let matrix = document.matrix(&tensor.name).unwrap();
            assert_eq!((matrix.stacks(), matrix.code(), matrix.scales().len()), (1, WeightCode::Ternary, 1), "{place}");
            assert!(matrix.stack(0).to_values() == tensor.codes, "{place}: other codes");
            let mean = masters(tensor).iter().map(|w| f64::from(w.abs())).sum::<f64>() / tensor.codes.len() as f64;
            let (found, wanted) = (matrix.scales()[0], if has_scales { tensor.scale } else { mean as f32 });
            assert!(if has_scales { found == wanted } else { (found - wanted).abs() <= wanted * 1e-6 }, "{place}: {found} for {wanted}");
        }
    }
    // The same numbers give the same bits, wherever they came from.
    let first = logits(&multiplied);
    assert!([&divided, &unpacked, &i2s].into_iter().all(|path| logits(path) == first));
    assert_eq!(logits(&tq2), logits(&from_folder(root.path(), Packing::Multiplied, "silu")));
}

#[test]
fn a_bitnets_logits_are_those_of_plain_loops() {
    let root = tempfile::tempdir().unwrap();
    let of_2025 = logits(&from_folder(root.path(), Packing::Multiplied, "relu2"));
    let of_2024 = logits(&from_gguf(root.path(), "bitnet", Kind::Tq2_0));
    let (of_squared, of_silu) = (Plain::new(checkpoint(), squared_relu).logits(&TEXT), Plain::new(checkpoint(), silu).logits(&TEXT));
    assert!(distance(&of_2025, &of_squared) < TOLERANCE, "{}", distance(&of_2025, &of_squared));
    assert!(distance(&of_2024, &of_silu) < TOLERANCE, "{}", distance(&of_2024, &of_silu));
    // What the tolerance is worth: the other activation, and a norm left out, are far outside.
    assert!(distance(&of_2025, &of_silu) > 10.0 * TOLERANCE && distance(&of_2024, &of_squared) > 10.0 * TOLERANCE);
    let mut without = checkpoint();
    let norm = without.iter_mut().find(|tensor| tensor.name == "blk.1.ffn_sub_norm").unwrap();
    norm.floats.fill(1.0);
    assert!(distance(&of_2025, &Plain::new(without, squared_relu).logits(&TEXT)) > 2.0 * TOLERANCE);
}

#[test]
fn a_bitnet_as_the_public_converters_write_it_is_taken_and_its_file_names_its_gate() {
    let root = tempfile::tempdir().unwrap();
    let of = |name: &str, architecture: &str, change: &dyn Fn(&mut GgufBytes)| {
        let mut file = gguf(architecture, Kind::Tq2_0);
        change(&mut file);
        let input = root.path().join(format!("{name}.gguf"));
        fs::write(&input, file.bytes()).unwrap();
        Gguf::open(&input).map(|mut source| logits(&document(&mut source, &input.with_extension("ndf"))))
    };
    let silu = of("plain", "bitnet", &|_| ()).unwrap();
    // llama.cpp's and bitnet.cpp's converters write a factor that stretches nothing.
    let linear = |file: &mut GgufBytes, factor: f32| {
        file.text("bitnet.rope.scaling.type", "linear");
        file.float("bitnet.rope.scaling.factor", factor);
    };
    assert_eq!(of("linear", "bitnet", &|file| linear(file, 1.0)).unwrap(), silu);
    let stretched = of("stretched", "bitnet", &|file| linear(file, 2.0)).unwrap_err();
    assert!(matches!(&stretched, ConvertError::Refused { key, .. } if key == "bitnet.rope.scaling.factor"), "{stretched}");
    let relu2 = of("plain-25", "bitnet-b1.58", &|_| ()).unwrap();
    assert!(relu2 != silu);
    assert_eq!(of("named", "bitnet", &|file| file.text("bitnet.hidden_activation", "relu2")).unwrap(), relu2);
    assert_eq!(of("named-25", "bitnet-b1.58", &|file| file.text("bitnet-b1.58.hidden_activation", "silu")).unwrap(), silu);
    let gelu = of("gelu", "bitnet", &|file| file.text("bitnet.hidden_activation", "gelu")).unwrap_err();
    assert!(matches!(&gelu, ConvertError::Refused { found, .. } if found == "'gelu'"), "{gelu}");
}

#[test]
fn weights_that_are_made_ternary_online_give_the_same_model_under_old_and_new_names() {
    let root = tempfile::tempdir().unwrap();
    let old = logits(&from_folder(root.path(), Packing::OnlineOf2024, "silu"));
    assert_eq!(old, logits(&from_folder(root.path(), Packing::Online, "silu")));
    let mut tensors = checkpoint();
    for tensor in tensors.iter_mut().filter(|tensor| !tensor.codes.is_empty()) {
        let masters = masters(tensor);
        tensor.scale = (masters.iter().map(|w| f64::from(w.abs())).sum::<f64>() / masters.len() as f64) as f32;
    }
    let wanted = Plain::new(tensors, silu).logits(&TEXT);
    assert!(distance(&old, &wanted) < TOLERANCE, "{}", distance(&old, &wanted));
}

/// What llama.cpp (llama-cpp-python 0.3.36, cache in F32) says after the text of the GGUF file below, whose weights are floats.
const LLAMA_CPP: [f32; 28] = [
    -1.460487, -4.070003, 1.417191, 0.8596575, -14.94515, 3.033093, 1.207486, 5.404104, 8.894981, -7.151775, -3.272628, -9.294964,
    1.847192, -2.905688, 5.516839, -6.193844, -4.30012, -0.2276154, 11.11855, 2.968798, -3.190425, 5.254424, -10.43654, 6.201552,
    -4.392054, -2.228158, 1.817017, -3.091449,
];

#[test]
fn a_bitnet_of_floats_has_llama_cpps_logits() {
    let root = tempfile::tempdir().unwrap();
    let found = logits(&from_gguf(root.path(), "bitnet", Kind::F32));
    let wanted = [LLAMA_CPP.iter().map(|v| f64::from(*v)).collect()];
    let difference = distance(&found[found.len() - 1..], &wanted);
    assert!(difference < 1e-5, "{difference} of the largest logit");
}
