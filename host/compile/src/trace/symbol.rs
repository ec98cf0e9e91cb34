//! Values of a trace: known ones, and symbols for what only a run knows.

use nda_ir::NodeId;
use nda_lang::Value;
use std::fmt;

/// What a symbol stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Tokens,
    Position,
    /// Values that a line of the program computes from tokens.
    Data {
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Tokens => f.write_str("the tokens"),
            Origin::Position => f.write_str("the position"),
            Origin::Data { line } => write!(f, "the data of line {line}"),
        }
    }
}

/// A value of a trace.
#[derive(Debug, Clone)]
pub(super) enum Traced {
    /// What the program knows before the first token.
    Known(Value),
    /// The position of the first token, plus this.
    Position(i64),
    /// The number of one of the tokens.
    Token(usize),
    /// All tokens.
    Tokens,
    /// A vector that a node gives, `len` values for all tokens together.
    Vector { node: NodeId, len: usize },
    /// Anything else: it can be carried about, and nothing can be decided by it.
    Unknown(Origin),
}

impl Default for Traced {
    fn default() -> Traced {
        Traced::Known(Value::Unit)
    }
}

impl Traced {
    pub fn int(value: usize) -> Traced {
        Traced::Known(Value::Int(value as i64))
    }

    pub fn known(&self) -> Option<&Value> {
        if let Traced::Known(value) = self { Some(value) } else { None }
    }

    /// What it depends on; `line` says where a node's data come from.
    pub fn origin(&self, line: impl Fn(NodeId) -> usize) -> Option<Origin> {
        match self {
            Traced::Known(_) => None,
            Traced::Position(_) => Some(Origin::Position),
            Traced::Token(_) | Traced::Tokens => Some(Origin::Tokens),
            Traced::Vector { node, .. } => Some(Origin::Data { line: line(*node) }),
            Traced::Unknown(origin) => Some(*origin),
        }
    }
}
