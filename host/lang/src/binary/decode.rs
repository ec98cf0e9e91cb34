//! From bytes to the source that they stand for.

use super::atom::Atom;
use super::encode::{Store, encode};
use super::node::{Field, Node, PREDICATES, hash_of, predicate};
use super::{BinaryError, HASH_BYTES, HEADER_BYTES, Hash, MAGIC, MAX_DEPTH, MAX_NODES, VERSION};
use crate::ast::{
    Ast, BinaryOp, Block, Expr, ExprKind, Function, Global, Item, Name, Piece, Span, Statement, StatementKind, Type, UnaryOp,
};
use crate::format::format;
use crate::parser::parse;
use crate::state::with_tree_stack;
use std::collections::HashMap;

const TRIPLE_BYTES: usize = 3 * HASH_BYTES;

/// The source of a program in binary form, as `nda fmt` writes it.
///
/// # Errors
/// Bytes that are not the canonical form of a program. Memory and time are bounded, whatever the bytes are.
pub fn decode(bytes: &[u8]) -> Result<String, BinaryError> {
    with_tree_stack(|| decoded(bytes))
}

fn decoded(bytes: &[u8]) -> Result<String, BinaryError> {
    let (store, root) = read(bytes)?;
    let mut reader = Reader { store: &store, names: PREDICATES.iter().map(|name| (predicate(name), *name)).collect(), nodes: 0 };
    let node = reader.node(root, 0)?;
    let ast = program(&node).map_err(|what| BinaryError::Node { node: root, what })?;
    let source = format(&ast);
    // One road back: whatever the bytes say that a source cannot, or say in another way, shows here.
    let (parsed, errors) = parse(&source);
    if !errors.is_empty() {
        return Err(BinaryError::NotCanonical("no source can say this"));
    }
    if encode(&parsed) != bytes {
        return Err(BinaryError::NotCanonical("the program has another form"));
    }
    Ok(source)
}

/// Atoms and nodes of some bytes, each under the hash of its content.
fn read(bytes: &[u8]) -> Result<(Store, Hash), BinaryError> {
    if !bytes.starts_with(&MAGIC) {
        return Err(BinaryError::Magic);
    }
    let short = |what| BinaryError::Length { at: bytes.len(), what };
    let header = bytes.get(..HEADER_BYTES).ok_or(short("the header is cut off"))?;
    let field = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if field(8) != VERSION {
        return Err(BinaryError::Version(field(8)));
    }
    let root = to_hash(&header[24..]);
    let (mut at, mut store) = (HEADER_BYTES, Store::default());
    // Counts are not believed: every atom and triple takes bytes that must be there.
    for _ in 0..field(12) {
        let head = bytes.get(at..at + 5).ok_or(short("an atom is cut off"))?;
        let len = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let content = bytes.get(at + 5..).and_then(|rest| rest.get(..len)).ok_or(short("an atom is cut off"))?;
        let atom = Atom::read(head[0], content).ok_or(BinaryError::Length { at, what: "this is not an atom" })?;
        store.atoms.insert(atom.hash(), atom);
        at += 5 + len;
    }
    let triples = &bytes[at..];
    if triples.len() != (field(16) as usize).saturating_mul(TRIPLE_BYTES) {
        return Err(BinaryError::Length { at, what: "the triples do not fill the rest" });
    }
    let hashes = |triple: &[u8]| [0, 1, 2].map(|part| to_hash(&triple[part * HASH_BYTES..]));
    for [subject, predicate, object] in triples.chunks_exact(TRIPLE_BYTES).map(hashes) {
        store.nodes.entry(subject).or_default().push((predicate, object));
    }
    match store.nodes.iter().find(|(subject, pairs)| hash_of(pairs) != **subject) {
        Some((subject, _)) => Err(BinaryError::Hash(*subject)),
        None => Ok((store, root)),
    }
}

fn to_hash(bytes: &[u8]) -> Hash {
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(&bytes[..HASH_BYTES]);
    Hash(hash)
}

struct Reader<'s> {
    store: &'s Store,
    names: HashMap<Hash, &'static str>,
    nodes: usize,
}

impl Reader<'_> {
    /// A node with everything below it. Hashes cannot form a circle; sharing can still make it huge.
    fn node(&mut self, subject: Hash, depth: usize) -> Result<Node, BinaryError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            return Err(BinaryError::TooLarge);
        }
        let store = self.store;
        let pairs = store.nodes.get(&subject).ok_or(BinaryError::Missing(subject))?;
        let wrong = |what: &str| BinaryError::Node { node: subject, what: what.into() };
        let mut node: Option<Node> = None;
        for (name, object) in pairs {
            let name = *self.names.get(name).ok_or_else(|| wrong("it has an unknown predicate"))?;
            let field = match store.atoms.get(object) {
                Some(atom) => Field::Atom(atom.clone()),
                None => Field::Node(self.node(*object, depth + 1)?),
            };
            match (&mut node, field) {
                (None, Field::Atom(Atom::Text(kind))) if name == "kind" => node = Some(Node::new(&kind, Span::default())),
                (Some(node), field) if name != "kind" => node.fields.push((name, field)),
                _ => return Err(wrong("its kind does not come first and once")),
            }
        }
        node.ok_or_else(|| wrong("it has no kind"))
    }
}

/// What a node should be and is not.
type Read<T> = Result<T, String>;

