//! From a tree to nodes, and from nodes to bytes.

use super::atom::Atom;
use super::node::{Field, Node, hash_of, predicate};
use super::{Hash, MAGIC, VERSION};
use crate::ast::{Ast, Block, Expr, ExprKind, Function, Global, Item, Piece, Span, Statement, StatementKind, Type};
use crate::state::with_tree_stack;
use std::collections::BTreeMap;

/// The binary form of a tree.
pub fn encode(ast: &Ast) -> Vec<u8> {
    let mut store = Store::default();
    let root = with_tree_stack(|| store.put(&program_node(ast)));
    let triples = store.nodes.values().map(Vec::len).sum::<usize>();
    let mut bytes = MAGIC.to_vec();
    for field in [VERSION, store.atoms.len() as u32, triples as u32, 0] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(root.0);
    for atom in store.atoms.values() {
        let content = atom.bytes();
        bytes.push(atom.kind());
        bytes.extend((content.len() as u32).to_le_bytes());
        bytes.extend(content);
    }
    for (subject, pairs) in &store.nodes {
        for (predicate, object) in pairs {
            bytes.extend([subject, predicate, object].iter().flat_map(|hash| hash.0));
        }
    }
    bytes
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) atoms: BTreeMap<Hash, Atom>,
    pub(super) nodes: BTreeMap<Hash, Vec<(Hash, Hash)>>,
}

impl Store {
    pub(super) fn put(&mut self, node: &Node) -> Hash {
        let mut pairs = vec![(predicate("kind"), self.put_atom(&Atom::Text(node.kind.clone())))];
        for (name, field) in &node.fields {
            let object = match field {
                Field::Atom(atom) => self.put_atom(atom),
                Field::Node(node) => self.put(node),
            };
            pairs.push((predicate(name), object));
        }
        let subject = hash_of(&pairs);
        self.nodes.insert(subject, pairs);
        subject
    }

    pub(super) fn put_atom(&mut self, atom: &Atom) -> Hash {
        let hash = atom.hash();
        self.atoms.entry(hash).or_insert_with(|| atom.clone());
        hash
    }
}

/// The nodes of a source.
pub(super) fn program_node(ast: &Ast) -> Node {
    ast.items.iter().fold(Node::new("program", Span::default()), |node, item| match item {
        Item::Function(function) => node.node("item", function_node(function)),
        Item::Global(Global { name, value, span }) => {
            node.node("item", Node::new("global", *span).text("name", &name.text).node("value", expr_node(value)))
        }
        Item::Layout(_) | Item::Error(_) => node,
    })
}

pub(super) fn function_node(function: &Function) -> Node {
    let mut node = Node::new("function", function.span).text("name", &function.name.text);
    for (name, of) in &function.params {
        node = node.node("parameter", Node::new("parameter", name.span).text("name", &name.text).text("type", of.name()));
    }
    if function.result != Type::Unit {
        node = node.text("result", function.result.name());
    }
    node.node("body", block_node(&function.body))
}

pub(super) fn block_node(block: &Block) -> Node {
    let statements = block.statements.iter().filter_map(statement_node);
    statements.fold(Node::new("block", block.span), |node, statement| node.node("statement", statement))
}

pub(super) fn statement_node(statement: &Statement) -> Option<Node> {
    let new = |kind: &str| Node::new(kind, statement.span);
    Some(match &statement.kind {
        StatementKind::Let(name, value) => new("let").text("name", &name.text).node("value", expr_node(value)),
        StatementKind::Assign(name, value) => new("assign").text("name", &name.text).node("value", expr_node(value)),
        StatementKind::AssignElement(name, index, value) => {
            new("assign element").text("name", &name.text).node("index", expr_node(index)).node("value", expr_node(value))
        }
        StatementKind::If(condition, then, otherwise) => {
            let node = new("if").node("condition", expr_node(condition)).node("then", block_node(then));
            otherwise.iter().fold(node, |node, block| node.node("else", block_node(block)))
        }
        StatementKind::While(condition, body) => new("while").node("condition", expr_node(condition)).node("body", block_node(body)),
        StatementKind::Loop(count, index, body) => {
            let node = new("loop").node("count", expr_node(count));
            index.iter().fold(node, |node, name| node.text("as", &name.text)).node("body", block_node(body))
        }
        StatementKind::Break => new("break"),
        StatementKind::Return(value) => value.iter().fold(new("return"), |node, value| node.node("value", expr_node(value))),
        StatementKind::Call(call) => new("run").node("value", expr_node(call)),
        StatementKind::Layout(_) | StatementKind::Error(_) => return None,
    })
}

pub(super) fn expr_node(expr: &Expr) -> Node {
    let new = |kind: &str| Node::new(kind, expr.span);
    match &expr.kind {
        ExprKind::Int(value) => new("int").atom("value", Atom::Int(*value)),
        ExprKind::Float(value) => new("float").atom("value", Atom::Float(*value)),
        ExprKind::Bool(value) => new("bool").atom("value", Atom::Bool(*value)),
        ExprKind::Text(pieces) => pieces.iter().fold(new("text"), |node, piece| match piece {
            Piece::Text(text) => node.text("text", text),
            Piece::Hole(name) => node.text("hole", &name.text),
        }),
        ExprKind::Variable(name) => new("variable").text("name", name),
        ExprKind::Unary(op, operand) => new("unary").text("operator", op.sign()).node("operand", expr_node(operand)),
        ExprKind::Binary(op, left, right) => {
            new("binary").text("operator", op.sign()).node("left", expr_node(left)).node("right", expr_node(right))
        }
        ExprKind::Call(name, args) => {
            args.iter().fold(new("call").text("function", &name.text), |node, arg| node.node("argument", expr_node(arg)))
        }
        ExprKind::Index(vector, index) => new("index").node("vector", expr_node(vector)).node("index", expr_node(index)),
        ExprKind::Error => new("error"),
    }
}
