//! The builtins: what they are called, what they take, and what they do.

use crate::ast::Type;
use crate::module::Purpose;
use crate::ops::{self, Turns};
use crate::quantize::quantize;
use crate::trap::Trap;
use crate::value::{Codes, Heap, Object, Value, Vector};
use nda_spec::ActivationCode;
use std::fmt::Write;
use std::rc::Rc;

/// Why a host's builtin failed; it comes back in [`Trap::Host`].
pub type HostError = Box<dyn std::error::Error + Send + Sync>;

/// What `gemv` multiplies by.
#[derive(Debug, Clone, Copy)]
pub enum Input<'x> {
    /// Floats; the host quantizes them to the model's precision.
    Floats(&'x [f32]),
    /// What the program quantized itself.
    Codes(&'x Codes),
}

impl Input<'_> {
    /// Elements.
    pub fn len(&self) -> usize {
        match self {
            Input::Floats(values) => values.len(),
            Input::Codes(codes) => codes.values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a program does with the stream: the residuals that it keeps where the back end likes them best (LANGUAGE.md,
/// section 5). Layers and tensors are the indexes of [`crate::Links`].
#[derive(Debug, Clone, Copy)]
pub enum StreamOp<'x> {
    /// The stream is these rows of `width` values.
    Begin {
        /// The rows, one after another.
        x: &'x [f32],
        /// Values of a row.
        width: usize,
    },
    /// The input is the stream's RMS norm.
    Norm {
        /// The norm's weights.
        tensor: usize,
        /// What is added to the mean of the squares.
        eps: f32,
    },
    /// Gives a layer's product with the input, at the precision of activations.
    Gemv {
        /// The layer.
        layer: usize,
    },
    /// Gives a layer's product with the input: scores, of which only the largest may be asked for; the rest are -inf then.
    Head {
        /// The layer.
        layer: usize,
    },
    /// The input is silu(gate) * up of a layer of two matrices' products with the input.
    Swiglu {
        /// The layer: gate, up.
        layer: usize,
    },
    /// Adds a layer's product with `x`, or with the input, to the stream.
    Add {
        /// The layer.
        layer: usize,
        /// What it is multiplied by; the input if there is nothing.
        x: Option<&'x [f32]>,
    },
    /// Gives the stream.
    End,
}

/// Heads of an attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Query heads.
    pub queries: usize,
    /// Key and value heads, a divisor of `queries`.
    pub keys: usize,
}

/// What one call of an attention does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attention {
    /// Heads of the queries and of the keys and values.
    pub heads: Heads,
    /// Positions that are taken at once, the oldest first; at least 1.
    pub positions: usize,
    /// Positions that a query sees, its own included; `None` is all.
    pub window: Option<usize>,
    /// What scores are multiplied by.
    pub scale: f32,
}

/// Whoever runs a program gives it these: a document's tensors, a back end that multiplies, a KV cache, a place to print.
///
/// Layers, rows and tensors are the indexes of [`crate::Links`], so nothing is looked up by name at run time.
/// The element operations have the accurate ones as defaults; a host with other arithmetic replaces them.
pub trait Builtins {
    /// Takes a printed line, without its end.
    fn print(&mut self, line: &str);

    /// A whole number of the metadata.
    fn metadata_int(&mut self, key: &str) -> Option<i64>;

    /// A number of the metadata.
    fn metadata_float(&mut self, key: &str) -> Option<f64>;

    /// Rows of all matrices of a layer together, and their columns: the lengths of its `y` and `x`.
    ///
    /// # Errors
    /// A layer that there is not.
    fn layer_shape(&mut self, layer: usize) -> Result<(usize, usize), HostError>;

    /// `y = W x` of a layer; `y` holds its matrices' rows one after another. Several vectors may stand in `x` one after
    /// another; then so do their results. Every element is written, here and wherever else something is given to be
    /// written: it holds anything before.
    ///
    /// # Errors
    /// A length that does not fit, a value that is not finite, a failure of the back end.
    fn gemv(&mut self, layer: usize, x: Input<'_>, y: &mut [f32]) -> Result<(), HostError>;

    /// The values of a vector or table.
    ///
    /// # Errors
    /// A tensor that there is not.
    fn tensor(&mut self, tensor: usize) -> Result<&[f32], HostError>;

    /// Rows and columns of a tensor that [`Self::row`] takes rows of.
    ///
    /// # Errors
    /// A tensor that there is not.
    fn shape(&mut self, tensor: usize) -> Result<(usize, usize), HostError>;

    /// One row of a matrix or table.
    ///
    /// # Errors
    /// A row that there is not.
    fn row(&mut self, tensor: usize, row: i64, out: &mut [f32]) -> Result<(), HostError>;

    /// Takes the keys and values of one position or several into a block's cache and lets each query look at those up to
    /// its own. `out` is as long as `q`.
    ///
    /// # Errors
    /// Lengths that do not fit the heads or the cache, or a second call for the same block and position.
    fn attend(&mut self, block: i64, qkv: [&[f32]; 3], attention: Attention, out: &mut [f32]) -> Result<(), HostError>;

    /// An operation on the stream; what it gives, nothing from those that give nothing.
    ///
    /// # Errors
    /// Lengths that do not fit, an operation without the one before it that it needs, a failure of the back end.
    fn stream(&mut self, op: StreamOp<'_>) -> Result<&[f32], HostError> {
        let _ = op;
        Err("there is no stream here".into())
    }

    /// `out = a + b`.
    fn add(&mut self, a: &[f32], b: &[f32], out: &mut [f32]) {
        out.iter_mut().zip(a).zip(b).for_each(|((out, a), b)| *out = a + b);
    }

    /// `out = a * b`, element by element.
    fn mul(&mut self, a: &[f32], b: &[f32], out: &mut [f32]) {
        out.iter_mut().zip(a).zip(b).for_each(|((out, a), b)| *out = a * b);
    }

    /// `x = silu(x)`.
    fn silu(&mut self, x: &mut [f32]) {
        x.iter_mut().for_each(|v| *v = ops::silu(*v));
    }

    /// `x = max(x, 0)^2`.
    fn relu2(&mut self, x: &mut [f32]) {
        x.iter_mut().for_each(|v| *v = ops::relu2(*v));
    }

    /// `out = silu(gate) * up`.
    fn swiglu(&mut self, gate: &[f32], up: &[f32], out: &mut [f32]) {
        ops::swiglu(gate, up, out);
    }

    /// `out = gelu(gate) * up`, GELU by its tanh form.
    fn geglu(&mut self, gate: &[f32], up: &[f32], out: &mut [f32]) {
        ops::geglu(gate, up, out);
    }

    /// `out = x / rms(x) * weight`.
    fn rms_norm(&mut self, x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
        ops::rms_norm(x, weight, eps, out);
    }

    /// `x = softmax(x)`.
    fn softmax(&mut self, x: &mut [f32]) {
        ops::softmax(x);
    }

    /// Codes and scale of `x`.
    fn quantize(&mut self, code: ActivationCode, x: &[f32], codes: &mut [i8]) -> f32 {
        quantize(code, x, codes)
    }
}

/// A builtin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    Print,
    Int,
    Float,
    Abs,
    Min,
    Max,
    Sqrt,
    Exp,
    Ln,
    Sin,
    Cos,
    Floor,
    Pow,
    Len,
    MetaInt,
    MetaFloat,
    Tensor,
    Row,
    Gather,
    Rows,
    Cols,
    Expect,
    Gemv,
    Add,
    Mul,
    Scale,
    Dot,
    Silu,
    Relu2,
    Swiglu,
    Geglu,
    RmsNorm,
    Rope,
    RopeRows,
    Attend,
    AttendRows,
    Softmax,
    Quantize(ActivationCode),
    Dequantize,
    Argmax,
    Slice,
    Columns,
    Concat,
    Zeros,
    Stream,
    StreamNorm,
    StreamGemv,
    StreamHead,
    StreamSwiglu,
    StreamAdd,
    StreamDown,
    StreamEnd,
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
    /// A vector, quantized or not.
    AnyVector,
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
    Is(Type),
    /// The type of the first argument.
    Same,
}

/// A builtin's shape. `repeat`: the first parameter may stand any number of times.
pub struct Signature {
    pub name: &'static str,
    pub builtin: Builtin,
    pub params: &'static [Param],
    pub repeat: bool,
    pub back: Back,
}

const fn one(name: &'static str, builtin: Builtin, params: &'static [Param], back: Back) -> Signature {
    Signature { name, builtin, params, repeat: false, back }
}

const INT: Param = Param::Is(Type::Int);
const FLOAT: Param = Param::Is(Type::Float);
const VEC: Param = Param::Is(Type::Vec);
const TO_INT: Back = Back::Is(Type::Int);
const TO_FLOAT: Back = Back::Is(Type::Float);
const TO_VEC: Back = Back::Is(Type::Vec);
const NOTHING: Back = Back::Is(Type::Unit);

/// All builtins.
pub const SIGNATURES: [Signature; 52] = [
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
    one("len", Builtin::Len, &[Param::AnyVector], TO_INT),
    one("meta_int", Builtin::MetaInt, &[Param::Literal], TO_INT),
    one("meta_float", Builtin::MetaFloat, &[Param::Literal], TO_FLOAT),
    one("tensor", Builtin::Tensor, &[Param::Tensor], TO_VEC),
    one("row", Builtin::Row, &[Param::Tensor, INT], TO_VEC),
    one("gather", Builtin::Gather, &[Param::Tensor, VEC], TO_VEC),
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
    one("stream", Builtin::Stream, &[VEC, INT], NOTHING),
    one("stream_norm", Builtin::StreamNorm, &[Param::Tensor, FLOAT], NOTHING),
    Signature { name: "stream_gemv", builtin: Builtin::StreamGemv, params: &[Param::Tensor], repeat: true, back: TO_VEC },
    one("stream_head", Builtin::StreamHead, &[Param::Tensor], TO_VEC),
    one("stream_swiglu", Builtin::StreamSwiglu, &[Param::Tensor, Param::Tensor], NOTHING),
    one("stream_add", Builtin::StreamAdd, &[Param::Tensor, VEC], NOTHING),
    one("stream_down", Builtin::StreamDown, &[Param::Tensor], NOTHING),
    one("stream_end", Builtin::StreamEnd, &[], TO_VEC),
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
            Builtin::StreamGemv | Builtin::StreamHead | Builtin::StreamSwiglu | Builtin::StreamAdd | Builtin::StreamDown => {
                Some(Purpose::Gemv)
            }
            Builtin::Tensor | Builtin::StreamNorm => Some(Purpose::Tensor),
            Builtin::Row | Builtin::Gather | Builtin::Rows | Builtin::Cols => Some(Purpose::Row),
            _ => None,
        }
    }

    /// Whether it needs the host beyond tensors and metadata, so that no constant's value can call it.
    pub const fn needs_run(self) -> bool {
        use Builtin::*;
        matches!(self, Gemv | Attend | AttendRows | Print)
            || matches!(self, Stream | StreamNorm | StreamGemv | StreamHead | StreamSwiglu | StreamAdd | StreamDown | StreamEnd)
    }

    /// Whether it takes and gives scalars only, so that every tier has it as an operation of its own.
    pub const fn is_scalar(self) -> bool {
        use Builtin::*;
        matches!(self, Int | Float | Abs | Min | Max | Sqrt | Exp | Ln | Sin | Cos | Floor | Pow)
    }
}

