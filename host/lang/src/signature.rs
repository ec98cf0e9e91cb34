//! The builtins' names and shapes: what each takes and what comes back.

use crate::ast::Type;
use crate::module::Purpose;
use nda_spec::ActivationCode;
use nda_spec::seed::{Comparison, Operation};

/// A builtin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    /// Prints a line.
    Print,
    /// A float cut to an int.
    Int,
    /// The float nearest to an int.
    Float,
    /// The distance from zero.
    Abs,
    /// The smaller of two.
    Min,
    /// The larger of two.
    Max,
    /// The square root.
    Sqrt,
    /// `e^f`.
    Exp,
    /// The natural logarithm.
    Ln,
    /// The sine.
    Sin,
    /// The cosine.
    Cos,
    /// The whole number at or below.
    Floor,
    /// A power.
    Pow,
    /// The whole numbers of a vector.
    Ints,
    /// Elements of a vector.
    Len,
    /// A whole number of the metadata.
    MetaInt,
    /// A number of the metadata.
    MetaFloat,
    /// The values of a vector of the document.
    Tensor,
    /// A row of a matrix or table.
    Row,
    /// Rows of a matrix or table.
    Gather,
    /// How many rows a matrix or table has.
    Rows,
    /// How many columns a matrix or table has.
    Cols,
    /// An error unless a condition holds.
    Expect,
    /// A product with matrices of the document.
    Gemv,
    /// The sum of two vectors.
    Add,
    /// The product of two vectors, element by element.
    Mul,
    /// A vector times a float.
    Scale,
    /// The inner product.
    Dot,
    /// SiLU of every element.
    Silu,
    /// The squared ReLU of every element.
    Relu2,
    /// SiLU of a gate times a vector.
    Swiglu,
    /// GELU of a gate times a vector.
    Geglu,
    /// The RMS norm.
    RmsNorm,
    /// Rotary positions of one row.
    Rope,
    /// Rotary positions of rows that follow one another.
    RopeRows,
    /// `rope_scaled(x, width, position, theta, factors)`.
    RopeScaled,
    /// Attention of one position.
    Attend,
    /// Attention of positions that follow one another.
    AttendRows,
    /// The softmax.
    Softmax,
    /// Codes and scale of a vector.
    Quantize(ActivationCode),
    /// The values of codes.
    Dequantize,
    /// The place of the largest element.
    Argmax,
    /// A part of a vector.
    Slice,
    /// Some columns of every row.
    Columns,
    /// Two vectors, one after another.
    Concat,
    /// A vector of zeros.
    Zeros,
    /// An element operation of the articles.
    Seed(Operation),
    /// The articles' comparison of codes.
    SeedCompare(Comparison),
    /// The same codes at another scale.
    SeedScale,
}

/// What may stand as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Param {
    /// A value of this type.
    Is(Type),
    /// An int or a float; all such arguments of a call have the same type.
    Number,
    /// Any value.
    Any,
    /// A vector of floats, quantized or not.
    AnyVector,
    /// Anything that has elements.
    AnyElements,
    /// A quantized vector.
    AnyCodes,
    /// A text without holes, known before the run.
    Literal,
    /// The name of a tensor, written where it is used.
    Tensor,
}

/// What comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// A value of this type.
    Is(Type),
    /// The type of the first argument.
    Same,
}

/// A builtin's shape.
#[derive(Debug)]
pub struct Signature {
    /// Its name in a program.
    pub name: &'static str,
    /// The builtin.
    pub builtin: Builtin,
    /// What it takes.
    pub params: &'static [Param],
    /// Whether the first parameter may stand any number of times.
    pub repeat: bool,
    /// What it returns.
    pub back: Back,
}

const fn one(name: &'static str, builtin: Builtin, params: &'static [Param], back: Back) -> Signature {
    Signature { name, builtin, params, repeat: false, back }
}

const fn seed(operation: Operation, params: &'static [Param], back: Back) -> Signature {
    one(operation.name(), Builtin::Seed(operation), params, back)
}

const INT: Param = Param::Is(Type::Int);
const FLOAT: Param = Param::Is(Type::Float);
const VEC: Param = Param::Is(Type::Vec);
const A2: Param = Param::Is(Type::A2);
const TO_A2: Back = Back::Is(Type::A2);
const TO_INT: Back = Back::Is(Type::Int);
const TO_FLOAT: Back = Back::Is(Type::Float);
const TO_VEC: Back = Back::Is(Type::Vec);

