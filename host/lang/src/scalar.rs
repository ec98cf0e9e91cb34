//! The scalar operations, once: the interpreter and the closures call them, the native tier is tested against them.

use crate::ast::{BinaryOp, UnaryOp};
use crate::signature::Builtin;
use crate::trap::Trap;
use crate::value::{Object, Value};

/// `a op b` of ints, for the five arithmetic operators.
pub(crate) fn int_binary(op: BinaryOp, left: i64, right: i64) -> Result<i64, Trap> {
    let sign = op.sign();
    if right == 0 && matches!(op, BinaryOp::Divide | BinaryOp::Remainder) {
        return Err(Trap::DivisionByZero { left, sign });
    }
    let result = match op {
        BinaryOp::Add => left.checked_add(right),
        BinaryOp::Subtract => left.checked_sub(right),
        BinaryOp::Multiply => left.checked_mul(right),
        BinaryOp::Divide => left.checked_div(right),
        _ => left.checked_rem(right),
    };
    result.ok_or(Trap::Overflow { left, sign, right })
}

/// `a op b` of floats, for the five arithmetic operators.
pub(crate) fn float_binary(op: BinaryOp, left: f64, right: f64) -> f64 {
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Subtract => left - right,
        BinaryOp::Multiply => left * right,
        BinaryOp::Divide => left / right,
        _ => left % right,
    }
}

/// A comparison.
pub(crate) fn compare<T: PartialOrd>(op: BinaryOp, left: T, right: T) -> bool {
    match op {
        BinaryOp::Equal => left == right,
        BinaryOp::NotEqual => left != right,
        BinaryOp::Less => left < right,
        BinaryOp::LessEqual => left <= right,
        BinaryOp::Greater => left > right,
        _ => left >= right,
    }
}

/// `-a`; written as `0 - a` in the error.
pub(crate) fn negate(value: i64) -> Result<i64, Trap> {
    value.checked_neg().ok_or(Trap::Overflow { left: 0, sign: "-", right: value })
}

/// The distance from zero.
pub(crate) fn int_abs(value: i64) -> Result<i64, Trap> {
    if value < 0 { negate(value) } else { Ok(value) }
}

/// The smaller of two; of a NaN and a number the second argument.
pub(crate) fn float_min(left: f64, right: f64) -> f64 {
    if left < right { left } else { right }
}

/// The larger of two; of a NaN and a number the second argument.
pub(crate) fn float_max(left: f64, right: f64) -> f64 {
    if left > right { left } else { right }
}

/// 2^63: the first float above all ints. Its negative is the smallest int.
pub(crate) const INT_END: f64 = 9_223_372_036_854_775_808.0;

/// The int that is left when the fraction is cut off.
pub(crate) fn to_int(value: f64) -> Result<i64, Trap> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked; the fraction is to be cut off")]
    if (-INT_END..INT_END).contains(&value) { Ok(value as i64) } else { Err(Trap::NotAnInt { value }) }
}

/// A function of one float.
pub(crate) fn float_function(builtin: Builtin) -> fn(f64) -> f64 {
    match builtin {
        Builtin::Sqrt => f64::sqrt,
        Builtin::Exp => f64::exp,
        Builtin::Ln => f64::ln,
        Builtin::Sin => f64::sin,
        Builtin::Cos => f64::cos,
        Builtin::Floor => f64::floor,
        _ => f64::abs,
    }
}

/// An operator on one tagged value.
pub(crate) fn unary(op: UnaryOp, value: &Value) -> Result<Value, Trap> {
    match (op, value) {
        (UnaryOp::Negate, Value::Int(value)) => negate(*value).map(Value::Int),
        (UnaryOp::Negate, Value::Float(value)) => Ok(Value::Float(-value)),
        (_, value) => Ok(Value::Bool(value.bits() == 0)),
    }
}

/// An operator on two tagged values of one type; not `&&` and `||`, whose right side may not be evaluated.
pub(crate) fn binary(op: BinaryOp, left: &Value, right: &Value) -> Result<Value, Trap> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) if op.is_comparison() => Ok(Value::Bool(compare(op, a, b))),
        (Value::Float(a), Value::Float(b)) if op.is_comparison() => Ok(Value::Bool(compare(op, a, b))),
        (Value::Int(a), Value::Int(b)) => int_binary(op, *a, *b).map(Value::Int),
        (Value::Float(a), Value::Float(b)) => Ok(Value::Float(float_binary(op, *a, *b))),
        (Value::Object(Object::Text(a)), Value::Object(Object::Text(b))) => {
            Ok(Value::Bool((a.as_str() == b.as_str()) == (op == BinaryOp::Equal)))
        }
        _ => Ok(Value::Bool(compare(op, left.bits(), right.bits()))),
    }
}

/// A builtin on tagged scalars.
pub(crate) fn builtin(builtin: Builtin, args: &[Value]) -> Result<Value, Trap> {
    match (builtin, args) {
        (Builtin::Int, [Value::Float(value)]) => to_int(*value).map(Value::Int),
        (Builtin::Float, [Value::Int(value)]) => Ok(Value::Float(*value as f64)),
        (Builtin::Abs, [Value::Int(value)]) => int_abs(*value).map(Value::Int),
        (Builtin::Min, [Value::Int(a), Value::Int(b)]) => Ok(Value::Int(*a.min(b))),
        (Builtin::Max, [Value::Int(a), Value::Int(b)]) => Ok(Value::Int(*a.max(b))),
        (Builtin::Min, [Value::Float(a), Value::Float(b)]) => Ok(Value::Float(float_min(*a, *b))),
        (Builtin::Max, [Value::Float(a), Value::Float(b)]) => Ok(Value::Float(float_max(*a, *b))),
        (Builtin::Pow, [Value::Float(a), Value::Float(b)]) => Ok(Value::Float(a.powf(*b))),
        (function, [value, ..]) => Ok(Value::Float(float_function(function)(f64::from_bits(value.bits())))),
        _ => Ok(Value::Unit),
    }
}
