//! Files that commands open and write, and what is said when they are not what they should be.

use crate::failure::{Exit, Failure, Outcome, Stop};
use crate::output;
#[cfg(feature = "chat")]
use nda_chat::ChatError;
use nda_engine::{EngineError, Weights};
use nda_files::{FilesError, Target};
use nda_gemv::GemvError;
use nda_ndf::{Document, FileKind, LegacyError, LegacyMatrix, MappedDocument, NdfError, sniff};
use std::io::Read;
use std::path::Path;

/// Bytes that tell the kinds of file apart.
const SNIFF_BYTES: u64 = 16;

/// A GGUF file's first bytes, which are recognised in builds without the converter too.
const GGUF_MAGIC: [u8; 4] = *b"GGUF";

/// What a file is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An `.ndf` document.
    Document,
    /// A matrix file of the articles.
    Legacy,
    /// Safetensors: a header length and the brace of a JSON object.
    Safetensors,
    /// A GGUF file.
    Gguf,
    /// A folder: a model as Hugging Face keeps it, perhaps.
    Folder,
    /// Something else.
    Unknown,
}

/// Looks at a file's first bytes.
pub fn kind(path: &Path) -> Outcome<Kind> {
    if path.is_dir() {
        return Ok(Kind::Folder);
    }
    let mut head = Vec::new();
    let file = nda_files::open(path).map_err(|e| failure(&e))?;
    file.take(SNIFF_BYTES).read_to_end(&mut head).map_err(|e| Failure::io("read", path, &e))?;
    Ok(match sniff(&head) {
        FileKind::Document => Kind::Document,
        FileKind::LegacyMatrix => Kind::Legacy,
        FileKind::Unknown if head.starts_with(&GGUF_MAGIC) => Kind::Gguf,
        FileKind::Unknown if head.get(8) == Some(&b'{') => Kind::Safetensors,
        FileKind::Unknown => Kind::Unknown,
    })
}

/// What is said of a file of a kind that is not read: what it is, where that is known by its first bytes, else `error` and `help`.
pub fn unknown(path: &Path, error: &str, help: &str) -> Stop {
    let mut head = Vec::new();
    let read = nda_files::open(path).map(|file| file.take(SNIFF_BYTES).read_to_end(&mut head));
    let known = if read.is_ok() { recognised(&head) } else { None };
    let (error, help) = known.unwrap_or((error, help));
    Failure::new(Exit::BadFile, error, format_args!("{}, byte 0", path.display()), help).into()
}

/// What people take for a model, by its first bytes: what it is, and what to do.
fn recognised(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let begins = |with: &str| head.starts_with(with.as_bytes());
    if head.is_empty() {
        return Some(("the file is empty", "give the whole file"));
    }
    if begins("version https://") {
        return Some(("this is a pointer of Git LFS, not the file itself", "fetch the file itself with 'git lfs pull'"));
    }
    // The three magics of before GGUF, as their bytes stand in the file.
    if ["lmgg", "fmgg", "tjgg"].into_iter().any(begins) {
        return Some(("this is a GGML file from before GGUF", "give a GGUF file of this model"));
    }
    if begins("PK\x03\x04") {
        let help = "give a GGUF file, or a model's folder with safetensors: pickled weights are not read";
        return Some(("this is a ZIP archive, as PyTorch writes weights", help));
    }
    if begins("{") {
        return Some(("this is JSON, not a model", "give the folder that it is in"));
    }
    if begins("<") {
        return Some(("this is a web page, not a model", "fetch the file itself"));
    }
    None
}

/// Reads a whole file, what comes through a FIFO, or standard input if the path is `-`.
pub fn read(path: &Path) -> Outcome<Vec<u8>> {
    nda_files::read(path).map_err(|e| failure(&e).into())
}

/// Whether a path stands for standard input or output.
pub fn is_stream(path: &Path) -> bool {
    path == Path::new("-")
}

