//! Operations on heads: rotary positions and attention.

use super::{back, count, elements, float, int, narrow, same_len, vector};
use crate::host::{Attention, Builtins, Heads};
use crate::ops::{self, Turns};
use crate::signature::Builtin;
use crate::trap::Trap;
use crate::value::{Heap, Object, Value};

/// `rope(x, position, head_dim, theta)`, `rope_rows(x, width, position, head_dim, theta)`, whose rows stand at positions that
/// follow one another or where the host says, and `rope_scaled(x, width, position, theta, factors)`, the same with every pair's frequency divided by its factor.
pub(super) fn rope(host: &dyn Builtins, heap: &mut Heap, turns: &mut Turns, builtin: Builtin, args: &mut [Value]) -> Result<Value, Trap> {
    let (first, rest) = args.split_first_mut().expect("there is a vector");
    let Value::Object(Object::Vector(mut taken)) = std::mem::take(first) else { unreachable!("the checker has seen to the types") };
    let (width, rest) = match builtin {
        Builtin::Rope => (taken.len(), &*rest),
        _ => (count("rope_rows' width", int(&rest[0]))?, &rest[1..]),
    };
    let position = int(&rest[0]);
    let negative = Trap::Argument { what: "rope's position", value: position, rule: "0 or more" };
    let position = usize::try_from(position).map_err(|_| negative)?;
    let (head_dim, theta, factors): (_, _, &[f32]) = match builtin {
        Builtin::RopeScaled => (2 * vector(&rest[2]).len(), float(&rest[1]), vector(&rest[2])),
        _ => (count("rope's head length", int(&rest[1]))?, float(&rest[2]), &[]),
    };
    if head_dim == 0 || head_dim % 2 != 0 || width < head_dim || width % head_dim != 0 {
        return Err(Trap::Length { what: "rope needs heads of an even length that fill the vector", left: head_dim, right: width });
    }
    if taken.len() % width != 0 {
        return Err(Trap::Length { what: "rope_rows needs a whole number of rows", left: width, right: taken.len() });
    }
    let x = heap.unshared(&mut taken)?;
    let rows = x.len() / width;
    // Queries and keys of all blocks ask for the same turns of the same positions.
    let turns = match host.row_positions() {
        None => turns.of_rows(position..position.saturating_add(rows), head_dim, narrow(theta), factors),
        Some(own) if own.len() == rows => turns.of_rows(own.iter().map(|at| at.saturating_add(position)), head_dim, narrow(theta), factors),
        Some(own) => return Err(Trap::Length { what: "rope needs a row per token", left: own.len(), right: rows }),
    };
    super::rows::fill(host, width, x, |first, x| {
        for (row, x) in x.chunks_exact_mut(width).enumerate() {
            ops::rotate(turns.row(first / width + row), x);
        }
    });
    Ok(back(taken))
}

/// Positions that a query sees; 0 stands for all.
fn window(value: i64) -> Result<Option<usize>, Trap> {
    let count = usize::try_from(value).map_err(|_| Trap::Argument { what: "attend_rows' window", value, rule: "0 or more" })?;
    Ok(Some(count).filter(|count| *count > 0))
}

pub(super) fn attend(host: &mut dyn Builtins, heap: &mut Heap, builtin: Builtin, args: &[Value]) -> Result<Value, Trap> {
    let rows = builtin == Builtin::AttendRows;
    let (positions, args_of) = if rows { (count("the number of positions", int(&args[1]))?, &args[1..]) } else { (1, args) };
    let (q, k, v) = (vector(&args_of[1]), vector(&args_of[2]), vector(&args_of[3]));
    let heads =
        Heads { queries: count("the number of query heads", int(&args_of[4]))?, keys: count("the number of key heads", int(&args_of[5]))? };
    same_len("attend needs a value for every key", k, v)?;
    if !heads.queries.is_multiple_of(heads.keys) {
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
