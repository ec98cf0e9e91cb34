//! The caller's side: makes the scratch, starts the helper, passes output on, keeps the limits, reads what changed.

use crate::boxes::BoxFolder;
use crate::changes::{Change, changes};
use crate::channel::{Ask, Channel, Ended, Say};
use crate::enter::ENTER;
use crate::error::{Part, Refusal, SandboxError};
use crate::limits::Exceeded;
use crate::order::{Instruction, Level, Order, Places, SCRATCH, Wish};
use crate::scratch;
use crate::supervise::KILL_DEADLINE;
use crate::view::Surroundings;
use crate::watch::{TICK, Watch};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Bytes of output that are read at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// Which of a command's two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It was killed because the box went over a limit.
    Limit(Exceeded),
    /// It was killed because the caller wanted that.
    Stopped,
}

/// What a run came to. Nothing of the project has changed.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// The level that it ran at.
    pub level: Level,
    /// What it changed in its scratch: proposals.
    pub changes: Vec<Change>,
    /// Bytes of output that were not passed on.
    pub omitted_bytes: u64,
    /// Processes that still ran when the command had ended; they were killed.
    pub killed: usize,
}

/// Runs a command in a box and passes its output on.
///
/// # Errors
/// A part that lacks, by name; the system's answers. The command did not run, or its changes are lost; the project is as it was.
pub fn run(order: &Order, output: &mut dyn FnMut(Stream, &[u8])) -> Result<Outcome, SandboxError> {
    let project = order.project.canonicalize().map_err(SandboxError::file("find", &order.project))?;
    if order.command.is_empty() {
        return Err(Refusal::new(Part::Command, "none is named").into());
    }
    let reads = order.reads.iter().map(|path| whole(path)).collect::<Result<_, _>>()?;
    let order = &Order { project, reads, ..order.clone() };
    match order.wish {
        Wish::Only(level) => run_at(level, order, output),
        Wish::Best => match run_at(Level::Full, order, output) {
            Err(SandboxError::Refused(refusal)) if is_of_namespaces(&refusal) => run_at(Level::Landlock, order, output),
            other => other,
        },
    }
}

/// A path that may be read, from the root; one that is not there is an error.
fn whole(path: &Path) -> Result<PathBuf, SandboxError> {
    let find = |source| SandboxError::File { action: "find", path: path.to_owned(), source };
    let whole = std::path::absolute(path).map_err(find)?;
    // What stands behind a link may be elsewhere than the text of its path says.
    let goes_up = whole.components().any(|part| part == std::path::Component::ParentDir);
    let found = whole.canonicalize().map_err(find)?;
    Ok(if goes_up { found } else { whole })
}

/// Whether the level landlock does without the part that lacks.
fn is_of_namespaces(refusal: &Refusal) -> bool {
    matches!(refusal.part, Part::Namespaces | Part::Mounts)
}

/// A helper that was started, and what is said to it.
struct Held {
    helper: Child,
    channel: Channel,
    /// The folder on the disk, deleted at the end.
    own: BoxFolder,
}