/// Whether content comes in one pass: no first bytes can be looked at beforehand.
pub fn is_pipe(path: &Path) -> bool {
    is_stream(path) || std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Judges a file that will be written before the work begins; `reads` are what the work reads.
pub fn judge(path: &Path, reads: &[&Path]) -> Outcome<Target> {
    Target::judge(path, reads).map_err(|e| failure(&e).into())
}

/// Judges what [`write()`] will be given: `-` is good too.
pub fn judge_result(path: &Path, reads: &[&Path]) -> Outcome {
    if is_stream(path) { Ok(()) } else { judge(path, reads).map(drop) }
}

/// Judges the files that [`write_together`] will write into a folder; none yet if there is no such folder.
#[cfg(any(feature = "bench", feature = "convert", feature = "emit", feature = "shell"))]
pub fn judge_folder(folder: &Path, names: &[&str], reads: &[&Path]) -> Outcome<Vec<Target>> {
    nda_files::judge_folder(folder, names, reads).map_err(|e| failure(&e).into())
}

/// Writes a result: a whole file, or to standard output if the path is `-`; `reads` are what it was made from.
pub fn write(path: &Path, reads: &[&Path], bytes: &[u8]) -> Outcome {
    if is_stream(path) {
        return output::bytes(bytes);
    }
    nda_files::write(path, reads, bytes).map_err(|e| failure(&e).into())
}

/// Writes files into a folder: all of them, or none.
#[cfg(any(feature = "bench", feature = "emit", feature = "shell"))]
pub fn write_together(folder: &Path, reads: &[&Path], files: &[(&str, &[u8])]) -> Outcome {
    nda_files::write_together(folder, reads, files).map_err(|e| failure(&e).into())
}

/// Says what was written, where it is in nobody's way.
pub fn report(path: &Path, text: impl std::fmt::Display) -> Outcome {
    if is_stream(path) {
        output::remark(text);
        return Ok(());
    }
    output::line(text)
}

/// A file that is not opened or not written.
pub fn failure(error: &FilesError) -> Failure {
    Failure::new(Exit::BadFile, error, error.path().display(), error.help())
}

/// Maps a document and checks every byte of it.
pub fn open_document(path: &Path) -> Outcome<MappedDocument> {
    expect_document(path)?;
    MappedDocument::open(path).map_err(|e| ndf_failure(path, &e).into())
}

/// Maps a document and checks its structure only, for listings.
pub fn open_structure(path: &Path) -> Outcome<MappedDocument> {
    expect_document(path)?;
    MappedDocument::open_structure(path).map_err(|e| ndf_failure(path, &e).into())
}

fn expect_document(path: &Path) -> Outcome {
    let (what, help) = match kind(path)? {
        Kind::Document => return Ok(()),
        Kind::Legacy => ("a matrix file of the articles", "convert it with 'nda convert IN OUT.ndf'"),
        Kind::Safetensors => ("a safetensors file", "convert it with 'nda convert IN.safetensors OUT.ndf'"),
        Kind::Gguf => ("a GGUF file", "convert it with 'nda convert IN.gguf OUT.ndf'"),
        Kind::Folder => ("a folder", "convert a model's folder with 'nda convert FOLDER OUT.ndf'"),
        Kind::Unknown => ("a file of an unknown kind", "give an .ndf document; 'nda convert' makes one"),
    };
    Err(Failure::new(Exit::BadFile, format_args!("this is {what}, not an .ndf document"), format_args!("{}, byte 0", path.display()), help)
        .into())
}

/// A document's model.
pub fn weights<'d>(path: &Path, document: &Document<'d>) -> Outcome<Weights<'d>> {
    Weights::new(document).map_err(|e| in_file(path, e.into()))
}

/// Reads a matrix file of the articles.
pub fn open_legacy(path: &Path) -> Outcome<LegacyMatrix> {
    LegacyMatrix::parse(&read(path)?).map_err(|e| legacy_failure(path, &e).into())
}

/// A document's fault: the place apart from what is wrong there.
pub fn ndf_failure(path: &Path, error: &NdfError) -> Failure {
    match error {
        NdfError::Broken { at, fault } => {
            let help = "restore the file from where it came, or convert the model again";
            Failure::new(Exit::BadFile, fault, format_args!("{}, {at}", path.display()), help)
        }
        NdfError::NoSuchFrame { .. } | NdfError::NoSuchKey { .. } => {
            Failure::new(Exit::Usage, error, path.display(), format_args!("list what is there with 'nda info {}'", path.display()))
        }
        NdfError::File(error) => failure(error),
        _ => Failure::new(Exit::BadFile, error, path.display(), "check the path, the disk and the content"),
    }
}

/// What is wrong with a matrix file of the articles.
pub fn legacy_failure(path: &Path, error: &LegacyError) -> Failure {
    Failure::new(Exit::BadFile, error, path.display(), "restore the file from where it came, or write it again")
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        let exit = match &error {
            EngineError::Gemv { source, .. } => return gemv_failure(source, error.place()),
            EngineError::Context { .. } | EngineError::Empty { .. } => Exit::Usage,
            EngineError::NotFinite { .. } => Exit::Failed,
            EngineError::NotBuilt { .. } => Exit::Unavailable,
            _ => Exit::BadFile,
        };
        Failure::new(exit, &error, error.place(), error.help())
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Stop {
        Stop::Failure(error.into())
    }
}

#[cfg(feature = "chat")]
impl From<ChatError> for Failure {
    fn from(error: ChatError) -> Failure {
        let exit = match error {
            ChatError::Engine(error) => return error.into(),
            ChatError::TooLong { .. }
            | ChatError::Grammar { .. }
            | ChatError::Forbidden
            | ChatError::NotSaved
            | ChatError::Unguarded { .. }
            | ChatError::Origin { .. } => Exit::Usage,
            ChatError::NoTemplate | ChatError::Template { .. } | ChatError::Saved(_) => Exit::BadFile,
            ChatError::Listen { .. } | ChatError::System { .. } => Exit::Failed,
        };
        Failure::new(exit, &error, error.place(), error.help())
    }
}

#[cfg(feature = "chat")]
impl From<ChatError> for Stop {
    fn from(error: ChatError) -> Stop {
        Stop::Failure(error.into())
    }
}

/// What a back end said.
pub fn gemv_failure(error: &GemvError, at: impl std::fmt::Display) -> Failure {
    match error {
        GemvError::Device(_) => {
            Failure::new(Exit::Device, error, at, "check the board and its cable with 'nda devices', or use '--backend cpu'")
        }
        GemvError::Unsupported { .. } => {
            Failure::new(Exit::Failed, error, at, "see 'nda plan' for what a configuration holds, or use '--backend cpu'")
        }
        _ => Failure::new(Exit::Failed, error, at, "this is a mistake in nda; please report it with the command line"),
    }
}

/// Puts the file in front of where it happened.
pub fn in_file(path: &Path, stop: Stop) -> Stop {
    match stop {
        Stop::Failure(failure) => Failure { at: format!("{}, {}", path.display(), failure.at), ..failure }.into(),
        other => other,
    }
}

#[cfg(all(test, feature = "convert"))]
mod tests {
    #[test]
    fn the_command_recognises_what_the_converter_reads() {
        assert_eq!(super::GGUF_MAGIC, nda_convert::gguf::MAGIC);
    }
}
