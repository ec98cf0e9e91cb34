//! Blocks and statements.

use super::scope::Variable;
use super::{Access, Checker, Role};
use crate::ast::{self, Name, Span, StatementKind, Type, Wreck};
use crate::module::{Block, Slot, Statement};
use std::collections::HashMap;

impl Checker {
    pub(super) fn block(&mut self, block: &ast::Block) -> Block {
        self.scopes.push(HashMap::new());
        let block = self.statements(block);
        self.scopes.pop();
        block
    }

    pub(super) fn statements(&mut self, block: &ast::Block) -> Block {
        let first = self.locals.objects;
        let statements: Vec<Statement> = block.statements.iter().filter_map(|s| self.statement(s)).collect();
        self.warn_of_unreachable(block);
        Block { statements, objects: first..self.locals.objects }
    }

    /// What stands behind a `return` or `break` never runs, which nobody means.
    pub(super) fn warn_of_unreachable(&mut self, block: &ast::Block) {
        let is_code = |s: &&ast::Statement| !matches!(s.kind, StatementKind::Layout(_) | StatementKind::Error(_));
        let mut code =
            block.statements.iter().filter(is_code).skip_while(|s| !matches!(s.kind, StatementKind::Return(_) | StatementKind::Break));
        if let Some(dead) = code.nth(1) {
            self.error(dead.span, "this never runs", "remove it, or the return or break before it");
        }
    }

    pub(super) fn statement(&mut self, statement: &ast::Statement) -> Option<Statement> {
        match &statement.kind {
            StatementKind::Let(name, value) => {
                let value = self.value(value);
                let slot = self.declare(name, value.of, Role::Variable);
                Some(Statement::Store(slot, value))
            }
            StatementKind::Assign(name, value) => self.assign(name, value),
            StatementKind::AssignElement(name, index, value) => {
                let index = self.typed(index, Type::Int, "an index");
                let value = self.typed(value, Type::Float, "an element of a vector");
                let vector = self.assigned(name)?;
                if !matches!(vector.of, Type::Vec | Type::Unknown) {
                    self.error(
                        name.span,
                        format!("'{}' is {}, not a vec", name.text, vector.of.name()),
                        "only a vec's elements can be assigned",
                    );
                }
                Some(Statement::StoreElement { vector, index, value, span: statement.span })
            }
            StatementKind::If(condition, then, otherwise) => {
                let condition = self.typed(condition, Type::Bool, "a condition");
                let then = self.block(then);
                Some(Statement::If(condition, then, otherwise.as_ref().map(|block| self.block(block))))
            }
            StatementKind::While(condition, body) => {
                let span = condition.span;
                let condition = self.typed(condition, Type::Bool, "a condition");
                Some(Statement::While(condition, self.loop_body(body, None).0, span))
            }
            StatementKind::Loop(count, index, body) => {
                let span = count.span;
                let count = self.typed(count, Type::Int, "the number of turns");
                let (body, index) = self.loop_body(body, index.as_ref());
                Some(Statement::Loop { count, index, body, span })
            }
            StatementKind::Break => {
                if self.loops == 0 {
                    self.error(statement.span, "'break' outside of a loop", "remove it, or use 'return;' to leave the function");
                }
                Some(Statement::Break)
            }
            StatementKind::Return(value) => self.return_statement(value.as_ref(), statement.span),
            StatementKind::Call(call) => self.call_statement(call),
            StatementKind::Error(wreck) => self.wreck(wreck),
            StatementKind::Layout(_) => None,
        }
    }

    /// A statement that was not understood: its names are known, with a type that agrees with everything, behind it or, if it has a
    /// block, within that.
    fn wreck(&mut self, wreck: &Wreck) -> Option<Statement> {
        let Some(body) = &wreck.body else {
            self.poison(&wreck.names);
            return None;
        };
        self.scopes.push(HashMap::new());
        let unknown: Vec<Name> = wreck.names.iter().filter(|name| self.is_new(&name.text)).cloned().collect();
        self.poison(&unknown);
        // Whether it is a loop is not known, so a break is not wrong.
        self.loops += 1;
        self.block(body);
        self.loops -= 1;
        self.scopes.pop();
        None
    }

    fn is_new(&self, name: &str) -> bool {
        !self.scopes.iter().any(|scope| scope.contains_key(name)) && !self.globals.contains_key(name)
    }

    pub(super) fn call_statement(&mut self, call: &ast::Expr) -> Option<Statement> {
        // The parser has reported what is not a call.
        let value = self.expression(call);
        if !matches!(value.of, Type::Unit | Type::Unknown) && matches!(call.kind, ast::ExprKind::Call(..)) {
            let message = format!("the {} that this returns is not used", value.of.name());
            self.error(call.span, message, "assign it: let name = ...;");
        }
        Some(Statement::Run(value))
    }

    pub(super) fn assigned(&mut self, name: &Name) -> Option<Slot> {
        match self.find(&name.text, name.span) {
            None => self.no_such_variable(&name.text, name.span),
            Some(Variable { slot, access: Access::Assignable, .. }) => return Some(slot),
            Some(Variable { slot, .. }) if slot.is_global => {
                let hint = "constants keep their value; copy it into a variable with 'let'";
                self.error(name.span, format!("'{}' is a constant", name.text), hint);
            }
            Some(_) => {
                self.error(name.span, format!("'{}' counts a loop and cannot be assigned", name.text), "copy it into a variable with 'let'")
            }
        }
        None
    }

    pub(super) fn assign(&mut self, name: &Name, value: &ast::Expr) -> Option<Statement> {
        let value = self.value(value);
        let slot = self.assigned(name)?;
        self.agree(&value, slot.of, &format!("'{}'", name.text));
        Some(Statement::Store(slot, value))
    }

    pub(super) fn loop_body(&mut self, body: &ast::Block, index: Option<&Name>) -> (Block, Option<Slot>) {
        self.scopes.push(HashMap::new());
        let slot = index.map(|name| self.declare(name, Type::Int, Role::Index));
        self.loops += 1;
        let block = self.block(body);
        self.loops -= 1;
        self.scopes.pop();
        (block, slot)
    }

    pub(super) fn return_statement(&mut self, value: Option<&ast::Expr>, span: Span) -> Option<Statement> {
        let wanted = self.result.unwrap_or(Type::Unit);
        let Some(value) = value else {
            if wanted != Type::Unit {
                self.error(span, "this function returns a value", format!("it returns {}: return value;", wanted.name()));
            }
            return Some(Statement::Return(None));
        };
        let value = self.value(value);
        if wanted == Type::Unit {
            self.error(value.span, "this function returns nothing", "give it a type: fn name(...) -> int");
        } else {
            self.agree(&value, wanted, "what this function returns");
        }
        Some(Statement::Return(Some(value)))
    }
}

/// Whether every way through a block ends in a return.
pub(super) fn returns(block: &ast::Block) -> bool {
    block.statements.iter().any(|statement| match &statement.kind {
        StatementKind::Return(_) => true,
        // What was not understood may well have been one.
        StatementKind::Error(_) => true,
        StatementKind::If(_, then, Some(otherwise)) => returns(then) && returns(otherwise),
        _ => false,
    })
}
