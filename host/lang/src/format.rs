//! The one way in which a program is written: `nda fmt`.

use crate::ast::{Ast, BinaryOp, Block, Expr, ExprKind, Function, Item, Layout, Piece, Statement, StatementKind, Type};
use crate::state::with_tree_stack;
use std::fmt::Write;

/// Strength of a unary operator and of what binds still stronger.
const UNARY: u8 = 6;
const POSTFIX: u8 = 7;

/// The source of a tree: four spaces a level, one statement a line, comments and single empty lines kept.
pub fn format(ast: &Ast) -> String {
    with_tree_stack(|| printed(ast))
}

fn printed(ast: &Ast) -> String {
    let mut printer = Printer { out: String::new(), level: 0 };
    for item in &ast.items {
        match item {
            Item::Layout(layout) => printer.layout(layout, if printer.out.is_empty() { Place::First } else { Place::Behind }),
            Item::Error(_) => {}
            Item::Global(global) => printer.line(&format!("let {} = {};", global.name.text, expression(&global.value))),
            Item::Function(function) => printer.function(function),
        }
    }
    printer.out
}

/// An expression in one line.
pub fn expression(expr: &Expr) -> String {
    let mut out = String::new();
    with_tree_stack(|| write_expression(&mut out, expr, 0));
    out
}

fn is_blank(statement: &Statement) -> bool {
    matches!(statement.kind, StatementKind::Layout(Layout::Blank))
}

/// Where comments and empty lines stand in their block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing stands before them, so there is no line that a comment could trail.
    First,
    /// Behind a statement or a comment.
    Behind,
}

struct Printer {
    out: String,
    level: usize,
}

impl Printer {
    fn indent(&mut self) {
        for _ in 0..self.level {
            self.out.push_str("    ");
        }
    }

    fn line(&mut self, text: &str) {
        self.indent();
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn layout(&mut self, layout: &Layout, place: Place) {
        match layout {
            Layout::Blank if place == Place::First => {}
            Layout::Blank => self.out.push('\n'),
            // Behind a comment or an empty line nothing can trail either.
            Layout::Trailing(text) if place == Place::Behind && !self.last_line().is_empty() && !self.last_line().contains("//") => {
                self.out.pop();
                self.out.push(' ');
                self.out.push_str(text);
                self.out.push('\n');
            }
            Layout::Comment(text) | Layout::Trailing(text) => self.line(text),
        }
    }

    fn last_line(&self) -> &str {
        self.out.trim_end_matches('\n').rsplit('\n').next().filter(|_| !self.out.ends_with("\n\n")).unwrap_or("")
    }

    fn function(&mut self, function: &Function) {
        let params: Vec<String> = function.params.iter().map(|(name, of)| format!("{}: {}", name.text, of.name())).collect();
        let result = if function.result == Type::Unit { String::new() } else { format!(" -> {}", function.result.name()) };
        self.line(&format!("fn {}({}){result} {{", function.name.text, params.join(", ")));
        self.block(&function.body);
        self.line("}");
    }

    /// The statements of a block whose opening line is written; empty lines at its ends are dropped.
    fn block(&mut self, block: &Block) {
        self.level += 1;
        let end = block.statements.iter().rposition(|s| !is_blank(s)).map_or(0, |last| last + 1);
        let mut place = Place::First;
        for statement in &block.statements[..end] {
            if let StatementKind::Layout(layout) = &statement.kind {
                self.layout(layout, place);
                if *layout != Layout::Blank {
                    place = Place::Behind;
                }
            } else {
                self.statement(statement);
                place = Place::Behind;
            }
        }
        self.level -= 1;
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Let(name, value) => self.line(&format!("let {} = {};", name.text, expression(value))),
            StatementKind::Assign(name, value) => self.line(&format!("{} = {};", name.text, expression(value))),
            StatementKind::AssignElement(name, index, value) => {
                self.line(&format!("{}[{}] = {};", name.text, expression(index), expression(value)));
            }
            StatementKind::If(condition, then, otherwise) => {
                self.indent();
                self.if_chain(condition, then, otherwise.as_ref());
            }
            StatementKind::While(condition, body) => {
                self.line(&format!("while {} {{", expression(condition)));
                self.block(body);
                self.line("}");
            }
            StatementKind::Loop(count, index, body) => {
                let index = index.as_ref().map_or(String::new(), |name| format!(" as {}", name.text));
                self.line(&format!("loop {}{index} {{", expression(count)));
                self.block(body);
                self.line("}");
            }
            StatementKind::Break => self.line("break;"),
            StatementKind::Return(None) => self.line("return;"),
            StatementKind::Return(Some(value)) => self.line(&format!("return {};", expression(value))),
            StatementKind::Call(call) => self.line(&format!("{};", expression(call))),
            StatementKind::Layout(layout) => self.layout(layout, Place::Behind),
            StatementKind::Error(_) => {}
        }
    }

