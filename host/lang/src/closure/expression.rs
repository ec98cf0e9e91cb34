//! Expressions as closures: scalars, objects, calls.

use super::operator::{Link, Operand, Typed, compare, row};
use super::word::Word;
use super::{Compiler, Run, Step};
use crate::ast::{BinaryOp, Span, Type};
use crate::module::{Expr, ExprKind, Frame, NameUse, Piece, Slot};
use crate::signature::{Builtin, MAX_ARGS};
use crate::state::{Flow, Halt};
use crate::value::{Object, Value};

/// Operators in a row from which on they run in a loop. Shorter rows are closures in closures, which is faster; this many
/// stand on the stack at most for every level of nesting.
const LOOP_FROM: usize = 9;

impl Compiler<'_> {
    /// A scalar expression as its slot would hold it.
    pub(super) fn bits(&self, expr: &Expr) -> Run<u64> {
        match expr.of {
            Type::Int => bits_of(self.word::<i64>(expr)),
            Type::Float => bits_of(self.word::<f64>(expr)),
            _ => bits_of(self.word::<bool>(expr)),
        }
    }

    pub(super) fn operand<T: Typed>(&self, expr: &Expr) -> Operand<T> {
        match &expr.kind {
            ExprKind::Constant(bits) => Operand::Constant(T::from_bits(*bits)),
            ExprKind::Load(slot) if !slot.is_global => Operand::Local(slot.index),
            _ => Operand::Any(self.word(expr)),
        }
    }

    /// A scalar expression.
    pub(super) fn word<T: Typed>(&self, expr: &Expr) -> Run<T> {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Constant(bits) => {
                let value = T::from_bits(*bits);
                Box::new(move |_| Ok(value))
            }
            ExprKind::Load(Slot { index, is_global: true, .. }) => {
                let index = *index;
                Box::new(move |state| Ok(T::from_bits(state.memory.globals[index])))
            }
            ExprKind::Load(Slot { index, .. }) => {
                let index = *index;
                Box::new(move |state| Ok(T::from_bits(state.load(index))))
            }
            ExprKind::Call { .. } => {
                let call = self.call(expr);
                Box::new(move |state| call(state).map(|()| T::from_bits(state.returned)))
            }
            ExprKind::Meta(key) => {
                let (key, of) = (key.clone(), expr.of);
                Box::new(move |state| state.metadata(&key, of, span).map(T::of))
            }
            ExprKind::Vector { .. } => {
                let run = self.vector(expr);
                Box::new(move |state| run(state).map(T::of))
            }
            ExprKind::Index(vector, index) => self.element(vector, index, span),
            ExprKind::Binary(..) if row::<T>(expr).nth(LOOP_FROM - 1).is_some() => self.row(expr),
            _ => T::operation(self, expr),
        }
    }

    /// A long row of operators, one after another: it needs no more stack than a short one.
    pub(super) fn row<T: Typed>(&self, expr: &Expr) -> Run<T> {
        let mut links: Vec<Link<T>> = row::<T>(expr).map(|(op, _, right, span)| T::link(op, self.word(right), span)).collect();
        links.reverse();
        let first = row::<T>(expr).last().map_or(expr, |(_, left, ..)| left);
        let first = self.word::<T>(first);
        Box::new(move |state| {
            let first = first(state)?;
            links.iter().try_fold(first, |left, link| link(state, left))
        })
    }

    pub(super) fn element<T: Word>(&self, vector: &Expr, index: &Expr, span: Span) -> Run<T> {
        let index = self.word::<i64>(index);
        let vector = self.object(vector);
        Box::new(move |state| {
            let object = vector(state)?;
            let index = index(state)?;
            let value = state.element(&object, index, span);
            state.memory.heap.release(object);
            value.map(T::of)
        })
    }

    pub(super) fn object(&self, expr: &Expr) -> Run<Object> {
        match &expr.kind {
            ExprKind::Load(slot) => {
                let slot = *slot;
                Box::new(move |state| Ok(state.object(slot)))
            }
            ExprKind::Text(pieces) => self.text(pieces, expr.span),
            ExprKind::Call { .. } => {
                let call = self.call(expr);
                Box::new(move |state| call(state).map(|()| std::mem::take(&mut state.returned_object)))
            }
            _ => {
                let run = self.vector(expr);
                Box::new(move |state| {
                    run(state).map(|value| match value {
                        Value::Object(object) => object,
                        _ => Object::None,
                    })
                })
            }
        }
    }

    pub(super) fn text(&self, pieces: &[Piece], span: Span) -> Run<Object> {
        let pieces = pieces.to_vec();
        Box::new(move |state| {
            let mut text = String::new();
            for piece in &pieces {
                match piece {
                    Piece::Text(piece) => state.append(&mut text, piece, span)?,
                    Piece::Hole(slot) if !slot.of.is_scalar() => {
                        let object = Value::Object(state.object(*slot));
                        state.append(&mut text, &object, span)?;
                    }
                    Piece::Hole(slot) => {
                        let bits = if slot.is_global { state.memory.globals[slot.index] } else { state.load(slot.index) };
                        state.append(&mut text, &Value::from_bits(slot.of, bits), span)?;
                    }
                }
            }
            state.text(text, span)
        })
    }

    /// Any expression as a value, for arguments of builtins.
    pub(super) fn value(&self, expr: &Expr) -> Run<Value> {
        if let ExprKind::Load(slot) = &expr.kind {
            let (slot, of, index) = (*slot, slot.of, slot.index);
            return match (slot.is_global, of.is_scalar()) {
                (true, true) => Box::new(move |state| Ok(Value::from_bits(of, state.memory.globals[index]))),
                (false, true) => Box::new(move |state| Ok(Value::from_bits(of, state.load(index)))),
                (_, false) => Box::new(move |state| Ok(Value::Object(state.object(slot)))),
            };
        }
        if let ExprKind::Vector { .. } = &expr.kind {
            return self.vector(expr);
        }
        match expr.of {
            Type::Int => value_of(self.word::<i64>(expr), Value::Int),
            Type::Float => value_of(self.word::<f64>(expr), Value::Float),
            Type::Bool => value_of(self.word::<bool>(expr), Value::Bool),
            _ => value_of(self.object(expr), Value::Object),
        }
    }

    /// Evaluates the arguments where the callee's frame will begin, and calls.
    pub(super) fn call(&self, expr: &Expr) -> Run<()> {
        let ExprKind::Call { function, args, window } = &expr.kind else { unreachable!("only calls come here") };
        let (function, span) = (*function, expr.span);
        let window = Frame { scalars: self.locals.scalars + window.scalars, objects: self.locals.objects + window.objects };
        let params = &self.module.functions[function].params;
        let at = |slot: &Slot| Slot {
            index: slot.index + if slot.of.is_scalar() { window.scalars } else { window.objects },
            of: slot.of,
            is_global: false,
        };
        let args: Vec<Step> = params.iter().zip(args).map(|(slot, arg)| self.store(at(slot), arg)).collect();
        match <[Step; 1]>::try_from(args) {
            Ok([only]) => Box::new(move |state| {
                if only(state) == Flow::Halt {
                    return Err(Halt);
                }
                state.call(function, window, span)
            }),
            Err(args) => Box::new(move |state| {
                for arg in &args {
                    if arg(state) == Flow::Halt {
                        return Err(Halt);
                    }
                }
                state.call(function, window, span)
            }),
        }
    }

    /// A builtin on vectors, texts or the document.
    pub(super) fn vector(&self, expr: &Expr) -> Run<Value> {
        let ExprKind::Vector { builtin, args, names } = &expr.kind else { unreachable!("only builtins come here") };
        let (builtin, span) = (*builtin, expr.span);
        let args: Vec<Run<Value>> = args.iter().map(|arg| self.value(arg)).collect();
        if builtin == Builtin::Print {
            return Box::new(move |state| {
                let mut values = args.iter().map(|arg| arg(state)).collect::<Result<Vec<_>, _>>()?;
                state.builtin(builtin, &mut values, 0, span)
            });
        }
        let names = names.as_ref().map(|(place, holes)| (*place, holes.clone(), self.module.uses[*place].clone()));
        // As many arguments as there are, in an array of the stack.
        match args.len() {
            0 => call_builtin::<0>(builtin, args, names, span),
            1 => call_builtin::<1>(builtin, args, names, span),
            2 => call_builtin::<2>(builtin, args, names, span),
            3 => call_builtin::<3>(builtin, args, names, span),
            4 => call_builtin::<4>(builtin, args, names, span),
            _ => call_builtin::<MAX_ARGS>(builtin, args, names, span),
        }
    }

    pub(super) fn comparison(&self, op: BinaryOp, left: &Expr, right: &Expr) -> Run<bool> {
        match left.of {
            Type::Int => compare(op, self.operand::<i64>(left), self.operand::<i64>(right)),
            Type::Float => compare(op, self.operand::<f64>(left), self.operand::<f64>(right)),
            Type::Bool => compare(op, self.operand::<bool>(left), self.operand::<bool>(right)),
            _ => {
                let (left, right) = (self.object(left), self.object(right));
                Box::new(move |state| {
                    let (left, right) = (left(state)?, right(state)?);
                    let equal = matches!((&left, &right), (Object::Text(a), Object::Text(b)) if a.as_str() == b.as_str());
                    Ok(equal == (op == BinaryOp::Equal))
                })
            }
        }
    }
}

