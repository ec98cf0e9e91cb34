//! The one writer of a user's files, and the door through which models are opened.
//!
//! A target is judged before any work is done ([`Target::judge`]): only a plain file, or a name that is free, is written to. A
//! FIFO, a device, a socket and a folder are refused, and so is a file that the work reads, under whatever name. What
//! is written goes into a file beside the target that has no name yet ([`Draft`]); when all of it is on the disk it takes
//! the target's name in one step. So there is the old file or the whole new one, and after a failure or a signal nothing else.
//!
//! - A symbolic link to a plain file stays: the file that it leads to is replaced. A link that leads nowhere is refused.
//! - A replaced file keeps its permissions. Other hard links to it keep the old content.
//! - A file without write permission is refused, also where its folder would allow to replace it.
//!
//! # Example
//!
//! ```
//! let folder = std::env::temp_dir().join(format!("nda-files-{}", std::process::id()));
//! std::fs::create_dir_all(&folder)?;
//! let path = folder.join("result.txt");
//! nda_files::write(&path, &[], b"whole, or not at all")?;
//! assert_eq!(nda_files::read(&path)?, b"whole, or not at all");
//! // A file that the work reads is never replaced by its result.
//! assert!(nda_files::write(&path, &[&path], b"").is_err());
//! # std::fs::remove_dir_all(folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod draft;
mod error;
mod source;
mod target;
mod together;

pub use draft::Draft;
pub use error::{FilesError, Found};
pub use source::{open, read};
pub use target::Target;
pub use together::{judge_folder, write_together};

use std::io::Write;
use std::path::Path;

/// Writes a whole file; `reads` are the files that its content was made from, which it may not replace.
///
/// # Errors
/// A target that is not a regular file, one of `reads`, or the system's answer. The old file is then still there, and nothing else.
pub fn write(path: &Path, reads: &[&Path], bytes: &[u8]) -> Result<(), FilesError> {
    let draft = Draft::create(&Target::judge(path, reads)?)?;
    draft.file().write_all(bytes).map_err(|source| FilesError::io("write", path, source))?;
    draft.publish()
}
