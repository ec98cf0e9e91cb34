//! Statements to intermediate form.

use super::super::unit::End;
use super::super::walk::stores_of;
use super::super::{Fault, STATUS_NEXT, STATUS_RETURN};
use super::Code;
use crate::ast::Span;
use crate::module::{Block, Expr, Slot, Statement};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block as CodeBlock, InstBuilder, types};
use std::collections::BTreeMap;

impl Code<'_, '_> {
    /// Whether what follows the block can be reached.
    pub(super) fn block(&mut self, block: &Block) -> bool {
        block.statements.iter().all(|statement| self.statement(statement))
    }

    /// Whether what follows the statement can be reached.
    pub(super) fn statement(&mut self, statement: &Statement) -> bool {
        match statement {
            Statement::Store(slot, value) => {
                let value = self.expression(value);
                let variable = self.variable(slot.index, slot.of);
                self.builder.def_var(variable, value);
                self.facts.forget(slot.index);
                true
            }
            Statement::If(condition, then, otherwise) => self.if_else(condition, then, otherwise.as_ref()),
            Statement::While(condition, body, span) => self.while_loop(statement, condition, body, *span),
            Statement::Loop { count, index, body, span } => self.counted_loop(statement, count, *index, body, *span),
            Statement::Break => {
                let target = *self.breaks.last().expect("the checker has seen to it that a loop is open");
                self.builder.ins().jump(target, &[]);
                false
            }
            Statement::Return(value) => {
                let value = value.as_ref().map(|value| self.expression(value));
                let status = if matches!(self.end, End::Region { .. }) { STATUS_RETURN } else { STATUS_NEXT };
                self.leave(value, status);
                false
            }
            Statement::Run(call) => {
                self.call(call);
                true
            }
            Statement::StoreElement { .. } => unreachable!("only scalars come here"),
        }
    }

    pub(super) fn if_else(&mut self, condition: &Expr, then: &Block, otherwise: Option<&Block>) -> bool {
        let (yes, no, end) = (self.builder.create_block(), self.builder.create_block(), self.builder.create_block());
        self.branch(condition, yes, no);
        let before = self.facts.clone();
        self.facts.learn(condition);
        let then_reaches = self.arm(yes, end, Some(then));
        let after_then = std::mem::replace(&mut self.facts, before);
        let otherwise_reaches = self.arm(no, end, otherwise);
        self.facts = match (then_reaches, otherwise_reaches) {
            (true, true) => self.facts.and(&after_then),
            (true, false) => after_then,
            _ => std::mem::take(&mut self.facts),
        };
        self.builder.seal_block(end);
        self.builder.switch_to_block(end);
        let is_reached = then_reaches || otherwise_reaches;
        if !is_reached {
            // Nobody comes here, but a block must end.
            self.builder.ins().trap(cranelift_codegen::ir::TrapCode::unwrap_user(1));
        }
        is_reached
    }

    pub(super) fn arm(&mut self, start: CodeBlock, end: CodeBlock, block: Option<&Block>) -> bool {
        self.builder.seal_block(start);
        self.builder.switch_to_block(start);
        let is_reached = block.is_none_or(|block| self.block(block));
        if is_reached {
            self.builder.ins().jump(end, &[]);
        }
        is_reached
    }

    /// Forgets what the turns of a loop may change.
    pub(super) fn forget_stores(&mut self, statement: &Statement) {
        let mut stores = BTreeMap::new();
        stores_of(statement, &mut stores);
        stores.keys().for_each(|slot| self.facts.forget(*slot));
    }

    /// The condition stands before the loop and again at its end, so that a turn takes one jump.
    pub(super) fn while_loop(&mut self, statement: &Statement, condition: &Expr, body: &Block, span: Span) -> bool {
        self.forget_stores(statement);
        let outside = self.facts.clone();
        let (turn, end) = (self.builder.create_block(), self.builder.create_block());
        self.branch(condition, turn, end);
        self.builder.switch_to_block(turn);
        self.facts.learn(condition);
        self.step(span);
        self.breaks.push(end);
        if self.block(body) {
            self.facts = outside.clone();
            self.branch(condition, turn, end);
        }
        self.breaks.pop();
        self.facts = outside;
        self.builder.seal_block(turn);
        self.builder.seal_block(end);
        self.builder.switch_to_block(end);
        true
    }

    pub(super) fn counted_loop(&mut self, statement: &Statement, count: &Expr, index: Option<Slot>, body: &Block, span: Span) -> bool {
        let count = self.expression(count);
        let is_negative = self.builder.ins().icmp_imm(IntCC::SignedLessThan, count, 0);
        self.fault_if(is_negative, Fault::NegativeCount, span, Some(count), None);
        self.forget_stores(statement);
        let outside = self.facts.clone();
        let (turn, end) = (self.builder.create_block(), self.builder.create_block());
        self.builder.append_block_param(turn, types::I64);
        let zero = self.constant(0);
        self.builder.ins().brif(count, turn, &[zero.into()], end, &[]);
        self.builder.switch_to_block(turn);
        let at = self.builder.block_params(turn)[0];
        self.step(span);
        if let Some(slot) = index {
            let variable = self.variable(slot.index, slot.of);
            self.builder.def_var(variable, at);
            self.facts.below.insert(slot.index);
        }
        self.breaks.push(end);
        if self.block(body) {
            // Below the count, so one more is in range.
            let next = self.builder.ins().iadd_imm(at, 1);
            let more = self.builder.ins().icmp(IntCC::SignedLessThan, next, count);
            self.builder.ins().brif(more, turn, &[next.into()], end, &[]);
        }
        self.breaks.pop();
        self.facts = outside;
        self.builder.seal_block(turn);
        self.builder.seal_block(end);
        self.builder.switch_to_block(end);
        true
    }
}