/// What a run shares with its builtins.
pub(crate) struct Context<'c> {
    pub host: &'c mut dyn Builtins,
    pub heap: &'c mut Heap,
    pub turns: &'c mut Turns,
    /// Tensors that the program has asked for.
    pub tensors: &'c mut Vec<Option<Vector>>,
}

/// Most arguments of a builtin other than `print` and the names of `gemv`.
pub(crate) const MAX_ARGS: usize = 9;

fn vector(value: &Value) -> &[f32] {
    value.vector().expect("the checker has seen to the types")
}

fn int(value: &Value) -> i64 {
    if let Value::Int(value) = value { *value } else { unreachable!("the checker has seen to the types") }
}

fn float(value: &Value) -> f64 {
    if let Value::Float(value) = value { *value } else { unreachable!("the checker has seen to the types") }
}

fn codes(value: &Value) -> &Codes {
    if let Value::Object(Object::Codes(codes)) = value { codes } else { unreachable!("the checker has seen to the types") }
}

fn back(vector: Vector) -> Value {
    Value::Object(Object::Vector(vector))
}

fn elements(vector: &mut Vector) -> &mut [f32] {
    Rc::get_mut(vector).expect("a new vector is not shared")
}

fn same_len(what: &'static str, a: &[f32], b: &[f32]) -> Result<(), Trap> {
    if a.len() == b.len() { Ok(()) } else { Err(Trap::Length { what, left: a.len(), right: b.len() }) }
}

