//! The scalar operations, once: the interpreter and the closures call them, the native tier is tested against them.

use crate::ast::BinaryOp;
use crate::builtin::Builtin;
use crate::trap::Trap;

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
    if value >= -INT_END && value < INT_END { Ok(value as i64) } else { Err(Trap::NotAnInt { value }) }
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
