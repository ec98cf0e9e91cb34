//! What blocks contain: expressions, calls, assigned variables, loops.

use crate::ast::Type;
use crate::module::{Block, Expr, ExprKind, Module, Statement};
use std::collections::BTreeMap;

/// Whether one of the functions can call itself, perhaps through others.
pub(super) fn is_recursive(module: &Module, functions: &[bool]) -> bool {
    let calls: Vec<Vec<usize>> = module.functions.iter().map(|f| calls_of(&f.body)).collect();
    let mut left: Vec<usize> = (0..functions.len()).filter(|&index| functions[index]).collect();
    // Functions that call none of those that are left are taken away; a cycle is what stays.
    loop {
        let stay: Vec<usize> = left.iter().copied().filter(|index| calls[*index].iter().any(|callee| left.contains(callee))).collect();
        if stay.len() == left.len() {
            return !left.is_empty();
        }
        left = stay;
    }
}

pub(super) fn calls_of(block: &Block) -> Vec<usize> {
    let mut found = Vec::new();
    walk(block, &mut |expr| {
        if let ExprKind::Call { function, .. } = &expr.kind {
            found.push(*function);
        }
    });
    found
}

/// Every expression of a block, inner ones included.
pub(super) fn walk<'m>(block: &'m Block, visit: &mut impl FnMut(&'m Expr)) {
    for statement in &block.statements {
        walk_statement(statement, visit);
    }
}

pub(super) fn walk_statement<'m>(statement: &'m Statement, visit: &mut impl FnMut(&'m Expr)) {
    match statement {
        Statement::Store(_, value) | Statement::Return(Some(value)) | Statement::Run(value) => walk_expr(value, visit),
        Statement::StoreElement { index, value, .. } => {
            walk_expr(index, visit);
            walk_expr(value, visit);
        }
        Statement::If(condition, then, otherwise) => {
            walk_expr(condition, visit);
            walk(then, visit);
            otherwise.iter().for_each(|block| walk(block, visit));
        }
        Statement::While(head, body, _) | Statement::Loop { count: head, body, .. } => {
            walk_expr(head, visit);
            walk(body, visit);
        }
        Statement::Break | Statement::Return(None) => {}
    }
}

pub(super) fn walk_expr<'m>(expr: &'m Expr, visit: &mut impl FnMut(&'m Expr)) {
    visit(expr);
    match &expr.kind {
        ExprKind::Unary(_, operand) => walk_expr(operand, visit),
        ExprKind::Binary(_, left, right) | ExprKind::Index(left, right) => {
            walk_expr(left, visit);
            walk_expr(right, visit);
        }
        ExprKind::Call { args, .. } | ExprKind::Scalar(_, args) | ExprKind::Vector { args, .. } => {
            args.iter().for_each(|arg| walk_expr(arg, visit));
        }
        ExprKind::Constant(_) | ExprKind::Text(_) | ExprKind::Load(_) | ExprKind::Meta(_) => {}
    }
}

/// Variables that a statement assigns.
pub(super) fn stores_of(statement: &Statement, found: &mut BTreeMap<usize, Type>) {
    let mut block = |block: &Block| block.statements.iter().for_each(|s| stores_of(s, found));
    match statement {
        Statement::If(_, then, otherwise) => {
            block(then);
            otherwise.iter().for_each(block);
        }
        Statement::While(_, body, _) => block(body),
        Statement::Loop { index, body, .. } => {
            block(body);
            found.extend(index.map(|slot| (slot.index, slot.of)));
        }
        Statement::Store(slot, _) => drop(found.insert(slot.index, slot.of)),
        _ => {}
    }
}

pub(super) fn has_loop(block: &Block) -> bool {
    block.statements.iter().any(|statement| match statement {
        Statement::While(..) | Statement::Loop { .. } => true,
        Statement::If(_, then, otherwise) => has_loop(then) || otherwise.as_ref().is_some_and(has_loop),
        _ => false,
    })
}
