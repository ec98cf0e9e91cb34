//! A list of rows with one that is chosen: what most panes are.

use crate::grid::{Area, Grid, Ink};
use crate::key::{Key, Press};

/// A row: pieces of text, each with its colour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// What is written.
    pub pieces: Vec<(String, Ink)>,
    /// The colour behind it, if it has one of its own.
    pub ground: Option<Ink>,
}

impl Row {
    /// A row of one piece.
    pub fn new(text: impl Into<String>, ink: Ink) -> Row {
        Row { pieces: vec![(text.into(), ink)], ground: None }
    }

    /// One more piece.
    #[must_use]
    pub fn and(mut self, text: impl Into<String>, ink: Ink) -> Row {
        self.pieces.push((text.into(), ink));
        self
    }

    /// With a colour behind it.
    #[must_use]
    pub fn on(mut self, ground: Ink) -> Row {
        self.ground = Some(ground);
        self
    }
}

/// The chosen row and the first one that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct List {
    /// The chosen row.
    pub chosen: usize,
    /// The first row that is shown.
    pub top: usize,
}

/// A text in rows of at most these columns, of whole words where they are not longer than a row.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let (letters, columns) = (text.chars().collect::<Vec<_>>(), columns.max(1));
    let (mut rows, mut rest) = (Vec::new(), letters.as_slice());
    while rest.len() > columns {
        let space = rest[..=columns].iter().rposition(|c| *c == ' ').filter(|at| rest[..*at].iter().any(|c| *c != ' '));
        rows.push(rest[..space.unwrap_or(columns)].iter().collect());
        rest = &rest[space.map_or(columns, |at| at + 1)..];
    }
    rows.push(rest.iter().collect());
    rows
}

/// Rows that a page moves by.
const PAGE: usize = 20;

impl List {
    /// Moves by an arrow or page key; whether it was one.
    pub fn press(&mut self, press: Press, rows: usize) -> bool {
        let last = rows.saturating_sub(1);
        self.chosen = match press.key {
            Key::Up => self.chosen.saturating_sub(1),
            Key::Down => self.chosen + 1,
            Key::PageUp => self.chosen.saturating_sub(PAGE),
            Key::PageDown => self.chosen + PAGE,
            Key::Home => 0,
            Key::End => last,
            _ => return false,
        }
        .min(last);
        true
    }

    /// Draws the rows, so that the chosen one is seen; the first `heads` rows stay where they are.
    pub fn draw(&mut self, rows: &[Row], heads: usize, grid: &mut Grid, area: Area, focus: Focus) {
        self.chosen = self.chosen.min(rows.len().saturating_sub(1));
        if area.height == 0 {
            return;
        }
        let heads = heads.min(area.height - 1);
        let (room, lowest) = (area.height - heads, self.chosen.max(heads));
        self.top = self.top.clamp((lowest + 1).saturating_sub(room).max(heads), lowest);
        let below = rows.iter().enumerate().skip(self.top).take(room).map(|(index, row)| (heads + index - self.top, index, row));
        let above = rows.iter().enumerate().take(heads).map(|(index, row)| (index, index, row));
        for (y, index, row) in above.chain(below) {
            let is_chosen = index == self.chosen && focus == Focus::Here;
            let ground = if is_chosen { Some(Ink::Selection) } else { row.ground };
            if let Some(ground) = ground {
                grid.shade(area.y + y, area.x..area.x + area.width, ground);
            }
            row.pieces.iter().fold(0, |x, (text, ink)| grid.put(area, x, y, text, *ink));
        }
    }
}

/// Whether keys go to what is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// They do.
    Here,
    /// They do not.
    Elsewhere,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_at_words_and_keeps_all_of_them() {
        assert_eq!(wrapped("not written: it is read-only", 12), ["not written:", "it is", "read-only"]);
        assert_eq!(wrapped("  abcdefgh ij", 3), ["  a", "bcd", "efg", "h", "ij"]);
        assert_eq!((wrapped("", 5), wrapped("a", 0)), (vec![String::new()], vec!["a".into()]));
    }
}
