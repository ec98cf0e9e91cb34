//! Expressions of a trace: operators, texts, indices and calls.

use super::symbol::{Origin, Traced};
use super::walk::{Done, Stop, Walk};
use nda_lang::ast::{BinaryOp, Expr, ExprKind, Piece, Span};
use nda_lang::{Trap, Value, find_builtin};

impl<'p> Walk<'p> {
    pub(super) fn expression(&mut self, expr: &'p Expr) -> Done<Traced> {
        match &expr.kind {
            ExprKind::Int(value) => Ok(Traced::Known(Value::Int(*value))),
            ExprKind::Float(value) => Ok(Traced::Known(Value::Float(*value))),
            ExprKind::Bool(value) => Ok(Traced::Known(Value::Bool(*value))),
            ExprKind::Text(pieces) => self.text(pieces, expr.span),
            ExprKind::Variable(name) => Ok(self.variable(name)),
            ExprKind::Unary(op, operand) => {
                let value = self.expression(operand)?;
                match (&value, self.origin(&value)) {
                    (Traced::Known(value), _) => {
                        self.known.unary(*op, value).map(Traced::Known).map_err(|trap| Stop::Trap(trap, expr.span))
                    }
                    (_, origin) => Ok(origin.map_or_else(Traced::default, Traced::Unknown)),
                }
            }
            ExprKind::Binary(..) => {
                let (first, mut row) = expr.row();
                let first = self.expression(first)?;
                row.try_fold(first, |left, (op, right, span)| self.binary(op, left, right, span))
            }
            ExprKind::Call(name, args) => match find_builtin(&name.text) {
                Some(signature) => self.builtin(signature, args, expr.span),
                None => {
                    let args = args.iter().map(|arg| self.expression(arg)).collect::<Done<Vec<_>>>()?;
                    self.call(self.functions[name.text.as_str()], args, expr.span)
                }
            },
            ExprKind::Index(vector, index) => self.element(vector, index, expr.span),
            ExprKind::Error => Ok(Traced::default()),
        }
    }

    fn text(&mut self, pieces: &[Piece], span: Span) -> Done<Traced> {
        match self.spell(pieces) {
            Ok(text) => self.known.text(text).map(Traced::Known).map_err(|trap| Stop::Trap(trap, span)),
            Err(origin) => Ok(Traced::Unknown(origin)),
        }
    }

    /// A text with its holes filled, or what one of them depends on.
    pub(super) fn spell(&self, pieces: &[Piece]) -> Result<String, Origin> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(piece) => text += piece,
                Piece::Hole(name) => {
                    let value = self.variable(&name.text);
                    match (value.known(), self.origin(&value)) {
                        (Some(value), _) => text += &value.to_string(),
                        (None, origin) => return Err(origin.unwrap_or(Origin::Tokens)),
                    }
                }
            }
        }
        Ok(text)
    }

    /// The number in the first hole of a tensor's name.
    pub(super) fn first_hole(&self, pieces: &[Piece]) -> Option<usize> {
        let hole = pieces.iter().find_map(|piece| if let Piece::Hole(name) = piece { Some(self.variable(&name.text)) } else { None });
        match hole {
            Some(Traced::Known(Value::Int(number))) => usize::try_from(number).ok(),
            _ => None,
        }
    }

    fn binary(&mut self, op: BinaryOp, left: Traced, right: &'p Expr, span: Span) -> Done<Traced> {
        if op == BinaryOp::And || op == BinaryOp::Or {
            // What stands on the right may not be evaluated if the left side decides; if that is not known, nothing is.
            return match (&left, self.origin(&left)) {
                (Traced::Known(Value::Bool(known)), _) if *known == (op == BinaryOp::Or) => Ok(left),
                (Traced::Known(_), _) => self.expression(right),
                (_, origin) => Ok(origin.map_or_else(Traced::default, Traced::Unknown)),
            };
        }
        let right = self.expression(right)?;
        match (&left, &right) {
            (Traced::Known(a), Traced::Known(b)) => self.known.binary(op, a, b).map(Traced::Known).map_err(|trap| Stop::Trap(trap, span)),
            (Traced::Position(offset), Traced::Known(Value::Int(by))) if op == BinaryOp::Add => Ok(moved(*offset, Some(*by))),
            (Traced::Known(Value::Int(by)), Traced::Position(offset)) if op == BinaryOp::Add => Ok(moved(*offset, Some(*by))),
            (Traced::Position(offset), Traced::Known(Value::Int(by))) if op == BinaryOp::Subtract => Ok(moved(*offset, by.checked_neg())),
            _ => Ok(self.origin(&left).or(self.origin(&right)).map_or_else(Traced::default, Traced::Unknown)),
        }
    }

    fn element(&mut self, vector: &'p Expr, index: &'p Expr, span: Span) -> Done<Traced> {
        let vector = self.expression(vector)?;
        let index = self.int(index, "this index")?;
        let within = |len: usize| usize::try_from(index).ok().filter(|at| *at < len).ok_or(Stop::Trap(Trap::Index { index, len }, span));
        match &vector {
            Traced::Known(vector) => self.known.element(vector, index).map(Traced::Known).map_err(|trap| Stop::Trap(trap, span)),
            Traced::Tokens => within(self.tokens).map(Traced::Token),
            Traced::Vector { len, .. } => {
                within(*len)?;
                Ok(self.origin(&vector).map_or_else(Traced::default, Traced::Unknown))
            }
            _ => Ok(self.origin(&vector).map_or_else(Traced::default, Traced::Unknown)),
        }
    }
}

/// A position further on.
fn moved(offset: i64, by: Option<i64>) -> Traced {
    by.and_then(|by| offset.checked_add(by)).map_or(Traced::Unknown(Origin::Position), Traced::Position)
}
