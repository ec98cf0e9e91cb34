//! From the tree to a checked program: names become slots, every expression gets a type, all faults are reported.

use crate::ast::{self, Ast, BinaryOp, Name, Span, StatementKind, Type, UnaryOp};
use crate::diagnostic::Diagnostic;
use crate::module::{Block, Expr, ExprKind, Frame, Function, Module, NamePiece, NameUse, Piece, Purpose, Slot, Statement};
use crate::signature::{self, Back, Builtin, Param, Signature};
use crate::state::with_tree_stack;
use nda_spec::ActivationCode;
use std::collections::HashMap;

/// Most parameters of a function.
pub const MAX_PARAMS: usize = 64;
/// Faults after which the rest of a source is not worth reporting.
const MAX_DIAGNOSTICS: usize = 100;
/// The next step where a program calls a builtin of an earlier version.
pub const RETIRED_HINT: &str =
    "it is a program of an earlier version: give the document a new one, 'nda convert OLD.ndf NEW.ndf --program llama'";
/// Most different holes in the names of one place.
const MAX_HOLES: usize = 3;

/// The checked program, and what is wrong with it; it is worth running only if nothing is.
pub fn check(ast: &Ast) -> (Module, Vec<Diagnostic>) {
    with_tree_stack(|| checked(ast))
}

fn checked(ast: &Ast) -> (Module, Vec<Diagnostic>) {
    let mut checker = Checker::default();
    checker.collect(ast);
    for item in &ast.items {
        match item {
            ast::Item::Global(global) => checker.global(global),
            ast::Item::Function(function) => checker.function(function),
            ast::Item::Layout(_) => {}
        }
    }
    checker.errors.sort_by_key(|e| e.span.start);
    (checker.module, checker.errors)
}

struct Known {
    index: usize,
    params: Vec<Type>,
    result: Type,
}

#[derive(Default)]
struct Checker {
    module: Module,
    errors: Vec<Diagnostic>,
    functions: HashMap<String, Known>,
    globals: HashMap<String, Slot>,
    /// Open scopes, innermost last. The flag: whether it may be assigned.
    scopes: Vec<HashMap<String, (Slot, bool)>>,
    locals: Frame,
    window: Frame,
    widest: Frame,
    result: Option<Type>,
    loops: usize,
    in_global: bool,
}

