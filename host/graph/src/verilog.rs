//! Verilog: modules with their ports in order, signals, instances.

use crate::facts::{Facts, Kind, PORT, Symbol};
use crate::scan::{Lined, Style, Token, scan};

/// Words before the names of signals.
const DECLARES: [&str; 7] = ["input", "output", "inout", "wire", "reg", "logic", "integer"];
/// Words that begin statements and are not modules.
const STATEMENTS: [&str; 22] = [
    "module",
    "if",
    "else",
    "case",
    "casez",
    "for",
    "while",
    "always",
    "assign",
    "begin",
    "end",
    "initial",
    "function",
    "task",
    "generate",
    "parameter",
    "localparam",
    "posedge",
    "negedge",
    "signed",
    "genvar",
    "repeat",
];

pub(crate) fn facts(text: &str) -> Facts {
    let tokens = scan(text, Style::Verilog);
    let mut facts = Facts::default();
    let mut module = None;
    let mut at = 0;
    while at < tokens.len() {
        let (token, line) = tokens[at];
        at = match (token, module) {
            (Token::Word("module" | "macromodule"), _) => begin(&mut facts, &tokens, at, &mut module),
            (Token::Word("endmodule"), _) => {
                module = None;
                at + 1
            }
            (Token::Word(word), Some(module)) if DECLARES.contains(&word) => declare(&mut facts, &tokens, at, module),
            (Token::Word(word), Some(module)) if begins_statement(&tokens, at) && !STATEMENTS.contains(&word) => {
                instance(&mut facts, &tokens, at, module, word, line)
            }
            _ => at + 1,
        };
    }
    facts
}

fn is(tokens: &[Lined<'_>], at: usize, mark: u8) -> bool {
    tokens.get(at).is_some_and(|(token, _)| *token == Token::Mark(mark))
}

/// After the bracket that closes the one at `at`.
fn after(tokens: &[Lined<'_>], at: usize, open: u8, close: u8) -> usize {
    let mut depth = 0_usize;
    for (i, (token, _)) in tokens.iter().enumerate().skip(at) {
        match token {
            Token::Mark(mark) if *mark == open => depth += 1,
            Token::Mark(mark) if *mark == close => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// A module's name and ports, up to its first semicolon.
fn begin(facts: &mut Facts, tokens: &[Lined<'_>], at: usize, module: &mut Option<usize>) -> usize {
    let Some((Token::Word(name), line)) = tokens.get(at + 1).copied() else { return at + 1 };
    let number = facts.add(Symbol::new(Kind::Module, name, "", line));
    *module = Some(number);
    let mut next = at + 2;
    if is(tokens, next, b'#') {
        next = after(tokens, next + 1, b'(', b')');
    }
    if !is(tokens, next, b'(') {
        return next;
    }
    let end = after(tokens, next, b'(', b')');
    let mut depth = 0_usize;
    for i in next..end {
        match tokens[i].0 {
            Token::Mark(b'[' | b'(') => depth += 1,
            Token::Mark(b']' | b')') => depth = depth.saturating_sub(1),
            // A port's name stands before a comma or the end.
            Token::Word(port) if depth == 1 && (is(tokens, i + 1, b',') || i + 2 == end) => {
                facts.symbols[number].parts.push((port.into(), PORT.into()));
                if tokens[next..i].iter().any(|(token, _)| matches!(token, Token::Word(word) if DECLARES.contains(word))) {
                    signal(facts, number, port, tokens[i].1);
                }
            }
            _ => {}
        }
    }
    end
}

fn signal(facts: &mut Facts, module: usize, name: &str, line: u32) {
    let within = facts.symbols[module].name.clone();
    let known = facts
        .by_name
        .get(name)
        .is_some_and(|all| all.iter().any(|i| facts.symbols[*i].kind == Kind::Signal && facts.symbols[*i].within == within));
    if !known {
        facts.add(Symbol::new(Kind::Signal, name, &within, line));
    }
}

/// The names of a declaration, up to its semicolon; initial values are left out.
fn declare(facts: &mut Facts, tokens: &[Lined<'_>], at: usize, module: usize) -> usize {
    let (mut next, mut is_name) = (at + 1, true);
    while next < tokens.len() {
        match tokens[next].0 {
            Token::Mark(b'[') => {
                next = after(tokens, next, b'[', b']');
                continue;
            }
            Token::Mark(b';' | b')') => return next + 1,
            Token::Mark(b',') => is_name = true,
            Token::Word(word) if DECLARES.contains(&word) || word == "signed" || word == "unsigned" => {}
            Token::Word(word) if is_name => {
                signal(facts, module, word, tokens[next].1);
                is_name = false;
            }
            _ => {}
        }
        next += 1;
    }
    next
}

fn begins_statement(tokens: &[Lined<'_>], at: usize) -> bool {
    at.checked_sub(1)
        .is_none_or(|before| matches!(tokens[before].0, Token::Mark(b';' | b')') | Token::Word("end" | "begin" | "endcase" | "generate")))
}

/// `TYPE NAME (` or `TYPE #(...) NAME (`: an instance.
fn instance(facts: &mut Facts, tokens: &[Lined<'_>], at: usize, module: usize, of: &str, line: u32) -> usize {
    let mut next = at + 1;
    if is(tokens, next, b'#') && is(tokens, next + 1, b'(') {
        next = after(tokens, next + 1, b'(', b')');
    }
    if let Some((Token::Word(name), _)) = tokens.get(next)
        && is(tokens, next + 1, b'(')
    {
        facts.uses(of, module, line);
        facts.symbols[module].parts.push(((*name).to_owned(), of.to_owned()));
        return after(tokens, next + 1, b'(', b')');
    }
    at + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_ports_signals_and_instances_are_found() {
        let text = "module a(clock, x, y);\n input wire clock; input [7:0] x; output reg [W-1:0] y = 0, z;\n wire [3:0] q [0:7];
            always @(posedge clock) begin if (x) y <= x; end\n b #(.N(4)) first(.clock(clock));\n b second (clock);\nendmodule
            module b(input clock, output wire [1:0] out); endmodule";
        let facts = facts(text);
        let of = |kind| facts.symbols.iter().filter(|s| s.kind == kind).map(|s| format!("{}.{}", s.within, s.name)).collect::<Vec<_>>();
        assert_eq!(of(Kind::Module), [".a", ".b"]);
        assert_eq!(of(Kind::Signal), ["a.clock", "a.x", "a.y", "a.z", "a.q", "b.clock", "b.out"]);
        let module = |name: &str| facts.symbols.iter().find(|s| s.kind == Kind::Module && s.name == name).unwrap();
        assert_eq!(module("a").ports().collect::<Vec<_>>(), ["clock", "x", "y"]);
        assert_eq!(module("b").ports().collect::<Vec<_>>(), ["clock", "out"]);
        assert_eq!(facts.uses["b"].len(), 2);
        assert!(module("a").parts.contains(&("first".into(), "b".into())));
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            super::facts(&text[..end]);
        }
    }
}
