//! Nodes: a kind and fields in order, hashed once.

use super::Hash;
use super::atom::{Atom, NODE, PREDICATE, hash};
use crate::ast::Span;
use std::cell::OnceCell;

/// Every predicate that there is.
pub(super) const PREDICATES: [&str; 24] = [
    "kind",
    "item",
    "name",
    "parameter",
    "type",
    "result",
    "body",
    "value",
    "statement",
    "index",
    "condition",
    "then",
    "else",
    "count",
    "as",
    "operator",
    "operand",
    "left",
    "right",
    "function",
    "argument",
    "vector",
    "hole",
    "text",
];

pub(super) fn predicate(name: &str) -> Hash {
    hash(PREDICATE, &[name.as_bytes()])
}

/// A part of a program: its kind and its fields in order.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: String,
    pub(super) fields: Vec<(&'static str, Field)>,
    pub(super) span: Span,
    /// Its hash, once it is complete and has been asked for: a high tree is hashed once, not once for every level.
    known: OnceCell<Hash>,
}

#[derive(Debug, Clone)]
pub(super) enum Field {
    Atom(Atom),
    Node(Node),
}

impl Field {
    pub(super) fn hash(&self) -> Hash {
        match self {
            Field::Atom(atom) => atom.hash(),
            Field::Node(node) => node.hash(),
        }
    }
}

impl Node {
    pub(super) fn new(kind: &str, span: Span) -> Node {
        Node { kind: kind.into(), fields: Vec::new(), span, known: OnceCell::new() }
    }

    pub(super) fn text(mut self, predicate: &'static str, text: &str) -> Node {
        self.fields.push((predicate, Field::Atom(Atom::Text(text.into()))));
        self
    }

    pub(super) fn atom(mut self, predicate: &'static str, atom: Atom) -> Node {
        self.fields.push((predicate, Field::Atom(atom)));
        self
    }

    pub(super) fn node(mut self, predicate: &'static str, node: Node) -> Node {
        self.fields.push((predicate, Field::Node(node)));
        self
    }

    /// Predicates and objects, the kind first.
    pub(super) fn pairs(&self) -> Vec<(Hash, Hash)> {
        let kind = (predicate("kind"), Atom::Text(self.kind.clone()).hash());
        [kind].into_iter().chain(self.fields.iter().map(|(name, field)| (predicate(name), field.hash()))).collect()
    }

    pub(super) fn hash(&self) -> Hash {
        *self.known.get_or_init(|| hash_of(&self.pairs()))
    }
}

pub(super) fn hash_of(pairs: &[(Hash, Hash)]) -> Hash {
    let parts: Vec<&[u8]> = pairs.iter().flat_map(|(predicate, object)| [predicate.0.as_slice(), object.0.as_slice()]).collect();
    hash(NODE, &parts)
}
