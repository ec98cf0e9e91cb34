//! Variables and their scopes, and what a misspelt name was likely meant to be.

use super::{Access, Checker, Definition, MAX_DIAGNOSTICS, Role, Use};
use crate::ast::{Name, Span, Type};
use crate::module::Slot;

/// A name's variable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variable {
    pub slot: Slot,
    pub access: Access,
    /// Its place among the definitions.
    pub definition: usize,
}

impl Checker {
    /// Notes a declaration; its place among the definitions comes back.
    pub(super) fn define(&mut self, name: &Name, role: Role, of: Type) -> usize {
        self.notes.definitions.push(Definition { name: name.text.clone(), span: name.span, role, of, params: Vec::new() });
        self.notes.definitions.len() - 1
    }

    /// Declares the names of what was not understood, as variables of a type that agrees with everything.
    pub(super) fn poison(&mut self, names: &[Name]) {
        for name in names {
            if !self.scopes.last().is_some_and(|scope| scope.contains_key(&name.text)) {
                self.declare(name, Type::Unknown, Role::Variable);
            }
        }
    }

    pub(super) fn declare(&mut self, name: &Name, of: Type, role: Role) -> Slot {
        let access = if role == Role::Index { Access::ReadOnly } else { Access::Assignable };
        let definition = self.define(name, role, of);
        let count = if of.is_scalar() { &mut self.locals.scalars } else { &mut self.locals.objects };
        let slot = Slot { index: *count, of, is_global: false };
        *count += 1;
        let scope = self.scopes.last_mut().expect("a function's scope is open");
        if scope.insert(name.text.clone(), Variable { slot, access, definition }).is_some() {
            self.error(
                name.span,
                format!("'{}' is already there in this block", name.text),
                format!("assign it without 'let': {} = ...;", name.text),
            );
        }
        slot
    }

    /// The variable that a name means, which is noted as used there.
    pub(super) fn find(&mut self, name: &str, span: Span) -> Option<Variable> {
        let local = self.scopes.iter().rev().find_map(|scope| scope.get(name).copied());
        let found = local.or_else(|| self.globals.get(name).copied());
        self.notes.uses.extend(found.map(|found| Use { span, definition: found.definition }));
        found
    }

    pub(super) fn no_such_variable(&mut self, name: &str, span: Span) {
        if self.errors.len() >= MAX_DIAGNOSTICS || self.poisoned.contains(name) {
            return;
        }
        let names = self.scopes.iter().flat_map(|scope| scope.keys()).chain(self.globals.keys()).cloned();
        let hint = match near(name, names) {
            Some(other) => format!("did you mean '{other}'?"),
            None if self.functions.contains_key(name) => format!("'{name}' is a function: call it with {name}(...)"),
            None => format!("declare it with 'let {name} = ...;'"),
        };
        self.error(span, format!("there is no variable '{name}' here"), hint);
    }
}

/// `name` with one letter changed, missing or too many is likely what was meant.
pub(super) fn near(wanted: &str, names: impl Iterator<Item = String>) -> Option<String> {
    names.map(|name| (distance(wanted, &name), name)).filter(|(d, name)| *d <= 1 + name.len() / 4).min().map(|(_, name)| name)
}

/// Levenshtein's distance of two short names.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(32).collect(), b.chars().take(32).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
