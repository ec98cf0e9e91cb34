//! What a person reads when a program is wrong: message, place, caret, hint.

use crate::ast::Span;
use std::fmt;

/// One thing that is wrong in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
    /// The next step.
    pub hint: String,
}

/// Everything that is wrong in a source, in the order of the places.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    /// The source's name.
    pub file: String,
    /// The source.
    pub source: String,
    /// At least one.
    pub all: Vec<Diagnostic>,
}

impl Diagnostics {
    /// The first fault of the file.
    ///
    /// # Panics
    /// If there is none, which nobody makes.
    pub fn first(&self) -> &Diagnostic {
        self.all.first().expect("faults are told of only where there are some")
    }

    /// File, line and column of a fault.
    pub fn place(&self, fault: &Diagnostic) -> String {
        let (line, column) = line_and_column(&self.source, fault.span.start);
        format!("{}:{line}:{column}", self.file)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.all.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}{}", render(&self.file, &self.source, one.span, &one.message, &one.hint))?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Line and column of a byte, both from 1; columns count characters.
pub fn line_and_column(source: &str, byte: u32) -> (usize, usize) {
    let mut at = (byte as usize).min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    let before = &source[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// A message with its place, the line, carets under the span, and a hint.
pub fn render(file: &str, source: &str, span: Span, message: &str, hint: &str) -> String {
    let (line, column) = line_and_column(source, span.start);
    let text = source.lines().nth(line - 1).unwrap_or("");
    let (last_line, last_column) = line_and_column(source, span.end);
    let width = text.chars().count();
    let end = if last_line == line { last_column } else { width + 1 };
    let carets = "^".repeat(end.saturating_sub(column).max(1));
    let gutter = " ".repeat(line.to_string().len());
    // Tabs stay tabs, so that the carets stand under what they mean.
    let indent: String = text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let mut out =
        format!("error: {message}\n{gutter}--> {file}:{line}:{column}\n{gutter} |\n{line} | {text}\n{gutter} | {indent}{carets}\n");
    if !hint.is_empty() {
        out.push_str(&format!("{gutter} = help: {hint}\n"));
    }
    out
}