/// `name` with one letter changed, missing or too many is likely what was meant.
fn near(wanted: &str, names: impl Iterator<Item = String>) -> Option<String> {
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
            let ast::Item::Function(function) = item else { continue };
            let name = &function.name;
            if signature::find(&name.text).is_some() {
                self.error(name.span, format!("'{}' is a builtin", name.text), "choose another name");
            }
            if function.params.len() > MAX_PARAMS {
                self.error(name.span, format!("more than {MAX_PARAMS} parameters"), "put what belongs together into a vector");
            }
            let params = function.params.iter().map(|(_, of)| *of).collect();
            let known = Known { index, params, result: function.result };
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
        if self.globals.insert(global.name.text.clone(), slot).is_some() {
            self.error(global.name.span, format!("there are two constants '{}'", global.name.text), "rename one of them");
        }
        self.module.globals.push((global.name.text.clone(), slot, value));
    }

    fn function(&mut self, function: &ast::Function) {
        (self.locals, self.window, self.widest) = Default::default();
        self.result = Some(function.result);
        self.loops = 0;
        self.scopes = vec![HashMap::new()];
        let params = function.params.iter().map(|(name, of)| self.declare(name, *of, true)).collect();
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

    fn declare(&mut self, name: &Name, of: Type, assignable: bool) -> Slot {
        let count = if of.is_scalar() { &mut self.locals.scalars } else { &mut self.locals.objects };
        let slot = Slot { index: *count, of, is_global: false };
        *count += 1;
        let scope = self.scopes.last_mut().expect("a function's scope is open");
        if scope.insert(name.text.clone(), (slot, assignable)).is_some() {
            self.error(
                name.span,
                format!("'{}' is already there in this block", name.text),
                format!("assign it without 'let': {} = ...;", name.text),
            );
        }
        slot
    }

    fn find(&self, name: &str) -> Option<(Slot, bool)> {
        let local = self.scopes.iter().rev().find_map(|scope| scope.get(name).copied());
        local.or_else(|| self.globals.get(name).map(|slot| (*slot, false)))
    }

    fn no_such_variable(&mut self, name: &str, span: Span) {
        if self.errors.len() >= MAX_DIAGNOSTICS {
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

    fn block(&mut self, block: &ast::Block) -> Block {
        self.scopes.push(HashMap::new());
        let block = self.statements(block);
        self.scopes.pop();
        block
    }

    fn statements(&mut self, block: &ast::Block) -> Block {
        let first = self.locals.objects;
        let statements: Vec<Statement> = block.statements.iter().filter_map(|s| self.statement(s)).collect();
        self.warn_of_unreachable(block);
        Block { statements, objects: first..self.locals.objects }
    }

    /// What stands behind a `return` or `break` never runs, which nobody means.
    fn warn_of_unreachable(&mut self, block: &ast::Block) {
        let is_code = |s: &&ast::Statement| !matches!(s.kind, StatementKind::Layout(_) | StatementKind::Error);
        let mut code =
            block.statements.iter().filter(is_code).skip_while(|s| !matches!(s.kind, StatementKind::Return(_) | StatementKind::Break));
        if let Some(dead) = code.nth(1) {
            self.error(dead.span, "this never runs", "remove it, or the return or break before it");
        }
    }

    fn statement(&mut self, statement: &ast::Statement) -> Option<Statement> {
        match &statement.kind {
            StatementKind::Let(name, value) => {
                let value = self.value(value);
                let slot = self.declare(name, value.of, true);
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
            StatementKind::Layout(_) | StatementKind::Error => None,
        }
    }

    fn call_statement(&mut self, call: &ast::Expr) -> Option<Statement> {
        // The parser has reported what is no call.
        let value = self.expression(call);
        if !matches!(value.of, Type::Unit | Type::Unknown) && matches!(call.kind, ast::ExprKind::Call(..)) {
            let message = format!("the {} that this returns is not used", value.of.name());
            self.error(call.span, message, "assign it: let name = ...;");
        }
        Some(Statement::Run(value))
    }

    fn assigned(&mut self, name: &Name) -> Option<Slot> {
        match self.find(&name.text) {
            None => self.no_such_variable(&name.text, name.span),
            Some((slot, true)) => return Some(slot),
            Some((slot, _)) if slot.is_global => {
                let hint = "constants keep their value; copy it into a variable with 'let'";
                self.error(name.span, format!("'{}' is a constant", name.text), hint);
            }
            Some(_) => {
                self.error(name.span, format!("'{}' counts a loop and cannot be assigned", name.text), "copy it into a variable with 'let'")
            }
        }
        None
    }

    fn assign(&mut self, name: &Name, value: &ast::Expr) -> Option<Statement> {
        let value = self.value(value);
        let slot = self.assigned(name)?;
        self.agree(&value, slot.of, &format!("'{}'", name.text));
        Some(Statement::Store(slot, value))
    }

    fn loop_body(&mut self, body: &ast::Block, index: Option<&Name>) -> (Block, Option<Slot>) {
        self.scopes.push(HashMap::new());
        let slot = index.map(|name| self.declare(name, Type::Int, false));
        self.loops += 1;
        let block = self.block(body);
        self.loops -= 1;
        self.scopes.pop();
        (block, slot)
    }

    fn return_statement(&mut self, value: Option<&ast::Expr>, span: Span) -> Option<Statement> {
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

    fn agree(&mut self, value: &Expr, wanted: Type, what: &str) {
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
    fn typed(&mut self, expr: &ast::Expr, wanted: Type, what: &str) -> Expr {
        let value = self.value(expr);
        self.agree(&value, wanted, what);
        value
    }

    /// An expression that must have a value.
    fn value(&mut self, expr: &ast::Expr) -> Expr {
        let value = self.expression(expr);
        if value.of == Type::Unit {
            self.error(expr.span, "this call returns nothing", "call it in a statement of its own");
            return self.unknown(expr.span);
        }
        value
    }

    fn expression(&mut self, expr: &ast::Expr) -> Expr {
        let span = expr.span;
        let (kind, of) = match &expr.kind {
            ast::ExprKind::Int(value) => (ExprKind::Constant(*value as u64), Type::Int),
            ast::ExprKind::Float(value) => (ExprKind::Constant(value.to_bits()), Type::Float),
            ast::ExprKind::Bool(value) => (ExprKind::Constant(u64::from(*value)), Type::Bool),
            ast::ExprKind::Text(pieces) => (ExprKind::Text(self.pieces(pieces)), Type::Str),
            ast::ExprKind::Variable(name) => match self.find(name) {
                Some((slot, _)) => (ExprKind::Load(slot), slot.of),
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

    fn pieces(&mut self, pieces: &[ast::Piece]) -> Vec<Piece> {
        let mut checked = Vec::new();
        for piece in pieces {
            match piece {
                ast::Piece::Text(text) => checked.push(Piece::Text(text.clone())),
                ast::Piece::Hole(name) => match self.find(&name.text) {
                    Some((slot, _)) => checked.push(Piece::Hole(slot)),
                    None => self.no_such_variable(&name.text, name.span),
                },
            }
        }
        checked
    }

    fn unary(&mut self, op: UnaryOp, operand: &ast::Expr, span: Span) -> Expr {
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

    fn binary(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Expr {
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

    fn call(&mut self, name: &Name, args: &[ast::Expr], span: Span) -> Expr {
        if let Some(signature) = signature::find(&name.text) {
            return self.builtin(signature, args, span);
        }
        if signature::is_retired(&name.text) && !self.functions.contains_key(&name.text) {
            self.error(name.span, format!("'{}' is no longer a builtin", name.text), RETIRED_HINT);
            return self.unknown(span);
        }
        let Some(known) = self.functions.get(&name.text) else {
            let builtins = signature::SIGNATURES.iter().map(|s| s.name.to_string());
            let hint = near(&name.text, self.functions.keys().cloned().chain(builtins));
            let hint =
                hint.map_or("declare it with 'fn', or see LANGUAGE.md for the builtins".into(), |other| format!("did you mean '{other}'?"));
            self.error(name.span, format!("there is no function '{}'", name.text), hint);
            args.iter().for_each(|arg| drop(self.value(arg)));
            return self.unknown(span);
        };
        let (function, params, result) = (known.index, known.params.clone(), known.result);
        if self.in_global {
            self.error(
                name.span,
                "a constant's value cannot call a function of the program",
                "use literals, operators, builtins and constants above it",
            );
        }
        if params.len() != args.len() {
            let types: Vec<&str> = params.iter().map(|t| t.name()).collect();
            let message = format!("'{}' takes {} arguments, not {}", name.text, params.len(), args.len());
            self.error(span, message, format!("it is {}({})", name.text, types.join(", ")));
        }
        // The arguments lie where the callee's frame will begin; calls inside of them open theirs behind.
        let window = self.window;
        self.window.scalars += params.iter().filter(|t| t.is_scalar()).count();
        self.window.objects += params.iter().filter(|t| !t.is_scalar()).count();
        self.widest.scalars = self.widest.scalars.max(self.window.scalars);
        self.widest.objects = self.widest.objects.max(self.window.objects);
        let mut checked = Vec::new();
        for (index, arg) in args.iter().enumerate() {
            let value = self.value(arg);
            if let Some(of) = params.get(index) {
                self.agree(&value, *of, &format!("argument {} of '{}'", index + 1, name.text));
            }
            checked.push(value);
        }
        self.window = window;
        Expr { kind: ExprKind::Call { function, args: checked, window }, of: result, span }
    }

    fn builtin(&mut self, signature: &'static Signature, args: &[ast::Expr], span: Span) -> Expr {
        let (name, params) = (signature.name, signature.params);
        let repeats = if signature.repeat { (args.len() + 1).saturating_sub(params.len()).max(1) } else { 1 };
        let first = params.first().into_iter().flat_map(|first| std::iter::repeat_n(*first, repeats));
        let wanted: Vec<Param> = first.chain(params.iter().skip(1).copied()).collect();
        if wanted.len() != args.len() && !(signature.builtin == Builtin::Print && args.is_empty()) {
            let list: Vec<&str> = params.iter().map(|p| describe(*p)).collect();
            let more = if signature.repeat { " (the first any number of times)" } else { "" };
            let message = format!("'{name}' takes {} arguments, not {}", wanted.len(), args.len());
            self.error(span, message, format!("it is {name}({}){more}", list.join(", ")));
            args.iter().filter(|a| !matches!(a.kind, ast::ExprKind::Text(_))).for_each(|arg| drop(self.value(arg)));
            return self.unknown(span);
        }
        let (mut values, mut names, mut literal) = (Vec::new(), Vec::new(), None);
        for (arg, param) in args.iter().zip(&wanted) {
            match param {
                Param::Tensor => names.push(arg),
                Param::Literal => literal = self.literal(arg, name),
                _ => {
                    let value = self.value(arg);
                    self.fits(&value, *param, values.first(), name);
                    values.push(value);
                }
            }
        }
        if values.iter().any(|v| v.of == Type::Unknown) {
            return self.unknown(span);
        }
        self.built(signature, values, &names, literal, span)
    }

    /// A call of a builtin whose arguments are checked.
    fn built(&mut self, signature: &Signature, args: Vec<Expr>, names: &[&ast::Expr], literal: Option<String>, span: Span) -> Expr {
        let of = match signature.back {
            Back::Is(of) => of,
            Back::Same => args.first().map_or(Type::Unknown, |arg| arg.of),
        };
        if self.in_global && signature.builtin.needs_run() {
            let message = format!("a constant's value cannot call '{}'", signature.name);
            self.error(span, message, "call it in a function");
        }
        let kind = match signature.builtin {
            Builtin::MetaInt | Builtin::MetaFloat => ExprKind::Meta(literal.unwrap_or_default()),
            Builtin::Quantize(_) => return self.quantize(args, literal, span),
            builtin if builtin.is_scalar() => ExprKind::Scalar(builtin, args),
            builtin => {
                let names = builtin.purpose().and_then(|purpose| self.names(purpose, names, span));
                ExprKind::Vector { builtin, args, names }
            }
        };
        Expr { kind, of, span }
    }

    fn quantize(&mut self, args: Vec<Expr>, literal: Option<String>, span: Span) -> Expr {
        let Some(literal) = literal else { return self.unknown(span) };
        let (code, of) = match literal.as_str() {
            "A8" => (ActivationCode::A8, Type::A8),
            "A4" => (ActivationCode::A4, Type::A4),
            "A2" => (ActivationCode::A2, Type::A2),
            _ => {
                self.error(span, format!("there is no precision '{literal}'"), "quantize(x, \"A8\"), \"A4\" or \"A2\"");
                return self.unknown(span);
            }
        };
        Expr { kind: ExprKind::Vector { builtin: Builtin::Quantize(code), args, names: None }, of, span }
    }

    fn literal(&mut self, arg: &ast::Expr, name: &str) -> Option<String> {
        if let ast::ExprKind::Text(pieces) = &arg.kind {
            match pieces.as_slice() {
                [] => return Some(String::new()),
                [ast::Piece::Text(text)] => return Some(text.clone()),
                _ => {}
            }
        }
        self.error(arg.span, format!("'{name}' needs a text without holes here"), "write it in double quotes, where it is used");
        None
    }

    fn fits(&mut self, value: &Expr, param: Param, first: Option<&Expr>, name: &str) {
        let of = value.of;
        let what = format!("an argument of '{name}'");
        let fits = match param {
            Param::Is(wanted) => {
                self.agree(value, wanted, &what);
                true
            }
            Param::Number => match first {
                Some(first) if matches!(first.of, Type::Int | Type::Float) => {
                    self.agree(value, first.of, &what);
                    true
                }
                _ => matches!(of, Type::Int | Type::Float),
            },
            Param::AnyVector => matches!(of, Type::Vec | Type::A8 | Type::A4 | Type::A2),
            Param::AnyElements => matches!(of, Type::Vec | Type::Ints | Type::A8 | Type::A4 | Type::A2),
            Param::AnyCodes => matches!(of, Type::A8 | Type::A4 | Type::A2),
            Param::Any | Param::Literal | Param::Tensor => true,
        };
        if !fits && of != Type::Unknown {
            self.error(
                value.span,
                format!("{what} is {}, but this is {}", describe(param), of.name()),
                "types are never converted silently",
            );
        }
    }

    /// The tensor names of one place. All of them have the same holes, so that one number leads to all.
    fn names(&mut self, purpose: Purpose, args: &[&ast::Expr], span: Span) -> Option<(usize, Vec<Slot>)> {
        let mut holes: Vec<(String, Slot)> = Vec::new();
        let mut names = Vec::new();
        for (index, arg) in args.iter().enumerate() {
            let ast::ExprKind::Text(pieces) = &arg.kind else {
                let hint = "names are known before the run; numbers in them are holes: \"blk.{i}.q\"";
                self.error(arg.span, "a tensor's name is written where it is used, in double quotes", hint);
                return None;
            };
            let mut name = Vec::new();
            for piece in pieces {
                match piece {
                    ast::Piece::Text(text) => name.push(NamePiece::Text(text.clone())),
                    ast::Piece::Hole(hole) => name.push(NamePiece::Hole(self.hole(hole, &mut holes, index == 0)?)),
                }
            }
            names.push(name);
        }
        let whole = |name: &Vec<NamePiece>| (0..holes.len()).all(|hole| name.contains(&NamePiece::Hole(hole)));
        if holes.len() > MAX_HOLES || !names.iter().all(whole) {
            self.error(span, "names that are used together have the same holes, three at most", "gemv(\"blk.{i}.q\", \"blk.{i}.k\", x)");
            return None;
        }
        self.module.uses.push(NameUse { purpose, names, holes: holes.len(), span });
        Some((self.module.uses.len() - 1, holes.into_iter().map(|(_, slot)| slot).collect()))
    }

    /// The number of a hole; only the first name brings new ones.
    fn hole(&mut self, name: &Name, holes: &mut Vec<(String, Slot)>, is_first: bool) -> Option<usize> {
        if let Some(known) = holes.iter().position(|(text, _)| *text == name.text) {
            return Some(known);
        }
        if !is_first {
            self.error(
                name.span,
                format!("the first name has no hole '{{{}}}'", name.text),
                "names that are used together have the same holes",
            );
            return None;
        }
        let Some((slot, _)) = self.find(&name.text) else {
            self.no_such_variable(&name.text, name.span);
            return None;
        };
        if slot.of != Type::Int {
            let message = format!("a tensor's name has ints in its holes, but '{}' is {}", name.text, slot.of.name());
            self.error(name.span, message, "number the tensors: \"blk.{i}.q\"");
            return None;
        }
        holes.push((name.text.clone(), slot));
        Some(holes.len() - 1)
    }
}

fn describe(param: Param) -> &'static str {
    match param {
        Param::Is(of) => of.name(),
        Param::Number => "int or float",
        Param::Any => "anything",
        Param::AnyVector => "vec, a8, a4 or a2",
        Param::AnyElements => "vec, ints, a8, a4 or a2",
        Param::AnyCodes => "a8, a4 or a2",
        Param::Literal => "\"text\"",
        Param::Tensor => "\"tensor\"",
    }
}

/// Whether every way through a block ends in a return.
fn returns(block: &ast::Block) -> bool {
    block.statements.iter().any(|statement| match &statement.kind {
        StatementKind::Return(_) => true,
        // What was not understood may well have been one.
        StatementKind::Error => true,
        StatementKind::If(_, then, Some(otherwise)) => returns(then) && returns(otherwise),
        _ => false,
    })
}