impl Node {
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|(n, _)| *n == name).map(|(_, field)| field)
    }

    fn child(&self, name: &str) -> Read<&Node> {
        match self.field(name) {
            Some(Field::Node(node)) => Ok(node),
            _ => Err(format!("'{}' without '{name}'", self.kind)),
        }
    }

    fn word(&self, name: &str) -> Read<&str> {
        match self.field(name) {
            Some(Field::Atom(Atom::Text(text))) => Ok(text),
            _ => Err(format!("'{}' without '{name}'", self.kind)),
        }
    }

    fn name(&self, field: &str) -> Read<Name> {
        Ok(Name { text: self.word(field)?.into(), span: Span::default() })
    }

    fn expr(&self, name: &str) -> Read<Expr> {
        expr(self.child(name)?)
    }

    fn block(&self, name: &str) -> Read<Block> {
        let block = self.child(name)?;
        let statements = block.children("statement").map(|node| node.and_then(statement)).collect::<Read<_>>()?;
        Ok(Block { statements, span: Span::default() })
    }

    fn children<'n>(&'n self, name: &'n str) -> impl Iterator<Item = Read<&'n Node>> {
        self.fields.iter().filter(move |(n, _)| *n == name).map(move |(_, field)| match field {
            Field::Node(node) => Ok(node),
            Field::Atom(_) => Err(format!("'{name}' is not a node")),
        })
    }
}

fn program(node: &Node) -> Read<Ast> {
    let items = node.children("item").map(|item| {
        let item = item?;
        match item.kind.as_str() {
            "function" => function(item).map(Item::Function),
            "global" => Ok(Item::Global(Global { name: item.name("name")?, value: item.expr("value")?, span: Span::default() })),
            other => Err(format!("'{other}' is not an item")),
        }
    });
    Ok(Ast { items: items.collect::<Read<_>>()? })
}

fn type_of(name: &str) -> Read<Type> {
    Type::NAMED.into_iter().find(|t| t.name() == name).ok_or_else(|| format!("there is no type '{name}'"))
}

fn function(node: &Node) -> Read<Function> {
    let params = node.children("parameter").map(|param| {
        let param = param?;
        Ok((param.name("name")?, type_of(param.word("type")?)?))
    });
    let result = if node.field("result").is_some() { type_of(node.word("result")?)? } else { Type::Unit };
    Ok(Function {
        name: node.name("name")?,
        params: params.collect::<Read<_>>()?,
        result,
        body: node.block("body")?,
        span: Span::default(),
    })
}

fn statement(node: &Node) -> Read<Statement> {
    let optional = |name: &str| node.field(name).is_some();
    let kind = match node.kind.as_str() {
        "let" => StatementKind::Let(node.name("name")?, node.expr("value")?),
        "assign" => StatementKind::Assign(node.name("name")?, node.expr("value")?),
        "assign element" => StatementKind::AssignElement(node.name("name")?, node.expr("index")?, node.expr("value")?),
        "if" => {
            let otherwise = if optional("else") { Some(node.block("else")?) } else { None };
            StatementKind::If(node.expr("condition")?, node.block("then")?, otherwise)
        }
        "while" => StatementKind::While(node.expr("condition")?, node.block("body")?),
        "loop" => {
            let index = if optional("as") { Some(node.name("as")?) } else { None };
            StatementKind::Loop(node.expr("count")?, index, node.block("body")?)
        }
        "break" => StatementKind::Break,
        "return" => StatementKind::Return(if optional("value") { Some(node.expr("value")?) } else { None }),
        "run" => StatementKind::Call(node.expr("value")?),
        other => return Err(format!("'{other}' is not a statement")),
    };
    Ok(Statement { kind, span: Span::default() })
}

fn expr(node: &Node) -> Read<Expr> {
    let boxed = |name: &str| node.expr(name).map(Box::new);
    let kind = match (node.kind.as_str(), node.field("value")) {
        ("int", Some(Field::Atom(Atom::Int(value)))) => ExprKind::Int(*value),
        ("float", Some(Field::Atom(Atom::Float(value)))) if value.is_finite() => ExprKind::Float(*value),
        ("bool", Some(Field::Atom(Atom::Bool(value)))) => ExprKind::Bool(*value),
        ("text", None) => ExprKind::Text(pieces(node)?),
        ("variable", None) => ExprKind::Variable(node.word("name")?.into()),
        ("unary", None) => {
            let sign = node.word("operator")?;
            let op = UnaryOp::ALL.into_iter().find(|op| op.sign() == sign).ok_or(format!("there is no operator '{sign}'"))?;
            ExprKind::Unary(op, boxed("operand")?)
        }
        ("binary", None) => {
            let sign = node.word("operator")?;
            let op = BinaryOp::ALL.into_iter().find(|op| op.sign() == sign).ok_or(format!("there is no operator '{sign}'"))?;
            ExprKind::Binary(op, boxed("left")?, boxed("right")?)
        }
        ("call", None) => {
            let args = node.children("argument").map(|arg| arg.and_then(expr)).collect::<Read<_>>()?;
            ExprKind::Call(node.name("function")?, args)
        }
        ("index", None) => ExprKind::Index(boxed("vector")?, boxed("index")?),
        (other, _) => return Err(format!("'{other}' with this value is not an expression")),
    };
    Ok(Expr { kind, span: Span::default() })
}

fn pieces(node: &Node) -> Read<Vec<Piece>> {
    let pieces = node.fields.iter().map(|(name, field)| match (*name, field) {
        ("text", Field::Atom(Atom::Text(text))) => Ok(Piece::Text(text.clone())),
        ("hole", Field::Atom(Atom::Text(text))) => Ok(Piece::Hole(Name { text: text.clone(), span: Span::default() })),
        (other, _) => Err(format!("'{other}' is not a piece of a text")),
    });
    pieces.collect()
}