fn count(what: &'static str, value: i64) -> Result<usize, Trap> {
    usize::try_from(value).ok().filter(|n| *n > 0).ok_or(Trap::Argument { what, value, rule: "at least 1" })
}

/// What a float of the language is where f32 is computed with.
#[expect(clippy::cast_possible_truncation, reason = "the language's floats enter vectors here, rounded to the nearest f32")]
pub(crate) fn narrow(value: f64) -> f32 {
    value as f32
}

/// A builtin on vectors, texts or the document. `linked` is what its tensor names lead to.
pub(crate) fn call(context: &mut Context<'_>, builtin: Builtin, args: &mut [Value], linked: usize) -> Result<Value, Trap> {
    let Context { host, heap, turns, tensors } = context;
    match builtin {
        Builtin::Print => {
            let mut line = String::new();
            for (index, arg) in args.iter().enumerate() {
                // Writing to a String cannot fail.
                let _ = write!(line, "{}{arg}", if index == 0 { "" } else { " " });
                heap.check_len(line.len())?;
            }
            host.print(&line);
            Ok(Value::Unit)
        }
        Builtin::Len => Ok(Value::Int(match &args[0] {
            Value::Object(Object::Codes(codes)) => codes.values.len(),
            other => vector(other).len(),
        } as i64)),
        Builtin::Gemv => {
            let x = match &args[0] {
                Value::Object(Object::Codes(codes)) => Input::Codes(codes),
                other => Input::Floats(vector(other)),
            };
            let (rows, cols) = host.layer_shape(linked).map_err(Trap::Host)?;
            // A length that is no whole number of vectors is the host's to refuse: it knows the layer's name.
            let vectors = (x.len() / cols.max(1)).max(1);
            let mut y = heap.vector(rows.saturating_mul(vectors))?;
            host.gemv(linked, x, elements(&mut y)).map_err(Trap::Host)?;
            Ok(back(y))
        }
        Builtin::Tensor => {
            // Copied with its first use and shared from then on.
            if tensors.len() <= linked {
                tensors.resize(linked + 1, None);
            }
            if let Some(known) = &tensors[linked] {
                return Ok(back(Vector::clone(known)));
            }
            let values = host.tensor(linked).map_err(Trap::Host)?;
            let mut out = heap.vector(values.len())?;
            elements(&mut out).copy_from_slice(values);
            tensors[linked] = Some(Vector::clone(&out));
            Ok(back(out))
        }
        Builtin::Row => {
            let mut out = heap.vector(host.shape(linked).map_err(Trap::Host)?.1)?;
            host.row(linked, int(&args[0]), elements(&mut out)).map_err(Trap::Host)?;
            Ok(back(out))
        }
        Builtin::Gather => {
            let (at, cols) = (vector(&args[0]), host.shape(linked).map_err(Trap::Host)?.1);
            let mut out = heap.vector(at.len().saturating_mul(cols))?;
            for (row, out) in at.iter().zip(elements(&mut out).chunks_exact_mut(cols.max(1))) {
                // A float that is no whole number is a row that there is not.
                let row = if row.fract() == 0.0 { *row as i64 } else { -1 };
                host.row(linked, row, out).map_err(Trap::Host)?;
            }
            Ok(back(out))
        }
        Builtin::Rows => Ok(Value::Int(host.shape(linked).map_err(Trap::Host)?.0 as i64)),
        Builtin::Cols => Ok(Value::Int(host.shape(linked).map_err(Trap::Host)?.1 as i64)),
        Builtin::Expect if args[0].bits() != 0 => Ok(Value::Unit),
        Builtin::Expect => Err(Trap::Expectation { text: args[1].to_string() }),
        Builtin::Add | Builtin::Mul | Builtin::Swiglu | Builtin::Geglu => two_vectors(*host, heap, builtin, args),
        Builtin::Dot => {
            let (a, b) = (vector(&args[0]), vector(&args[1]));
            same_len("dot needs equal lengths", a, b)?;
            Ok(Value::Float(f64::from(ops::dot(a, b))))
        }
        Builtin::Rope | Builtin::RopeRows => rope(heap, turns, builtin, args),
        Builtin::Scale | Builtin::Silu | Builtin::Relu2 | Builtin::Softmax => in_place(*host, heap, builtin, args),
        Builtin::RmsNorm => {
            let (x, weight) = (vector(&args[0]), vector(&args[1]));
            if weight.is_empty() || x.is_empty() || x.len() % weight.len() != 0 {
                let what = "rms_norm needs a whole number of rows, each as long as the weights";
                return Err(Trap::Length { what, left: x.len(), right: weight.len() });
            }
            let mut out = heap.vector(x.len())?;
            let rows = x.chunks_exact(weight.len()).zip(elements(&mut out).chunks_exact_mut(weight.len()));
            rows.for_each(|(x, out)| host.rms_norm(x, weight, narrow(float(&args[2])), out));
            Ok(back(out))
        }
        Builtin::Attend | Builtin::AttendRows => attend(*host, heap, builtin, args),
        Builtin::Quantize(code) => {
            let x = vector(&args[0]);
            let make = || {
                let mut values = vec![0; x.len()];
                let scale = host.quantize(code, x, &mut values);
                Codes { code, scale, values }
            };
            Ok(Value::Object(heap.codes(x.len(), make)?))
        }
        Builtin::Dequantize => {
            let codes = codes(&args[0]);
            let mut out = heap.vector(codes.values.len())?;
            elements(&mut out).iter_mut().zip(&codes.values).for_each(|(out, code)| *out = f32::from(*code) * codes.scale);
            Ok(back(out))
        }
        Builtin::Argmax => {
            let x = vector(&args[0]);
            // The first of equal ones, as the greedy sampler takes it; a NaN is never larger.
            let best = x.iter().enumerate().fold(None, |best: Option<(usize, f32)>, (i, &v)| match best {
                Some((_, max)) if !(v > max) => best,
                _ => Some((i, v)),
            });
            let none = Trap::Argument { what: "the length of argmax's vector", value: 0, rule: "at least 1" };
            best.map(|(i, _)| Value::Int(i as i64)).ok_or(none)
        }
        Builtin::Slice => {
            let (x, from, to) = (vector(&args[0]), int(&args[1]), int(&args[2]));
            let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
            let part = range.and_then(|(from, to)| x.get(from..to)).ok_or(Trap::Slice { from, to, len: x.len() })?;
            let mut out = heap.vector(part.len())?;
            elements(&mut out).copy_from_slice(part);
            Ok(back(out))
        }
        Builtin::Columns => columns(heap, args),
        Builtin::Concat => {
            let (a, b) = (vector(&args[0]), vector(&args[1]));
            let mut out = heap.vector(a.len() + b.len())?;
            let (left, right) = elements(&mut out).split_at_mut(a.len());
            left.copy_from_slice(a);
            right.copy_from_slice(b);
            Ok(back(out))
        }
        Builtin::Zeros => {
            let value = int(&args[0]);
            let len = usize::try_from(value).map_err(|_| Trap::Argument { what: "the length", value, rule: "0 or more" })?;
            let mut out = heap.vector(len)?;
            elements(&mut out).fill(0.0);
            Ok(back(out))
        }
        Builtin::Stream => {
            let width = count("the stream's width", int(&args[1]))?;
            stream(*host, heap, StreamOp::Begin { x: vector(&args[0]), width })
        }
        Builtin::StreamNorm => stream(*host, heap, StreamOp::Norm { tensor: linked, eps: narrow(float(&args[0])) }),
        Builtin::StreamGemv => stream(*host, heap, StreamOp::Gemv { layer: linked }),
        Builtin::StreamHead => stream(*host, heap, StreamOp::Head { layer: linked }),
        Builtin::StreamSwiglu => stream(*host, heap, StreamOp::Swiglu { layer: linked }),
        Builtin::StreamAdd => stream(*host, heap, StreamOp::Add { layer: linked, x: Some(vector(&args[0])) }),
        Builtin::StreamDown => stream(*host, heap, StreamOp::Add { layer: linked, x: None }),
        Builtin::StreamEnd => stream(*host, heap, StreamOp::End),
        _ => unreachable!("scalars and metadata are operations of the tiers"),
    }
}

