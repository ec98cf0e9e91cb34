//! Who watches over a command from next to it: starts it, waits for it, and ends everything that it left.

use crate::channel::{Ask, Channel, Ended, Say};
use crate::enter::stage;
use crate::error::{Part, Refusal};
use crate::order::Instruction;
use crate::processes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How long everything is killed again and again before what is left is reported.
pub(crate) const KILL_DEADLINE: Duration = Duration::from_secs(5);
/// Between two looks at what has ended.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
/// Between two rounds of killing.
const ROUND: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// What this process can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It is the first process of a namespace: everything else in it.
    Namespace,
    /// It is a subreaper: whatever descends from it.
    Descendants,
}

/// Offers the scratch, starts the command when it is filled, says how everything ended, and goes when the scratch was read.
pub(crate) fn supervise(mut channel: Channel, order: &Instruction, reach: Reach) -> io::Result<ExitCode> {
    let scratch = rustix::fs::open(&order.places().root, OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY, Mode::empty())?;
    channel.send(&Say::Prepared)?;
    channel.send_descriptor(scratch.as_fd())?;
    drop(scratch);
    let Some(Ask::Start) = channel.receive()? else { return Ok(ExitCode::SUCCESS) };
    let command = match start(order)? {
        Ok(command) => command,
        Err(refusal) => {
            kill_all(reach);
            channel.send(&Say::Refused(refusal))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    channel.send(&Say::Started)?;
    let status = watch(&mut channel, command)?;
    let (killed, left) = kill_all(reach);
    let (exit, signal) = (status.and_then(|s| s.exit_status()), status.and_then(|s| s.terminating_signal()));
    channel.send(&Say::Ended(Ended { exit, signal, killed, left }))?;
    // Until the caller has read the scratch, or has gone.
    while channel.receive::<Ask>()?.is_some_and(|ask| !matches!(ask, Ask::Leave)) {}
    Ok(ExitCode::SUCCESS)
}

fn start(order: &Instruction) -> io::Result<Result<Pid, Refusal>> {
    let (ours, theirs) = UnixStream::pair()?;
    let variables = order.variables.iter().map(|(name, value)| (name, value));
    let child = stage("confine").envs(variables).stdin(Stdio::from(OwnedFd::from(theirs))).spawn();
    let child = match child {
        Ok(child) => Pid::from_child(&child),
        Err(e) => return Ok(Err(Refusal::new(Part::Command, e))),
    };
    let mut channel = Channel::new(ours);
    channel.send(&Ask::Prepare(Box::new(order.clone())))?;
    let gone = || Refusal::new(Part::Limits, "the process ended while it was confined");
    Ok(match channel.receive()? {
        Some(Say::Started) => match channel.receive()? {
            Some(Say::Refused(refusal)) => Err(refusal),
            _ => Ok(child),
        },
        Some(Say::Refused(refusal)) => Err(refusal),
        _ => Err(gone()),
    })
}

/// Waits until the command ends, or until the caller wants the end or is gone; waits for orphans too.
fn watch(channel: &mut Channel, command: Pid) -> io::Result<Option<WaitStatus>> {
    loop {
        while let Ok(Some((number, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if number == command {
                return Ok(Some(status));
            }
        }
        let mut descriptors = [PollFd::new(&*channel, PollFlags::IN)];
        // A signal ends it early, which harms nothing.
        let _ = poll(&mut descriptors, Some(&TICK));
        if !descriptors[0].revents().is_empty() {
            // Whatever it is, and if it is nothing: this is the end.
            let _ = channel.receive::<Ask>();
            return Ok(None);
        }
    }
}

/// Ends everything: how many still ran, and how many do after the deadline.
fn kill_all(reach: Reach) -> (usize, usize) {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let (start, mut killed) = (Instant::now(), 0);
    loop {
        let all = processes::all();
        let alive = || processes::below(own, &all).into_iter().filter(|number| !all[number].is_zombie);
        // A process starts no others once it has no right to: a swarm that forks faster than it is killed ends so.
        for number in alive().filter_map(Pid::from_raw) {
            let none = Rlimit { current: Some(0), maximum: Some(0) };
            let _ = rustix::process::prlimit(Some(number), Resource::Nproc, none);
        }
        match reach {
            Reach::Namespace => _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(-1), nix::sys::signal::SIGKILL),
            Reach::Descendants => {
                for number in alive().filter_map(Pid::from_raw) {
                    let _ = rustix::process::kill_process(number, Signal::KILL);
                }
            }
        }
        killed += alive().count();
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                // Nobody is left to wait for.
                Err(_) => return (killed, 0),
            }
        }
        if start.elapsed() > KILL_DEADLINE {
            return (killed, alive().count());
        }
        let _ = poll(&mut [], Some(&ROUND));
    }
}
