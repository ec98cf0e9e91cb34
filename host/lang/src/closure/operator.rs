//! Operators on scalars, with closures of their own for variables and constants.

use super::word::Word;
use super::{Compiler, Run};
use crate::ast::{BinaryOp, Span, UnaryOp};
use crate::module::{Expr, ExprKind};
use crate::scalar;
use crate::signature::Builtin;
use crate::state::{Halt, State};
use crate::trap::Trap;

/// An operator and its right side, waiting for its left side.
pub(super) type Link<T> = Box<dyn for<'a> Fn(&mut State<'a>, T) -> Result<T, Halt> + Send + Sync>;

/// An operand whose kind is known before the run.
pub(super) enum Operand<T> {
    Local(usize),
    Constant(T),
    Any(Run<T>),
}

#[cold]
pub(super) fn overflow(state: &mut State<'_>, left: i64, sign: &'static str, right: i64, span: Span) -> Halt {
    state.fail(Trap::Overflow { left, sign, right }, span)
}

/// The operation with its operands read in the cheapest way that there is.
pub(super) fn binary<T: Word, R: 'static>(
    left: Operand<T>,
    right: Operand<T>,
    apply: impl for<'a> Fn(&mut State<'a>, T, T) -> Result<R, Halt> + Send + Sync + 'static,
) -> Run<R> {
    let read = |state: &State<'_>, index: usize| T::from_bits(state.load(index));
    match (left, right) {
        (Operand::Local(a), Operand::Local(b)) => Box::new(move |s| apply(s, read(s, a), read(s, b))),
        (Operand::Local(a), Operand::Constant(b)) => Box::new(move |s| apply(s, read(s, a), b)),
        (Operand::Constant(a), Operand::Local(b)) => Box::new(move |s| apply(s, a, read(s, b))),
        (Operand::Constant(a), Operand::Constant(b)) => Box::new(move |s| apply(s, a, b)),
        // A variable on the left is read first: a call on the right cannot change it, for it has a frame of its own.
        (Operand::Local(a), Operand::Any(b)) => Box::new(move |s| {
            let b = b(s)?;
            apply(s, read(s, a), b)
        }),
        (Operand::Constant(a), Operand::Any(b)) => Box::new(move |s| {
            let b = b(s)?;
            apply(s, a, b)
        }),
        (Operand::Any(a), Operand::Local(b)) => Box::new(move |s| {
            let a = a(s)?;
            apply(s, a, read(s, b))
        }),
        (Operand::Any(a), Operand::Constant(b)) => Box::new(move |s| {
            let a = a(s)?;
            apply(s, a, b)
        }),
        (Operand::Any(a), Operand::Any(b)) => Box::new(move |s| {
            let a = a(s)?;
            let b = b(s)?;
            apply(s, a, b)
        }),
    }
}

pub(super) fn compare<T: Word + PartialOrd>(op: BinaryOp, left: Operand<T>, right: Operand<T>) -> Run<bool> {
    match op {
        BinaryOp::Equal => binary(left, right, |_, a, b| Ok(a == b)),
        BinaryOp::NotEqual => binary(left, right, |_, a, b| Ok(a != b)),
        BinaryOp::Less => binary(left, right, |_, a, b| Ok(a < b)),
        BinaryOp::LessEqual => binary(left, right, |_, a, b| Ok(a <= b)),
        BinaryOp::Greater => binary(left, right, |_, a, b| Ok(a > b)),
        _ => binary(left, right, |_, a, b| Ok(a >= b)),
    }
}

/// The operators of a row that take and give a `T`, the last first: each with its left and right side.
pub(super) fn row<T: Typed>(expr: &Expr) -> impl Iterator<Item = (BinaryOp, &Expr, &Expr, Span)> {
    fn step<T: Typed>(expr: &Expr) -> Option<(BinaryOp, &Expr, &Expr, Span)> {
        match &expr.kind {
            ExprKind::Binary(op, left, right) if T::IN_ROWS.contains(op) => Some((*op, left, right, expr.span)),
            _ => None,
        }
    }
    std::iter::successors(step::<T>(expr), |(_, left, ..)| step::<T>(left))
}

const ARITHMETIC: &[BinaryOp] = &[BinaryOp::Add, BinaryOp::Subtract, BinaryOp::Multiply, BinaryOp::Divide, BinaryOp::Remainder];

/// The operations of a scalar type.
pub(super) trait Typed: Word {
    /// Operators that take and give this type.
    const IN_ROWS: &'static [BinaryOp];
    /// One of them with its right side.
    fn link(op: BinaryOp, right: Run<Self>, span: Span) -> Link<Self>;
    /// Operators and scalar builtins that give this type.
    fn operation(compiler: &Compiler<'_>, expr: &Expr) -> Run<Self>;
}

impl Typed for i64 {
    const IN_ROWS: &'static [BinaryOp] = ARITHMETIC;

    fn link(op: BinaryOp, right: Run<i64>, span: Span) -> Link<i64> {
        Box::new(move |state, left| {
            let right = right(state)?;
            scalar::int_binary(op, left, right).map_err(|trap| state.fail(trap, span))
        })
    }

