//! Statements as closures: stores, branches, loops, returns.

use super::operator::{Operand, binary, overflow};
use super::word::Word;
use super::{Compiler, Run, Step};
use crate::ast::{BinaryOp, Span, Type};
use crate::module::{Block, Expr, ExprKind, Slot};
use crate::scalar;
use crate::state::{Flow, Halt, State};
use crate::trap::Trap;

impl Compiler<'_> {
    pub(super) fn store(&self, slot: Slot, value: &Expr) -> Step {
        let index = slot.index;
        if !slot.of.is_scalar() {
            let value = self.object(value);
            return if slot.is_global {
                Box::new(move |state| flow(value(state).map(|object| state.memory.object_globals[index] = object)))
            } else {
                Box::new(move |state| flow(value(state).map(|object| state.store_object(index, object))))
            };
        }
        if slot.is_global {
            let value = self.bits(value);
            return Box::new(move |state| flow(value(state).map(|bits| state.memory.globals[index] = bits)));
        }
        match slot.of {
            Type::Int => self.store_int(index, value),
            Type::Float => store_word(index, self.word::<f64>(value)),
            _ => store_word(index, self.word::<bool>(value)),
        }
    }

    /// `i = i + 1` and its like are one closure.
    pub(super) fn store_int(&self, index: usize, value: &Expr) -> Step {
        let ExprKind::Binary(op, left, right) = &value.kind else { return store_word(index, self.word::<i64>(value)) };
        let (left, right, span) = (self.operand::<i64>(left), self.operand::<i64>(right), value.span);
        match op {
            BinaryOp::Add => store_binary(index, left, right, move |state, a, b| match a.checked_add(b) {
                Some(sum) => Ok(sum),
                None => Err(overflow(state, a, "+", b, span)),
            }),
            BinaryOp::Subtract => store_binary(index, left, right, move |state, a, b| match a.checked_sub(b) {
                Some(difference) => Ok(difference),
                None => Err(overflow(state, a, "-", b, span)),
            }),
            op => {
                let op = *op;
                store_binary(index, left, right, move |state, a, b| scalar::int_binary(op, a, b).map_err(|trap| state.fail(trap, span)))
            }
        }
    }

    pub(super) fn store_element(&self, vector: Slot, index: &Expr, value: &Expr, span: Span) -> Step {
        let (index, value, at) = (self.word::<i64>(index), self.word::<f64>(value), vector.index);
        Box::new(move |state| {
            let Ok(index) = index(state) else { return Flow::Halt };
            let Ok(value) = value(state) else { return Flow::Halt };
            let at = state.object_base + at;
            let mut object = std::mem::take(&mut state.memory.objects[at]);
            let done = state.store_element(&mut object, index, value, span);
            state.memory.objects[at] = object;
            flow(done)
        })
    }

    pub(super) fn if_else(&self, condition: &Expr, then: &Block, otherwise: Option<&Block>) -> Step {
        if otherwise.and_then(Block::only_if).is_some() {
            return self.if_chain(condition, then, otherwise);
        }
        let (condition, then) = (self.word::<bool>(condition), self.block(then));
        let Some(otherwise) = otherwise.map(|block| self.block(block)) else {
            return Box::new(move |state| match condition(state) {
                Ok(true) => then(state),
                Ok(false) => Flow::Next,
                Err(Halt) => Flow::Halt,
            });
        };
        Box::new(move |state| match condition(state) {
            Ok(true) => then(state),
            Ok(false) => otherwise(state),
            Err(Halt) => Flow::Halt,
        })
    }

    /// One arm after another: a long chain needs no more stack than a short one.
    pub(super) fn if_chain(&self, condition: &Expr, then: &Block, mut otherwise: Option<&Block>) -> Step {
        let mut arms = vec![(self.word::<bool>(condition), self.block(then))];
        while let Some((condition, then, next)) = otherwise.and_then(Block::only_if) {
            arms.push((self.word::<bool>(condition), self.block(then)));
            otherwise = next;
        }
        let otherwise = otherwise.map(|block| self.block(block));
        Box::new(move |state| {
            for (condition, then) in &arms {
                match condition(state) {
                    Ok(true) => return then(state),
                    Ok(false) => {}
                    Err(Halt) => return Flow::Halt,
                }
            }
            otherwise.as_ref().map_or(Flow::Next, |otherwise| otherwise(state))
        })
    }

    pub(super) fn while_loop(&self, condition: &Expr, body: &Block, span: Span) -> Step {
        let closures = || Compiler { native: None, ..*self }.while_loop(condition, body, span);
        if let Some(step) = self.native.and_then(|native| native.region_step(self.function, span, closures)) {
            return step;
        }
        let body = self.block(body);
        if let ExprKind::Binary(op, left, right) = &condition.kind
            && left.of == Type::Int
            && op.is_comparison()
        {
            match (op, self.operand::<i64>(left), self.operand::<i64>(right)) {
                (BinaryOp::Less, Operand::Local(a), Operand::Local(b)) => {
                    return while_of(move |s| Ok((s.load(a) as i64) < (s.load(b) as i64)), body, span);
                }
                (BinaryOp::Less, Operand::Local(a), Operand::Constant(b)) => {
                    return while_of(move |s| Ok((s.load(a) as i64) < b), body, span);
                }
                (BinaryOp::LessEqual, Operand::Local(a), Operand::Local(b)) => {
                    return while_of(move |s| Ok((s.load(a) as i64) <= (s.load(b) as i64)), body, span);
                }
                (BinaryOp::Greater, Operand::Local(a), Operand::Constant(b)) => {
                    return while_of(move |s| Ok((s.load(a) as i64) > b), body, span);
                }
                _ => {}
            }
        }
        while_of(self.word::<bool>(condition), body, span)
    }

    pub(super) fn counted_loop(&self, count: &Expr, index: Option<Slot>, body: &Block, span: Span) -> Step {
        let closures = || Compiler { native: None, ..*self }.counted_loop(count, index, body, span);
        if let Some(step) = self.native.and_then(|native| native.region_step(self.function, span, closures)) {
            return step;
        }
        let (count, body) = (self.word::<i64>(count), self.block(body));
        let index = index.map(|slot| slot.index);
        Box::new(move |state| {
            let Ok(count) = count(state) else { return Flow::Halt };
            if count < 0 {
                state.fail(Trap::NegativeCount { count }, span);
                return Flow::Halt;
            }
            for turn in 0..count {
                if state.step(span).is_err() {
                    return Flow::Halt;
                }
                if let Some(index) = index {
                    state.store(index, turn as u64);
                }
                match body(state) {
                    Flow::Next => {}
                    Flow::Break => return Flow::Next,
                    out => return out,
                }
            }
            Flow::Next
        })
    }

    pub(super) fn return_value(&self, value: &Expr) -> Step {
        if value.of.is_scalar() {
            let value = self.bits(value);
            return Box::new(move |state| match value(state) {
                Ok(bits) => {
                    state.returned = bits;
                    Flow::Return
                }
                Err(Halt) => Flow::Halt,
            });
        }
        let value = self.object(value);
        Box::new(move |state| match value(state) {
            Ok(object) => {
                state.returned_object = object;
                Flow::Return
            }
            Err(Halt) => Flow::Halt,
        })
    }

    /// A call whose result is not used.
    pub(super) fn discard(&self, expr: &Expr) -> Step {
        match &expr.kind {
            ExprKind::Call { .. } => {
                let call = self.call(expr);
                Box::new(move |state| flow(call(state)))
            }
            _ => {
                let run = self.vector(expr);
                Box::new(move |state| flow(run(state).map(drop)))
            }
        }
    }
}