    fn if_chain(&mut self, condition: &Expr, then: &Block, otherwise: Option<&Block>) {
        let _ = writeln!(self.out, "if {} {{", expression(condition));
        self.block(then);
        let Some(otherwise) = otherwise else { return self.line("}") };
        let statements: Vec<&Statement> = otherwise.statements.iter().filter(|s| !is_blank(s)).collect();
        if let [Statement { kind: StatementKind::If(condition, then, otherwise), .. }] = statements.as_slice() {
            self.indent();
            self.out.push_str("} else ");
            return self.if_chain(condition, then, otherwise.as_ref());
        }
        self.line("} else {");
        self.block(otherwise);
        self.line("}");
    }
}

fn strength(expr: &Expr) -> u8 {
    match &expr.kind {
        ExprKind::Binary(op, ..) => op.strength(),
        ExprKind::Unary(..) => UNARY,
        // A minus is part of the smallest int.
        ExprKind::Int(i64::MIN) => UNARY,
        _ => POSTFIX,
    }
}

/// Parentheses where the tree would be read differently without them, and nowhere else.
fn write_expression(out: &mut String, expr: &Expr, weakest: u8) {
    let parenthesised = strength(expr) < weakest;
    if parenthesised {
        out.push('(');
    }
    match &expr.kind {
        ExprKind::Int(value) => out.push_str(&value.to_string()),
        ExprKind::Float(value) => out.push_str(&format!("{value:?}")),
        ExprKind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        ExprKind::Text(pieces) => write_text(out, pieces),
        ExprKind::Variable(name) => out.push_str(name),
        ExprKind::Unary(op, operand) => {
            out.push_str(op.sign());
            write_expression(out, operand, UNARY);
        }
        ExprKind::Binary(op, left, right) => write_binary(out, *op, left, right),
        ExprKind::Call(name, args) => {
            out.push_str(&name.text);
            out.push('(');
            for (index, arg) in args.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_expression(out, arg, 0);
            }
            out.push(')');
        }
        ExprKind::Index(vector, index) => {
            write_expression(out, vector, POSTFIX);
            out.push('[');
            write_expression(out, index, 0);
            out.push(']');
        }
        ExprKind::Error => out.push('?'),
    }
    if parenthesised {
        out.push(')');
    }
}

fn write_binary(out: &mut String, op: BinaryOp, left: &Expr, right: &Expr) {
    // A comparison does not chain, so neither side may be one.
    let left_weakest = op.strength() + u8::from(op.is_comparison());
    write_expression(out, left, left_weakest);
    let _ = write!(out, " {} ", op.sign());
    write_expression(out, right, op.strength() + 1);
}

fn write_text(out: &mut String, pieces: &[Piece]) {
    out.push('"');
    for piece in pieces {
        match piece {
            Piece::Hole(name) => {
                let _ = write!(out, "{{{}}}", name.text);
            }
            Piece::Text(text) => {
                for c in text.chars() {
                    match c {
                        '\n' => out.push_str("\\n"),
                        '\t' => out.push_str("\\t"),
                        '"' | '\\' | '{' | '}' => {
                            out.push('\\');
                            out.push(c);
                        }
                        c => out.push(c),
                    }
                }
            }
        }
    }
    out.push('"');
}
