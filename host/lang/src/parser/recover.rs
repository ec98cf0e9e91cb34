//! Going on behind a fault: what is skipped, and which names it would have declared.

use super::{GaveUp, Parsed, Parser};
use crate::ast::{Block, Name, Span, StatementKind, Wreck};
use crate::lexer::Kind;

/// Words that begin a statement.
const BEGINNINGS: [&str; 6] = ["let", "if", "while", "loop", "break", "return"];

impl Parser {
    /// Remembers a name that the item or statement being read declares: if it is given up, the name is known all the same.
    pub(super) fn declares(&mut self, name: &Name) {
        self.declared.push(name.clone());
    }

    /// Skips to a place where an item may begin: a function, or a constant outside of braces.
    pub(super) fn next_item(&mut self) {
        (self.depth, self.chained) = (0, 0);
        let mut open = 0_usize;
        while !(self.is_end() || self.is("fn") || open == 0 && self.is("let")) {
            open += usize::from(self.is("{"));
            open = open.saturating_sub(usize::from(self.is("}")));
            self.advance();
        }
    }

    /// Skips to behind the next `;`, to a brace that closes the block, or to a word that begins a statement.
    fn next_statement(&mut self) {
        let mut open = 0;
        while !self.is_end() && !self.is("fn") {
            if open == 0 && (self.is("}") || BEGINNINGS.iter().any(|s| self.is(s))) {
                return;
            }
            if open == 0 && self.accept(";") {
                return;
            }
            open += usize::from(self.is("{"));
            open -= usize::from(self.is("}"));
            self.advance();
        }
    }

    /// What is left of a statement that was given up, behind which the next one begins.
    pub(super) fn wreck(&mut self) -> Wreck {
        self.next_statement();
        Wreck { names: std::mem::take(&mut self.declared), body: None }
    }

    /// A statement whose head was given up and that has a block: the block is read, so that what stands in it is checked, and what
    /// stands behind it is not taken for the program's top. Without a block in sight it is given up as a whole.
    pub(super) fn headless(&mut self) -> Parsed<StatementKind> {
        loop {
            if self.is("{") {
                let names = std::mem::take(&mut self.declared);
                let body: Block = self.block()?;
                return Ok(StatementKind::Error(Wreck { names, body: Some(body) }));
            }
            let is_over = self.is_end() || ["fn", "}", ";"].iter().chain(&BEGINNINGS[..1]).any(|s| self.is(s));
            if is_over {
                return Err(GaveUp);
            }
            if let Kind::Ident(text) = &self.token().kind {
                let name = Name { text: text.clone(), span: self.span() };
                self.declares(&name);
            }
            self.advance();
        }
    }

    /// `lett x = 1;`: a word that nobody knows before a name and `=` was meant to be `let`. It is read as that.
    pub(super) fn misspelt_let(&mut self) -> Option<Span> {
        let is_word = |ahead: usize| matches!(self.tokens.get(self.at + ahead).map(|t| &t.kind), Some(Kind::Ident(_)));
        let is_equal = matches!(self.tokens.get(self.at + 2).map(|t| &t.kind), Some(Kind::Sign("=")));
        let stands_together = self.tokens.get(self.at + 1).is_some_and(|next| !next.starts_line);
        if !(is_word(0) && is_word(1) && is_equal && stands_together) {
            return None;
        }
        let (span, found) = (self.span(), self.found());
        self.report(span, format!("no statement begins with {found}"), "a variable is declared with 'let name = value;'");
        self.advance();
        Some(span)
    }
}
