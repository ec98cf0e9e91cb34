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

use crate::ast::{
    Ast, BinaryOp, Block, Expr, ExprKind, Function, Global, Item, MAX_HEIGHT, MAX_NESTING, Name, Piece, Span, Statement, StatementKind,
    Type, UnaryOp,
};
use crate::format::format;
use crate::parser::parse;
use crate::state::with_tree_stack;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// First bytes of a program in binary form.
pub const MAGIC: [u8; 8] = *b"\x89NDA\r\n\x1a\n";
/// The version that is read and written.
pub const VERSION: u32 = 1;
const HEADER_BYTES: usize = 24 + HASH_BYTES;
const HASH_BYTES: usize = 32;
const TRIPLE_BYTES: usize = 3 * HASH_BYTES;
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

/// Why bytes are no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BinaryError {
    /// The first bytes are others.
    #[error("this is no program in binary form: it does not begin with {MAGIC:02x?}")]
    Magic,
    /// Another version.
    #[error("version {0} is not version {VERSION} that this program reads")]
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
    #[error("node {0} has another hash than its content")]
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

/// A leaf.
#[derive(Debug, Clone, PartialEq)]
enum Atom {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
}

impl Atom {
    fn kind(&self) -> u8 {
        match self {
            Atom::Text(_) => 0,
            Atom::Int(_) => 1,
            Atom::Float(_) => 2,
            Atom::Bool(_) => 3,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Atom::Text(text) => text.as_bytes().to_vec(),
            Atom::Int(value) => value.to_le_bytes().to_vec(),
            Atom::Float(value) => value.to_bits().to_le_bytes().to_vec(),
            Atom::Bool(value) => vec![u8::from(*value)],
        }
    }

    fn read(kind: u8, bytes: &[u8]) -> Option<Atom> {
        let eight = || bytes.try_into().ok();
        match kind {
            0 => String::from_utf8(bytes.to_vec()).ok().map(Atom::Text),
            1 => eight().map(i64::from_le_bytes).map(Atom::Int),
            2 => eight().map(|b| Atom::Float(f64::from_bits(u64::from_le_bytes(b)))),
            3 => matches!(bytes, [0 | 1]).then(|| Atom::Bool(bytes == [1])),
            _ => None,
        }
    }

