//! A program's triples for a person, and where two programs differ.

use super::Hash;
use super::atom::Atom;
use super::encode::program_node;
use super::node::{Field, Node};
use crate::ast::{Ast, Span};
use crate::state::with_tree_stack;

/// The triples of a program for a person, the root's first, every node once: subject, predicate, object.
pub fn listing(ast: &Ast) -> String {
    with_tree_stack(|| listed(ast))
}

fn listed(ast: &Ast) -> String {
    let root = program_node(ast);
    let (mut out, mut seen) = (format!("root {}\n", root.hash()), std::collections::HashSet::new());
    list(&root, &mut out, &mut seen);
    out
}

/// Digits of a hash that a listing shows.
const SHOWN_DIGITS: usize = 16;

fn list(node: &Node, out: &mut String, seen: &mut std::collections::HashSet<Hash>) {
    let subject = node.hash();
    if !seen.insert(subject) {
        return;
    }
    let short = |hash: Hash| hash.to_string()[..SHOWN_DIGITS].to_string();
    out.push_str(&format!("{} kind {:?}\n", short(subject), node.kind));
    for (name, field) in &node.fields {
        let object = match field {
            Field::Atom(atom) => atom.to_string(),
            Field::Node(node) => short(node.hash()),
        };
        out.push_str(&format!("{} {name} {object}\n", short(subject)));
    }
    for (_, field) in &node.fields {
        if let Field::Node(node) = field {
            list(node, out, seen);
        }
    }
}

/// A part that differs between two programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The way from the root: kinds, with names where there are any.
    pub path: String,
    /// Hash and place in the one program, if the part is there.
    pub before: Option<(Hash, Span)>,
    /// Hash and place in the other.
    pub after: Option<(Hash, Span)>,
}

/// The smallest parts in which two programs differ. Parts of equal hash are equal and not looked into.
pub fn changes(before: &Ast, after: &Ast) -> Vec<Change> {
    let mut found = Vec::new();
    with_tree_stack(|| compare(&program_node(before), &program_node(after), &mut Vec::new(), &mut found));
    found
}

fn node_of<'n>(field: Option<&'n (&'static str, Field)>) -> Option<&'n Node> {
    match field {
        Some((_, Field::Node(node))) => Some(node),
        _ => None,
    }
}

/// `path` holds the labels of what is around them, and does so again at the end.
fn compare(before: &Node, after: &Node, path: &mut Vec<String>, found: &mut Vec<Change>) {
    if before.hash() == after.hash() {
        return;
    }
    let label = |node: &Node| match node.field("name") {
        Some(Field::Atom(Atom::Text(name))) => format!("{} {name}", node.kind),
        _ => node.kind.clone(),
    };
    path.push(label(after));
    let (old, new) = (&before.fields, &after.fields);
    // What is equal at both ends of the fields stays; what lies between has changed.
    let same = |a: &(&str, Field), b: &(&str, Field)| a.0 == b.0 && a.1.hash() == b.1.hash();
    let head = old.iter().zip(new).take_while(|(a, b)| same(a, b)).count();
    let room = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| same(a, b)).count().min(room);
    let (old, new) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let are_nodes = old.iter().chain(new).all(|(_, field)| matches!(field, Field::Node(_)));
    if before.kind != after.kind || !are_nodes {
        found.push(Change { path: path.join(" > "), before: Some((before.hash(), before.span)), after: Some((after.hash(), after.span)) });
        path.pop();
        return;
    }
    for index in 0..old.len().max(new.len()) {
        match (node_of(old.get(index)), node_of(new.get(index))) {
            (Some(a), Some(b)) => compare(a, b, path, found),
            (a, b) => {
                let at = |node: Option<&Node>| node.map(|node| (node.hash(), node.span));
                let label = a.or(b).map(label).unwrap_or_default();
                found.push(Change { path: format!("{} > {label}", path.join(" > ")), before: at(a), after: at(b) });
            }
        }
    }
    path.pop();
}
