//! Rust and Rust-HDL: functions, types, cores with their ports and inner cores, calls.

use crate::facts::{Facts, Kind, PORT, Symbol};
use crate::scan::{Lined, Style, Token, scan};

/// Words that stand before a parenthesis and are not calls.
const NO_CALLS: [&str; 12] = ["if", "while", "match", "for", "return", "fn", "in", "let", "loop", "move", "as", "Some"];

pub(crate) fn facts(text: &str) -> Facts {
    let tokens = scan(text, Style::Rust);
    let mut reader = Reader { facts: Facts::default(), depth: 0, open: Vec::new(), pending: None, owner: Vec::new(), is_core: false };
    for at in 0..tokens.len() {
        reader.step(&tokens, at);
    }
    reader.facts
}

struct Reader {
    facts: Facts,
    depth: usize,
    /// Functions and cores whose body is open, with the depth before it.
    open: Vec<(usize, usize)>,
    /// A symbol whose body comes.
    pending: Option<usize>,
    /// Types of `impl` blocks that are open, with the depth before them; the innermost last.
    owner: Vec<(String, usize)>,
    /// A derive of `LogicBlock` stands before the next struct.
    is_core: bool,
}

fn word<'t>(tokens: &[Lined<'t>], at: usize) -> Option<&'t str> {
    match tokens.get(at)?.0 {
        Token::Word(word) => Some(word),
        _ => None,
    }
}

fn is_mark(tokens: &[Lined<'_>], at: usize, mark: u8) -> bool {
    tokens.get(at).is_some_and(|(token, _)| *token == Token::Mark(mark))
}

impl Reader {
    fn step(&mut self, tokens: &[Lined<'_>], at: usize) {
        let (token, line) = tokens[at];
        match token {
            Token::Mark(b'{') => {
                if let Some(symbol) = self.pending.take() {
                    self.open.push((symbol, self.depth));
                }
                self.depth += 1;
            }
            Token::Mark(b'}') => {
                self.depth = self.depth.saturating_sub(1);
                self.open.retain(|(_, depth)| *depth < self.depth);
                self.owner.retain(|(_, depth)| *depth < self.depth);
            }
            // A declaration without a body.
            Token::Mark(b';') => self.pending = None,
            Token::Word("LogicBlock") => self.is_core = true,
            Token::Word("impl") if self.open.is_empty() => self.implement(tokens, at),
            Token::Word("fn") => self.item(tokens, at, Kind::Function, line),
            Token::Word("struct") if self.is_core => {
                self.is_core = false;
                self.item(tokens, at, Kind::Core, line);
            }
            Token::Word("struct" | "enum" | "trait" | "type") if self.open.is_empty() => self.item(tokens, at, Kind::Type, line),
            Token::Word(name) => self.named(tokens, at, name, line),
            _ => {}
        }
    }

    /// The type of an `impl` block: the last name before its brace or `where`, outside of generics.
    fn implement(&mut self, tokens: &[Lined<'_>], at: usize) {
        let (mut depth, mut name) = (0_i32, "");
        for next in at + 1..tokens.len() {
            match tokens[next].0 {
                Token::Mark(b'<') => depth += 1,
                Token::Mark(b'>') => depth -= 1,
                Token::Mark(b'{' | b';') | Token::Word("where") => break,
                Token::Word(word) if depth == 0 && word != "for" => name = word,
                _ => {}
            }
        }
        self.owner.push((name.to_owned(), self.depth));
    }

    fn item(&mut self, tokens: &[Lined<'_>], at: usize, kind: Kind, line: u32) {
        let Some(name) = word(tokens, at + 1) else { return };
        let within = self.owner.last().map_or("", |(owner, _)| owner.as_str()).to_owned();
        let number = self.facts.add(Symbol::new(kind, name, &within, line));
        self.pending = matches!(kind, Kind::Function | Kind::Core).then_some(number);
    }

    fn named(&mut self, tokens: &[Lined<'_>], at: usize, name: &str, line: u32) {
        let Some(&(within, depth)) = self.open.last() else { return };
        if self.facts.symbols[within].kind == Kind::Core {
            // A field of a core: its name, a colon, its type.
            let is_field = depth + 1 == self.depth && is_mark(tokens, at + 1, b':') && !is_mark(tokens, at + 2, b':');
            let before_is_path = at > 0 && is_mark(tokens, at - 1, b':');
            if let (true, false, Some(of)) = (is_field, before_is_path, word(tokens, at + 2)) {
                let what = if of == "Signal" { PORT } else { of };
                self.facts.symbols[within].parts.push((name.into(), what.into()));
            }
            return;
        }
        let is_turbofish = is_mark(tokens, at + 1, b':') && is_mark(tokens, at + 2, b':') && is_mark(tokens, at + 3, b'<');
        if (is_mark(tokens, at + 1, b'(') || is_turbofish) && !NO_CALLS.contains(&name) {
            self.facts.uses(name, within, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_methods_cores_and_calls_are_found() {
        let text = "impl<T> Show for Thing<T> { fn show(&self) { helper(1); self.other::<u8>(2) } }
            #[derive(LogicBlock, Default)] pub struct Array<const W: usize> { pub clock: Signal<In, Clock>, inner: Rows<W>, _x: u8 }
            fn helper(x: u8) -> u8 { if (x > 1) { x } else { helper(x) } } trait T { fn abstracted(); } struct Unit;";
        let facts = facts(text);
        let told: Vec<_> = facts.symbols.iter().map(|s| (s.kind, s.name.as_str(), s.within.as_str(), s.line)).collect();
        let expected = [
            (Kind::Function, "show", "Thing", 1),
            (Kind::Core, "Array", "", 2),
            (Kind::Function, "helper", "", 3),
            (Kind::Type, "T", "", 3),
            (Kind::Function, "abstracted", "", 3),
            (Kind::Type, "Unit", "", 3),
        ];
        assert_eq!(told, expected);
        assert_eq!(facts.symbols[1].ports().collect::<Vec<_>>(), ["clock"]);
        assert!(facts.symbols[1].parts.contains(&("inner".into(), "Rows".into())));
        assert_eq!(facts.uses["helper"].iter().map(|u| u.within).collect::<Vec<_>>(), [0, 2]);
        assert!(facts.uses.contains_key("other") && !facts.uses.contains_key("if"));
    }
}
