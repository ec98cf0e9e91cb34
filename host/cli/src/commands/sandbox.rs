//! `nda sandbox`: any command in the box.

use crate::asking::{self, Level, folder, sandbox_failed};
use crate::failure::{Exit, Failure, Outcome, Stop};
use crate::output;
use nda_sandbox::{End, Limits, Order, Stream, run as run_boxed};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Runs a command in a clone of this folder: without network, writing nowhere else.
///
/// The folder itself is read-only for it, no other files of yours can be read, and nothing of it runs on when it ends. What it changed in
/// the clone is listed, and forgotten; with --propose it is shown as a diff, and you decide whether it is written.
///
/// A missing part of the kernel is named, with how to get it. There is no option to run without.
#[derive(clap::Args)]
pub struct Arguments {
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<OsString>,
    /// The level: namespaces, Landlock and seccomp, or the last two alone. By default the best there is.
    #[arg(long, value_enum)]
    level: Option<Level>,
    /// Another path that may be read; may be given several times.
    #[arg(long, value_name = "PATH")]
    read: Vec<PathBuf>,
    /// Seconds until it is killed.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// MiB of memory, all its processes together.
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u64).range(16..=1_048_576))]
    memory_mib: u64,
    /// Processes and threads at a time.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    processes: u64,
    /// MiB that it may write.
    #[arg(long, default_value_t = 2048, value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    scratch_mib: u64,
    /// Show what it changed, and ask whether to write it.
    #[arg(long)]
    propose: bool,
}

/// Signals stop the command, and its box goes in order; once `stop` is set they end this program. Comes back with what will be the exit code
/// of the first, or 0.
fn heed(stop: &Arc<AtomicBool>) -> Outcome<Arc<AtomicUsize>> {
    let heard = Arc::new(AtomicUsize::new(0));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if signal == SIGHUP && crate::hangup::is_ignored() {
            continue;
        }
        let code = 128 + signal;
        // In this order: the first signal finds that nothing was stopped.
        let registered = signal_hook::flag::register_conditional_shutdown(signal, code, Arc::clone(stop))
            .and_then(|_| signal_hook::flag::register_usize(signal, Arc::clone(&heard), code as usize))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(stop)));
        registered.map_err(|e| {
            Failure::new(Exit::Failed, format_args!("cannot listen to signals: {e}"), "this process", "check the limits of this user")
        })?;
    }
    Ok(heard)
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let root = folder(None)?;
    let helper = asking::helper(arguments.level)?;
    let mut order = Order::new(&root, &arguments.command, helper.command);
    let mib = 1 << 20;
    let scratch_bytes = arguments.scratch_mib * mib;
    order.limits = Limits {
        wall_ms: arguments.seconds * 1000,
        cpu_s: arguments.seconds,
        memory_bytes: arguments.memory_mib * mib,
        processes: arguments.processes,
        file_bytes: scratch_bytes,
        scratch_bytes,
        output_bytes: u64::MAX,
    };
    (order.wish, order.reads) = (helper.wish, arguments.read.clone());
    let heard = heed(&order.stop)?;
    let mut said = Ok(());
    let outcome = run_boxed(&order, &mut |stream, bytes| {
        let told = match stream {
            Stream::Out => output::bytes(bytes),
            Stream::Error => output::error_bytes(bytes),
        };
        said = std::mem::replace(&mut said, Ok(())).and(told);
    })
    .map_err(|e| sandbox_failed(&e))?;
    // The box is gone: from here on a signal ends this program at once.
    order.stop.store(true, Ordering::SeqCst);
    said?;
    if let code @ 1.. = heard.load(Ordering::SeqCst) {
        return Err(Stop::Code(u8::try_from(code).unwrap_or(1)));
    }
    for change in &outcome.changes {
        let told = format!("{}: {}", change.path.display(), change.describe());
        output::remark(nda_agent::in_a_line(&told));
    }
    match (outcome.changes.is_empty(), arguments.propose) {
        (true, _) => {}
        (false, true) => asking::propose(&root, &outcome, &arguments.command)?,
        (false, false) => output::note("these changes are forgotten; --propose shows them and asks"),
    }
    match outcome.end {
        End::Code(0) => Ok(()),
        End::Code(code) => Err(Stop::Code(u8::try_from(code).unwrap_or(1))),
        End::Signal(signal) => Err(Stop::Code(u8::try_from(128 + signal).unwrap_or(1))),
        End::Stopped => Err(Failure::new(Exit::Failed, "the command was stopped", "the sandbox", "run it again").into()),
        End::Limit(limit) => {
            let at = arguments.command[0].to_string_lossy().into_owned();
            Err(Failure::new(
                Exit::Failed,
                format_args!("the command was killed: {}", limit.describe(&order.limits)),
                at,
                "see 'nda sandbox --help' for the limits",
            )
            .into())
        }
    }
}
