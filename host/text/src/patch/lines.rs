//! A text as lines, with the ends that it has.

use std::borrow::Cow;

/// How a text ends its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// With `\n`, or it has none.
    Lf,
    /// With `\r\n`.
    Crlf,
    /// With both: then every byte of a patch must be as it is.
    Mixed,
}

/// How a text ends its lines.
pub fn ends_of(text: &str) -> Ends {
    let all = text.matches('\n').count();
    match text.matches("\r\n").count() {
        0 => Ends::Lf,
        crlf if crlf == all => Ends::Crlf,
        _ => Ends::Mixed,
    }
}

/// A patch's text with the file's line ends, where the patch's own are all of one kind.
pub fn with_ends(text: &str, ends: Ends) -> Cow<'_, str> {
    match (ends, ends_of(text)) {
        (Ends::Crlf, Ends::Lf) => Cow::Owned(text.replace('\n', "\r\n")),
        (Ends::Lf, Ends::Crlf) => Cow::Owned(text.replace("\r\n", "\n")),
        _ => Cow::Borrowed(text),
    }
}

/// The lines of a text.
#[derive(Debug)]
pub struct Lines<'t> {
    text: &'t str,
    /// Where each begins; behind the last, the text's end.
    starts: Vec<usize>,
    ends: Ends,
}

impl<'t> Lines<'t> {
    /// Cuts a text; what follows the last line end is a line if it is not empty.
    pub fn of(text: &'t str) -> Lines<'t> {
        let mut starts = vec![0];
        starts.extend(text.match_indices('\n').map(|(at, _)| at + 1));
        if starts.last() != Some(&text.len()) {
            starts.push(text.len());
        }
        Lines { text, starts, ends: ends_of(text) }
    }

    /// The text.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// How they end.
    pub fn ends(&self) -> Ends {
        self.ends
    }

    /// The line end that new lines get.
    pub fn end(&self) -> &'static str {
        if self.ends == Ends::Crlf { "\r\n" } else { "\n" }
    }

    /// Where a line begins; of the number behind the last, the text's end.
    pub fn start(&self, line: usize) -> usize {
        self.starts[line.min(self.count())]
    }

    /// A line without its end: a `\r` belongs to the end only where all lines have one.
    pub fn line(&self, line: usize) -> &'t str {
        let whole = &self.text[self.starts[line]..self.starts[line + 1]];
        let whole = whole.strip_suffix('\n').unwrap_or(whole);
        if self.ends == Ends::Crlf { whole.strip_suffix('\r').unwrap_or(whole) } else { whole }
    }

    /// The line that holds a byte, from 0.
    pub fn at(&self, byte: usize) -> usize {
        self.starts.partition_point(|&start| start <= byte).saturating_sub(1).min(self.count().saturating_sub(1))
    }

    /// Whether the last line has an end; an empty text counts as ended.
    pub fn is_ended(&self) -> bool {
        self.text.is_empty() || self.text.ends_with('\n')
    }
}
