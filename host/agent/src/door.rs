//! The local socket over which proposals are approved: whoever approves listens (`nda approve`), whoever proposes connects.
//!
//! It lies in a private folder of the user, one for each workspace. Both sides check that the other is a process of the same user. One
//! connection is one question: a line of JSON there, a line of JSON back.
//!
//! ```text
//! -> {"version":1,"question":{"root":..,"subject":..,"who":..,"tool":..,"call":..,"files":[{"path":..,"how":"changed","diff":..,"exact":..}],"remarks":[..]}}
//! <- {"version":1,"subject":..,"green":true,"who":..,"why":..}
//! ```
//!
//! Anything else is red: another version, another subject, a closed connection, no answer within [`ANSWER_DEADLINE`]. Nobody who listens is
//! no answer at all, and the next one is asked. Commands in the sandbox have no sockets, so they cannot answer for themselves.

use crate::ask::{Answer, Ask, Question};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an answer may take.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(600);
/// The protocol's version.
const VERSION: u32 = 1;
/// Bytes of a line at most.
const LINE_BYTES: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
struct Asked {
    version: u32,
    question: Question,
}

#[derive(Serialize, Deserialize)]
struct Answered {
    version: u32,
    subject: String,
    green: bool,
    who: String,
    why: String,
}

/// Where a workspace's approver listens.
///
/// # Errors
/// There is no private folder, or it is not this user's alone.
pub fn place(root: &Path) -> io::Result<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let folder = match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(folder) => folder.join("nda"),
        None => std::env::temp_dir().join(format!("nda-{user}")),
    };
    match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    let metadata = folder.symlink_metadata()?;
    if !metadata.is_dir() || metadata.uid() != user || metadata.mode() & 0o077 != 0 {
        let why = format!("{} is not a folder of this user alone (mode 700)", folder.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    let root = root.canonicalize()?;
    // FNV-1a: it only keeps workspaces apart; the question names the root.
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(root.as_os_str());
    let name = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    Ok(folder.join(format!("approve-{name:016x}.sock")))
}

/// Whether the process at the other end is this user's.
fn is_own(stream: &UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(stream).is_ok_and(|peer| peer.uid == rustix::process::geteuid())
}

fn line(stream: &UnixStream) -> io::Result<String> {
    let mut text = String::new();
    BufReader::new(stream.take(LINE_BYTES)).read_line(&mut text)?;
    if text.ends_with('\n') { Ok(text) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Asks whoever listens at a place.
pub struct Door {
    place: PathBuf,
    deadline: Duration,
}

impl Door {
    /// The approver of the workspace that listens here.
    pub fn new(place: PathBuf) -> Door {
        Door { place, deadline: ANSWER_DEADLINE }
    }

    /// The same with another deadline.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Door {
        Door { deadline, ..self }
    }

    fn try_ask(&self, mut stream: UnixStream, question: &Question) -> io::Result<Answered> {
        stream.set_read_timeout(Some(self.deadline))?;
        stream.set_write_timeout(Some(self.deadline))?;
        let mut text = serde_json::to_string(&Asked { version: VERSION, question: question.clone() })?;
        text.push('\n');
        stream.write_all(text.as_bytes())?;
        Ok(serde_json::from_str(&line(&stream)?)?)
    }
}

impl Ask for Door {
    fn ask(&self, question: &Question) -> Answer {
        let Ok(stream) = UnixStream::connect(&self.place) else { return Answer::Absent };
        if !is_own(&stream) {
            return Answer::Red("the approver is another user's process".into());
        }
        match self.try_ask(stream, question) {
            Ok(answer) if answer.version != VERSION || answer.subject != question.subject => {
                Answer::Red("the approver answered something else".into())
            }
            Ok(answer) if answer.green => Answer::Green(answer.who),
            // A reason that begins with who gives it says both.
            Ok(Answered { who, why, .. }) if !who.is_empty() && why.starts_with(&who) => Answer::Red(why),
            Ok(Answered { who, why, .. }) => {
                Answer::Red(if why.is_empty() { format!("{who} said no") } else { format!("{who} said no: {why}") })
            }
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Answer::Red(format!("no answer within {} seconds", self.deadline.as_secs()))
            }
            Err(e) => Answer::Red(format!("the approver went away: {e}")),
        }
    }
}

/// An approver that listens.
pub struct Approver {
    listener: UnixListener,
    place: PathBuf,
}

/// A question that waits for its answer; dropped, it is red.
pub struct Pending {
    stream: UnixStream,
    /// What is asked.
    pub question: Question,
}

impl Approver {
    /// Listens at a place. What a killed approver left there is taken over.
    ///
    /// # Errors
    /// Another approver listens there, or the system's answer.
    #[allow(clippy::disallowed_methods, reason = "the socket is not a file of a workspace")]
    pub fn listen(place: &Path) -> io::Result<Approver> {
        if UnixStream::connect(place).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another approver listens for this folder"));
        }
        match std::fs::remove_file(place) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        Ok(Approver { listener: UnixListener::bind(place)?, place: place.to_owned() })
    }

    /// The next question; strangers and those who say nothing sensible are sent away.
    ///
    /// # Errors
    /// The socket has failed.
    pub fn next(&self) -> io::Result<Pending> {
        loop {
            let (stream, _) = self.listener.accept()?;
            if !is_own(&stream) || stream.set_read_timeout(Some(Duration::from_secs(10))).is_err() {
                continue;
            }
            let asked = line(&stream).and_then(|text| Ok(serde_json::from_str::<Asked>(&text)?));
            if let Ok(Asked { version: VERSION, question }) = asked {
                return Ok(Pending { stream, question });
            }
        }
    }
}

impl Drop for Approver {
    #[allow(clippy::disallowed_methods, reason = "the socket is not a file of a workspace")]
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.place);
    }
}

impl Pending {
    /// Answers.
    ///
    /// # Errors
    /// Whoever asked has gone: nothing is written.
    pub fn answer(mut self, answer: &Answer, who: &str) -> io::Result<()> {
        let (green, why) = match answer {
            Answer::Green(_) => (true, String::new()),
            Answer::Red(why) => (false, why.clone()),
            Answer::Absent => (false, "nobody decided".into()),
        };
        let answered = Answered { version: VERSION, subject: self.question.subject.clone(), green, who: who.into(), why };
        self.stream.write_all(format!("{}\n", serde_json::to_string(&answered)?).as_bytes())
    }
}
