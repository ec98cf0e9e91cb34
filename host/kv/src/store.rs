//! Closed frames of many texts, found by what they begin with.
//!
//! A frame is looked up by its key, a hash of the parent's key and of the 64 tokens, which is known before anything is computed;
//! the tokens are compared on every hit, so a collision cannot pass. A frame that two texts share is held once. What was
//! used longest ago goes first, and no frame goes before those that stand behind it.

use crate::frame::{Frame, key_of};
use nda_spec::kv::FRAME_POSITIONS;
use std::collections::HashMap;
use std::sync::Arc;

/// A frame of the store.
#[derive(Debug)]
struct Entry {
    frame: Arc<Frame>,
    /// When it was last looked up or put in.
    used: u64,
    /// Frames of the store that stand behind it.
    children: usize,
}

/// Frames by key, within a number of bytes.
#[derive(Debug)]
pub struct FrameStore {
    entries: HashMap<blake3::Hash, Entry>,
    most_bytes: usize,
    bytes: usize,
    clock: u64,
}

impl FrameStore {
    /// An empty store that holds at most that many bytes.
    pub fn new(most_bytes: usize) -> FrameStore {
        FrameStore { entries: HashMap::new(), most_bytes, bytes: 0, clock: 0 }
    }

    /// Frames that it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes that its frames take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The frames that tokens begin with, of texts with this genesis.
    pub fn longest(&mut self, genesis: blake3::Hash, tokens: &[u32]) -> Vec<Arc<Frame>> {
        let (mut parent, mut found) = (genesis, Vec::new());
        self.clock += 1;
        for tokens in tokens.chunks_exact(FRAME_POSITIONS) {
            let key = key_of(parent, tokens);
            let Some(entry) = self.entries.get_mut(&key).filter(|entry| entry.frame.tokens() == tokens) else { break };
            entry.used = self.clock;
            found.push(Arc::clone(&entry.frame));
            parent = key;
        }
        found
    }

    /// Puts a frame in, whose parent is there if it has one and the store had room; gives the one that is held, which is that of
    /// another text if it is the same.
    pub fn insert(&mut self, frame: &Arc<Frame>) -> Arc<Frame> {
        self.clock += 1;
        if let Some(entry) = self.entries.get_mut(&frame.key()) {
            entry.used = self.clock;
            // The same tokens in the same place give the same bits; if not, the text keeps its own.
            return Arc::clone(if entry.frame.seal() == frame.seal() { &entry.frame } else { frame });
        }
        let bytes = frame.bytes();
        if bytes > self.most_bytes {
            return Arc::clone(frame);
        }
        // A frame whose parent was dropped would never be found.
        match self.entries.get_mut(&frame.parent_key()) {
            Some(parent) => parent.children += 1,
            None if frame.index() > 0 => return Arc::clone(frame),
            None => {}
        }
        self.bytes += bytes;
        self.entries.insert(frame.key(), Entry { frame: Arc::clone(frame), used: self.clock, children: 0 });
        while self.bytes > self.most_bytes && self.drop_oldest() {}
        Arc::clone(frame)
    }

    /// Drops the frame without children that was used longest ago.
    fn drop_oldest(&mut self) -> bool {
        let oldest = self.entries.iter().filter(|(_, entry)| entry.children == 0).min_by_key(|(key, entry)| (entry.used, *key.as_bytes()));
        let Some(key) = oldest.map(|(key, _)| *key) else { return false };
        if let Some(entry) = self.entries.remove(&key) {
            self.bytes -= entry.frame.bytes();
            if let Some(parent) = self.entries.get_mut(&entry.frame.parent_key()) {
                parent.children -= 1;
            }
        }
        true
    }
}
