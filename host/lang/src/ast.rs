//! The syntax tree: what the parser gives, the checker reads, the reference interpreter walks and the formatter prints.

use crate::state::with_tree_stack;

/// Bytes `start..end` of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl Span {
    /// From the start of `self` to the end of `other`.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start, end: other.end }
    }
}

/// Deepest nesting of blocks, parentheses, calls, indices and signs: what a run takes stack for.
pub const MAX_NESTING: usize = 100;
/// Most operators in a row, and most arms of an `else if` chain. A row leans to the left (`a + b + c` is `(a + b) + c`) and
/// a chain to the right, so their trees are high although nothing is nested: a run takes them in a loop, and a walk over a tree
/// recurses at most so deep besides its nesting.
pub const MAX_HEIGHT: usize = 4096;

/// A type of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// A signed number of 64 bits; every operation is checked.
    Int,
    /// IEEE 754 binary64.
    Float,
    /// `true` or `false`.
    Bool,
    /// Text.
    Str,
    /// A vector of f32.
    Vec,
    /// A vector of ints.
    Ints,
    /// A vector quantized to 8 bits, with its scale.
    A8,
    /// A vector quantized to 4 bits, with its scale.
    A4,
    /// A vector quantized to 2 bits, with its scale.
    A2,
    /// What a function returns that returns nothing.
    Unit,
    /// The type of something that is already reported as wrong; it agrees with everything.
    Unknown,
}

impl Type {
    /// The types that a program can name.
    pub const NAMED: [Type; 9] = [Type::Int, Type::Float, Type::Bool, Type::Str, Type::Vec, Type::Ints, Type::A8, Type::A4, Type::A2];

    /// What a program calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Type::Int => "int",
            Type::Float => "float",
            Type::Bool => "bool",
            Type::Str => "str",
            Type::Vec => "vec",
            Type::Ints => "ints",
            Type::A8 => "a8",
            Type::A4 => "a4",
            Type::A2 => "a2",
            Type::Unit => "nothing",
            Type::Unknown => "unknown",
        }
    }

    /// Whether a value is one machine word: an int, a float or a bool.
    pub const fn is_scalar(self) -> bool {
        matches!(self, Type::Int | Type::Float | Type::Bool)
    }
}

/// A name where it stands.
#[derive(Debug, Clone)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// A whole source.
#[derive(Debug, Clone, Default)]
pub struct Ast {
    /// Functions, globals and the layout between them, in order.
    pub items: Vec<Item>,
}

/// A high tree is dropped level by level, too.
impl Drop for Ast {
    fn drop(&mut self) {
        let items = std::mem::take(&mut self.items);
        with_tree_stack(|| drop(items));
    }
}

/// What stands at the top of a source.
#[derive(Debug, Clone)]
pub enum Item {
    /// `fn name(...) { ... }`
    Function(Function),
    /// `let name = value;`: evaluated once, before the first call, in order.
    Global(Global),
    /// A comment or an empty line.
    Layout(Layout),
    /// Something that was not understood and is reported: the names that it would have declared.
    Error(Vec<Name>),
}

/// What is left of a statement that was not understood.
#[derive(Debug, Clone, Default)]
pub struct Wreck {
    /// Names that it would have declared, or may have: what uses them is not wrong for that.
    pub names: Vec<Name>,
    /// Its block, if only its head was not understood.
    pub body: Option<Block>,
}

/// What a formatter keeps and the meaning does not depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// A comment on a line of its own, from `//` on.
    Comment(String),
    /// A comment behind what stands before it on the line.
    Trailing(String),
    /// One or more empty lines.
    Blank,
}

/// A global constant.
#[derive(Debug, Clone)]
pub struct Global {
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
    /// The whole item.
    pub span: Span,
}

/// A function.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub name: Name,
    /// Parameters with their types.
    pub params: Vec<(Name, Type)>,
    /// What it returns; [`Type::Unit`] if nothing.
    pub result: Type,
    /// Its statements.
    pub body: Block,
    /// The whole item.
    pub span: Span,
}

/// `{ ... }`
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// Statements in order.
    pub statements: Vec<Statement>,
    /// From brace to brace.
    pub span: Span,
}

