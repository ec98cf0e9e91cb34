//! Programs: where they come from, and what is said when they are wrong.

use crate::failure::{Exit, Failure, Outcome};
use crate::files::{self, Kind};
use crate::output;
use nda_engine::{BITNET, GEMMA3, LLAMA, Weights};
use nda_lang::{Diagnostics, Program, RuntimeError, Tier, binary};
use nda_ndf::Document;
use std::path::Path;

/// A program's source, and in what it came.
pub struct Source {
    /// What messages call it.
    pub name: String,
    /// The source.
    pub text: String,
    /// Whether a file is this source: else it was taken out of a document, made from binary form, or came through a pipe.
    pub is_text: bool,
}

/// The programs that come with the command, by the names of their architectures.
const BUILT_IN: [(&str, &str); 3] = [("llama", LLAMA), ("gemma3", GEMMA3), ("bitnet", BITNET)];

fn built_in(path: &Path) -> Option<&'static (&'static str, &'static str)> {
    BUILT_IN.iter().find(|(name, _)| path.as_os_str() == *name && !path.exists())
}

/// Whether this is the name of the Llama's program, not a file.
#[cfg(feature = "convert")]
pub fn is_llama(path: &Path) -> bool {
    built_in(path).is_some_and(|(name, _)| *name == "llama")
}

/// Reads a program: a source, one in binary form, a document's, or one that comes with the command unless a file has its name.
pub fn read(path: &Path) -> Outcome<Source> {
    if let Some((name, text)) = built_in(path) {
        return Ok(Source { name: format!("{name}.nda"), text: (*text).into(), is_text: false });
    }
    let name = if files::is_stream(path) { "standard input".into() } else { path.display().to_string() };
    // A pipe gives its bytes once, so its first ones are not looked at beforehand; a document does not come through one.
    if !files::is_pipe(path) && files::kind(path)? == Kind::Document {
        let mapped = files::open_document(path)?;
        let document = mapped.document();
        // What the engine runs, too, when a document has no program.
        let text = document.program().unwrap_or(LLAMA).to_string();
        return Ok(Source { name: format!("{name}, program"), text, is_text: false });
    }
    let bytes = files::read(path)?;
    if bytes.starts_with(&binary::MAGIC) {
        let text = binary::decode(&bytes).map_err(|e| Failure::new(Exit::BadFile, e, &name, "write it again with 'nda fmt --binary'"))?;
        return Ok(Source { name, text, is_text: false });
    }
    let is_text = !files::is_pipe(path);
    let help = "give an .nda source, its binary form, or an .ndf document";
    let text = String::from_utf8(bytes).map_err(|e| Failure::new(Exit::BadFile, format_args!("this is not text: {e}"), &name, help))?;
    Ok(Source { name, text, is_text })
}

/// Shows every fault of a program on standard error.
pub fn faulty(faults: &Diagnostics) -> Failure {
    output::remark(format_args!("{faults}"));
    let count = match faults.all.len() {
        1 => "1 fault".to_string(),
        n => format!("{n} faults"),
    };
    Failure::new(
        Exit::BadFile,
        format_args!("{count} in the program"),
        faults.place(faults.first()),
        "host/lang/LANGUAGE.md describes the language",
    )
}

/// A run that ended in an error, shown with its line.
pub fn failed(program: &Program, error: &RuntimeError) -> Failure {
    output::remark(program.explain(error));
    let help = match error.trap.hint() {
        "" => "look at what the program did before; print(...) shows values",
        hint => hint,
    };
    let place = format!("{}:{}:{}", error.file, error.line, error.column);
    Failure::new(Exit::Failed, &error.trap, place, help)
}

/// The program of a source.
pub fn compile(source: &Source, tier: Tier) -> Outcome<Program> {
    Program::compile(&source.name, &source.text, tier).map_err(|faults| faulty(&faults).into())
}

/// A document's model with its own program or the one in a file.
pub fn weights<'d>(path: &Path, document: &Document<'d>, program: Option<&Path>) -> Outcome<Weights<'d>> {
    let Some(program) = program else { return files::weights(path, document) };
    let source = read(program)?;
    // For its faults, all of them with their lines; the engine tells of the first.
    compile(&source, Tier::default())?;
    Weights::with_program(document, &source.name, &source.text, Tier::default()).map_err(Into::into)
}
