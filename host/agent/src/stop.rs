//! Stopping what runs: a model's answer, a command, a question.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// A person's wish that the work ends. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    bell: Arc<Notify>,
}

impl Stop {
    /// Wishes it.
    pub fn set(&self) {
        self.flag.store(true, Ordering::SeqCst);
        self.bell.notify_waiters();
    }

    /// Takes the wish back, for new work.
    pub fn clear(&self) {
        self.flag.store(false, Ordering::SeqCst);
    }

    /// Whether it is wished.
    pub fn is_set(&self) -> bool {
        self.flag.load(Ordering::SeqCst)
    }

    /// The wish as the sandbox looks at it.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        self.flag.clone()
    }

    /// Returns as soon as it is wished.
    pub(crate) async fn wished(&self) {
        // Listens before it looks: a wish between the two is noticed.
        let heard = self.bell.notified();
        if !self.is_set() {
            heard.await;
        }
    }
}
