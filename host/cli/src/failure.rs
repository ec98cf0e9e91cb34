//! What a person reads when something fails: what, where, and the next step.

#[cfg(feature = "chat")]
use crate::signals::Signal;
use std::fmt;

/// Exit codes; `nda --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The work failed, or a verification found a difference.
    Failed = 1,
    /// The command line asks for something that does not exist.
    Usage = 2,
    /// A file cannot be read or written, or is not what it should be.
    BadFile = 3,
    /// The device or its link failed.
    Device = 4,
    /// The back end is not available on this machine or in this build.
    Unavailable = 5,
}

/// A failure on its way to standard error.
#[derive(Debug)]
pub struct Failure {
    /// What happened.
    pub error: String,
    /// Where: file, frame, offset, layer.
    pub at: String,
    /// The next step.
    pub help: String,
    /// The process's exit code.
    pub exit: Exit,
}

impl Failure {
    /// A failure from its three lines.
    pub fn new(exit: Exit, error: impl fmt::Display, at: impl fmt::Display, help: impl fmt::Display) -> Failure {
        Failure { error: error.to_string(), at: at.to_string(), help: help.to_string(), exit }
    }

    /// A mistake on the command line.
    pub fn usage(error: impl fmt::Display, at: impl fmt::Display, help: impl fmt::Display) -> Failure {
        Failure::new(Exit::Usage, error, at, help)
    }

    /// A part of the command that this build was made without.
    pub fn not_built(what: impl fmt::Display, at: impl fmt::Display, feature: &str) -> Failure {
        let help = format_args!("build nda-cli with the feature '{feature}', or with its default features");
        Failure::new(Exit::Unavailable, format_args!("this build has no {what}"), at, help)
    }

    /// A file that cannot be read or written.
    pub fn io(action: &str, path: &std::path::Path, source: &std::io::Error) -> Failure {
        let help = match source.kind() {
            std::io::ErrorKind::NotFound => "check the path",
            std::io::ErrorKind::PermissionDenied => "check the file's permissions",
            _ => "check the file and the disk it is on",
        };
        Failure::new(Exit::BadFile, format_args!("cannot {action} the file: {source}"), path.display(), help)
    }
}

/// How a command ends early.
#[derive(Debug)]
pub enum Stop {
    /// It failed.
    Failure(Failure),
    /// Whoever read our output has gone: nothing is left to say, and nothing is wrong.
    BrokenPipe,
    /// A command in the sandbox ended with this code.
    #[cfg(all(feature = "workspace", target_os = "linux"))]
    Code(u8),
    /// A signal asked the program to end.
    #[cfg(feature = "chat")]
    Signal(Signal),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failure(failure)
    }
}

#[cfg(all(feature = "workspace", target_os = "linux"))]
impl fmt::Display for Stop {
    /// In one line, for whoever reads it elsewhere than in this terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Failure(failure) => write!(f, "{} ({}); {}", failure.error, failure.at, failure.help),
            _ => f.write_str("the command has ended"),
        }
    }
}

/// What a command returns.
pub type Outcome<T = ()> = Result<T, Stop>;
