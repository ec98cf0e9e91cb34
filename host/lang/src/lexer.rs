//! Characters to tokens. Comments and empty lines are kept aside for the formatter.

use crate::ast::{Layout, Name, Piece, Span};
use crate::diagnostic::Diagnostic;

/// Longest source. Spans count bytes in 32 bits, and nothing that a person writes comes near it.
pub const MAX_SOURCE_BYTES: usize = 1 << 24;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Ident(String),
    /// Up to 2^63: with a minus in front that is the smallest int.
    Int(u64),
    Float(f64),
    Text(Vec<Part>),
    /// A keyword or a sign, as it is written.
    Sign(&'static str),
    End,
}

/// A piece of a text, comparable.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text(String),
    Hole(String, Span),
}

impl Part {
    pub fn piece(self) -> Piece {
        match self {
            Part::Text(text) => Piece::Text(text),
            Part::Hole(text, span) => Piece::Hole(Name { text, span }),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Token {
    pub kind: Kind,
    pub span: Span,
    /// Comments and empty lines between the token before and this one.
    pub layout: Vec<Layout>,
    /// Whether it is the first on its line.
    pub starts_line: bool,
}

/// Words that cannot be names.
pub const KEYWORDS: [&str; 11] = ["fn", "let", "if", "else", "while", "loop", "as", "break", "return", "true", "false"];

/// Longest first, so that `<=` is not `<` and `=`.
const SIGNS: [&str; 25] =
    ["->", "==", "!=", "<=", ">=", "&&", "||", "(", ")", "{", "}", "[", "]", ",", ";", ":", "=", "<", ">", "+", "-", "*", "/", "%", "!"];

pub struct Lexer<'s> {
    source: &'s str,
    at: usize,
    pub errors: Vec<Diagnostic>,
}

/// All tokens of a source, the last one [`Kind::End`], and what is wrong with it.
pub fn tokens(source: &str) -> (Vec<Token>, Vec<Diagnostic>) {
    let mut lexer = Lexer { source, at: 0, errors: Vec::new() };
    if source.len() > MAX_SOURCE_BYTES {
        let message = format!("the source is {} bytes, but may be at most {MAX_SOURCE_BYTES}", source.len());
        lexer.errors.push(Diagnostic { message, span: Span::default(), hint: "split the program".into() });
        return (vec![Token { kind: Kind::End, span: Span::default(), layout: Vec::new(), starts_line: true }], lexer.errors);
    }
    let mut tokens = Vec::new();
    loop {
        let layout = lexer.layout(tokens.last());
        let start = lexer.at;
        match lexer.token() {
            Some(kind) => {
                let end = kind == Kind::End;
                let starts_line = tokens.last().is_none_or(|t: &Token| source[t.span.end as usize..start].contains('\n'));
                tokens.push(Token { kind, span: lexer.span(start), layout, starts_line });
                if end {
                    return (tokens, lexer.errors);
                }
            }
            // A character that is not a token is reported and skipped.
            None => continue,
        }
    }
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn span(&self, start: usize) -> Span {
        Span { start: start as u32, end: self.at as u32 }
    }

    fn error(&mut self, start: usize, message: impl Into<String>, hint: impl Into<String>) {
        let span = self.span(start);
        self.errors.push(Diagnostic { message: message.into(), span, hint: hint.into() });
    }

    /// Skips white space and comments from the token `before` up to the next one.
    fn layout(&mut self, before: Option<&Token>) -> Vec<Layout> {
        let first = before.is_none();
        let mut layout = Vec::new();
        let mut newlines = if first { 1 } else { 0 };
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next() else { return layout };
            if c.is_whitespace() {
                newlines += usize::from(c == '\n');
                self.at += c.len_utf8();
            } else if rest.starts_with("//") {
                let comment = rest.split('\n').next().unwrap_or("").trim_end().to_string();
                self.at += rest.find('\n').unwrap_or(rest.len());
                if newlines > 1 && !(first && layout.is_empty()) {
                    layout.push(Layout::Blank);
                }
                layout.push(if newlines == 0 { Layout::Trailing(comment) } else { Layout::Comment(comment) });
                newlines = 0;
            } else {
                if newlines > 1 && !(first && layout.is_empty()) {
                    layout.push(Layout::Blank);
                }
                return layout;
            }
        }
    }

    fn token(&mut self) -> Option<Kind> {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else { return Some(Kind::End) };
        if c.is_ascii_alphabetic() || c == '_' {
            let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let word = rest[..len].to_string();
            self.at += len;
            return Some(match KEYWORDS.iter().find(|k| **k == word) {
                Some(keyword) => Kind::Sign(keyword),
                None => Kind::Ident(word),
            });
        }
        if c.is_ascii_digit() {
            return Some(self.number());
        }
        if c == '"' {
            return Some(self.text());
        }
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            self.at += sign.len();
            return Some(Kind::Sign(sign));
        }
        let start = self.at;
        self.at += c.len_utf8();
        let hint = match c {
            '&' | '|' => "'and' is '&&', 'or' is '||'",
            '\'' => "text stands in double quotes",
            _ => "remove it; text stands in double quotes, comments behind //",
        };
        self.error(start, format!("'{}' means nothing here", c.escape_debug()), hint);
        None
    }

