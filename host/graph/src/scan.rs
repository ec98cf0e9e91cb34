//! Words, strings and marks of a source, with their lines; comments are left out.

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'t> {
    Word(&'t str),
    Text(&'t str),
    Mark(u8),
}

/// A token and its line, from 1.
pub(crate) type Lined<'t> = (Token<'t>, u32);

/// How words are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Lifetimes, characters and raw strings.
    Rust,
    /// `$` in names, sized numbers.
    Verilog,
    /// Neither.
    Program,
}

/// All tokens of a text.
pub(crate) fn scan(text: &str, style: Style) -> Vec<Lined<'_>> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0, line: 1, style };
    let mut tokens = Vec::with_capacity(text.len() / 5);
    while let Some(token) = scanner.next() {
        tokens.push(token);
    }
    tokens
}

struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    line: u32,
    style: Style,
}

impl<'t> Scanner<'t> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn is_word(&self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80 || byte == b'$' && self.style == Style::Verilog
    }

    /// Goes on to `end`, counting lines.
    fn skip_to(&mut self, end: usize) {
        let end = end.min(self.bytes.len());
        self.line += self.bytes[self.at..end].iter().filter(|byte| **byte == b'\n').count() as u32;
        self.at = end;
    }

    fn find(&self, from: usize, what: &[u8]) -> usize {
        self.bytes[from.min(self.bytes.len())..].windows(what.len()).position(|w| w == what).map_or(self.bytes.len(), |at| from + at)
    }

    fn comment(&mut self) -> bool {
        match (self.peek(0), self.peek(1)) {
            (b'/', b'/') => self.skip_to(self.find(self.at, b"\n")),
            (b'/', b'*') => {
                let (mut depth, mut at) = (1, self.at + 2);
                while depth > 0 && at < self.bytes.len() {
                    let (step, change) = match (self.style, &self.bytes[at..(at + 2).min(self.bytes.len())]) {
                        (_, b"*/") => (2, -1),
                        (Style::Rust, b"/*") => (2, 1),
                        _ => (1, 0),
                    };
                    (at, depth) = (at + step, depth + change);
                }
                self.skip_to(at);
            }
            _ => return false,
        }
        true
    }

    /// A string from its quote on; its text.
    fn string(&mut self) -> Token<'t> {
        let start = self.at + 1;
        let mut end = start;
        while end < self.bytes.len() && self.bytes[end] != b'"' {
            end += if self.bytes[end] == b'\\' { 2 } else { 1 };
        }
        let end = end.min(self.bytes.len());
        self.skip_to(end + 1);
        Token::Text(self.text.get(start..end).unwrap_or(""))
    }

    /// `r"…"` and `r#"…"#`.
    fn raw_string(&mut self) -> Option<Token<'t>> {
        let start = self.at + if self.peek(0) == b'b' { 2 } else { 1 };
        let hashes = self.bytes[start.min(self.bytes.len())..].iter().take_while(|byte| **byte == b'#').count();
        if self.style != Style::Rust || self.bytes.get(start - 1) != Some(&b'r') || self.bytes.get(start + hashes) != Some(&b'"') {
            return None;
        }
        let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
        let (from, end) = (start + hashes + 1, self.find(start + hashes + 1, &close));
        self.skip_to(end + close.len());
        Some(Token::Text(self.text.get(from..end).unwrap_or("")))
    }

    /// A character, which may be a quote; a lifetime is a mark and a word.
    fn character(&mut self) -> bool {
        if self.style != Style::Rust || self.peek(0) != b'\'' {
            return false;
        }
        let length = match self.peek(1) {
            b'\\' => self.find(self.at + 3, b"'") + 1 - self.at,
            _ => {
                let width = self.text.get(self.at + 1..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
                if self.peek(1 + width) == b'\'' { width + 2 } else { 0 }
            }
        };
        self.skip_to(self.at + length);
        length > 0
    }

    fn next(&mut self) -> Option<Lined<'t>> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if byte.is_ascii_whitespace() {
                self.skip_to(self.at + 1);
            } else if !self.comment() && !self.character() {
                let line = self.line;
                if let Some(text) = matches!(byte, b'r' | b'b').then(|| self.raw_string()).flatten() {
                    return Some((text, line));
                }
                if byte == b'"' {
                    return Some((self.string(), line));
                }
                let start = self.at;
                let word = self.bytes[start..].iter().take_while(|byte| self.is_word(**byte)).count();
                self.at += word.max(1);
                return Some((if word > 0 { Token::Word(&self.text[start..start + word]) } else { Token::Mark(byte) }, line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_hide_nothing_that_follows() {
        let text = "a /* b /* c */ d */ e // f\n'\"' 'x g r#\"h\"i\"# \"j\\\"k\" l'\\'' m";
        let words: Vec<_> = scan(text, Style::Rust).into_iter().filter(|(token, _)| !matches!(token, Token::Mark(_))).collect();
        let expected = [
            (Token::Word("a"), 1),
            (Token::Word("e"), 1),
            (Token::Word("x"), 2),
            (Token::Word("g"), 2),
            (Token::Text("h\"i"), 2),
            (Token::Text("j\\\"k"), 2),
            (Token::Word("l"), 2),
            (Token::Word("m"), 2),
        ];
        assert_eq!(words, expected);
        for end in 0..=text.len() {
            scan(&text[..end], Style::Rust);
        }
    }

    #[test]
    fn names_of_verilog_have_dollars() {
        assert_eq!(scan("a$b", Style::Verilog), [(Token::Word("a$b"), 1)]);
        assert_eq!(scan("a$b", Style::Program).len(), 3);
    }
}
