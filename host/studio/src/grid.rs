//! What both faces draw: cells of a character and two inks.

use std::ops::Range;
use unicode_width::UnicodeWidthChar;

/// A colour by its meaning; each face has its own for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Ink {
    /// Text.
    #[default]
    Text,
    /// What is less important.
    Dim,
    /// A word of a language, a heading.
    Keyword,
    /// A number.
    Number,
    /// A text in quotes.
    Quote,
    /// A comment.
    Comment,
    /// Something wrong.
    Fault,
    /// What is added, and what may be written.
    Green,
    /// What is removed, and what may not.
    Red,
    /// What is chosen.
    Accent,
    /// The ground of the text.
    Ground,
    /// The ground of bars and panes.
    Panel,
    /// The ground of the line with the cursor.
    Line,
    /// The ground of selected text.
    Selection,
    /// The cursor.
    Cursor,
    /// The ground of added lines.
    GreenGround,
    /// The ground of removed lines.
    RedGround,
}

impl Ink {
    /// Red, green and blue, eight bits each.
    pub const fn rgb(self) -> u32 {
        match self {
            Ink::Text => 0xd6dbe3,
            Ink::Dim => 0x7c8797,
            Ink::Keyword => 0x8ab4f8,
            Ink::Number => 0xe6b673,
            Ink::Quote => 0x9ccc8f,
            Ink::Comment => 0x6f8a7f,
            Ink::Fault => 0xff7b72,
            Ink::Green => 0x6fce7c,
            Ink::Red => 0xf08078,
            Ink::Accent => 0xf2cc60,
            Ink::Ground => 0x15191f,
            Ink::Panel => 0x1d232b,
            Ink::Line => 0x1f2630,
            Ink::Selection => 0x2f4a6d,
            Ink::Cursor => 0xf2cc60,
            Ink::GreenGround => 0x16301f,
            Ink::RedGround => 0x3a1f20,
        }
    }
}

/// A character's place on the screen. Behind a wide character the next cell holds `\0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The character.
    pub c: char,
    /// Its colour.
    pub ink: Ink,
    /// The colour behind it.
    pub ground: Ink,
}

impl Default for Cell {
    fn default() -> Cell {
        Cell { c: ' ', ink: Ink::Text, ground: Ink::Ground }
    }
}

/// A part of the screen, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Area {
    /// The first column.
    pub x: usize,
    /// The first row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Area {
    /// An area.
    pub fn new(x: usize, y: usize, width: usize, height: usize) -> Area {
        Area { x, y, width, height }
    }

    /// Whether a cell is in it.
    pub fn has(&self, x: usize, y: usize) -> bool {
        (self.x..self.x + self.width).contains(&x) && (self.y..self.y + self.height).contains(&y)
    }

    /// The rows behind the first `count`.
    pub fn below(self, count: usize) -> Area {
        let count = count.min(self.height);
        Area { y: self.y + count, height: self.height - count, ..self }
    }
}

/// The screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grid {
    width: usize,
    height: usize,
    cells: Vec<Cell>,
}

impl Grid {
    /// An empty screen.
    pub fn new(width: usize, height: usize) -> Grid {
        Grid { width, height, cells: vec![Cell::default(); width * height] }
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Another size, all of it empty.
    pub fn clear(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        self.cells.clear();
        self.cells.resize(width * height, Cell::default());
    }

    /// All cells, row by row.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// A row.
    pub fn row(&self, y: usize) -> &[Cell] {
        &self.cells[y * self.width..(y + 1) * self.width]
    }

    /// The text of a row, without blanks at its end.
    pub fn text(&self, y: usize) -> String {
        let text: String = self.row(y).iter().map(|cell| cell.c).filter(|c| *c != '\0').collect();
        text.trim_end().to_owned()
    }

    /// A cell; what is outside is none.
    pub fn cell(&mut self, x: usize, y: usize) -> Option<&mut Cell> {
        let is_in = x < self.width && y < self.height;
        is_in.then(|| &mut self.cells[y * self.width + x])
    }

    /// Gives an area a ground and takes its text away.
    pub fn fill(&mut self, area: Area, ground: Ink) {
        for y in area.y..(area.y + area.height).min(self.height) {
            for x in area.x..(area.x + area.width).min(self.width) {
                self.cells[y * self.width + x] = Cell { c: ' ', ink: Ink::Text, ground };
            }
        }
    }

    /// Changes the ground of some cells of a row.
    pub fn shade(&mut self, y: usize, columns: Range<usize>, ground: Ink) {
        for x in columns {
            if let Some(cell) = self.cell(x, y) {
                cell.ground = ground;
            }
        }
    }

    /// Writes a text from a cell on, at most up to the area's right edge, over whatever ground is there; the column behind it comes back.
    pub fn put(&mut self, area: Area, x: usize, y: usize, text: &str, ink: Ink) -> usize {
        let (end, mut x) = ((area.x + area.width).min(self.width), area.x + x);
        let y = area.y + y;
        if y >= (area.y + area.height).min(self.height) {
            return x - area.x;
        }
        for c in text.chars() {
            let width = width_of(c);
            if x + width > end {
                break;
            }
            let at = y * self.width + x;
            for (index, cell) in self.cells[at..at + width].iter_mut().enumerate() {
                cell.c = if index == 0 { shown(c) } else { '\0' };
                cell.ink = ink;
            }
            x += width;
        }
        x - area.x
    }
}

/// Columns that a character takes.
pub fn width_of(c: char) -> usize {
    UnicodeWidthChar::width(c).unwrap_or(1)
}

/// What is drawn for a character: control characters have a picture of their own.
fn shown(c: char) -> char {
    match u32::from(c) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or('?'),
        0x7f => '\u{2421}',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_its_area_and_wide_characters_take_two_cells() {
        let mut grid = Grid::new(8, 2);
        let area = Area::new(2, 0, 5, 1);
        assert_eq!(grid.put(area, 0, 0, "a\u{4e2d}b\u{4e2d}", Ink::Text), 4, "the last one would be cut");
        assert_eq!(grid.text(0), "  a\u{4e2d}b");
        assert_eq!(grid.row(0)[4].c, '\0');
        assert_eq!(grid.put(area, 0, 1, "below", Ink::Text), 0);
        grid.put(area, 0, 0, "\u{1b}[8m", Ink::Text);
        assert!(grid.text(0).contains("\u{241b}[8m"), "a terminal obeys nothing of a file");
    }
}
