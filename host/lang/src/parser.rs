//! Tokens to a tree. A fault does not end the parse: it is reported, the statement is given up, and the next one is read.

mod expression;
mod recover;

use crate::ast::{
    Ast, Block, Expr, ExprKind, Function, Global, Item, Layout, MAX_HEIGHT, MAX_NESTING, Name, Span, Statement, StatementKind, Type,
};
use crate::diagnostic::Diagnostic;
use crate::lexer::{Kind, Token, tokens};
use crate::state::with_tree_stack;

/// Faults after which the rest of a source is not worth reading.
const MAX_DIAGNOSTICS: usize = 100;

/// The tree of a source and everything that is wrong with its form. The tree holds all that was understood.
pub fn parse(source: &str) -> (Ast, Vec<Diagnostic>) {
    let (tokens, errors) = tokens(source);
    let mut parser = Parser { tokens, at: 0, errors, pending: Vec::new(), declared: Vec::new(), depth: 0, chained: 0 };
    // The parser takes rows and chains in loops; what it gives up is dropped level by level.
    let ast = with_tree_stack(|| parser.source());
    (ast, parser.errors)
}

/// A fault is already reported; whoever gets this looks for the next place to go on.
struct GaveUp;

type Parsed<T> = Result<T, GaveUp>;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    errors: Vec<Diagnostic>,
    /// Comments passed inside of a statement; they follow it.
    pending: Vec<Layout>,
    /// Names that the item or statement being read declares.
    declared: Vec<Name>,
    /// Open blocks, parentheses, calls, indices and signs: what the parser itself recurses over.
    depth: usize,
    /// `else if`s of the chains that are open.
    chained: usize,
}

impl Parser {
    fn token(&self) -> &Token {
        &self.tokens[self.at]
    }

    fn span(&self) -> Span {
        self.token().span
    }