fn run_at(level: Level, order: &Order, output: &mut dyn FnMut(Stream, &[u8])) -> Result<Outcome, SandboxError> {
    let own = BoxFolder::make()?;
    let instruction = instruct(level, order, own.path());
    if level == Level::Landlock {
        for folder in instruction.places().all() {
            std::fs::create_dir(&folder).map_err(SandboxError::file("create", &folder))?;
        }
    }
    let mut at = start(level, order, own)?;
    heard(at.channel.send(&Ask::Prepare(Box::new(instruction))))?;
    at.expect("prepare the sandbox", |say| matches!(say, Say::Prepared))?;
    let scratch = at.channel.receive_descriptor().map_err(SandboxError::system("take the scratch"))?;
    // A path to what the descriptor leads to, in whatever namespace that is mounted.
    let work = PathBuf::from(format!("/proc/self/fd/{}", scratch.as_raw_fd())).join("work");
    let manifest = scratch::clone(&order.project, &work, order.limits.scratch_bytes)?;
    heard(at.channel.send(&Ask::Start))?;
    at.expect("start the command", |say| matches!(say, Say::Started))?;
    let files = (level == Level::Landlock).then(|| at.own.path().to_owned());
    let mut watch = Watch::new(&order.limits, at.helper.id(), files);
    let (ended, cut, omitted_bytes) = at.attend(order, &mut watch, output)?;
    if ended.left > 0 {
        return Err(SandboxError::Left { count: ended.left, deadline_ms: KILL_DEADLINE.as_millis() as u64 });
    }
    let changes = changes(&work, &manifest)?;
    drop(scratch);
    let end = match (cut, ended.exit, ended.signal) {
        (Some(cut), ..) => cut,
        (_, Some(code), _) => End::Code(code),
        (_, _, Some(signal)) => End::Signal(signal),
        _ => return Err(SandboxError::Helper("the command was never seen to end".into())),
    };
    Ok(Outcome { end, level, changes, omitted_bytes, killed: ended.killed })
}

/// A helper that refuses may be gone before it is spoken to; its reason waits in the channel, and reading comes next.
fn heard(sent: std::io::Result<()>) -> Result<(), SandboxError> {
    match sent {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        sent => sent.map_err(SandboxError::system("speak to the sandbox's helper")),
    }
}

fn instruct(level: Level, order: &Order, own: &Path) -> Instruction {
    let surroundings = Surroundings::of_this_process();
    let places = match level {
        Level::Full => Places { root: SCRATCH.into() },
        Level::Landlock => Places { root: own.to_owned() },
    };
    let more: Vec<PathBuf> = order.reads.iter().chain([&order.project]).cloned().collect();
    let mut variables = surroundings.variables(&places, &order.project);
    variables.extend(order.variables.iter().cloned());
    let reads = surroundings.reads(&more);
    Instruction {
        level,
        project: order.project.clone(),
        command: order.command.clone(),
        folder: order.folder.clone(),
        limits: order.limits.clone(),
        empty: surroundings.empty(&reads),
        reads,
        variables,
        own: own.to_owned(),
    }
}

fn start(level: Level, order: &Order, own: BoxFolder) -> Result<Held, SandboxError> {
    let (ours, theirs) = UnixStream::pair().map_err(SandboxError::system("make a socket"))?;
    let (program, arguments) = order.helper.split_first().ok_or_else(|| SandboxError::Helper("no helper is named".into()))?;
    let mut command = Command::new(program);
    command.args(arguments).arg(ENTER).arg(level.name()).env_clear().current_dir("/");
    // A group of its own: Ctrl-C is for the caller, whose end ends the box in order.
    command.process_group(0).stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::piped()).stderr(Stdio::piped());
    let helper = command.spawn().map_err(SandboxError::file("start", program))?;
    Ok(Held { helper, channel: Channel::new(ours), own })
}

impl Held {
    /// The next thing that the helper says, which must be this.
    fn expect(&mut self, action: &'static str, is_it: impl Fn(&Say) -> bool) -> Result<(), SandboxError> {
        match self.channel.receive::<Say>().map_err(SandboxError::system(action))? {
            Some(say) if is_it(&say) => Ok(()),
            Some(Say::Refused(refusal)) => Err(refusal.into()),
            other => Err(SandboxError::Helper(format!("it was to {action} and said {other:?}"))),
        }
    }

