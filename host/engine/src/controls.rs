//! Control tokens: what ends a turn and what nobody can type.

use std::collections::{BTreeMap, HashMap};

/// Whether the texts of control tokens become these tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Typed {
    /// They are text like any other: a person's.
    #[default]
    AsText,
    /// They are what they say: a template's.
    Recognised,
}

/// The control tokens of a vocabulary and their texts.
///
/// A token is one if its vocabulary lists it beside the text's own pieces, whatever it is called there: special, control,
/// user-defined or added. Runs of spaces and line ends are none: they are text that is only written in one piece.
#[derive(Debug, Clone, Default)]
pub(crate) struct Controls {
    /// By number.
    tokens: Vec<(u32, String)>,
    /// Tokens that are text to a reader all the same, as a model's marks around its thoughts are.
    shown: Vec<u32>,
    /// Places in `tokens` by the first character of the text, the longest text first.
    by_first: HashMap<char, Vec<usize>>,
}

impl Controls {
    /// The controls among tokens and their texts; `is_shown` says of which a reader sees the text.
    pub fn new(tokens: impl IntoIterator<Item = (u32, String)>, is_shown: impl Fn(u32) -> bool) -> Controls {
        let tokens: BTreeMap<u32, String> = tokens.into_iter().filter(|(_, text)| !is_space(text)).collect();
        let shown = tokens.keys().copied().filter(|token| is_shown(*token)).collect();
        let tokens: Vec<(u32, String)> = tokens.into_iter().collect();
        let mut by_first: HashMap<char, Vec<usize>> = HashMap::new();
        for (at, (_, text)) in tokens.iter().enumerate() {
            // A token without text cannot be met in one.
            if let Some(first) = text.chars().next() {
                by_first.entry(first).or_default().push(at);
            }
        }
        by_first.values_mut().for_each(|places| places.sort_by_key(|at| std::cmp::Reverse(tokens[*at].1.len())));
        Controls { tokens, shown, by_first }
    }

    /// All of them, by number.
    pub fn all(&self) -> &[(u32, String)] {
        &self.tokens
    }

    /// Whether a token is one.
    pub fn has(&self, token: u32) -> bool {
        self.tokens.binary_search_by_key(&token, |(number, _)| *number).is_ok()
    }

    /// Whether a token is one that no reader sees.
    pub fn is_hidden(&self, token: u32) -> bool {
        self.has(token) && self.shown.binary_search(&token).is_err()
    }

    /// The longest whose text begins here.
    pub fn at(&self, text: &str) -> Option<(u32, &str)> {
        let places = self.by_first.get(&text.chars().next()?)?;
        let found = places.iter().map(|at| &self.tokens[*at]).find(|(_, control)| text.starts_with(control.as_str()));
        found.map(|(token, control)| (*token, control.as_str()))
    }
}

/// Whether a token's text is nothing but spaces, in its own spelling or in SentencePiece's.
fn is_space(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_whitespace() || c == '\u{2581}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_control_token_is_met_and_spaces_are_text() {
        let texts = [(7, "<|s|>"), (5, "<|s|>>"), (9, "\n\n"), (3, "[x]"), (4, "\u{2581}\u{2581}"), (8, "")];
        let controls = Controls::new(texts.map(|(token, text)| (token, text.to_owned())), |token| token == 3);
        assert_eq!((controls.at("<|s|>>"), controls.at("<|s|>"), controls.at("\n\n")), (Some((5, "<|s|>>")), Some((7, "<|s|>")), None));
        assert_eq!([3, 4, 5, 7, 8, 9].map(|token| controls.has(token)), [true, false, true, true, true, false]);
        assert_eq!([3, 5, 9].map(|token| controls.is_hidden(token)), [false, true, false]);
    }
}
