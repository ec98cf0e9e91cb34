//! From llama.cpp's grammars, GBNF, to those of Lark that llguidance reads.
//!
//! Every literal and class of characters stays a terminal of its own, so what a grammar means does not depend on how texts are
//! cut into words.

use crate::error::ChatError;
use std::iter::Peekable;
use std::str::Chars;

/// The grammar in the other notation: `root` becomes `start`, every other rule gets `r_` in front.
///
/// # Errors
/// [`ChatError::Grammar`] with the line that is none of GBNF.
pub(crate) fn to_lark(text: &str) -> Result<String, ChatError> {
    let mut reader = Reader { rest: text.chars().peekable(), line: 1, out: String::new() };
    reader.grammar()?;
    Ok(reader.out)
}

struct Reader<'g> {
    rest: Peekable<Chars<'g>>,
    line: usize,
    out: String,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> ChatError {
        ChatError::Grammar { reason: format!("line {}: {what}", self.line) }
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    /// Spaces, comments and line ends; gives whether there was a line end.
    fn skip(&mut self) -> bool {
        let before = self.line;
        while let Some(next) = self.rest.peek().copied() {
            match next {
                '#' => {
                    while self.rest.peek().is_some_and(|c| *c != '\n') {
                        self.next();
                    }
                }
                c if c.is_whitespace() => _ = self.next(),
                _ => break,
            }
        }
        self.line > before
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.rest.peek().copied().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)) {
            word.push(c);
            self.next();
        }
        word
    }

    fn grammar(&mut self) -> Result<(), ChatError> {
        self.skip();
        while self.rest.peek().is_some() {
            let name = self.word();
            self.skip();
            let sign: String = (0..3).filter_map(|_| self.next()).collect();
            if name.is_empty() || sign != "::=" {
                return Err(self.wrong("a rule is 'name ::= ...'"));
            }
            self.out.push_str(&named(&name));
            self.out.push(':');
            self.alternatives()?;
            self.out.push('\n');
        }
        Ok(())
    }

    /// Everything up to the next rule: a name at the start of a line with `::=` behind it.
    fn alternatives(&mut self) -> Result<(), ChatError> {
        let mut depth = 0_usize;
        loop {
            self.skip();
            let Some(c) = self.rest.peek().copied() else { break };
            match c {
                '"' => self.literal()?,
                '[' => self.class()?,
                '.' => {
                    self.next();
                    self.out.push_str(" /(.|\\n)/");
                }
                '(' | ')' | '|' => {
                    self.next();
                    depth = match c {
                        '(' => depth + 1,
                        ')' => depth.checked_sub(1).ok_or_else(|| self.wrong("')' without '('"))?,
                        _ => depth,
                    };
                    self.out.push(' ');
                    self.out.push(c);
                }
                '*' | '+' | '?' => {
                    self.next();
                    self.out.push(c);
                }
                '{' => self.repetition()?,
                c if c.is_ascii_alphanumeric() => {
                    if depth == 0 && self.begins_a_rule() {
                        return Ok(());
                    }
                    let word = self.word();
                    self.out.push(' ');
                    self.out.push_str(&named(&word));
                }
                c => return Err(self.wrong(&format!("'{c}' is nothing here"))),
            }
        }
        if depth > 0 { Err(self.wrong("'(' without ')'")) } else { Ok(()) }
    }

    fn begins_a_rule(&self) -> bool {
        let mut ahead = self.rest.clone();
        while ahead.peek().is_some_and(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)) {
            ahead.next();
        }
        while ahead.peek().is_some_and(|c| c.is_whitespace()) {
            ahead.next();
        }
        ahead.take(3).eq("::=".chars())
    }

    fn literal(&mut self) -> Result<(), ChatError> {
        self.next();
        let mut text = String::new();
        while let Some(c) = self.character('"')? {
            text.push(c);
        }
        self.out.push(' ');
        // JSON's way to write a text is Lark's too.
        self.out.push_str(&serde_json::Value::from(text).to_string());
        Ok(())
    }

    /// A character up to the closing one, escapes undone.
    fn character(&mut self, close: char) -> Result<Option<char>, ChatError> {
        match self.next() {
            None => Err(self.wrong(&format!("no closing {close}"))),
            Some(c) if c == close => Ok(None),
            Some('\\') => {
                let code = |reader: &mut Self, digits: usize| {
                    let text: String = (0..digits).filter_map(|_| reader.next()).collect();
                    u32::from_str_radix(&text, 16).ok().and_then(char::from_u32)
                };
                let escape = self.next();
                let meant = match escape {
                    Some('n') => Some('\n'),
                    Some('r') => Some('\r'),
                    Some('t') => Some('\t'),
                    Some('x') => code(self, 2),
                    Some('u') => code(self, 4),
                    Some('U') => code(self, 8),
                    Some(c @ ('\\' | '"' | '[' | ']' | '-' | '^')) => Some(c),
                    _ => None,
                };
                meant.map(Some).ok_or_else(|| self.wrong("no such escape"))
            }
            Some(c) => Ok(Some(c)),
        }
    }

    /// `[a-z]` and `[^\n]`; a hyphen that was escaped is one.
    fn class(&mut self) -> Result<(), ChatError> {
        self.next();
        self.out.push_str(" /[");
        if self.rest.peek() == Some(&'^') {
            self.next();
            self.out.push('^');
        }
        loop {
            let is_plain_hyphen = self.rest.peek() == Some(&'-');
            match self.character(']')? {
                Some('-') if is_plain_hyphen => self.out.push('-'),
                Some(c) if c.is_ascii_alphanumeric() => self.out.push(c),
                Some(c) => self.out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
                None => break,
            }
        }
        self.out.push_str("]/");
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,5}`.
    fn repetition(&mut self) -> Result<(), ChatError> {
        self.next();
        let mut inside = String::new();
        loop {
            match self.next() {
                Some('}') => break,
                Some(c) if c.is_ascii_digit() || c == ',' => inside.push(c),
                Some(' ') => {}
                _ => return Err(self.wrong("a repetition is {2}, {2,} or {2,5}")),
            }
        }
        self.out.push_str(&format!("{{{inside}}}"));
        Ok(())
    }
}

/// Lark wants lower case, no hyphens, and `start` as the first rule. The prefix keeps others apart from it; all other characters
/// are told by their codes, so that no two names become one.
fn named(name: &str) -> String {
    if name == "root" {
        return "start".into();
    }
    let letter = |c: char| match c {
        'a'..='z' | '0'..='9' => c.to_string(),
        c => format!("_{:x}_", u32::from(c)),
    };
    format!("r_{}", name.chars().map(letter).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_classes_and_repetitions_are_rewritten() {
        let gbnf = "# a list\nroot ::= (\"- \" item \"\\n\")+ | \"\\\"\"  # or a quote\nitem ::=\n  [a-zA-Z_\\-]{2,5} |\n  [^\\]x]? two-Words .\ntwo-Words ::= \"b\\\\\"\n";
        let lark = "start: ( \"- \" r_item \"\\n\" )+ | \"\\\"\"\nr_item: /[a-zA-Z\\u{5f}\\u{2d}]/{2,5} | /[^\\u{5d}x]/? r_two_2d__57_ords /(.|\\n)/\nr_two_2d__57_ords: \"b\\\\\"\n";
        assert_eq!(to_lark(gbnf).unwrap(), lark);
    }

    #[test]
    fn what_is_no_gbnf_is_refused_with_its_line() {
        for (text, said) in [
            ("root = \"a\"", "line 1: a rule is"),
            ("root ::= \"a\"\nb ::= (\"c\"", "line 2: '(' without ')'"),
            ("root ::= \"a", "line 1: no closing \""),
            ("root ::= [a\\q]", "line 1: no such escape"),
            ("root ::= \"a\"{x}", "line 1: a repetition"),
            ("root ::= ;", "line 1: ';' is nothing here"),
        ] {
            let refused = to_lark(text).unwrap_err().to_string();
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }
}
