//! The canonical binary form: a program as content-addressed nodes.
//!
//! A program is a set of triples: subject, predicate, object, each a full BLAKE3 hash. A subject is the hash of its own
//! predicates and objects in order, an object is a node or an atom (a text or a number), a predicate is the hash of its
//! name. So equal parts are stored once, two programs with the same root hash are the same program, and a change
//! changes the hashes from its place up to the root, which is how [`changes`] finds it. Comments and layout are not part.
//!
//! All numbers are little endian: the magic, version, count of atoms, count of triples, zero, the root's hash; the atoms
//! (kind, length, bytes) by ascending hash; the triples by ascending subject. There is one way to write a program, and
//! [`decode`] refuses every other.

mod atom;
mod decode;
mod encode;
mod listing;
mod node;

pub use decode::decode;
pub use encode::encode;
pub use listing::{Change, changes, listing};

use crate::ast::{Ast, MAX_HEIGHT, MAX_NESTING};
use crate::state::with_tree_stack;
use std::fmt;

/// First bytes of a program in binary form.
pub const MAGIC: [u8; 8] = *b"\x89NDA\r\n\x1a\n";
/// The version that is read and written.
pub const VERSION: u32 = 1;
const HEADER_BYTES: usize = 24 + HASH_BYTES;
const HASH_BYTES: usize = 32;

/// Nodes of a program once every shared part is written out: a few bytes of triples can stand for as many as they like.
const MAX_NODES: usize = 1 << 18;
/// Most levels of nodes: a statement or expression and its block for every level of a tree, and the way to the root.
const MAX_DEPTH: usize = 3 * MAX_NESTING + 2 * MAX_HEIGHT;

/// A BLAKE3 hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; HASH_BYTES]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Why bytes are not a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BinaryError {
    /// The first bytes are others.
    #[error("this is not a program in binary form: it does not begin with {MAGIC:02x?}")]
    Magic,
    /// Another version.
    #[error("version {0} is not {VERSION}, the version that this program reads")]
    Version(u32),
    /// The bytes end too early or too late.
    #[error("byte {at}: {what}")]
    Length {
        /// Where.
        at: usize,
        /// What is missing or too much.
        what: &'static str,
    },
    /// A hash is not that of its content.
    #[error("the hash of node {0} does not match its content")]
    Hash(Hash),
    /// A hash leads nowhere.
    #[error("nothing has the hash {0}")]
    Missing(Hash),
    /// A node is not what stands in its place.
    #[error("node {node}: {what}")]
    Node {
        /// The node.
        node: Hash,
        /// What is wrong with it.
        what: String,
    },
    /// Too many nodes once shared ones are written out, or nested too deep.
    #[error("the program has more than {MAX_NODES} nodes or is nested deeper than {MAX_DEPTH} levels")]
    TooLarge,
    /// Another way to write the same program, or what no source can say.
    #[error("this is not the canonical form of a program: {0}")]
    NotCanonical(&'static str),
}

/// The hash of a program: the same for every layout of the same source, and for no other program.
pub fn root(ast: &Ast) -> Hash {
    with_tree_stack(|| encode::program_node(ast).hash())
}
