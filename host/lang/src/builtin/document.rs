//! What reads the document: products with its layers, its tensors and their rows.

use super::{Context, back, elements, int, ints, vector};
use crate::host::Input;
use crate::signature::Builtin;
use crate::trap::Trap;
use crate::value::{Object, Value, Vector};

pub(super) fn call(context: &mut Context<'_>, builtin: Builtin, args: &[Value], linked: usize) -> Result<Value, Trap> {
    match builtin {
        Builtin::Gemv => gemv(context, &args[0], linked),
        Builtin::Tensor => tensor(context, linked),
        Builtin::Row => {
            let Context { host, heap, .. } = context;
            let mut out = heap.vector(host.document().shape(linked).map_err(Trap::Host)?.1)?;
            host.document().row(linked, int(&args[0]), elements(&mut out)).map_err(Trap::Host)?;
            Ok(back(out))
        }
        Builtin::Gather => gather(context, ints(&args[0]), linked),
        Builtin::Rows => Ok(Value::Int(context.host.document().shape(linked).map_err(Trap::Host)?.0 as i64)),
        Builtin::Cols => Ok(Value::Int(context.host.document().shape(linked).map_err(Trap::Host)?.1 as i64)),
        _ => unreachable!("{builtin:?} does not read the document"),
    }
}

fn gemv(context: &mut Context<'_>, x: &Value, linked: usize) -> Result<Value, Trap> {
    let Context { host, heap, .. } = context;
    let x = match x {
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

/// Copied with its first use and shared from then on.
fn tensor(context: &mut Context<'_>, linked: usize) -> Result<Value, Trap> {
    let Context { host, heap, tensors, .. } = context;
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

fn gather(context: &mut Context<'_>, at: &[i64], linked: usize) -> Result<Value, Trap> {
    let Context { host, heap, .. } = context;
    let cols = host.document().shape(linked).map_err(Trap::Host)?.1;
    let mut out = heap.vector(at.len().saturating_mul(cols))?;
    for (row, out) in at.iter().zip(elements(&mut out).chunks_exact_mut(cols.max(1))) {
        host.document().row(linked, *row, out).map_err(Trap::Host)?;
    }
    Ok(back(out))
}
