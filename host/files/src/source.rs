//! What may be read: a model is mapped or read at places, which only a plain file allows; a text may also come through a pipe.

use crate::error::{FilesError, Found};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Bytes that a pipe may bring.
const MAX_STREAM_BYTES: u64 = 1 << 30;

/// Opens a plain file. Anything else is refused before it is opened: a FIFO that nobody writes to would never open.
///
/// # Errors
/// [`FilesError::Source`], or the system's answer.
pub fn open(path: &Path) -> Result<File, FilesError> {
    let failed = |source| FilesError::io("open", path, source);
    match Found::of(fs::metadata(path).map_err(failed)?.file_type()) {
        Some(found) => Err(FilesError::Source { path: path.into(), found }),
        None => File::open(path).map_err(failed),
    }
}

/// Reads a whole file, standard input if it is `-`, or what comes through a FIFO until its writer ends.
///
/// # Errors
/// [`FilesError::Source`] for a folder, a device or a socket; a pipe that brings more than a gibibyte; the system's answer.
pub fn read(path: &Path) -> Result<Vec<u8>, FilesError> {
    let failed = |source| FilesError::io("read", path, source);
    if path == Path::new("-") {
        return stream(&mut io::stdin().lock()).map_err(failed);
    }
    match Found::of(fs::metadata(path).map_err(failed)?.file_type()) {
        None => fs::read(path).map_err(failed),
        Some(Found::Fifo) => File::open(path).and_then(|mut file| stream(&mut file)).map_err(failed),
        Some(found) => Err(FilesError::Source { path: path.into(), found }),
    }
}

fn stream(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_STREAM_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_STREAM_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {MAX_STREAM_BYTES} bytes come through it")));
    }
    Ok(bytes)
}