#[inline]
pub(super) fn flow(done: Result<(), Halt>) -> Flow {
    match done {
        Ok(()) => Flow::Next,
        Err(Halt) => Flow::Halt,
    }
}

pub(super) fn sequence(steps: Vec<Step>) -> Step {
    let steps = match <[Step; 1]>::try_from(steps) {
        Ok([only]) => return only,
        Err(steps) => steps,
    };
    let steps = match <[Step; 2]>::try_from(steps) {
        Ok([first, second]) => {
            return Box::new(move |state| match first(state) {
                Flow::Next => second(state),
                out => out,
            });
        }
        Err(steps) => steps,
    };
    Box::new(move |state| {
        for step in &steps {
            match step(state) {
                Flow::Next => {}
                out => return out,
            }
        }
        Flow::Next
    })
}

pub(super) fn while_of(
    condition: impl for<'a> Fn(&mut State<'a>) -> Result<bool, Halt> + Send + Sync + 'static,
    body: Step,
    span: Span,
) -> Step {
    Box::new(move |state| {
        loop {
            match condition(state) {
                Ok(true) => {}
                Ok(false) => return Flow::Next,
                Err(Halt) => return Flow::Halt,
            }
            if state.step(span).is_err() {
                return Flow::Halt;
            }
            match body(state) {
                Flow::Next => {}
                Flow::Break => return Flow::Next,
                out => return out,
            }
        }
    })
}

pub(super) fn store_word<T: Word>(index: usize, value: Run<T>) -> Step {
    Box::new(move |state| match value(state) {
        Ok(value) => {
            state.store(index, value.to_bits());
            Flow::Next
        }
        Err(Halt) => Flow::Halt,
    })
}

/// A binary operation whose result goes straight into a variable.
pub(super) fn store_binary(
    index: usize,
    left: Operand<i64>,
    right: Operand<i64>,
    apply: impl for<'a> Fn(&mut State<'a>, i64, i64) -> Result<i64, Halt> + Send + Sync + 'static,
) -> Step {
    fn stored(state: &mut State<'_>, index: usize, result: Result<i64, Halt>) -> Flow {
        match result {
            Ok(value) => {
                state.store(index, value as u64);
                Flow::Next
            }
            Err(Halt) => Flow::Halt,
        }
    }
    match (left, right) {
        (Operand::Local(a), Operand::Constant(b)) => Box::new(move |s| {
            let result = apply(s, s.load(a) as i64, b);
            stored(s, index, result)
        }),
        (Operand::Local(a), Operand::Local(b)) => Box::new(move |s| {
            let result = apply(s, s.load(a) as i64, s.load(b) as i64);
            stored(s, index, result)
        }),
        (left, right) => store_word(index, binary(left, right, apply)),
    }
}
