//! NDA programs: functions, calls, and strings, which name tensors.

use crate::facts::{Facts, Kind, Symbol, Use};
use crate::scan::{Style, Token, scan};

/// The function that statements outside of all functions belong to.
const TOP: &str = "(program)";

pub(crate) fn facts(text: &str) -> Facts {
    let tokens = scan(text, Style::Program);
    let mut facts = Facts::default();
    let top = facts.add(Symbol::new(Kind::Program, TOP, "", 1));
    let (mut within, mut depth) = (top, 0_usize);
    for (at, (token, line)) in tokens.iter().enumerate() {
        let next = |ahead: usize| tokens.get(at + ahead).map(|(token, _)| *token);
        match token {
            Token::Mark(b'{') => depth += 1,
            Token::Mark(b'}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    within = top;
                }
            }
            Token::Word("fn") => {
                if let Some(Token::Word(name)) = next(1) {
                    within = facts.add(Symbol::new(Kind::Program, name, "", *line));
                }
            }
            Token::Word(name)
                if next(1) == Some(Token::Mark(b'(')) && !matches!(at.checked_sub(1).map(|i| tokens[i].0), Some(Token::Word("fn"))) =>
            {
                facts.uses(name, within, *line);
            }
            Token::Text(text) => facts.patterns.push(((*text).to_owned(), Use { within, line: *line })),
            _ => {}
        }
    }
    facts
}

/// Whether a string of a program, in which `{…}` stands for a value, names this tensor.
pub(crate) fn names(pattern: &str, tensor: &str) -> bool {
    let Some((before, rest)) = pattern.split_once('{') else { return pattern == tensor };
    let Some((_, after)) = rest.split_once('}') else { return false };
    let Some(tail) = tensor.strip_prefix(before) else { return false };
    // A value has no dot: layers are numbers.
    let most = tail.find('.').unwrap_or(tail.len());
    (1..=most).any(|end| tail.is_char_boundary(end) && names(after, &tail[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_the_tensors_of_all_layers() {
        assert!(names("blk.{i}.q", "blk.12.q") && names("head", "head") && names("{a}.{b}", "x.y"));
        assert!(!names("blk.{i}.q", "blk.12.k") && !names("blk.{i}.q", "blk..q") && !names("blk.{i", "blk.1"));
    }

    #[test]
    fn statements_outside_of_functions_belong_to_the_program() {
        let facts = facts("let d = rows(\"embed\");\nfn forward() { gemv(\"blk.{i}.q\", x); }\ncheck();");
        assert_eq!(facts.uses["rows"][0].within, 0);
        assert_eq!((facts.uses["gemv"][0].within, facts.uses["check"][0].within), (1, 0));
        assert_eq!(facts.patterns.len(), 2);
    }
}
