//! Leaves of a program: texts and numbers, and the hash of anything.

use super::Hash;
use std::fmt;

/// A leaf.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Atom {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
}

impl Atom {
    pub(super) fn kind(&self) -> u8 {
        match self {
            Atom::Text(_) => 0,
            Atom::Int(_) => 1,
            Atom::Float(_) => 2,
            Atom::Bool(_) => 3,
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Atom::Text(text) => text.as_bytes().to_vec(),
            Atom::Int(value) => value.to_le_bytes().to_vec(),
            Atom::Float(value) => value.to_bits().to_le_bytes().to_vec(),
            Atom::Bool(value) => vec![u8::from(*value)],
        }
    }

    pub(super) fn read(kind: u8, bytes: &[u8]) -> Option<Atom> {
        let eight = || bytes.try_into().ok();
        match kind {
            0 => String::from_utf8(bytes.to_vec()).ok().map(Atom::Text),
            1 => eight().map(i64::from_le_bytes).map(Atom::Int),
            2 => eight().map(|b| Atom::Float(f64::from_bits(u64::from_le_bytes(b)))),
            3 => matches!(bytes, [0 | 1]).then(|| Atom::Bool(bytes == [1])),
            _ => None,
        }
    }

    pub(super) fn hash(&self) -> Hash {
        hash(ATOM, &[&[self.kind()], &self.bytes()])
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Text(text) => write!(f, "{text:?}"),
            Atom::Int(value) => write!(f, "{value}"),
            Atom::Float(value) => write!(f, "{value:?}"),
            Atom::Bool(value) => write!(f, "{value}"),
        }
    }
}

/// What is hashed begins with what it is, so that no atom has a node's hash.
pub(super) const PREDICATE: u8 = 0;
pub(super) const ATOM: u8 = 1;
pub(super) const NODE: u8 = 2;

pub(super) fn hash(domain: u8, parts: &[&[u8]]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[domain]);
    for part in parts {
        hasher.update(part);
    }
    Hash(*hasher.finalize().as_bytes())
}
