//! Conversions by the command, which writes beside the drafts: the studio writes no file of its own.

use crate::studio::programs::Asked;
use nda_guard::{Drafts, RelPath};
use std::path::Path;

/// The document with another program, as the command converts it: its bytes. The command compiles the program, tries it on the document,
/// and checks every byte of what it has written.
///
/// # Errors
/// What the command says: a program that does not compile, or does not fit the document.
pub fn converted(asked: &Asked, drafts: &Drafts, root: &Path, document: &RelPath, program: &str) -> Result<Vec<u8>, String> {
    let place = root.join(document.as_path());
    let source = place.to_str().ok_or("the document's path is not UTF-8")?;
    drafts.made(document, "converted.ndf", |target| {
        let target = target.to_str().ok_or("the state folder's path is not UTF-8")?;
        asked.text(&["convert", source, target, "--program", "-"], program.as_bytes())?;
        asked.text(&["check", target], b"").map(drop)
    })
}
