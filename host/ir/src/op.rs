//! The operations of a graph.

use crate::graph::NodeId;
use crate::tables::{ConstantId, ProductId, TableId};
use nda_spec::ActivationCode;

/// A function of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `x / (1 + exp(-x))`.
    Silu,
    /// GELU by its tanh form.
    Gelu,
    /// `max(x, 0)^2`.
    SquaredRelu,
}

impl Activation {
    /// Its name in a listing.
    pub const fn name(self) -> &'static str {
        match self {
            Activation::Silu => "silu",
            Activation::Gelu => "gelu",
            Activation::SquaredRelu => "squared_relu",
        }
    }
}

/// What a node computes, for every token at its own position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Op {
    /// The token's row of a table: the embedding.
    Gather {
        /// The table.
        table: TableId,
    },
    /// A vector that is the same for every token.
    Constant {
        /// The vector.
        constant: ConstantId,
    },
    /// `x * factor`.
    Scale {
        /// What is scaled.
        x: NodeId,
        /// By what.
        factor: f32,
    },
    /// `x / sqrt(mean(x^2) + eps) * weight`, of every row as long as the weights: a whole token, or head by head.
    Norm {
        /// What is normalised.
        x: NodeId,
        /// The weights.
        weight: ConstantId,
        /// Added to the mean of the squares.
        eps: f32,
    },
    /// `W x` of stacked matrices; the parts' rows follow one another. Floats are quantized to the model's precision first.
    Gemv {
        /// The vector, floats or codes.
        x: NodeId,
        /// The matrices.
        product: ProductId,
    },
    /// Of every row of `width` values those of `from..to`.
    Columns {
        /// What is cut.
        x: NodeId,
        /// Values of a row.
        width: usize,
        /// The first one taken.
        from: usize,
        /// The one after the last.
        to: usize,
    },
    /// `a + b`: a residual, or a bias if `b` is a constant.
    Add {
        /// The left side.
        a: NodeId,
        /// The right side.
        b: NodeId,
    },
    /// `a * b`, element by element.
    Mul {
        /// The left side.
        a: NodeId,
        /// The right side.
        b: NodeId,
    },
    /// `function(x)`.
    Activate {
        /// What goes in.
        x: NodeId,
        /// The function.
        function: Activation,
    },
    /// `function(gate) * up`.
    Gate {
        /// What the function takes.
        gate: NodeId,
        /// What it is multiplied by.
        up: NodeId,
        /// The function.
        function: Activation,
    },
    /// Every head turned by its token's position plus `offset`; pairs are half a head apart.
    Rope {
        /// Heads, one after another.
        x: NodeId,
        /// Values of a head.
        head_dim: usize,
        /// Base of the frequencies.
        theta: f32,
        /// Added to the position.
        offset: i64,
        /// What every pair's frequency is divided by, if by anything.
        factors: Option<ConstantId>,
    },
    /// A block's cache with this token's keys and values behind the earlier ones'. It has a row of keys and one of values.
    Append {
        /// The block.
        block: usize,
        /// The token's keys.
        keys: NodeId,
        /// The token's values.
        values: NodeId,
    },
    /// `softmax(scale * q k) v` over the cached positions up to the token's own.
    Attend {
        /// The token's queries.
        q: NodeId,
        /// The [`Op::Append`] whose cache is looked at.
        cache: NodeId,
        /// Query heads.
        heads: usize,
        /// Key and value heads.
        kv_heads: usize,
        /// Most positions seen, the token's own included; `None` is all.
        window: Option<usize>,
        /// What scores are multiplied by.
        scale: f32,
    },
    /// Codes and one scale per token that the program asked for itself.
    Quantize {
        /// What is quantized.
        x: NodeId,
        /// The codes.
        code: ActivationCode,
    },
    /// The token that is chosen by these scores.
    Select {
        /// One score per token of the vocabulary.
        x: NodeId,
    },
}
