//! From the tree to a checked program: names become slots, every expression gets a type, all faults are reported.

mod call;
mod expression;
mod names;
mod notes;
mod scope;
mod statement;

use crate::ast::{self, Ast, Span, Type};
use crate::diagnostic::Diagnostic;
use crate::module::{Expr, ExprKind, Frame, Function, Module, Slot};
use crate::signature;
use crate::state::with_tree_stack;
pub use notes::{Definition, Notes, Role, Use};
use scope::Variable;
use statement::returns;
use std::collections::{HashMap, HashSet};

/// Most parameters of a function.
pub const MAX_PARAMS: usize = 64;
/// Faults after which the rest of a source is not worth reporting.
const MAX_DIAGNOSTICS: usize = 100;
/// The next step where a program calls a builtin of an earlier version.
pub const RETIRED_HINT: &str =
    "it is a program of an earlier version: give the document a new one, 'nda convert OLD.ndf NEW.ndf --program llama'";

/// The checked program, and what is wrong with it; it is worth running only if nothing is.
pub fn check(ast: &Ast) -> (Module, Vec<Diagnostic>) {
    let checker = with_tree_stack(|| checked(ast));
    (checker.module, checker.errors)
}

/// What is wrong with a program, and what its names mean.
pub fn notes(ast: &Ast) -> (Notes, Vec<Diagnostic>) {
    let checker = with_tree_stack(|| checked(ast));
    (checker.notes, checker.errors)
}

fn checked(ast: &Ast) -> Checker {
    let mut checker = Checker::default();
    checker.collect(ast);
    for item in &ast.items {
        match item {
            ast::Item::Global(global) => checker.global(global),
            ast::Item::Function(function) => checker.function(function),
            ast::Item::Layout(_) | ast::Item::Error(_) => {}
        }
    }
    checker.errors.sort_by_key(|e| e.span.start);
    checker
}

struct Known {
    index: usize,
    params: Vec<Type>,
    result: Type,
    definition: usize,
}

/// What a program may do with a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Assignable,
    ReadOnly,
}

#[derive(Default)]
struct Checker {
    module: Module,
    errors: Vec<Diagnostic>,
    notes: Notes,
    functions: HashMap<String, Known>,
    globals: HashMap<String, Variable>,
    /// Names of functions and constants that were not understood: whoever uses them is not wrong for that.
    poisoned: HashSet<String>,
    /// Open scopes, innermost last.
    scopes: Vec<HashMap<String, Variable>>,
    locals: Frame,
    window: Frame,
    widest: Frame,
    result: Option<Type>,
    loops: usize,
    in_global: bool,
}

impl Checker {
    fn error(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        if self.errors.len() >= MAX_DIAGNOSTICS {
            return;
        }
        self.errors.push(Diagnostic { message: message.into(), span, hint: hint.into() });
    }

    fn unknown(&self, span: Span) -> Expr {
        Expr { kind: ExprKind::Constant(0), of: Type::Unknown, span }
    }

    /// Every function's shape first, so that they may call each other in any order.
    fn collect(&mut self, ast: &Ast) {
        let mut index = 0;
        for item in &ast.items {
            if let ast::Item::Error(names) = item {
                self.poisoned.extend(names.iter().map(|name| name.text.clone()));
            }
            let ast::Item::Function(function) = item else { continue };
            let name = &function.name;
            let definition = self.define(name, Role::Function, function.result);
            self.notes.definitions[definition].params = function.params.iter().map(|(name, of)| (name.text.clone(), *of)).collect();
            if signature::find(&name.text).is_some() {
                self.error(name.span, format!("'{}' is a builtin", name.text), "choose another name");
            }
            if function.params.len() > MAX_PARAMS {
                self.error(name.span, format!("more than {MAX_PARAMS} parameters"), "put what belongs together into a vector");
            }
            let params = function.params.iter().map(|(_, of)| *of).collect();
            let known = Known { index, params, result: function.result, definition };
            index += 1;
            if self.functions.insert(name.text.clone(), known).is_some() {
                self.error(name.span, format!("there are two functions '{}'", name.text), "rename one of them");
            }
        }
    }

    fn global(&mut self, global: &ast::Global) {
        self.in_global = true;
        self.locals = Frame::default();
        let value = self.value(&global.value);
        self.in_global = false;
        let frame = &mut self.module.global_frame;
        let count = if value.of.is_scalar() { &mut frame.scalars } else { &mut frame.objects };
        let slot = Slot { index: *count, of: value.of, is_global: true };
        *count += 1;
        let definition = self.define(&global.name, Role::Constant, value.of);
        let variable = Variable { slot, access: Access::ReadOnly, definition };
        if self.globals.insert(global.name.text.clone(), variable).is_some() {
            self.error(global.name.span, format!("there are two constants '{}'", global.name.text), "rename one of them");
        }
        self.module.globals.push((global.name.text.clone(), slot, value));
    }

    fn function(&mut self, function: &ast::Function) {
        (self.locals, self.window, self.widest) = Default::default();
        self.result = Some(function.result);
        self.loops = 0;
        self.scopes = vec![HashMap::new()];
        let params = function.params.iter().map(|(name, of)| self.declare(name, *of, Role::Parameter)).collect();
        let body = self.block(&function.body);
        if function.result != Type::Unit && !returns(&function.body) {
            let end = function.body.span.end;
            let message = format!("'{}' can end without a value", function.name.text);
            let hint = format!("it returns {}: end it with 'return value;'", function.result.name());
            self.error(Span { start: end.saturating_sub(1), end }, message, hint);
        }
        let (locals, windows) = (self.locals, self.widest);
        self.module.functions.push(Function { name: function.name.text.clone(), params, result: function.result, locals, windows, body });
    }
}
