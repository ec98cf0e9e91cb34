//! A session of the committed model.

use nda_engine::{Model, Session, Weights};
use nda_kernels::CpuGemv;
use nda_ndf::{AlignedBytes, Document};
use std::path::Path;

/// Calls `work` with a session of the trained model, and the tokens of 4,000 bytes of text.
pub fn with_session<T>(work: impl FnOnce(&mut Session<'_, '_>, &[u32]) -> T) -> T {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let bytes = AlignedBytes::from(&std::fs::read(models.join("tiny.ndf")).unwrap()[..]);
    let document = Document::open(&bytes).unwrap();
    let weights = Weights::new(&document).unwrap();
    let tokens = weights.tokenizer().encode(&std::fs::read(models.join("val.txt")).unwrap()[..4000]).unwrap();
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv).unwrap();
    work(&mut Session::new(&model, &mut gemv), &tokens)
}