/// All builtins.
pub const SIGNATURES: [Signature; 55] = [
    Signature { name: "print", builtin: Builtin::Print, params: &[Param::Any], repeat: true, back: Back::Is(Type::Unit) },
    one("int", Builtin::Int, &[FLOAT], TO_INT),
    one("float", Builtin::Float, &[INT], TO_FLOAT),
    one("abs", Builtin::Abs, &[Param::Number], Back::Same),
    one("min", Builtin::Min, &[Param::Number, Param::Number], Back::Same),
    one("max", Builtin::Max, &[Param::Number, Param::Number], Back::Same),
    one("sqrt", Builtin::Sqrt, &[FLOAT], TO_FLOAT),
    one("exp", Builtin::Exp, &[FLOAT], TO_FLOAT),
    one("ln", Builtin::Ln, &[FLOAT], TO_FLOAT),
    one("sin", Builtin::Sin, &[FLOAT], TO_FLOAT),
    one("cos", Builtin::Cos, &[FLOAT], TO_FLOAT),
    one("floor", Builtin::Floor, &[FLOAT], TO_FLOAT),
    one("pow", Builtin::Pow, &[FLOAT, FLOAT], TO_FLOAT),
    one("ints", Builtin::Ints, &[VEC], Back::Is(Type::Ints)),
    one("len", Builtin::Len, &[Param::AnyElements], TO_INT),
    one("meta_int", Builtin::MetaInt, &[Param::Literal], TO_INT),
    one("meta_float", Builtin::MetaFloat, &[Param::Literal], TO_FLOAT),
    one("tensor", Builtin::Tensor, &[Param::Tensor], TO_VEC),
    one("row", Builtin::Row, &[Param::Tensor, INT], TO_VEC),
    one("gather", Builtin::Gather, &[Param::Tensor, Param::Is(Type::Ints)], TO_VEC),
    one("rows", Builtin::Rows, &[Param::Tensor], TO_INT),
    one("cols", Builtin::Cols, &[Param::Tensor], TO_INT),
    one("expect", Builtin::Expect, &[Param::Is(Type::Bool), Param::Is(Type::Str)], Back::Is(Type::Unit)),
    Signature { name: "gemv", builtin: Builtin::Gemv, params: &[Param::Tensor, Param::AnyVector], repeat: true, back: TO_VEC },
    one("add", Builtin::Add, &[VEC, VEC], TO_VEC),
    one("mul", Builtin::Mul, &[VEC, VEC], TO_VEC),
    one("scale", Builtin::Scale, &[VEC, FLOAT], TO_VEC),
    one("dot", Builtin::Dot, &[VEC, VEC], TO_FLOAT),
    one("silu", Builtin::Silu, &[VEC], TO_VEC),
    one("relu2", Builtin::Relu2, &[VEC], TO_VEC),
    one("swiglu", Builtin::Swiglu, &[VEC, VEC], TO_VEC),
    one("geglu", Builtin::Geglu, &[VEC, VEC], TO_VEC),
    one("rms_norm", Builtin::RmsNorm, &[VEC, VEC, FLOAT], TO_VEC),
    one("rope", Builtin::Rope, &[VEC, INT, INT, FLOAT], TO_VEC),
    one("rope_rows", Builtin::RopeRows, &[VEC, INT, INT, INT, FLOAT], TO_VEC),
    one("rope_scaled", Builtin::RopeScaled, &[VEC, INT, INT, FLOAT, VEC], TO_VEC),
    one("attend", Builtin::Attend, &[INT, VEC, VEC, VEC, INT, INT], TO_VEC),
    one("attend_rows", Builtin::AttendRows, &[INT, INT, VEC, VEC, VEC, INT, INT, INT, FLOAT], TO_VEC),
    one("softmax", Builtin::Softmax, &[VEC], TO_VEC),
    one("quantize", Builtin::Quantize(ActivationCode::A8), &[VEC, Param::Literal], Back::Is(Type::A8)),
    one("dequantize", Builtin::Dequantize, &[Param::AnyCodes], TO_VEC),
    one("argmax", Builtin::Argmax, &[VEC], TO_INT),
    one("slice", Builtin::Slice, &[VEC, INT, INT], TO_VEC),
    one("columns", Builtin::Columns, &[VEC, INT, INT, INT], TO_VEC),
    one("concat", Builtin::Concat, &[VEC, VEC], TO_VEC),
    one("zeros", Builtin::Zeros, &[INT], TO_VEC),
    seed(Operation::Add, &[A2, A2], TO_A2),
    seed(Operation::AlignedAdd, &[A2, A2], TO_A2),
    seed(Operation::Swiglu, &[A2, A2], TO_A2),
    seed(Operation::Silu, &[A2], TO_A2),
    seed(Operation::RmsNorm, &[A2, A2, INT], TO_A2),
    one("seed_compare", Builtin::SeedCompare(Comparison::Equal), &[A2, Param::Literal, A2], TO_A2),
    seed(Operation::Truthy, &[A2], Back::Is(Type::Bool)),
    seed(Operation::Quantize, &[VEC], TO_A2),
    one("seed_scale", Builtin::SeedScale, &[A2, INT], TO_A2),
];