    fn hash(&self) -> Hash {
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
const PREDICATE: u8 = 0;
const ATOM: u8 = 1;
const NODE: u8 = 2;

fn hash(domain: u8, parts: &[&[u8]]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[domain]);
    for part in parts {
        hasher.update(part);
    }
    Hash(*hasher.finalize().as_bytes())
}

/// Every predicate that there is.
const PREDICATES: [&str; 24] = [
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

fn predicate(name: &str) -> Hash {
    hash(PREDICATE, &[name.as_bytes()])
}

/// A part of a program: its kind and its fields in order.
#[derive(Debug, Clone)]
struct Node {
    kind: String,
    fields: Vec<(&'static str, Field)>,
    span: Span,
    /// Its hash, once it is complete and has been asked for: a high tree is hashed once, not once for every level.
    known: OnceCell<Hash>,
}

#[derive(Debug, Clone)]
enum Field {
    Atom(Atom),
    Node(Node),
}

impl Field {
    fn hash(&self) -> Hash {
        match self {
            Field::Atom(atom) => atom.hash(),
            Field::Node(node) => node.hash(),
        }
    }
}

impl Node {
    fn new(kind: &str, span: Span) -> Node {
        Node { kind: kind.into(), fields: Vec::new(), span, known: OnceCell::new() }
    }

    fn text(mut self, predicate: &'static str, text: &str) -> Node {
        self.fields.push((predicate, Field::Atom(Atom::Text(text.into()))));
        self
    }

    fn atom(mut self, predicate: &'static str, atom: Atom) -> Node {
        self.fields.push((predicate, Field::Atom(atom)));
        self
    }

    fn node(mut self, predicate: &'static str, node: Node) -> Node {
        self.fields.push((predicate, Field::Node(node)));
        self
    }

    /// Predicates and objects, the kind first.
    fn pairs(&self) -> Vec<(Hash, Hash)> {
        let kind = (predicate("kind"), Atom::Text(self.kind.clone()).hash());
        [kind].into_iter().chain(self.fields.iter().map(|(name, field)| (predicate(name), field.hash()))).collect()
    }

    fn hash(&self) -> Hash {
        *self.known.get_or_init(|| hash_of(&self.pairs()))
    }
}

fn hash_of(pairs: &[(Hash, Hash)]) -> Hash {
    let parts: Vec<&[u8]> = pairs.iter().flat_map(|(predicate, object)| [predicate.0.as_slice(), object.0.as_slice()]).collect();
    hash(NODE, &parts)
}

/// The nodes of a source.
fn program_node(ast: &Ast) -> Node {
    ast.items.iter().fold(Node::new("program", Span::default()), |node, item| match item {
        Item::Function(function) => node.node("item", function_node(function)),
        Item::Global(Global { name, value, span }) => {
            node.node("item", Node::new("global", *span).text("name", &name.text).node("value", expr_node(value)))
        }
        Item::Layout(_) => node,
    })
}

fn function_node(function: &Function) -> Node {
    let mut node = Node::new("function", function.span).text("name", &function.name.text);
    for (name, of) in &function.params {
        node = node.node("parameter", Node::new("parameter", name.span).text("name", &name.text).text("type", of.name()));
    }
    if function.result != Type::Unit {
        node = node.text("result", function.result.name());
    }
    node.node("body", block_node(&function.body))
}

fn block_node(block: &Block) -> Node {
    let statements = block.statements.iter().filter_map(statement_node);
    statements.fold(Node::new("block", block.span), |node, statement| node.node("statement", statement))
}

fn statement_node(statement: &Statement) -> Option<Node> {
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
        StatementKind::Layout(_) | StatementKind::Error => return None,
    })
}

fn expr_node(expr: &Expr) -> Node {
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

/// The hash of a program: the same for every layout of the same source, and for no other program.
pub fn root(ast: &Ast) -> Hash {
    with_tree_stack(|| program_node(ast).hash())
}

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
struct Store {
    atoms: BTreeMap<Hash, Atom>,
    nodes: BTreeMap<Hash, Vec<(Hash, Hash)>>,
}

impl Store {
    fn put(&mut self, node: &Node) -> Hash {
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

    fn put_atom(&mut self, atom: &Atom) -> Hash {
        let hash = atom.hash();
        self.atoms.entry(hash).or_insert_with(|| atom.clone());
        hash
    }
}

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
        return Err(BinaryError::NotCanonical("it says what no source can say"));
    }
    if encode(&parsed) != bytes {
        return Err(BinaryError::NotCanonical("the program would be written otherwise"));
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
        let atom = Atom::read(head[0], content).ok_or(BinaryError::Length { at, what: "this is no atom" })?;
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
            let name = *self.names.get(name).ok_or_else(|| wrong("it has a predicate that there is not"))?;
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
    fn field(&self, name: &str) -> Option<&Field> {
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
            Field::Atom(_) => Err(format!("'{name}' is no node")),
        })
    }
}

fn program(node: &Node) -> Read<Ast> {
    let items = node.children("item").map(|item| {
        let item = item?;
        match item.kind.as_str() {
            "function" => function(item).map(Item::Function),
            "global" => Ok(Item::Global(Global { name: item.name("name")?, value: item.expr("value")?, span: Span::default() })),
            other => Err(format!("'{other}' is no item")),
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
        other => return Err(format!("'{other}' is no statement")),
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
        (other, _) => return Err(format!("'{other}' with this value is no expression")),
    };
    Ok(Expr { kind, span: Span::default() })
}

fn pieces(node: &Node) -> Read<Vec<Piece>> {
    let pieces = node.fields.iter().map(|(name, field)| match (*name, field) {
        ("text", Field::Atom(Atom::Text(text))) => Ok(Piece::Text(text.clone())),
        ("hole", Field::Atom(Atom::Text(text))) => Ok(Piece::Hole(Name { text: text.clone(), span: Span::default() })),
        (other, _) => Err(format!("'{other}' is no piece of a text")),
    });
    pieces.collect()
}

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
