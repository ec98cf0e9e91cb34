//! A closed frame of all blocks: immutable, and known by what it holds.

use crate::body::Body;
use crate::exact::ExactHead;
use nda_spec::kv::FRAME_POSITIONS;

/// What hashes are made for, so that one is never taken for another.
const KEY: &str = "nda kv 1 key";
const SEAL: &str = "nda kv 1 seal";
const GENESIS: &str = "nda kv 1 genesis";

/// What the first frame's parent is: the hash of a document, of the program that runs, and the form's name.
pub fn genesis(document: &[u8; 32], program: &str, form: &str) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key(GENESIS);
    hasher.update(document).update(blake3::hash(program.as_bytes()).as_bytes()).update(form.as_bytes());
    hasher.finalize()
}

/// What a frame is looked up by: known before it is computed.
pub(crate) fn key_of(parent: blake3::Hash, tokens: &[u32]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key(KEY);
    hasher.update(parent.as_bytes());
    tokens.iter().for_each(|token| _ = hasher.update(&token.to_le_bytes()));
    hasher.finalize()
}

/// A link of the chain: what the next frame is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// Frames before.
    pub index: usize,
    /// The last one's key, or the genesis.
    pub key: blake3::Hash,
    /// The last one's seal, or the genesis.
    pub seal: blake3::Hash,
}

impl Link {
    pub fn first(genesis: blake3::Hash) -> Link {
        Link { index: 0, key: genesis, seal: genesis }
    }
}

fn put_contents(bodies: &[Body], sinks: &[Vec<ExactHead>], out: &mut Vec<u8>) {
    let sink_bytes: usize = sinks.iter().flatten().map(ExactHead::bytes).sum();
    out.reserve(bodies.iter().map(Body::bytes).sum::<usize>() + sink_bytes);
    bodies.iter().flat_map(Body::heads).for_each(|head| head.put(out));
    sinks.iter().flatten().for_each(|head| head.put(out));
}

/// 64 positions of all blocks.
#[derive(Debug)]
pub struct Frame {
    parent: Link,
    tokens: Vec<u32>,
    bodies: Vec<Body>,
    /// Of the first frame the sinks, block by block.
    sinks: Vec<Vec<ExactHead>>,
    key: blake3::Hash,
    seal: blake3::Hash,
}

impl Frame {
    pub(crate) fn new(parent: Link, tokens: &[u32], bodies: Vec<Body>, sinks: Vec<Vec<ExactHead>>) -> Frame {
        let mut contents = Vec::new();
        put_contents(&bodies, &sinks, &mut contents);
        Frame::of_contents(parent, tokens, bodies, sinks, &contents)
    }

    /// One whose bodies and sinks are at hand as the bytes of a file.
    pub(crate) fn of_contents(parent: Link, tokens: &[u32], bodies: Vec<Body>, sinks: Vec<Vec<ExactHead>>, contents: &[u8]) -> Frame {
        debug_assert_eq!(tokens.len(), FRAME_POSITIONS);
        let key = key_of(parent.key, tokens);
        // Over everything: the frame before, the tokens by the key, and the contents.
        let mut hasher = blake3::Hasher::new_derive_key(SEAL);
        hasher.update(parent.seal.as_bytes()).update(key.as_bytes()).update(&(parent.index as u64).to_le_bytes());
        let seal = hasher.update(contents).finalize();
        Frame { parent, tokens: tokens.to_vec(), bodies, sinks, key, seal }
    }

    /// Appends bodies and sinks as files and seals have them.
    pub(crate) fn put_contents(&self, out: &mut Vec<u8>) {
        put_contents(&self.bodies, &self.sinks, out);
    }

    /// Frames before it.
    pub fn index(&self) -> usize {
        self.parent.index
    }

    /// What it is looked up by.
    pub fn key(&self) -> blake3::Hash {
        self.key
    }

    /// The key of the frame before, or the genesis.
    pub fn parent_key(&self) -> blake3::Hash {
        self.parent.key
    }

    /// The hash of all that it holds and of the frame before.
    pub fn seal(&self) -> blake3::Hash {
        self.seal
    }

    /// Its tokens.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// What the next frame is bound to.
    pub(crate) fn link(&self) -> Link {
        Link { index: self.parent.index + 1, key: self.key, seal: self.seal }
    }

    pub(crate) fn body(&self, block: usize) -> &Body {
        &self.bodies[block]
    }

    pub(crate) fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    pub(crate) fn sinks(&self) -> &[Vec<ExactHead>] {
        &self.sinks
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let sinks: usize = self.sinks.iter().flatten().map(ExactHead::bytes).sum();
        4 * self.tokens.len() + self.bodies.iter().map(Body::bytes).sum::<usize>() + sinks
    }
}
