//! A product on this machine: `cargo run --release -p nda-backends --example cpu`.

use nda_backends::{Backend, BackendName};
use nda_gemv::Activations;
use nda_ndf::MappedDocument;
use nda_spec::ActivationCode;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let document = MappedDocument::open("models/tiny.ndf")?;
    let matrix = document.document().matrix("blk.0.q")?.stack(0);
    let x: Vec<i8> = (0..matrix.cols()).map(|i| i as i8).collect();
    let mut y = vec![0; matrix.rows()];
    let mut cpu = Backend::open(&BackendName::parse("cpu")?)?;
    let id = cpu.gemv().prepare(&[matrix])?;
    cpu.gemv().run(id, Activations { code: ActivationCode::A8, values: &x }, &mut y)?;
    println!("{y:?}");
    Ok(())
}
