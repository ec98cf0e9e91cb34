//! Ctrl-C as a question that work asks, instead of the end of the process.

use crate::error::ChatError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Ctrl-C, listened to from [`Interrupts::listen`] to the end of the process.
#[derive(Debug, Clone)]
pub struct Interrupts {
    pending: Arc<AtomicBool>,
}

impl Interrupts {
    /// Listens from now on; Ctrl-C no longer ends the process by itself. `unheard` is called, on another thread, when it
    /// comes again before anybody has asked for the first: the program hangs, or is slow.
    ///
    /// # Errors
    /// [`ChatError::System`] if the system gives no signals.
    pub fn listen(unheard: impl Fn() + Send + 'static) -> Result<Interrupts, ChatError> {
        let failed = |source| ChatError::System { action: "listen to Ctrl-C", source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let interrupts = Interrupts { pending: Arc::default() };
        let pending = Arc::clone(&interrupts.pending);
        // Once before the thread: from here on Ctrl-C is ours.
        let mut signals = runtime.block_on(async { Signals::new() }).map_err(failed)?;
        let listen = move || {
            runtime.block_on(async {
                while signals.next().await {
                    if pending.swap(true, Ordering::Relaxed) {
                        unheard();
                    }
                }
            });
        };
        thread::Builder::new().name("nda-interrupts".into()).spawn(listen).map_err(failed)?;
        Ok(interrupts)
    }

    /// Whether Ctrl-C came since this was last asked.
    pub fn take(&self) -> bool {
        self.pending.swap(false, Ordering::Relaxed)
    }
}

/// The system's interrupt signals.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Signals> {
        Ok(Signals { interrupt: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())? })
    }

    #[cfg(windows)]
    fn new() -> std::io::Result<Signals> {
        Ok(Signals { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    /// Waits for one; false if there will be none any more.
    async fn next(&mut self) -> bool {
        self.interrupt.recv().await.is_some()
    }
}
