//! The logits after a prompt, for comparing with other implementations: `logits MODEL.ndf TEXT OUT` writes the prompt's
//! tokens to standard output and the logits behind the last of them, as little-endian f32, to OUT.

use nda_engine::{Model, Session, Weights};
use nda_kernels::CpuGemv;
use nda_ndf::MappedDocument;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, text, out] = arguments.as_slice() else { return Err("usage: logits MODEL.ndf TEXT OUT".into()) };
    let mapped = MappedDocument::open(model)?;
    let weights = Weights::new(&mapped.document())?;
    let tokens = weights.tokenizer().encode(text.as_bytes())?;
    let mut gemv = CpuGemv::new();
    let model = Model::prepare(&weights, &mut gemv)?;
    let mut session = Session::new(&model, &mut gemv);
    let mut logits = Vec::new();
    for token in &tokens {
        logits = session.predict(*token)?.to_vec();
    }
    println!("{}", tokens.iter().map(u32::to_string).collect::<Vec<_>>().join(" "));
    nda_files::write(std::path::Path::new(out), &[], &logits.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?;
    Ok(())
}
