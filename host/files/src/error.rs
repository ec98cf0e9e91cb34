//! Why a file is not written or opened, and what to do about it.

use std::fs::FileType;
use std::io;
use std::path::{Path, PathBuf};

/// What stands under a name, where a plain file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A folder.
    Folder,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A terminal, a disk, `/dev/null`.
    Device,
    /// A file that a process has open, under its name in `/proc`: `/dev/stdout` and its like.
    Descriptor,
    /// Something that this system alone knows.
    Other,
}

impl Found {
    /// In words, with an article.
    pub const fn name(self) -> &'static str {
        match self {
            Found::Folder => "a folder",
            Found::Fifo => "a FIFO (named pipe)",
            Found::Socket => "a socket",
            Found::Device => "a device",
            Found::Descriptor => "an open stream of a process",
            Found::Other => "no plain file",
        }
    }

    /// What a file type is; `None` for a plain file.
    pub(crate) fn of(kind: FileType) -> Option<Found> {
        if kind.is_file() {
            return None;
        }
        if kind.is_dir() {
            return Some(Found::Folder);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;
            if kind.is_fifo() {
                return Some(Found::Fifo);
            }
            if kind.is_socket() {
                return Some(Found::Socket);
            }
            if kind.is_char_device() || kind.is_block_device() {
                return Some(Found::Device);
            }
        }
        Some(Found::Other)
    }
}

/// Why a file is not written or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// The target is not a regular file.
    #[error("the output is {}, and only a file is written to", found.name())]
    Target {
        /// The target as it was given.
        path: PathBuf,
        /// What it is.
        found: Found,
    },
    /// What is to be read is not a regular file.
    #[error("this is {}, and only a file can be read here", found.name())]
    Source {
        /// The source as it was given.
        path: PathBuf,
        /// What it is.
        found: Found,
    },
    /// The target is a file that the work reads.
    #[error("the output is the same file as the source {}", read.display())]
    Same {
        /// The target as it was given.
        path: PathBuf,
        /// The source as it was given.
        read: PathBuf,
    },
    /// Two outputs of one command are one file.
    #[error("two outputs would be written to the same file")]
    Twice {
        /// The second of them as it was given.
        path: PathBuf,
    },
    /// The target is a link to a name that is free, or links lead in a circle.
    #[error("the output is a symbolic link that leads to no file")]
    Link {
        /// The target as it was given.
        path: PathBuf,
    },
    /// `-` where bytes cannot be streamed.
    #[error("'-' is standard output, and this result cannot be streamed")]
    Stream,
    /// The target is a file that may not be written to.
    #[error("the output is a file without write permission")]
    ReadOnly {
        /// The target as it was given.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {action} the file: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl FilesError {
    /// The system's answer to something that was tried with a path.
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> FilesError {
        FilesError::Io { action, path: path.to_path_buf(), source }
    }

    /// The file that it is about.
    pub fn path(&self) -> &Path {
        match self {
            FilesError::Target { path, .. }
            | FilesError::Source { path, .. }
            | FilesError::Same { path, .. }
            | FilesError::Twice { path }
            | FilesError::Link { path }
            | FilesError::ReadOnly { path }
            | FilesError::Io { path, .. } => path,
            FilesError::Stream => Path::new("-"),
        }
    }

    /// The next step for a person, one line.
    pub fn help(&self) -> &'static str {
        match self {
            FilesError::Target { found: Found::Folder, .. } => "give the name of a file in that folder",
            FilesError::Target { .. } => "give the name of a file; where a result can be streamed, '-' is standard output",
            FilesError::Source { found: Found::Folder, .. } => "give the name of a file in that folder",
            FilesError::Source { .. } => "write its content to a file first, and give the file's name",
            FilesError::Same { .. } => "give another name for the output: the source is never overwritten",
            FilesError::Twice { .. } => "give each output a name of its own",
            FilesError::Link { .. } => "remove the link, or give the name that the file shall have",
            FilesError::Stream => "give the name of a file; './-' is a file called '-'",
            FilesError::ReadOnly { .. } => "give another name, or allow writing with 'chmod u+w'",
            FilesError::Io { source, .. } => advice(source),
        }
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "check the path; the folder must exist",
        io::ErrorKind::NotADirectory => "check the path: a part of it is a file and not a folder",
        io::ErrorKind::PermissionDenied => "check that you may write to the folder, or give another one",
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only; give a folder on another one",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "make room on the disk, or give a folder on another one"
        }
        io::ErrorKind::InvalidFilename => "give a shorter name",
        _ => "check the file and the disk it is on",
    }
}