impl Block {
    /// The `if` that stands alone in this block: behind `else` that is an `else if`.
    pub fn only_if(&self) -> Option<&Statement> {
        match self.statements.as_slice() {
            [only @ Statement { kind: StatementKind::If(..), .. }] => Some(only),
            _ => None,
        }
    }
}

/// A statement where it stands.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// Where.
    pub span: Span,
}

/// What a statement does.
#[derive(Debug, Clone)]
pub enum StatementKind {
    /// `let name = value;`
    Let(Name, Expr),
    /// `name = value;`
    Assign(Name, Expr),
    /// `name[index] = value;`
    AssignElement(Name, Expr, Expr),
    /// `if condition { ... } else { ... }`
    If(Expr, Block, Option<Block>),
    /// `while condition { ... }`
    While(Expr, Block),
    /// `loop count as name { ... }`
    Loop(Expr, Option<Name>, Block),
    /// `break;`
    Break,
    /// `return value;`
    Return(Option<Expr>),
    /// A call whose result is not used.
    Call(Expr),
    /// A comment or an empty line.
    Layout(Layout),
    /// Something that was not understood and is reported.
    Error(Wreck),
}

/// An expression where it stands.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

impl Expr {
    /// Operators in a row, taken apart: the first operand, then each operator with its right operand and the span up to there. Who
    /// evaluates a row does so in a loop, so that a long one needs no more stack than a short one.
    pub fn row(&self) -> (&Expr, impl Iterator<Item = (BinaryOp, &Expr, Span)>) {
        let (mut first, mut row) = (self, Vec::new());
        while let ExprKind::Binary(op, left, right) = &first.kind {
            row.push((*op, &**right, first.span));
            first = left;
        }
        (first, row.into_iter().rev())
    }
}

/// A piece of a text.
#[derive(Debug, Clone)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// `{name}`: the value of a variable.
    Hole(Name),
}

/// What an expression is.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// `42`
    Int(i64),
    /// `0.5`
    Float(f64),
    /// `true`
    Bool(bool),
    /// `"blk.{i}.q"`
    Text(Vec<Piece>),
    /// A variable, parameter or global.
    Variable(String),
    /// `-x`, `!x`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `f(a, b)`
    Call(Name, Vec<Expr>),
    /// `x[i]`
    Index(Box<Expr>, Box<Expr>),
    /// Something that was not understood and is reported.
    Error,
}

/// An operator with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Negate,
    /// `!`
    Not,
}

impl UnaryOp {
    /// Both.
    pub const ALL: [UnaryOp; 2] = [UnaryOp::Negate, UnaryOp::Not];

    /// How it is written.
    pub const fn sign(self) -> &'static str {
        match self {
            UnaryOp::Negate => "-",
            UnaryOp::Not => "!",
        }
    }
}

/// An operator with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl BinaryOp {
    /// All of them.
    pub const ALL: [BinaryOp; 13] = [
        BinaryOp::Or,
        BinaryOp::And,
        BinaryOp::Equal,
        BinaryOp::NotEqual,
        BinaryOp::Less,
        BinaryOp::LessEqual,
        BinaryOp::Greater,
        BinaryOp::GreaterEqual,
        BinaryOp::Add,
        BinaryOp::Subtract,
        BinaryOp::Multiply,
        BinaryOp::Divide,
        BinaryOp::Remainder,
    ];

    /// How it is written.
    pub const fn sign(self) -> &'static str {
        match self {
            BinaryOp::Or => "||",
            BinaryOp::And => "&&",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterEqual => ">=",
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Remainder => "%",
        }
    }

    /// How strongly it binds: 1 is weakest. Comparisons (3) do not chain, all others group to the left.
    pub const fn strength(self) -> u8 {
        match self {
            BinaryOp::Or => 1,
            BinaryOp::And => 2,
            BinaryOp::Add | BinaryOp::Subtract => 4,
            BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => 5,
            _ => 3,
        }
    }

    /// Whether the result is a bool made of two numbers.
    pub const fn is_comparison(self) -> bool {
        self.strength() == 3
    }
}