/// An operation on the stream, and its vector if it gives one.
fn stream(host: &mut dyn Builtins, heap: &mut Heap, op: StreamOp<'_>) -> Result<Value, Trap> {
    let gives = matches!(op, StreamOp::Gemv { .. } | StreamOp::Head { .. } | StreamOp::End);
    let given = host.stream(op).map_err(Trap::Host)?;
    if !gives {
        return Ok(Value::Unit);
    }
    let mut out = heap.vector(given.len())?;
    elements(&mut out).copy_from_slice(given);
    Ok(back(out))
}

fn two_vectors(host: &mut dyn Builtins, heap: &mut Heap, builtin: Builtin, args: &[Value]) -> Result<Value, Trap> {
    let (a, b) = (vector(&args[0]), vector(&args[1]));
    same_len("two vectors need equal lengths", a, b)?;
    let mut out = heap.vector(a.len())?;
    let to = elements(&mut out);
    match builtin {
        Builtin::Add => host.add(a, b, to),
        Builtin::Mul => host.mul(a, b, to),
        Builtin::Geglu => host.geglu(a, b, to),
        _ => host.swiglu(a, b, to),
    }
    Ok(back(out))
}

/// Operations that give a vector of the same length: done in the argument itself if nobody else has it.
fn in_place(host: &mut dyn Builtins, heap: &mut Heap, builtin: Builtin, args: &mut [Value]) -> Result<Value, Trap> {
    let (first, rest) = args.split_first_mut().expect("there is a vector");
    let Value::Object(Object::Vector(mut vector)) = std::mem::take(first) else { unreachable!("the checker has seen to the types") };
    let x = heap.unshared(&mut vector)?;
    match builtin {
        Builtin::Scale => {
            let by = narrow(float(&rest[0]));
            x.iter_mut().for_each(|v| *v *= by);
        }
        Builtin::Silu => host.silu(x),
        Builtin::Relu2 => host.relu2(x),
        _ => host.softmax(x),
    }
    Ok(back(vector))
}

