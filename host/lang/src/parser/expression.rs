//! Expressions: operators by their strength, calls, indices.

use super::{Parsed, Parser};
use crate::ast::{BinaryOp, Expr, ExprKind, Name, Span, UnaryOp};
use crate::lexer::Kind;

/// An expression and the height of its tree.
type Tall = (Expr, usize);

impl Parser {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.binary(1).map(|(expr, _)| expr)
    }

    fn binary_op(&self) -> Option<BinaryOp> {
        let Kind::Sign(sign) = self.token().kind else { return None };
        BinaryOp::ALL.into_iter().find(|op| op.sign() == sign)
    }

    /// Operators of at least this strength, grouped to the left.
    fn binary(&mut self, weakest: u8) -> Parsed<Tall> {
        let (mut left, mut height) = self.unary()?;
        let mut compared = false;
        while let Some(op) = self.binary_op().filter(|op| op.strength() >= weakest) {
            if op.is_comparison() && std::mem::replace(&mut compared, true) {
                let span = self.span();
                return Err(self.report(span, "comparisons do not chain", "join two of them with &&: a < b && b < c"));
            }
            self.advance();
            let (right, right_height) = self.binary(op.strength() + 1)?;
            height = height.max(right_height) + 1;
            self.bounded(height)?;
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), span };
        }
        Ok((left, height))
    }

    fn unary(&mut self) -> Parsed<Tall> {
        let start = self.span();
        if self.accept("-") {
            // The smallest int has no positive twin, so its minus belongs to the number.
            if self.token().kind == Kind::Int(1 << 63) {
                self.advance();
                return Ok((Expr { kind: ExprKind::Int(i64::MIN), span: start.to(self.before()) }, 1));
            }
            return self.operand(start, UnaryOp::Negate);
        }
        if self.accept("!") {
            return self.operand(start, UnaryOp::Not);
        }
        self.postfix()
    }

    fn operand(&mut self, start: Span, op: UnaryOp) -> Parsed<Tall> {
        self.deeper()?;
        let (operand, height) = self.unary()?;
        self.depth -= 1;
        let span = start.to(operand.span);
        Ok((Expr { kind: ExprKind::Unary(op, Box::new(operand)), span }, height + 1))
    }

    fn postfix(&mut self) -> Parsed<Tall> {
        let (mut expr, mut height) = self.primary()?;
        while self.accept("[") {
            self.deeper()?;
            let (index, index_height) = self.binary(1)?;
            self.expect("]", "an index ends with ']'")?;
            self.depth -= 1;
            height = height.max(index_height) + 1;
            self.bounded(height)?;
            let span = expr.span.to(self.before());
            expr = Expr { kind: ExprKind::Index(Box::new(expr), Box::new(index)), span };
        }
        Ok((expr, height))
    }

    fn primary(&mut self) -> Parsed<Tall> {
        let span = self.span();
        let kind = match self.token().kind.clone() {
            Kind::Int(value) => match i64::try_from(value) {
                Ok(value) => ExprKind::Int(value),
                Err(_) => {
                    self.report(span, format!("{value} is too large for an int"), "the largest int is 9223372036854775807");
                    ExprKind::Error
                }
            },
            Kind::Float(value) => ExprKind::Float(value),
            Kind::Text(parts) => ExprKind::Text(parts.into_iter().map(crate::lexer::Part::piece).collect()),
            Kind::Sign("true") => ExprKind::Bool(true),
            Kind::Sign("false") => ExprKind::Bool(false),
            Kind::Ident(text) => {
                self.advance();
                return self.variable_or_call(Name { text, span });
            }
            Kind::Sign("(") => {
                self.advance();
                self.deeper()?;
                let (mut inner, height) = self.binary(1)?;
                self.expect(")", "close the parenthesis")?;
                self.depth -= 1;
                inner.span = span.to(self.before());
                return Ok((inner, height));
            }
            _ => {
                let message = format!("expected a value, found {}", self.found());
                return Err(self.report(span, message, "a value is a number, true, false, a text, a name, a call or (...)"));
            }
        };
        self.advance();
        Ok((Expr { kind, span }, 1))
    }

    fn variable_or_call(&mut self, name: Name) -> Parsed<Tall> {
        if !self.accept("(") {
            let span = name.span;
            return Ok((Expr { kind: ExprKind::Variable(name.text), span }, 1));
        }
        self.deeper()?;
        let (mut args, mut height) = (Vec::new(), 0);
        while !self.accept(")") {
            let (arg, arg_height) = self.binary(1)?;
            args.push(arg);
            height = height.max(arg_height);
            if !self.is(")") {
                self.expect(",", "arguments are separated by ',', the last one is followed by ')'")?;
            }
        }
        self.depth -= 1;
        let span = name.span.to(self.before());
        Ok((Expr { kind: ExprKind::Call(name, args), span }, height + 1))
    }
}