    /// Span of the token before the current one.
    fn before(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].span
    }

    fn is_end(&self) -> bool {
        self.token().kind == Kind::End
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.token().kind, Kind::Sign(s) if s == sign)
    }

    fn advance(&mut self) {
        let layout = std::mem::take(&mut self.tokens[self.at].layout);
        self.pending.extend(layout.into_iter().filter(|l| *l != Layout::Blank));
        if !self.is_end() {
            self.at += 1;
        }
    }

    fn accept(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        if found {
            self.advance();
        }
        found
    }

    /// Comments and empty lines that stand before the current token.
    fn layout(&mut self) -> Vec<Layout> {
        let mut layout = std::mem::take(&mut self.pending);
        layout.append(&mut self.tokens[self.at].layout);
        layout
    }

    fn report(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) -> GaveUp {
        if self.errors.len() < MAX_DIAGNOSTICS {
            self.errors.push(Diagnostic { message: message.into(), span, hint: hint.into() });
        }
        GaveUp
    }

    /// What stands at the current place, in words.
    fn found(&self) -> String {
        match &self.token().kind {
            Kind::Ident(name) => format!("'{name}'"),
            Kind::Int(value) => format!("'{value}'"),
            Kind::Float(value) => format!("'{value:?}'"),
            Kind::Text(_) => "a text".into(),
            Kind::Sign(sign) => format!("'{sign}'"),
            Kind::End => "the end of the file".into(),
        }
    }

    /// A missing sign is reported behind the token before it, where it belongs.
    fn expect(&mut self, sign: &'static str, hint: &str) -> Parsed<()> {
        if self.accept(sign) {
            return Ok(());
        }
        let end = self.before().end;
        let span = if matches!(sign, ";" | ")" | "}" | "]") { Span { start: end, end: end + 1 } } else { self.span() };
        let message = format!("expected '{sign}', found {}", self.found());
        Err(self.report(span, message, hint))
    }

    fn name(&mut self, what: &str) -> Parsed<Name> {
        let span = self.span();
        if let Kind::Ident(text) = &self.token().kind {
            let text = text.clone();
            self.advance();
            return Ok(Name { text, span });
        }
        let hint = match self.token().kind {
            Kind::Sign(s) if s.starts_with(|c: char| c.is_ascii_alphabetic()) => format!("'{s}' is a keyword and cannot be a name"),
            _ => "a name starts with a letter or _ and goes on with letters, digits and _".into(),
        };
        let message = format!("expected {what}, found {}", self.found());
        Err(self.report(span, message, hint))
    }

    fn source(&mut self) -> Ast {
        let mut ast = Ast::default();
        loop {
            ast.items.extend(self.layout().into_iter().map(Item::Layout));
            if self.is_end() {
                return ast;
            }
            self.declared.clear();
            match self.item() {
                Ok(item) => ast.items.push(item),
                Err(GaveUp) => {
                    ast.items.push(Item::Error(std::mem::take(&mut self.declared)));
                    self.next_item();
                }
            }
        }
    }

    fn item(&mut self) -> Parsed<Item> {
        let start = self.span();
        if self.accept("let") {
            let name = self.name("the constant's name")?;
            self.declares(&name);
            self.expect("=", "a constant has a value: let name = value;")?;
            let value = self.expression()?;
            self.expect(";", "a constant ends with ';'")?;
            return Ok(Item::Global(Global { name, value, span: start.to(self.before()) }));
        }
        if !self.accept("fn") {
            let message = format!("expected 'fn' or 'let', found {}", self.found());
            let error = self.report(start, message, "statements stand in functions: fn main() { ... }");
            self.advance();
            return Err(error);
        }
        let name = self.name("the function's name")?;
        self.declares(&name);
        self.expect("(", "a function has a list of parameters, perhaps an empty one: fn f()")?;
        let params = self.params()?;
        let result = if self.accept("->") { self.type_name()? } else { Type::Unit };
        let Ok(body) = self.block() else {
            self.declared = vec![name];
            return Err(GaveUp);
        };
        Ok(Item::Function(Function { name, params, result, body, span: start.to(self.before()) }))
    }

    fn params(&mut self) -> Parsed<Vec<(Name, Type)>> {
        let mut params = Vec::new();
        while !self.accept(")") {
            let name = self.name("a parameter")?;
            self.expect(":", "a parameter has a type: n: int")?;
            params.push((name, self.type_name()?));
            if !self.is(")") {
                self.expect(",", "parameters are separated by ','")?;
            }
        }
        Ok(params)
    }

    fn type_name(&mut self) -> Parsed<Type> {
        let name = self.name("a type")?;
        if let Some(found) = Type::NAMED.into_iter().find(|t| t.name() == name.text) {
            return Ok(found);
        }
        let names = Type::NAMED.map(Type::name).join(", ");
        self.report(name.span, format!("there is no type '{}'", name.text), format!("the types are {names}"));
        Ok(Type::Unknown)
    }

    /// One level deeper, or a report.
    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth <= MAX_NESTING {
            return Ok(());
        }
        let span = self.span();
        Err(self.report(span, format!("this is nested deeper than {MAX_NESTING} levels"), "move the inner part into a function of its own"))
    }

    /// A tree of this height stays below the bound, or a report.
    fn bounded(&mut self, height: usize) -> Parsed<()> {
        if self.chained + height <= MAX_HEIGHT {
            return Ok(());
        }
        let (span, message) = (self.span(), format!("more than {MAX_HEIGHT} operators stand in a row, or arms in a chain"));
        Err(self.report(span, message, "give a part of it a name with 'let', or move it into a function of its own"))
    }

    fn block(&mut self) -> Parsed<Block> {
        let start = self.span();
        if let Err(gave_up) = self.expect("{", "a block stands in braces") {
            // In a new line the statements begin: the brace alone is missing.
            if !self.token().starts_line || self.is("}") || self.is("fn") || self.is_end() {
                return Err(gave_up);
            }
        }
        self.deeper()?;
        let mut statements = Vec::new();
        loop {
            let at = self.span();
            statements.extend(self.layout().into_iter().map(|l| Statement { kind: StatementKind::Layout(l), span: at }));
            if self.accept("}") {
                break;
            }
            if self.is_end() || self.is("fn") {
                let found = self.found();
                return Err(self.report(start, "this block does not end", format!("close it with '}}' before {found}")));
            }
            match self.statement() {
                Ok(statement) => statements.push(statement),
                Err(GaveUp) => {
                    let wreck = self.wreck();
                    statements.push(Statement { kind: StatementKind::Error(wreck), span: at.to(self.before()) });
                }
            }
        }
        self.depth -= 1;
        Ok(Block { statements, span: start.to(self.before()) })
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let (start, depth, chained) = (self.span(), self.depth, self.chained);
        self.declared.clear();
        let kind = self.statement_kind();
        (self.depth, self.chained) = (depth, chained);
        Ok(Statement { kind: kind?, span: start.to(self.before()) })
    }

    fn statement_kind(&mut self) -> Parsed<StatementKind> {
        if self.accept("let") || self.misspelt_let().is_some() {
            let name = self.name("the variable's name")?;
            self.declares(&name);
            self.expect("=", "a variable starts with a value: let name = value;")?;
            let value = self.expression()?;
            self.semicolon()?;
            return Ok(StatementKind::Let(name, value));
        }
        if self.is("if") {
            return self.if_statement();
        }
        if self.accept("while") {
            let Ok(condition) = self.expression() else { return self.headless() };
            return Ok(StatementKind::While(condition, self.block()?));
        }
        if self.accept("loop") {
            return self.loop_statement();
        }
        if self.accept("break") {
            self.semicolon()?;
            return Ok(StatementKind::Break);
        }
        if self.accept("return") {
            let value = if self.is(";") { None } else { Some(self.expression()?) };
            self.semicolon()?;
            return Ok(StatementKind::Return(value));
        }
        self.assignment_or_call()
    }

    fn loop_statement(&mut self) -> Parsed<StatementKind> {
        let Ok(count) = self.expression() else { return self.headless() };
        let index = match self.accept("as").then(|| self.name("the index's name")) {
            Some(Err(GaveUp)) => return self.headless(),
            index => index.and_then(Parsed::ok),
        };
        // In a new line the block begins, and its brace alone is missing.
        if !self.is("{") && !self.token().starts_line {
            let (span, message) = (self.span(), format!("expected '{{', found {}", self.found()));
            self.report(span, message, "a loop is written 'loop count as name { ... }'");
            return self.headless();
        }
        Ok(StatementKind::Loop(count, index, self.block()?))
    }

    /// Where a line or a block ends instead, the statement is taken as ended, so that the next one is not lost.
    fn semicolon(&mut self) -> Parsed<()> {
        let is_over = self.token().starts_line || self.is("}");
        match self.expect(";", "a statement ends with ';'") {
            Err(GaveUp) if is_over => Ok(()),
            done => done,
        }
    }

    /// `else if` is an `if` alone in an else block. It nests nothing: a chain is read in a loop.
    fn if_statement(&mut self) -> Parsed<StatementKind> {
        self.expect("if", "")?;
        let Ok(condition) = self.expression() else { return self.headless() };
        let then = self.block()?;
        let (mut arms, mut otherwise) = (Vec::new(), None);
        while self.accept("else") {
            if !self.is("if") {
                otherwise = Some(self.block()?);
                break;
            }
            self.chained += 1;
            self.bounded(0)?;
            arms.push(self.if_arm()?);
        }
        let end = self.before();
        for (start, condition, then) in arms.into_iter().rev() {
            let (kind, span) = (StatementKind::If(condition, then, otherwise), start.to(end));
            otherwise = Some(Block { statements: vec![Statement { kind, span }], span });
        }
        Ok(StatementKind::If(condition, then, otherwise))
    }

    fn if_arm(&mut self) -> Parsed<(Span, Expr, Block)> {
        let start = self.span();
        self.expect("if", "")?;
        Ok((start, self.expression()?, self.block()?))
    }

    fn assignment_or_call(&mut self) -> Parsed<StatementKind> {
        let start = self.span();
        let begins_value = match self.token().kind {
            Kind::Sign(sign) => matches!(sign, "(" | "-" | "!" | "true" | "false"),
            Kind::End => false,
            _ => true,
        };
        if !begins_value {
            let message = format!("expected a statement, found {}", self.found());
            let hint = "a statement begins with let, if, while, loop, break, return or a name";
            let error = self.report(start, message, hint);
            self.advance();
            return Err(error);
        }
        let left = self.expression()?;
        if !self.accept("=") {
            if !matches!(left.kind, ExprKind::Call(..)) {
                let hint = "assign it (name = value;), return it, or call a function";
                self.report(left.span, "a value alone does nothing", hint);
            }
            self.semicolon()?;
            return Ok(StatementKind::Call(left));
        }
        let value = self.expression()?;
        self.semicolon()?;
        let (span, message) = (left.span, "only a variable or an element of one can be assigned");
        match left.kind {
            ExprKind::Variable(text) => Ok(StatementKind::Assign(Name { text, span }, value)),
            ExprKind::Index(vector, index) => match vector.kind {
                ExprKind::Variable(text) => Ok(StatementKind::AssignElement(Name { text, span: vector.span }, *index, value)),
                _ => Err(self.report(span, message, "write name = value; or name[index] = value;")),
            },
            _ => Err(self.report(span, message, "write name = value; or name[index] = value;")),
        }
    }
}
