//! A checked program: every name a number, every expression a type. What the closure and native tiers are made from.

use crate::ast::{BinaryOp, Span, Type, UnaryOp};
use crate::signature::Builtin;
use crate::state::with_tree_stack;
use std::ops::Range;

/// Where a variable lives: scalars and objects have a flat vector each, and every variable its own place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Its place in the frame, or among the globals.
    pub index: usize,
    /// What it holds.
    pub of: Type,
    /// Whether it is a global.
    pub is_global: bool,
}

/// What tensor names are used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Matrices of one fused layer.
    Gemv,
    /// A vector's values.
    Tensor,
    /// Rows of a matrix or table.
    Row,
}

/// A piece of a tensor's name: text, or the number of a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamePiece {
    Text(String),
    Hole(usize),
}

/// A place where tensors are named.
#[derive(Debug, Clone)]
pub struct NameUse {
    pub purpose: Purpose,
    /// One name each; several are fused.
    pub names: Vec<Vec<NamePiece>>,
    /// Different holes.
    pub holes: usize,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Expr {
    pub kind: ExprKind,
    pub of: Type,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A literal scalar as its slot would hold it.
    Constant(u64),
    Text(Vec<Piece>),
    Load(Slot),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    Call {
        function: usize,
        args: Vec<Expr>,
        /// Where the callee's frame begins, counted from the end of the caller's variables.
        window: Frame,
    },
    Scalar(Builtin, Vec<Expr>),
    Meta(String),
    Vector {
        builtin: Builtin,
        args: Vec<Expr>,
        /// Its place in [`Module::uses`], and the numbers for its holes.
        names: Option<(usize, Vec<Slot>)>,
    },
    Index(Box<Expr>, Box<Expr>),
}

#[derive(Debug, Clone)]
pub enum Piece {
    Text(String),
    Hole(Slot),
}

#[derive(Debug, Clone, Default)]
pub struct Block {
    pub statements: Vec<Statement>,
    /// Objects whose scope is this block; they are given up at its end.
    pub objects: Range<usize>,
}

impl Block {
    /// The `if` that stands alone in this block: behind `else` that is an `else if`.
    pub fn only_if(&self) -> Option<(&Expr, &Block, Option<&Block>)> {
        match self.statements.as_slice() {
            [Statement::If(condition, then, otherwise)] => Some((condition, then, otherwise.as_ref())),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
pub enum Statement {
    Store(Slot, Expr),
    StoreElement { vector: Slot, index: Expr, value: Expr, span: Span },
    If(Expr, Block, Option<Block>),
    While(Expr, Block, Span),
    Loop { count: Expr, index: Option<Slot>, body: Block, span: Span },
    Break,
    Return(Option<Expr>),
    Run(Expr),
}

/// How many scalars and objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Frame {
    pub scalars: usize,
    pub objects: usize,
}

#[derive(Debug, Clone)]
pub struct Function {
    pub name: String,
    pub params: Vec<Slot>,
    pub result: Type,
    /// Variables.
    pub locals: Frame,
    /// Room for arguments of calls, behind the variables.
    pub windows: Frame,
    pub body: Block,
}

/// A checked program.
#[derive(Debug, Clone, Default)]
pub struct Module {
    pub functions: Vec<Function>,
    /// Stores to the globals, in order.
    pub globals: Vec<(String, Slot, Expr)>,
    pub global_frame: Frame,
    pub uses: Vec<NameUse>,
}

/// A high tree is dropped level by level, too.
impl Drop for Module {
    fn drop(&mut self) {
        let trees = (std::mem::take(&mut self.functions), std::mem::take(&mut self.globals));
        with_tree_stack(|| drop(trees));
    }
}