/// The builtin of a name.
pub fn find(name: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|s| s.name == name)
}

/// What the builtins are called.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    SIGNATURES.iter().map(|signature| signature.name)
}

impl Builtin {
    /// What its tensor names are for, if it takes any.
    pub const fn purpose(self) -> Option<Purpose> {
        match self {
            Builtin::Gemv => Some(Purpose::Gemv),
            Builtin::Tensor => Some(Purpose::Tensor),
            Builtin::Row | Builtin::Gather | Builtin::Rows | Builtin::Cols => Some(Purpose::Row),
            _ => None,
        }
    }

    /// The builtin that a literal argument makes of one that takes a precision or a comparison; `None` if it spells none.
    pub fn spelled(self, literal: &str) -> Option<Builtin> {
        match self {
            Builtin::Quantize(_) => ActivationCode::ALL.into_iter().find(|code| code.name() == literal).map(Builtin::Quantize),
            Builtin::SeedCompare(_) => Comparison::from_sign(literal).map(Builtin::SeedCompare),
            other => Some(other),
        }
    }

    /// Whether it needs the host beyond tensors and metadata, so that no constant's value can call it.
    pub const fn needs_run(self) -> bool {
        use Builtin::*;
        matches!(self, Gemv | Attend | AttendRows | Print)
    }

    /// Whether it takes and gives scalars only, so that every tier has it as an operation of its own.
    pub const fn is_scalar(self) -> bool {
        use Builtin::*;
        matches!(self, Int | Float | Abs | Min | Max | Sqrt | Exp | Ln | Sin | Cos | Floor | Pow)
    }
}

impl Param {
    /// What may stand there, in a word or a few.
    pub const fn name(self) -> &'static str {
        match self {
            Param::Is(of) => of.name(),
            Param::Number => "int or float",
            Param::Any => "anything",
            Param::AnyVector => "vec, a8, a4 or a2",
            Param::AnyElements => "vec, ints, a8, a4 or a2",
            Param::AnyCodes => "a8, a4 or a2",
            Param::Literal => "\"text\"",
            Param::Tensor => "\"tensor\"",
        }
    }
}

impl std::fmt::Display for Signature {
    /// `gemv("tensor", ..., vec, a8, a4 or a2) -> vec`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut params: Vec<&str> = self.params.iter().map(|param| param.name()).collect();
        if self.repeat {
            params.insert(1, "...");
        }
        write!(f, "{}({})", self.name, params.join(", "))?;
        match self.back {
            Back::Is(Type::Unit) => Ok(()),
            Back::Is(of) => write!(f, " -> {}", of.name()),
            Back::Same => write!(f, " -> the same"),
        }
    }
}

/// Most arguments of a builtin other than `print` and the names of `gemv`.
pub(crate) const MAX_ARGS: usize = 9;

impl Signature {
    /// Whether argument `index` of `count` is a text that is known where it is written: a tensor's name, a key, a precision.
    pub fn is_spelled(&self, index: usize, count: usize) -> bool {
        let at = match self.repeat {
            // The first parameter stands for all arguments but those of the parameters behind it.
            true if index + self.params.len() <= count => 0,
            true => index + self.params.len() - count,
            false => index,
        };
        matches!(self.params.get(at), Some(Param::Tensor | Param::Literal))
    }
}

/// Builtins of earlier versions, which documents made then may still call.
const RETIRED: [&str; 8] =
    ["stream", "stream_norm", "stream_gemv", "stream_head", "stream_swiglu", "stream_add", "stream_down", "stream_end"];

/// Whether a name was a builtin once.
pub(crate) fn is_retired(name: &str) -> bool {
    RETIRED.contains(&name)
}
