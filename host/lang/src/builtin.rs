//! What the builtins do.

mod heads;
mod rows;
mod seeds;

use crate::host::{Builtins, Input};
use crate::ops::{self, Turns};
use crate::quantize::quantize;
use crate::scalar;
use crate::signature::Builtin;
use crate::trap::Trap;
use crate::value::{Codes, Heap, Object, Value, Vector, append};
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
    let Context { host, heap, turns, tensors } = context;
    match builtin {
        Builtin::Print => {
            let mut line = String::new();
            for (index, arg) in args.iter().enumerate() {
                append(&mut line, &format_args!("{}{arg}", if index == 0 { "" } else { " " }))?;
                heap.check_len(line.len())?;
            }
            host.print(&line);
            Ok(Value::Unit)
        }
        Builtin::Len => Ok(Value::Int(match &args[0] {
            Value::Object(Object::Codes(codes)) => codes.values.len(),
            Value::Object(Object::Ints(ints)) => ints.len(),
            other => vector(other).len(),
        } as i64)),
        Builtin::Ints => {
            let x = vector(&args[0]);
            if let Some(value) = x.iter().map(|v| f64::from(*v)).find(|v| v.fract() != 0.0 || scalar::to_int(*v).is_err()) {
                return Err(Trap::NotAnInt { value });
            }
            let fill = |ints: &mut [i64]| ints.iter_mut().zip(x).for_each(|(int, v)| *int = *v as i64);
            Ok(Value::Object(heap.ints(x.len(), fill)?))
        }
        Builtin::Gemv => {
            let x = match &args[0] {
                Value::Object(Object::Codes(codes)) => Input::Codes(codes),
                other => Input::Floats(vector(other)),
            };
            let (rows, cols) = host.document().layer_shape(linked).map_err(Trap::Host)?;
            // A length that is not a whole number of vectors is the host's to refuse: it knows the layer's name.
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
            let values = host.document().tensor(linked).map_err(Trap::Host)?;
            let mut out = heap.vector(values.len())?;
            elements(&mut out).copy_from_slice(values);
            tensors[linked] = Some(Vector::clone(&out));
            Ok(back(out))
        }
        Builtin::Row => {
            let mut out = heap.vector(host.document().shape(linked).map_err(Trap::Host)?.1)?;
            host.document().row(linked, int(&args[0]), elements(&mut out)).map_err(Trap::Host)?;
            Ok(back(out))
        }
        Builtin::Gather => {
            let (at, cols) = (ints(&args[0]), host.document().shape(linked).map_err(Trap::Host)?.1);
            let mut out = heap.vector(at.len().saturating_mul(cols))?;
            for (row, out) in at.iter().zip(elements(&mut out).chunks_exact_mut(cols.max(1))) {
                host.document().row(linked, *row, out).map_err(Trap::Host)?;
            }
            Ok(back(out))
        }
        Builtin::Rows => Ok(Value::Int(host.document().shape(linked).map_err(Trap::Host)?.0 as i64)),
        Builtin::Cols => Ok(Value::Int(host.document().shape(linked).map_err(Trap::Host)?.1 as i64)),
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
        Builtin::Quantize(code) => {
            let x = vector(&args[0]);
            if let Some(index) = x.iter().position(|value| !value.is_finite()) {
                return Err(Trap::NotFinite { index, value: x[index] });
            }
            Ok(Value::Object(heap.codes(code, x.len(), |values| quantize(code, x, values))?))
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
        _ => seeds::call(*host, heap, builtin, args),
    }
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
