//! What the builtins do.

mod document;
mod heads;
mod parts;
mod rows;
mod seeds;

use crate::host::Builtins;
use crate::ops::{self, Turns};
use crate::quantize::quantize;
use crate::scalar;
use crate::signature::Builtin;
use crate::trap::Trap;
use crate::value::{Codes, Heap, Object, Value, Vector, append};
use nda_spec::ActivationCode;
use std::rc::Rc;

/// What a run shares with its builtins.
pub(crate) struct Context<'c> {
    pub host: &'c mut dyn Builtins,
    pub heap: &'c mut Heap,
    pub turns: &'c mut Turns,
    /// Tensors that the program has asked for.
    pub tensors: &'c mut Vec<Option<Vector>>,
}

fn vector(value: &Value) -> &[f32] {
    value.vector().expect("the checker has seen to the types")
}

fn int(value: &Value) -> i64 {
    if let Value::Int(value) = value { *value } else { unreachable!("the checker has seen to the types") }
}

fn float(value: &Value) -> f64 {
    if let Value::Float(value) = value { *value } else { unreachable!("the checker has seen to the types") }
}

fn ints(value: &Value) -> &[i64] {
    if let Value::Object(Object::Ints(ints)) = value { ints } else { unreachable!("the checker has seen to the types") }
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
pub fn narrow(value: f64) -> f32 {
    value as f32
}

/// A builtin on vectors, texts or the document. `linked` is what its tensor names lead to.
pub(crate) fn call(context: &mut Context<'_>, builtin: Builtin, args: &mut [Value], linked: usize) -> Result<Value, Trap> {
    let Context { host, heap, turns, .. } = context;
    match builtin {
        Builtin::Print => print(*host, heap, args),
        Builtin::Len => Ok(len(&args[0])),
        Builtin::Ints => to_ints(heap, args),
        Builtin::Gemv | Builtin::Tensor | Builtin::Row | Builtin::Gather | Builtin::Rows | Builtin::Cols => {
            document::call(context, builtin, args, linked)
        }
        Builtin::Expect if args[0].bits() != 0 => Ok(Value::Unit),
        Builtin::Expect => Err(Trap::Expectation { text: args[1].to_string() }),
        Builtin::Add if is_row_of_many(&args[1], &args[0]) => add_to_rows(heap, args),
        Builtin::Add | Builtin::Mul | Builtin::Swiglu | Builtin::Geglu => two_vectors(*host, heap, builtin, args),
        Builtin::Dot => {
            let (a, b) = (vector(&args[0]), vector(&args[1]));
            same_len("dot needs equal lengths", a, b)?;
            Ok(Value::Float(f64::from(ops::dot(a, b))))
        }
        Builtin::Rope | Builtin::RopeRows | Builtin::RopeScaled => heads::rope(*host, heap, turns, builtin, args),
        Builtin::Scale | Builtin::Silu | Builtin::Relu2 | Builtin::Softmax => in_place(heap, builtin, args),
        Builtin::RmsNorm => rms_norm(*host, heap, args),
        Builtin::Attend | Builtin::AttendRows => heads::attend(*host, heap, builtin, args),
        Builtin::Quantize(code) => to_codes(heap, code, args),
        Builtin::Dequantize => {
            let codes = codes(&args[0]);
            let mut out = heap.vector(codes.values.len())?;
            elements(&mut out).iter_mut().zip(&codes.values).for_each(|(out, code)| *out = f32::from(*code) * codes.scale);
            Ok(back(out))
        }
        Builtin::Argmax => argmax(vector(&args[0])),
        Builtin::Slice | Builtin::Columns | Builtin::Concat | Builtin::Zeros => parts::call(heap, builtin, args),
        _ => seeds::call(*host, heap, builtin, args),
    }
}

fn print(host: &mut dyn Builtins, heap: &Heap, args: &[Value]) -> Result<Value, Trap> {
    let mut line = String::new();
    for (index, arg) in args.iter().enumerate() {
        append(&mut line, &format_args!("{}{arg}", if index == 0 { "" } else { " " }))?;
        heap.check_len(line.len())?;
    }
    host.print(&line);
    Ok(Value::Unit)
}

fn len(of: &Value) -> Value {
    Value::Int(match of {
        Value::Object(Object::Codes(codes)) => codes.values.len(),
        Value::Object(Object::Ints(ints)) => ints.len(),
        other => vector(other).len(),
    } as i64)
}

fn to_ints(heap: &mut Heap, args: &[Value]) -> Result<Value, Trap> {
    let x = vector(&args[0]);
    if let Some(value) = x.iter().map(|v| f64::from(*v)).find(|v| v.fract() != 0.0 || scalar::to_int(*v).is_err()) {
        return Err(Trap::NotAnInt { value });
    }
    let fill = |ints: &mut [i64]| ints.iter_mut().zip(x).for_each(|(int, v)| *int = *v as i64);
    Ok(Value::Object(heap.ints(x.len(), fill)?))
}

fn to_codes(heap: &mut Heap, code: ActivationCode, args: &[Value]) -> Result<Value, Trap> {
    let x = vector(&args[0]);
    if let Some(index) = x.iter().position(|value| !value.is_finite()) {
        return Err(Trap::NotFinite { index, value: x[index] });
    }
    Ok(Value::Object(heap.codes(code, x.len(), |values| quantize(code, x, values))?))
}

/// The first of equal ones, as the greedy sampler takes it; a NaN is never larger.
fn argmax(x: &[f32]) -> Result<Value, Trap> {
    let best = x.iter().enumerate().fold(None, |best: Option<(usize, f32)>, (i, &v)| match best {
        Some((_, max)) if !(v > max) => best,
        _ => Some((i, v)),
    });
    let none = Trap::Argument { what: "the length of argmax's vector", value: 0, rule: "at least 1" };
    best.map(|(i, _)| Value::Int(i as i64)).ok_or(none)
}

fn rms_norm(host: &dyn Builtins, heap: &mut Heap, args: &[Value]) -> Result<Value, Trap> {
    let (x, weight) = (vector(&args[0]), vector(&args[1]));
    if weight.is_empty() || x.is_empty() || x.len() % weight.len() != 0 {
        let what = "rms_norm needs a whole number of rows, each as long as the weights";
        return Err(Trap::Length { what, left: x.len(), right: weight.len() });
    }
    let mut out = heap.vector(x.len())?;
    let eps = narrow(float(&args[2]));
    rows::fill(host, weight.len(), elements(&mut out), |first, out| {
        let x = &x[first..first + out.len()];
        let rows = x.chunks_exact(weight.len()).zip(out.chunks_exact_mut(weight.len()));
        rows.for_each(|(x, out)| ops::rms_norm(x, weight, eps, out));
    });
    Ok(back(out))
}

fn two_vectors(host: &dyn Builtins, heap: &mut Heap, builtin: Builtin, args: &[Value]) -> Result<Value, Trap> {
    let (a, b) = (vector(&args[0]), vector(&args[1]));
    same_len("two vectors need equal lengths", a, b)?;
    let mut out = heap.vector(a.len())?;
    rows::fill(host, 1, elements(&mut out), |first, to| {
        let (a, b) = (&a[first..first + to.len()], &b[first..first + to.len()]);
        match builtin {
            Builtin::Add => to.iter_mut().zip(a).zip(b).for_each(|((to, a), b)| *to = a + b),
            Builtin::Mul => to.iter_mut().zip(a).zip(b).for_each(|((to, a), b)| *to = a * b),
            Builtin::Swiglu => ops::swiglu(a, b, to),
            Builtin::Geglu => ops::geglu(a, b, to),
            _ => unreachable!("{builtin:?} does not take two vectors"),
        }
    });
    Ok(back(out))
}

/// Whether `row` is shorter than `all`, which is a whole number of rows as long as it.
fn is_row_of_many(row: &Value, all: &Value) -> bool {
    let (row, all) = (vector(row).len(), vector(all).len());
    0 < row && row < all && all % row == 0
}

/// `add(x, y)` with a `y` that every row of `x` gets: a bias.
fn add_to_rows(heap: &mut Heap, args: &[Value]) -> Result<Value, Trap> {
    let (x, bias) = (vector(&args[0]), vector(&args[1]));
    let mut out = heap.vector(x.len())?;
    let sums = elements(&mut out).iter_mut().zip(x).zip(bias.iter().cycle());
    sums.for_each(|((to, x), bias)| *to = x + bias);
    Ok(back(out))
}

/// Operations that give a vector of the same length: done in the argument itself if nobody else has it.
fn in_place(heap: &mut Heap, builtin: Builtin, args: &mut [Value]) -> Result<Value, Trap> {
    let (first, rest) = args.split_first_mut().expect("there is a vector");
    let Value::Object(Object::Vector(mut vector)) = std::mem::take(first) else { unreachable!("the checker has seen to the types") };
    let x = heap.unshared(&mut vector)?;
    match builtin {
        Builtin::Scale => {
            let by = narrow(float(&rest[0]));
            x.iter_mut().for_each(|v| *v *= by);
        }
        Builtin::Silu => x.iter_mut().for_each(|v| *v = ops::silu(*v)),
        Builtin::Relu2 => x.iter_mut().for_each(|v| *v = ops::relu2(*v)),
        Builtin::Softmax => ops::softmax(x),
        _ => unreachable!("{builtin:?} does not work in place"),
    }
    Ok(back(vector))
}