/// Where names lead, the numbers for their holes, and how to spell them in an error.
type Names = Option<(usize, Vec<Slot>, NameUse)>;

fn call_builtin<const N: usize>(builtin: Builtin, args: Vec<Run<Value>>, names: Names, span: Span) -> Run<Value> {
    Box::new(move |state| {
        let mut values: [Value; N] = [const { Value::Unit }; N];
        for (value, arg) in values.iter_mut().zip(&args) {
            *value = arg(state)?;
        }
        let linked = match &names {
            None => 0,
            Some((place, holes, named)) => {
                let number = |slot: &Slot| if slot.is_global { state.memory.globals[slot.index] } else { state.load(slot.index) } as i64;
                match state.links.find(*place, holes.iter().map(number)) {
                    Some(linked) => linked,
                    None => {
                        let numbers: Vec<i64> = holes.iter().map(number).collect();
                        let names = named.names.iter().map(|name| crate::link::spell(name, &numbers)).collect();
                        return Err(state.no_tensor(names, span));
                    }
                }
            }
        };
        state.builtin(builtin, &mut values[..args.len()], linked, span)
    })
}

fn bits_of<T: Word>(value: Run<T>) -> Run<u64> {
    Box::new(move |state| value(state).map(Word::to_bits))
}

fn value_of<T: 'static>(value: Run<T>, make: fn(T) -> Value) -> Run<Value> {
    Box::new(move |state| value(state).map(make))
}
