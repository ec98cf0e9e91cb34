//! The signals that ask a program to end, as a question that work asks. Commands that do not listen are ended by the
//! system at once.

use crate::failure::{Exit, Failure, Outcome};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::thread;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long the program may take to end once a signal asked for it; with what ends after that, less than five seconds.
const GRACE: Duration = Duration::from_secs(4);

/// What asks the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: 'kill', and the system when it goes down.
    Terminate,
    /// SIGHUP: the terminal has gone.
    HangUp,
}

impl Signal {
    const ALL: [Signal; 3] = [Signal::Interrupt, Signal::Terminate, Signal::HangUp];

    /// What a shell calls the end by it: 128 and its number.
    pub fn exit_code(self) -> u8 {
        match self {
            Signal::HangUp => 129,
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }
}

/// What Ctrl-C ends. The other signals end the program always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CtrlC {
    #[cfg(feature = "serve")]
    Program,
    Answer,
}

/// Signals, listened to from [`Signals::listen`] to the end of the process.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// Whether Ctrl-C came for an answer.
    interrupted: Arc<AtomicBool>,
    /// The exit code of the signal that ends the program; 0 of none.
    end: Arc<AtomicU8>,
}

impl Signals {
    /// Listens from now on, and calls `ended` on another thread when one asks the program to end. The program is ended
    /// hard when it has not ended by itself in [`GRACE`], or when a signal comes before anybody has asked for the one
    /// before: it hangs, or is slow.
    pub fn listen(ctrl_c: CtrlC, ended: impl Fn() + Send + 'static) -> Outcome<Signals> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let signals = Signals::default();
        let heard = signals.clone();
        // Before the thread: from here on the signals are ours.
        let mut source = runtime.block_on(async { Source::new() }).map_err(failed)?;
        let listen = move || runtime.block_on(heard.listen_to(&mut source, ctrl_c, ended));
        thread::Builder::new().name("nda-signals".into()).spawn(listen).map_err(failed)?;
        Ok(signals)
    }

    async fn listen_to(&self, source: &mut Source, ctrl_c: CtrlC, ended: impl Fn()) {
        let signal = loop {
            match source.next().await {
                None => return,
                Some(Signal::Interrupt) if ctrl_c == CtrlC::Answer => {
                    if self.interrupted.swap(true, Ordering::Relaxed) {
                        end_now(Signal::Interrupt);
                    }
                }
                Some(signal) => break signal,
            }
        };
        self.end.store(signal.exit_code(), Ordering::Relaxed);
        ended();
        let again = timeout_at(Instant::now() + GRACE, source.next()).await;
        end_now(again.ok().flatten().unwrap_or(signal));
    }

    /// Whether Ctrl-C came for an answer since this was last asked.
    pub fn take_interrupt(&self) -> bool {
        self.interrupted.swap(false, Ordering::Relaxed)
    }

    /// The signal that asked the program to end.
    pub fn end(&self) -> Option<Signal> {
        let code = self.end.load(Ordering::Relaxed);
        Signal::ALL.into_iter().find(|signal| signal.exit_code() == code)
    }
}

fn end_now(signal: Signal) -> ! {
    std::process::exit(signal.exit_code().into())
}

fn failed(error: io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        format_args!("cannot listen to signals: {error}"),
        "this process",
        "check the limits of this user: open files, threads",
    )
}

/// The system's signals.
#[cfg(unix)]
struct Source {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// None of a program that is to outlive its terminal, as under nohup.
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Source {
    fn new() -> io::Result<Source> {
        use tokio::signal::unix::{SignalKind, signal};
        let hang_up = if crate::hangup::is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Source { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, hang_up })
    }

    /// Waits for one; none if there will be none any more.
    async fn next(&mut self) -> Option<Signal> {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            heard = self.interrupt.recv() => heard.map(|()| Signal::Interrupt),
            heard = self.terminate.recv() => heard.map(|()| Signal::Terminate),
            heard = hang_up => heard.map(|()| Signal::HangUp),
        }
    }
}

#[cfg(windows)]
struct Source {
    interrupt: tokio::signal::windows::CtrlC,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Source {
    fn new() -> io::Result<Source> {
        use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Source { interrupt: ctrl_c()?, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    /// Waits for one; none if there will be none any more.
    async fn next(&mut self) -> Option<Signal> {
        tokio::select! {
            heard = self.interrupt.recv() => heard.map(|()| Signal::Interrupt),
            heard = self.close.recv() => heard.map(|()| Signal::HangUp),
            heard = self.shutdown.recv() => heard.map(|()| Signal::Terminate),
        }
    }
}