    /// Passes output on until the command and all of its processes have ended: how, why they were killed, and bytes not passed on.
    fn attend(
        &mut self,
        order: &Order,
        watch: &mut Watch,
        output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<(Ended, Option<End>, u64), SandboxError> {
        let mut pipes = Pipes::of(&mut self.helper, order.limits.output_bytes);
        let mut cut: Option<(End, Instant)> = None;
        let tick = Timespec { tv_sec: 0, tv_nsec: TICK.as_nanos() as i64 };
        loop {
            if pipes.pass(Some(&self.channel), &tick, output) {
                match self.channel.receive::<Say>().map_err(SandboxError::system("hear from the sandbox's helper"))? {
                    Some(Say::Ended(ended)) => {
                        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
                        while pipes.ready(None, &none).is_some() {
                            pipes.pass(None, &none, output);
                        }
                        return Ok((ended, cut.map(|cut| cut.0), pipes.omitted));
                    }
                    other => return Err(SandboxError::Helper(format!("{other:?} while the command ran"))),
                }
            }
            match cut {
                None => {
                    let stopped = order.stop.load(Ordering::Relaxed).then_some(End::Stopped);
                    cut = stopped.or_else(|| watch.exceeded().map(End::Limit)).map(|end| (end, Instant::now()));
                    if cut.is_some() {
                        self.channel.send(&Ask::Kill).map_err(SandboxError::system("end the command"))?;
                    }
                }
                Some((_, since)) if since.elapsed() > 2 * KILL_DEADLINE => {
                    return Err(SandboxError::Left { count: 1, deadline_ms: KILL_DEADLINE.as_millis() as u64 });
                }
                Some(_) => {}
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // With the socket gone the helper ends everything; it has its own deadline for that.
        let _ = self.channel.send(&Ask::Leave);
        let (ours, _theirs) = match UnixStream::pair() {
            Ok(pair) => pair,
            Err(_) => return,
        };
        self.channel = Channel::new(ours);
        let _ = self.helper.wait();
    }
}

/// A command's two streams.
struct Pipes {
    streams: Vec<(Stream, std::fs::File)>,
    room: u64,
    omitted: u64,
}

impl Pipes {
    fn of(helper: &mut Child, room: u64) -> Pipes {
        let out = helper.stdout.take().map(|pipe| (Stream::Out, std::fs::File::from(OwnedFd::from(pipe))));
        let error = helper.stderr.take().map(|pipe| (Stream::Error, std::fs::File::from(OwnedFd::from(pipe))));
        Pipes { streams: out.into_iter().chain(error).collect(), room, omitted: 0 }
    }

    /// Which streams have something, and whether the helper does; none if nobody has.
    fn ready(&self, channel: Option<&Channel>, most: &Timespec) -> Option<(Vec<usize>, bool)> {
        let streams = self.streams.iter().map(|(_, file)| file.as_fd());
        let mut descriptors: Vec<PollFd<'_>> =
            streams.chain(channel.map(AsFd::as_fd)).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let _ = poll(&mut descriptors, Some(most));
        let has: Vec<usize> = (0..descriptors.len()).filter(|i| !descriptors[*i].revents().is_empty()).collect();
        let (streams, others): (Vec<usize>, Vec<usize>) = has.into_iter().partition(|i| *i < self.streams.len());
        (!streams.is_empty() || !others.is_empty()).then_some((streams, !others.is_empty()))
    }

    /// Passes on what has come, and says whether the helper has something to say.
    fn pass(&mut self, channel: Option<&Channel>, most: &Timespec, output: &mut dyn FnMut(Stream, &[u8])) -> bool {
        let Some((streams, said)) = self.ready(channel, most) else { return false };
        let mut chunk = [0; CHUNK_BYTES];
        for i in streams.into_iter().rev() {
            let (stream, file) = &mut self.streams[i];
            match file.read(&mut chunk) {
                Ok(count) if count > 0 => {
                    let kept = self.room.min(count as u64) as usize;
                    output(*stream, &chunk[..kept]);
                    self.room -= kept as u64;
                    self.omitted += (count - kept) as u64;
                }
                // The other end is closed.
                _ => drop(self.streams.remove(i)),
            }
        }
        said
    }
}