    fn operation(compiler: &Compiler<'_>, expr: &Expr) -> Run<i64> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Binary(op, left, right) => {
                let (left, right) = (compiler.operand::<i64>(left), compiler.operand::<i64>(right));
                match *op {
                    BinaryOp::Add => binary(left, right, move |state, a: i64, b| match a.checked_add(b) {
                        Some(sum) => Ok(sum),
                        None => Err(overflow(state, a, "+", b, span)),
                    }),
                    BinaryOp::Subtract => binary(left, right, move |state, a: i64, b| match a.checked_sub(b) {
                        Some(difference) => Ok(difference),
                        None => Err(overflow(state, a, "-", b, span)),
                    }),
                    op => binary(left, right, move |state, a, b| scalar::int_binary(op, a, b).map_err(|trap| state.fail(trap, span))),
                }
            }
            ExprKind::Unary(_, operand) => {
                let operand = compiler.word::<i64>(operand);
                Box::new(move |state| operand(state).and_then(|a| scalar::negate(a).map_err(|trap| state.fail(trap, span))))
            }
            ExprKind::Scalar(Builtin::Int, args) => {
                let value = compiler.word::<f64>(&args[0]);
                Box::new(move |state| value(state).and_then(|v| scalar::to_int(v).map_err(|trap| state.fail(trap, span))))
            }
            ExprKind::Scalar(Builtin::Abs, args) => {
                let value = compiler.word::<i64>(&args[0]);
                Box::new(move |state| value(state).and_then(|v| scalar::int_abs(v).map_err(|trap| state.fail(trap, span))))
            }
            ExprKind::Scalar(builtin, args) => {
                let (left, right) = (compiler.operand::<i64>(&args[0]), compiler.operand::<i64>(&args[1]));
                match builtin {
                    Builtin::Min => binary(left, right, |_, a: i64, b| Ok(a.min(b))),
                    _ => binary(left, right, |_, a: i64, b| Ok(a.max(b))),
                }
            }
            _ => unreachable!("the checker gives no other int"),
        }
    }
}

impl Typed for f64 {
    const IN_ROWS: &'static [BinaryOp] = ARITHMETIC;

    fn link(op: BinaryOp, right: Run<f64>, _: Span) -> Link<f64> {
        Box::new(move |state, left| right(state).map(|right| scalar::float_binary(op, left, right)))
    }

    fn operation(compiler: &Compiler<'_>, expr: &Expr) -> Run<f64> {
        let two = |left, right| (compiler.operand::<f64>(left), compiler.operand::<f64>(right));
        match &expr.kind {
            ExprKind::Binary(op, left, right) => {
                let (left, right) = two(left, right);
                match *op {
                    BinaryOp::Add => binary(left, right, |_, a: f64, b| Ok(a + b)),
                    BinaryOp::Subtract => binary(left, right, |_, a: f64, b| Ok(a - b)),
                    BinaryOp::Multiply => binary(left, right, |_, a: f64, b| Ok(a * b)),
                    op => binary(left, right, move |_, a, b| Ok(scalar::float_binary(op, a, b))),
                }
            }
            ExprKind::Unary(_, operand) => {
                let operand = compiler.word::<f64>(operand);
                Box::new(move |state| operand(state).map(|a| -a))
            }
            ExprKind::Scalar(Builtin::Float, args) => {
                let value = compiler.word::<i64>(&args[0]);
                Box::new(move |state| value(state).map(|v| v as f64))
            }
            ExprKind::Scalar(builtin @ (Builtin::Min | Builtin::Max | Builtin::Pow), args) => {
                let (left, right) = two(&args[0], &args[1]);
                match builtin {
                    Builtin::Min => binary(left, right, |_, a, b| Ok(scalar::float_min(a, b))),
                    Builtin::Max => binary(left, right, |_, a, b| Ok(scalar::float_max(a, b))),
                    _ => binary(left, right, |_, a: f64, b| Ok(a.powf(b))),
                }
            }
            ExprKind::Scalar(builtin, args) => {
                let (value, apply) = (compiler.word::<f64>(&args[0]), scalar::float_function(*builtin));
                Box::new(move |state| value(state).map(apply))
            }
            _ => unreachable!("the checker gives no other float"),
        }
    }
}

impl Typed for bool {
    const IN_ROWS: &'static [BinaryOp] = &[BinaryOp::And, BinaryOp::Or];

    fn link(op: BinaryOp, right: Run<bool>, _: Span) -> Link<bool> {
        Box::new(move |state, left| if left == (op == BinaryOp::Or) { Ok(left) } else { right(state) })
    }

    fn operation(compiler: &Compiler<'_>, expr: &Expr) -> Run<bool> {
        match &expr.kind {
            ExprKind::Binary(BinaryOp::And, left, right) => {
                let (left, right) = (compiler.word::<bool>(left), compiler.word::<bool>(right));
                Box::new(move |state| if left(state)? { right(state) } else { Ok(false) })
            }
            ExprKind::Binary(BinaryOp::Or, left, right) => {
                let (left, right) = (compiler.word::<bool>(left), compiler.word::<bool>(right));
                Box::new(move |state| if left(state)? { Ok(true) } else { right(state) })
            }
            ExprKind::Binary(op, left, right) => compiler.comparison(*op, left, right),
            ExprKind::Unary(UnaryOp::Not | UnaryOp::Negate, operand) => {
                let operand = compiler.word::<bool>(operand);
                Box::new(move |state| operand(state).map(|value| !value))
            }
            _ => unreachable!("the checker gives no other bool"),
        }
    }
}
