//! The tokens of a text, piece by piece, for comparing with other implementations. `tokens TEXT` writes a text in all scripts;
//! `tokens IN.gguf TEXT OUT` writes its tokens, one line a piece, as tests/claims/peer.py does for llama.cpp.

#[path = "../tests/claims/scripts.rs"]
mod scripts;

use nda_convert::gguf::{GgufFile, tokenizer_json};
use nda_engine::Tokenizer;
use std::fmt::Write;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, text, out) = match arguments.as_slice() {
        [text] => return Ok(nda_files::write(Path::new(text), &[], scripts::text().as_bytes())?),
        [model, text, out] => (model, text, out),
        _ => return Err("usage: tokens TEXT, or tokens IN.gguf TEXT OUT".into()),
    };
    let file = GgufFile::open(Path::new(model), fs::File::open(model)?)?;
    let json = tokenizer_json(file.keys())?.ok_or("the file has no vocabulary")?;
    let tokenizer = Tokenizer::new(&nda_ndf::Tokenizer::Json(json))?;
    let (mut lines, mut all) = (String::new(), Vec::new());
    for piece in scripts::pieces(&fs::read_to_string(text)?) {
        let tokens = tokenizer.encode(piece.as_bytes())?;
        writeln!(lines, "{}", tokens.iter().map(u32::to_string).collect::<Vec<_>>().join(" "))?;
        all.extend(tokens);
    }
    println!("{} tokens, FNV-1a {}", all.len(), scripts::fnv(&all));
    Ok(nda_files::write(Path::new(out), &[Path::new(text)], lines.as_bytes())?)
}
