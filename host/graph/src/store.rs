//! The newest graph, for many readers and one writer at a time.

use crate::facts::Facts;
use crate::graph::Graph;
use arc_swap::{ArcSwap, Cache};
use std::sync::{Arc, Mutex, PoisonError};

/// Publishes graphs: a reader takes the newest without waiting and holds it, a writer replaces one file's facts.
#[derive(Debug, Default)]
pub struct Store {
    newest: ArcSwap<Graph>,
    writing: Mutex<()>,
}

/// Keeps the graph that it saw last. Looking again compares one address where nothing has changed; a lock-free load of the graph
/// itself takes locked instructions, which are slow on some processors.
#[derive(Debug)]
pub struct Reader<'s>(Cache<&'s ArcSwap<Graph>, Arc<Graph>>);

impl Reader<'_> {
    /// The newest graph.
    pub fn look(&mut self) -> &Arc<Graph> {
        self.0.load()
    }
}

impl Store {
    /// The newest graph, to be held for as long as one likes.
    pub fn snapshot(&self) -> Arc<Graph> {
        self.newest.load_full()
    }

    /// A reader that looks at the newest graph again and again.
    pub fn reader(&self) -> Reader<'_> {
        Reader(Cache::new(&self.newest))
    }

    /// Replaces what is known of a file; none: the file is gone.
    pub fn set(&self, path: &str, facts: Option<Facts>) {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.newest.store(Arc::new(self.newest.load().with(path, facts)));
    }

    /// Scans a file's text anew.
    pub fn scan(&self, path: &str, text: &str) {
        self.set(path, Some(Facts::of(path, text)));
    }
}
