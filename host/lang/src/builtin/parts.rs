//! Vectors cut, joined and made.

use super::{back, count, elements, int, vector};
use crate::signature::Builtin;
use crate::trap::Trap;
use crate::value::{Heap, Value};

pub(super) fn call(heap: &mut Heap, builtin: Builtin, args: &[Value]) -> Result<Value, Trap> {
    match builtin {
        Builtin::Slice => slice(heap, args),
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
        _ => unreachable!("{builtin:?} does not cut or join vectors"),
    }
}

/// `slice(x, from, to)`.
fn slice(heap: &mut Heap, args: &[Value]) -> Result<Value, Trap> {
    let (x, from, to) = (vector(&args[0]), int(&args[1]), int(&args[2]));
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    let part = range.and_then(|(from, to)| x.get(from..to)).ok_or(Trap::Slice { from, to, len: x.len() })?;
    let mut out = heap.vector(part.len())?;
    elements(&mut out).copy_from_slice(part);
    Ok(back(out))
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