/// `rope(x, position, head_dim, theta)`, and `rope_rows(x, width, position, head_dim, theta)`: the rows stand at positions
/// that follow one another.
fn rope(heap: &mut Heap, turns: &mut Turns, builtin: Builtin, args: &mut [Value]) -> Result<Value, Trap> {
    let (first, rest) = args.split_first_mut().expect("there is a vector");
    let Value::Object(Object::Vector(mut vector)) = std::mem::take(first) else { unreachable!("the checker has seen to the types") };
    let (width, rest) = match builtin {
        Builtin::RopeRows => (count("rope_rows' width", int(&rest[0]))?, &rest[1..]),
        _ => (vector.len(), &*rest),
    };
    let (position, head_dim) = (int(&rest[0]), count("rope's head length", int(&rest[1]))?);
    let negative = Trap::Argument { what: "rope's position", value: position, rule: "0 or more" };
    let position = usize::try_from(position).map_err(|_| negative)?;
    if head_dim % 2 != 0 || width < head_dim || width % head_dim != 0 {
        return Err(Trap::Length { what: "rope needs heads of an even length that fill the vector", left: head_dim, right: width });
    }
    if vector.len() % width != 0 {
        return Err(Trap::Length { what: "rope_rows needs a whole number of rows", left: width, right: vector.len() });
    }
    let x = heap.unshared(&mut vector)?;
    for (row, x) in x.chunks_exact_mut(width).enumerate() {
        ops::rotate(turns.at(position + row, head_dim, narrow(float(&rest[2]))), x);
    }
    Ok(back(vector))
}