    fn number(&mut self) -> Kind {
        let start = self.at;
        let bytes = self.source.as_bytes();
        let digits = |mut at: usize| {
            while bytes.get(at).is_some_and(|b| b.is_ascii_digit() || *b == b'_') {
                at += 1;
            }
            at
        };
        let mut end = digits(start);
        let mut is_float = false;
        if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            is_float = true;
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
                is_float = true;
                end = digits(end + 1 + sign);
            }
        }
        self.at = end;
        let text = self.source[start..end].replace('_', "");
        if self.rest().starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            self.error(start, "a letter follows a number", "put a space or an operator between them");
        }
        if is_float {
            return match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Kind::Float(value),
                _ => {
                    self.error(start, format!("{text} is too large for a float"), "the largest float is about 1.8e308");
                    Kind::Float(0.0)
                }
            };
        }
        match text.parse::<u64>() {
            Ok(value) if value <= 1 << 63 => Kind::Int(value),
            _ => {
                self.error(start, format!("{text} is too large for an int"), "the largest int is 9223372036854775807");
                Kind::Int(0)
            }
        }
    }

    /// A text with its escapes and holes; it ends on its line.
    fn text(&mut self) -> Kind {
        let start = self.at;
        self.at += 1;
        let mut parts = Vec::new();
        let mut text = String::new();
        loop {
            let at = self.at;
            let Some(c) = self.rest().chars().next().filter(|c| *c != '\n') else {
                self.error(start, "this text does not end on its line", "close it with '\"'; a line break is written \\n");
                break;
            };
            self.at += c.len_utf8();
            match c {
                '"' => break,
                '\\' => text.push(self.escape(at)),
                '{' => {
                    let len = self.rest().find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest().len());
                    let name = self.rest()[..len].to_string();
                    let span = Span { start: self.at as u32, end: (self.at + len) as u32 };
                    self.at += len;
                    if !self.rest().starts_with('}') || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
                        self.error(at, "braces in a text hold the name of one variable", "write \"{name}\", or \\{ for a brace");
                        continue;
                    }
                    self.at += 1;
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    parts.push(Part::Hole(name, span));
                }
                '}' => self.error(at, "a closing brace without an opening one", "write \\} for a brace"),
                c => text.push(c),
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Kind::Text(parts)
    }

    fn escape(&mut self, start: usize) -> char {
        let c = self.rest().chars().next().filter(|c| *c != '\n');
        self.at += c.map_or(0, char::len_utf8);
        match c {
            Some('n') => '\n',
            Some('t') => '\t',
            Some(c @ ('"' | '\\' | '{' | '}')) => c,
            _ => {
                self.error(start, "unknown escape", "use \\n, \\t, \\\", \\\\, \\{ or \\}");
                '?'
            }
        }
    }
}
