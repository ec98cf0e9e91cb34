//! The tokens of a text, piece by piece, for comparing with other implementations: `tokens IN.gguf TEXT OUT`.
//! The pieces are those of tests/claims/peer.py.

use nda_convert::gguf::{GgufFile, tokenizer_json};
use nda_engine::Tokenizer;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Characters of a piece.
const PIECE: usize = 400;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, text, out] = arguments.as_slice() else { return Err("usage: tokens IN.gguf TEXT OUT".into()) };
    let file = GgufFile::open(Path::new(model), fs::File::open(model)?)?;
    let json = tokenizer_json(file.keys())?.ok_or("the file has no vocabulary")?;
    let tokenizer = Tokenizer::new(&nda_ndf::Tokenizer::Json(json))?;
    let characters: Vec<char> = fs::read_to_string(text)?.chars().collect();
    let mut lines = String::new();
    for piece in characters.chunks(PIECE) {
        let tokens = tokenizer.encode(piece.iter().collect::<String>().as_bytes())?;
        writeln!(lines, "{}", tokens.iter().map(u32::to_string).collect::<Vec<_>>().join(" "))?;
    }
    Ok(fs::write(out, lines)?)
}
