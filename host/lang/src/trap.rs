//! What can go wrong at run time. The same program on the same input ends in the same error in every tier.

use crate::ast::Span;
use crate::value::OutOfMemory;
use std::fmt;

/// Bounds of a run. A program that needs more ends in an error that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps: each call of a function and each turn of a loop is one.
    pub steps: u64,
    /// Calls that are open at once; more than [`Self::MAX_DEPTH`] counts as that.
    pub depth: u32,
    /// Bytes of texts and vectors that are in use at once.
    pub memory_bytes: usize,
}

impl Limits {
    /// Most open calls that a run can be allowed: each may take some stack.
    pub const MAX_DEPTH: u32 = 1 << 16;
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { steps: 1_000_000_000_000, depth: 4096, memory_bytes: 1 << 30 }
    }
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Trap {
    /// An int outside of 64 bits.
    #[error("integer overflow: {left} {sign} {right} does not fit an int")]
    Overflow {
        /// The left operand.
        left: i64,
        /// The operator.
        sign: &'static str,
        /// The right operand.
        right: i64,
    },
    /// An int divided by zero.
    #[error("division by zero: {left} {sign} 0")]
    DivisionByZero {
        /// The dividend.
        left: i64,
        /// `/` or `%`.
        sign: &'static str,
    },
    /// A float that no int is near.
    #[error("{value:?} does not fit an int")]
    NotAnInt {
        /// The float.
        value: f64,
    },
    /// A loop that should run fewer than no times.
    #[error("a loop cannot run {count} times")]
    NegativeCount {
        /// The count.
        count: i64,
    },
    /// An index outside of a vector.
    #[error("index {index} is outside of the vector's {len} elements")]
    Index {
        /// The index.
        index: i64,
        /// Elements.
        len: usize,
    },
    /// A part that a vector does not have.
    #[error("elements {from}..{to} are not a part of the vector's {len}")]
    Slice {
        /// First element.
        from: i64,
        /// The element after the last one.
        to: i64,
        /// Elements of the vector.
        len: usize,
    },
    /// Lengths that do not go together.
    #[error("{what}: {left} elements against {right}")]
    Length {
        /// The operation and what it needs.
        what: &'static str,
        /// A length.
        left: usize,
        /// The other one.
        right: usize,
    },
    /// An argument that an operation cannot take.
    #[error("{what} is {value}, but must be {rule}")]
    Argument {
        /// What the argument is.
        what: &'static str,
        /// Its value.
        value: i64,
        /// What it must be.
        rule: &'static str,
    },
    /// A name whose numbers lead to no tensor.
    #[error("the document has no tensor '{name}'")]
    NoTensor {
        /// The name.
        name: String,
    },
    /// A missing metadata key, or one of another type.
    #[error("the metadata have no {of} '{key}'")]
    NoMetadata {
        /// The key.
        key: String,
        /// `int` or `float`.
        of: &'static str,
    },
    /// What a program expects and does not find.
    #[error("{text}")]
    Expectation {
        /// What it says about it.
        text: String,
    },
    /// Too many steps.
    #[error("the limit of {limit} steps is reached")]
    Steps {
        /// The limit.
        limit: u64,
    },
    /// Too many open calls.
    #[error("the limit of {limit} open calls is reached")]
    Depth {
        /// The limit.
        limit: u32,
    },
    /// Too much memory.
    #[error("{wanted} more bytes would exceed the {limit} that this program may use")]
    Memory {
        /// Bytes asked for.
        wanted: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The limit allows it, and the system has no such memory.
    #[error("the system does not have {wanted} more bytes of memory")]
    SystemMemory {
        /// Bytes asked for.
        wanted: usize,
    },
    /// A vector with an element that no code stands for.
    #[error("a vector with {value:?} at index {index} cannot be quantized")]
    NotFinite {
        /// Which element.
        index: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// A scale that an operation of the articles has no exponent for.
    #[error("{name} needs scales that are powers of two, from 2^-128 to 2^127, and this one is {scale:?}")]
    Scale {
        /// The operation.
        name: &'static str,
        /// The scale.
        scale: f32,
    },
    /// Scales that are not equal.
    #[error("seed_aligned_add needs equal scales: {left:?} against {right:?}")]
    Scales {
        /// A scale.
        left: f32,
        /// The other one.
        right: f32,
    },
    /// What the builtins' owner said.
    #[error("{0}")]
    Host(Box<dyn std::error::Error + Send + Sync>),
}

impl Trap {
    /// The next step for a person.
    pub fn hint(&self) -> &'static str {
        match self {
            Trap::Overflow { .. } => "an int holds -9223372036854775808 to 9223372036854775807; use floats or smaller numbers",
            Trap::DivisionByZero { .. } => "ask for zero before you divide; a float division gives an infinity",
            Trap::NotAnInt { .. } => "ask for the range before you convert",
            Trap::NegativeCount { .. } => "use max(count, 0) if none is meant",
            Trap::Index { .. } => "indexes start at 0 and end before len(vector)",
            Trap::Slice { .. } => "slice(vector, from, to) needs 0 <= from <= to <= len(vector)",
            Trap::Length { .. } => "print len(...) of both",
            Trap::Scale { .. } => "seed_scale(x, n) gives the codes the scale 2^n",
            Trap::Scales { .. } => "seed_add adds at scales that differ, if they are powers of two",
            Trap::Argument { .. } => "LANGUAGE.md says what every builtin takes",
            Trap::NoTensor { .. } => "'nda info FILE' lists the tensors",
            Trap::NoMetadata { .. } => "'nda info FILE' lists the metadata",
            Trap::Expectation { .. } => "this program was not made for this input",
            Trap::Steps { .. } => "look for a loop that does not end, or raise the limit",
            Trap::Depth { .. } => "look for a recursion that does not end, or raise the limit",
            Trap::Memory { .. } => "use smaller vectors, or raise the limit",
            Trap::SystemMemory { .. } => "use smaller vectors: the limit of this run is more than the system gives",
            Trap::NotFinite { .. } => "look for a division by zero, or for numbers that grow without bound",
            Trap::Host(_) => "",
        }
    }
}

impl From<OutOfMemory> for Trap {
    fn from(error: OutOfMemory) -> Trap {
        match error {
            OutOfMemory::Limit { wanted, limit } => Trap::Memory { wanted, limit },
            OutOfMemory::System { wanted } => Trap::SystemMemory { wanted },
        }
    }
}

/// What went wrong, and where.
#[derive(Debug)]
pub struct RuntimeError {
    /// What.
    pub trap: Trap,
    /// Where in the source.
    pub span: Span,
    /// The source's name.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.trap)
    }
}

impl std::error::Error for RuntimeError {}
