//! The helper: the same program again, which makes the box around itself and becomes the command. Nothing of it runs in the
//! caller, so a caller may have threads, and nothing here needs `unsafe`.
//!
//! `full` makes namespaces and starts `init`, the first process in them, which mounts what the command may see. `init` (or `landlock`,
//! where there are no namespaces) watches over `confine`, which restricts itself and becomes the command.

use crate::channel::{Ask, Channel, Say};
use crate::confine;
use crate::error::{Part, Refusal};
use crate::mounts;
use crate::supervise::{Reach, supervise};
use nix::sched::{CloneFlags, unshare};
use rustix::thread::{CapabilitySet, CapabilitySets};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

/// The argument before a stage's name, by which a program knows that it is to enter a box.
pub const ENTER: &str = "--enter-sandbox";

/// The program that runs now, whatever its name is in the box.
const SELF: &str = "/proc/self/exe";

/// Enters the box; standard input is the socket to whoever asked for it. Call it first of all, before any thread is started.
///
/// Returns when the box is gone, or when it could not be made. In `confine` it returns only if the command did not start.
pub fn enter(stage: &str) -> ExitCode {
    let result = close_inherited().and_then(|()| match stage {
        "full" => full(),
        "init" => init(),
        "landlock" => landlock(),
        "confine" => confined(),
        other => Err(io::Error::other(format!("no stage of a sandbox is called '{other}'"))),
    });
    match result {
        Ok(code) => code,
        // Nobody is there to be told: the socket has gone.
        Err(_) => ExitCode::FAILURE,
    }
}

/// This program again, at another stage.
pub(crate) fn stage(stage: &str) -> Command {
    let before = std::env::args_os().skip(1).take_while(|argument| argument != ENTER);
    let mut command = Command::new(SELF);
    command.args(before).arg(ENTER).arg(stage).env_clear().current_dir("/");
    command
}

/// What the caller left open must not reach the command: a descriptor of a file is a way around every rule.
fn close_inherited() -> io::Result<()> {
    let open = std::fs::read_dir("/proc/self/fd")?.flatten();
    let numbers: Vec<i32> = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > 2) {
        // The folder that was read is among them, and closed by now.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

fn full() -> io::Result<ExitCode> {
    let mut channel = Channel::of_stdin()?;
    if let Err(refusal) = namespaces() {
        channel.send(&Say::Refused(refusal))?;
        return Ok(ExitCode::FAILURE);
    }
    // It takes standard input along, and with it the conversation.
    let mut first = match stage("init").stdin(Stdio::inherit()).spawn() {
        Ok(first) => first,
        Err(e) => {
            channel.send(&Say::Refused(Refusal::new(Part::Namespaces, e)))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    drop(channel);
    Ok(if first.wait()?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn namespaces() -> Result<(), Refusal> {
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let all = [
        CloneFlags::CLONE_NEWUSER,
        CloneFlags::CLONE_NEWNS,
        CloneFlags::CLONE_NEWPID,
        CloneFlags::CLONE_NEWNET,
        CloneFlags::CLONE_NEWIPC,
        CloneFlags::CLONE_NEWUTS,
        CloneFlags::CLONE_NEWCGROUP,
    ];
    unshare(all.into_iter().collect()).map_err(|e| Refusal::new(Part::Namespaces, e))?;
    let maps = [("setgroups", "deny".to_owned()), ("uid_map", format!("{user} {user} 1")), ("gid_map", format!("{group} {group} 1"))];
    for (name, text) in maps {
        std::fs::write(format!("/proc/self/{name}"), text).map_err(|e| Refusal::new(Part::Namespaces, format!("{name}: {e}")))?;
    }
    keep_rights_for_init().map_err(|e| Refusal::new(Part::Namespaces, format!("rights inside of them: {e}")))
}

/// A user that is not root loses its rights in the namespaces with the next program, unless they are ambient; init needs them to mount.
fn keep_rights_for_init() -> rustix::io::Result<()> {
    let sets = rustix::thread::capabilities(None)?;
    rustix::thread::set_capabilities(None, CapabilitySets { inheritable: sets.permitted, ..sets })?;
    for capability in CapabilitySet::SYS_ADMIN | CapabilitySet::SETPCAP {
        rustix::thread::configure_capability_in_ambient_set(capability, true)?;
    }
    Ok(())
}

fn init() -> io::Result<ExitCode> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let mut channel = Channel::of_stdin()?;
    let Some(Ask::Prepare(order)) = channel.receive()? else { return Ok(ExitCode::FAILURE) };
    if let Err(refusal) = mounts::enter(&order).and_then(|()| confine::drop_capabilities().map_err(|e| Refusal::new(Part::Capabilities, e)))
    {
        channel.send(&Say::Refused(refusal))?;
        return Ok(ExitCode::FAILURE);
    }
    supervise(channel, &order, Reach::Namespace)
}

fn landlock() -> io::Result<ExitCode> {
    let mut channel = Channel::of_stdin()?;
    let Some(Ask::Prepare(order)) = channel.receive()? else { return Ok(ExitCode::FAILURE) };
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    supervise(channel, &order, Reach::Descendants)
}

fn confined() -> io::Result<ExitCode> {
    let mut channel = Channel::of_stdin()?;
    let Some(Ask::Prepare(order)) = channel.receive()? else { return Ok(ExitCode::FAILURE) };
    let refusal = match confine::confine(&order) {
        Err(refusal) => refusal,
        Ok(()) => {
            channel.send(&Say::Started)?;
            let _ = rustix::process::setsid();
            let (program, arguments) = order.command.split_first().expect("an order has a command");
            // The socket closes with this, which is how the supervisor knows that it worked.
            let why = Command::new(program).args(arguments).stdin(Stdio::null()).current_dir(order.start()).exec();
            Refusal::new(Part::Command, format!("{}: {why}", program.display()))
        }
    };
    channel.send(&Say::Refused(refusal))?;
    Ok(ExitCode::FAILURE)
}
