//! Colours of a line of source. By words and signs of that line alone: a screen is coloured in microseconds, whatever the file's size.

use crate::grid::Ink;
use std::path::Path;

/// What words mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language {
    keywords: &'static [&'static str],
    comment: &'static str,
}

const NDA: Language = Language { keywords: &nda_analysis::KEYWORDS, comment: "//" };
const RUST: Language = Language {
    keywords: &[
        "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "false", "fn", "for", "if", "impl", "in",
        "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "Self", "static", "struct", "super", "trait", "true",
        "type", "unsafe", "use", "where", "while",
    ],
    comment: "//",
};
const VERILOG: Language = Language {
    keywords: &[
        "always",
        "and",
        "assign",
        "begin",
        "case",
        "default",
        "else",
        "end",
        "endcase",
        "endmodule",
        "for",
        "if",
        "initial",
        "inout",
        "input",
        "integer",
        "localparam",
        "module",
        "negedge",
        "or",
        "output",
        "parameter",
        "posedge",
        "reg",
        "signed",
        "wire",
    ],
    comment: "//",
};
const SCRIPT: Language = Language {
    keywords: &[
        "and", "as", "class", "def", "do", "done", "elif", "else", "esac", "except", "false", "fi", "for", "from", "if", "import", "in",
        "not", "or", "return", "then", "true", "try", "while", "with",
    ],
    comment: "#",
};
const PLAIN: Language = Language { keywords: &[], comment: "" };

impl Language {
    /// The language of a file, by its name.
    pub fn of(path: &Path) -> Language {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("nda") => NDA,
            Some("rs") => RUST,
            Some("v" | "sv" | "vh") => VERILOG,
            Some("py" | "sh" | "toml" | "yml") => SCRIPT,
            None if path.file_name().is_some_and(|name| name == "Makefile") => SCRIPT,
            _ => PLAIN,
        }
    }
}

/// A colour for each character of a line.
pub fn inks(language: Language, line: &str) -> Vec<Ink> {
    let letters: Vec<char> = line.chars().collect();
    let comment: Vec<char> = language.comment.chars().collect();
    let mut inks = vec![Ink::Text; letters.len()];
    let mut at = 0;
    while at < letters.len() {
        let rest = &letters[at..];
        let (len, ink) = if !comment.is_empty() && rest.starts_with(&comment) {
            (rest.len(), Ink::Comment)
        } else if rest[0] == '"' {
            (quoted(rest), Ink::Quote)
        } else if rest[0].is_ascii_digit() {
            (run(rest, |c| c.is_ascii_alphanumeric() || c == '_' || c == '.'), Ink::Number)
        } else if rest[0].is_alphabetic() || rest[0] == '_' {
            let len = run(rest, |c| c.is_alphanumeric() || c == '_');
            let word: String = rest[..len].iter().collect();
            (len, if language.keywords.contains(&word.as_str()) { Ink::Keyword } else { Ink::Text })
        } else {
            (1, Ink::Text)
        };
        inks[at..at + len].fill(ink);
        at += len;
    }
    inks
}

fn run(letters: &[char], is_in: impl Fn(char) -> bool) -> usize {
    letters.iter().position(|c| !is_in(*c)).unwrap_or(letters.len())
}

/// Characters of a text in quotes, which ends with the line at the latest.
fn quoted(letters: &[char]) -> usize {
    let mut is_escaped = false;
    for (index, c) in letters.iter().enumerate().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    letters.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_quotes_and_comments_have_their_colours() {
        let line = "let x = \"a\\\"//b\" + 12; // c";
        let inks = inks(Language::of(Path::new("a.nda")), line);
        let of = |text: &str| inks[line.find(text).unwrap()];
        assert_eq!(
            (of("let"), of("x"), of("\"a"), of("//b"), of("12"), of("// c")),
            (Ink::Keyword, Ink::Text, Ink::Quote, Ink::Quote, Ink::Number, Ink::Comment)
        );
    }
}
