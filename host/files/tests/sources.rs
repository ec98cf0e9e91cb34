//! What may be read.

use nda_files::{FilesError, Found, open, read};
use std::fs;
use std::path::Path;
use std::process::Command;

#[cfg(unix)]
#[test]
fn a_model_is_a_plain_file_and_nothing_else_is_even_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (fifo, link) = (folder.path().join("fifo"), folder.path().join("link"));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    std::os::unix::fs::symlink(&fifo, &link).unwrap();
    // Nobody writes to the FIFO, so opening it would wait for ever.
    let kinds =
        [(fifo.as_path(), Found::Fifo), (&link, Found::Fifo), (folder.path(), Found::Folder), (Path::new("/dev/zero"), Found::Device)];
    for (path, kind) in kinds {
        let error = open(path).unwrap_err();
        assert!(matches!(error, FilesError::Source { found, .. } if found == kind), "{}: {error}", path.display());
    }
    assert!(matches!(open(&folder.path().join("absent")), Err(FilesError::Io { .. })));
}

#[cfg(unix)]
#[test]
fn a_text_may_come_through_a_pipe_and_not_from_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let (fifo, file) = (folder.path().join("fifo"), folder.path().join("file"));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fs::write(&file, "text").unwrap();
    let writer = std::thread::spawn({
        let fifo = fifo.clone();
        move || fs::write(fifo, "through a pipe").unwrap()
    });
    assert_eq!(read(&fifo).unwrap(), b"through a pipe");
    writer.join().unwrap();
    assert_eq!(read(&file).unwrap(), b"text");
    assert!(matches!(read(Path::new("/dev/zero")), Err(FilesError::Source { found: Found::Device, .. })));
    assert!(matches!(read(folder.path()), Err(FilesError::Source { found: Found::Folder, .. })));
}