/// `columns(x, width, from, to)`: of every row of `width` values those of `from..to`.
fn columns(heap: &mut Heap, args: &[Value]) -> Result<Value, Trap> {
    let (x, width, from, to) = (vector(&args[0]), count("columns' width", int(&args[1]))?, int(&args[2]), int(&args[3]));
    if x.len() % width != 0 {
        return Err(Trap::Length { what: "columns needs a whole number of rows", left: width, right: x.len() });
    }
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok()).filter(|(from, to)| from <= to && *to <= width);
    let (from, to) = range.ok_or(Trap::Slice { from, to, len: width })?;
    let mut out = heap.vector(x.len() / width * (to - from))?;
    if to > from {
        let rows = x.chunks_exact(width).zip(elements(&mut out).chunks_exact_mut(to - from));
        rows.for_each(|(row, out)| out.copy_from_slice(&row[from..to]));
    }
    Ok(back(out))
}

/// Positions that a query sees; 0 stands for all.
fn window(value: i64) -> Result<Option<usize>, Trap> {
    let count = usize::try_from(value).map_err(|_| Trap::Argument { what: "attend_rows' window", value, rule: "0 or more" })?;
    Ok(Some(count).filter(|count| *count > 0))
}

fn attend(host: &mut dyn Builtins, heap: &mut Heap, builtin: Builtin, args: &[Value]) -> Result<Value, Trap> {
    let rows = builtin == Builtin::AttendRows;
    let (positions, args_of) = if rows { (count("the number of positions", int(&args[1]))?, &args[1..]) } else { (1, args) };
    let (q, k, v) = (vector(&args_of[1]), vector(&args_of[2]), vector(&args_of[3]));
    let heads =
        Heads { queries: count("the number of query heads", int(&args_of[4]))?, keys: count("the number of key heads", int(&args_of[5]))? };
    same_len("attend needs a value for every key", k, v)?;
    if heads.queries % heads.keys != 0 {
        return Err(Trap::Argument {
            what: "the number of key heads",
            value: int(&args_of[5]),
            rule: "a divisor of the number of query heads",
        });
    }
    let all_queries = heads.queries.saturating_mul(positions);
    if q.len() % all_queries != 0 || k.len() != q.len() / heads.queries * heads.keys {
        return Err(Trap::Length { what: "attend's heads are of one length in q and k", left: q.len(), right: k.len() });
    }
    let inverse_root = 1.0 / ((q.len() / all_queries) as f32).sqrt();
    let (window, scale) = match rows {
        true => (window(int(&args_of[6]))?, narrow(float(&args_of[7]))),
        false => (None, inverse_root),
    };
    let mut out = heap.vector(q.len())?;
    let attention = Attention { heads, positions, window, scale };
    host.attend(int(&args[0]), [q, k, v], attention, elements(&mut out)).map_err(Trap::Host)?;
    Ok(back(out))
}
