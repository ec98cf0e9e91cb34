//! Expressions and their types.

use super::Checker;
use super::scope::Variable;
use crate::ast::{self, BinaryOp, Span, Type, UnaryOp};
use crate::module::{Expr, ExprKind, Piece};

impl Checker {
    pub(super) fn agree(&mut self, value: &Expr, wanted: Type, what: &str) {
        if value.of == wanted || value.of == Type::Unknown || wanted == Type::Unknown {
            return;
        }
        let hint = match (value.of, wanted) {
            (Type::Int, Type::Float) => "convert it with float(...)",
            (Type::Float, Type::Int) => "convert it with int(...), which cuts off the fraction",
            (Type::Int, Type::Bool) => "compare it: n != 0",
            (Type::A8 | Type::A4 | Type::A2, Type::Vec) => "convert it with dequantize(...)",
            (Type::Vec, Type::Ints) => "convert it with ints(...), which takes whole numbers",
            _ => "types are never converted silently",
        };
        self.error(value.span, format!("{what} is {}, but this is {}", wanted.name(), value.of.name()), hint);
    }

    /// An expression that must have this type.
    pub(super) fn typed(&mut self, expr: &ast::Expr, wanted: Type, what: &str) -> Expr {
        let value = self.value(expr);
        self.agree(&value, wanted, what);
        value
    }

    /// An expression that must have a value.
    pub(super) fn value(&mut self, expr: &ast::Expr) -> Expr {
        let value = self.expression(expr);
        if value.of == Type::Unit {
            self.error(expr.span, "this call returns nothing", "call it in a statement of its own");
            return self.unknown(expr.span);
        }
        value
    }

    pub(super) fn expression(&mut self, expr: &ast::Expr) -> Expr {
        let span = expr.span;
        let (kind, of) = match &expr.kind {
            ast::ExprKind::Int(value) => (ExprKind::Constant(*value as u64), Type::Int),
            ast::ExprKind::Float(value) => (ExprKind::Constant(value.to_bits()), Type::Float),
            ast::ExprKind::Bool(value) => (ExprKind::Constant(u64::from(*value)), Type::Bool),
            ast::ExprKind::Text(pieces) => (ExprKind::Text(self.pieces(pieces)), Type::Str),
            ast::ExprKind::Variable(name) => match self.find(name, span) {
                Some(Variable { slot, .. }) => (ExprKind::Load(slot), slot.of),
                None => {
                    self.no_such_variable(name, span);
                    return self.unknown(span);
                }
            },
            ast::ExprKind::Unary(op, operand) => return self.unary(*op, operand, span),
            ast::ExprKind::Binary(op, left, right) => return self.binary(*op, left, right, span),
            ast::ExprKind::Call(name, args) => return self.call(name, args, span),
            ast::ExprKind::Index(vector, index) => {
                let vector = self.value(vector);
                let index = self.typed(index, Type::Int, "an index");
                let of = match vector.of {
                    Type::Vec => Type::Float,
                    Type::Ints | Type::A8 | Type::A4 | Type::A2 => Type::Int,
                    Type::Unknown => return self.unknown(span),
                    other => {
                        self.error(vector.span, format!("{} has no elements", other.name()), "an index follows a vec, ints, a8, a4 or a2");
                        return self.unknown(span);
                    }
                };
                (ExprKind::Index(Box::new(vector), Box::new(index)), of)
            }
            ast::ExprKind::Error => return self.unknown(span),
        };
        Expr { kind, of, span }
    }

    pub(super) fn pieces(&mut self, pieces: &[ast::Piece]) -> Vec<Piece> {
        let mut checked = Vec::new();
        for piece in pieces {
            match piece {
                ast::Piece::Text(text) => checked.push(Piece::Text(text.clone())),
                ast::Piece::Hole(name) => match self.find(&name.text, name.span) {
                    Some(Variable { slot, .. }) => checked.push(Piece::Hole(slot)),
                    None => self.no_such_variable(&name.text, name.span),
                },
            }
        }
        checked
    }

    pub(super) fn unary(&mut self, op: UnaryOp, operand: &ast::Expr, span: Span) -> Expr {
        let operand = self.value(operand);
        let fits = match op {
            UnaryOp::Negate => matches!(operand.of, Type::Int | Type::Float | Type::Unknown),
            UnaryOp::Not => matches!(operand.of, Type::Bool | Type::Unknown),
        };
        if !fits {
            let hint = if op == UnaryOp::Not { "! negates a bool; compare a number first" } else { "- negates an int or a float" };
            self.error(span, format!("'{}' cannot stand before {}", op.sign(), operand.of.name()), hint);
            return self.unknown(span);
        }
        let of = operand.of;
        Expr { kind: ExprKind::Unary(op, Box::new(operand)), of, span }
    }

    pub(super) fn binary(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
        let (left, right) = (self.value(left), self.value(right));
        if left.of == Type::Unknown || right.of == Type::Unknown {
            return self.unknown(span);
        }
        let is_number = matches!(left.of, Type::Int | Type::Float);
        let fits = match op {
            BinaryOp::And | BinaryOp::Or => left.of == Type::Bool,
            BinaryOp::Equal | BinaryOp::NotEqual => left.of.is_scalar() || left.of == Type::Str,
            _ => is_number,
        };
        if left.of != right.of || !fits {
            let mixed = left.of != right.of && is_number && matches!(right.of, Type::Int | Type::Float);
            let hint = match (op, left.of) {
                _ if mixed => "convert one side with float(...) or int(...)",
                (BinaryOp::Add, Type::Vec) => "vectors are added with add(a, b)",
                (BinaryOp::Multiply, Type::Vec) => "vectors are multiplied with mul(a, b) or scale(a, factor)",
                (BinaryOp::And | BinaryOp::Or, _) => "both sides are bools; compare a number first",
                _ => "both sides have one type: numbers for arithmetic and order, any scalar or text for == and !=",
            };
            self.error(span, format!("'{}' cannot stand between {} and {}", op.sign(), left.of.name(), right.of.name()), hint);
            return self.unknown(span);
        }
        let of = if op.is_comparison() { Type::Bool } else { left.of };
        Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), of, span }
    }
}
