//! Characters as pixels. The font lies in the program; each character is drawn when it is first seen.

use crate::grid::{Cell, Grid, width_of};
use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use std::collections::HashMap;

/// A character's pixels, relative to its cell.
#[derive(Debug, Default)]
struct Glyph {
    x: i32,
    y: i32,
    width: usize,
    coverage: Vec<u8>,
}

/// The font at a size.
pub struct Glyphs {
    font: FontRef<'static>,
    scale: PxScale,
    ascent: f32,
    /// Pixels of a cell.
    pub cell: (usize, usize),
    known: HashMap<char, Glyph>,
}

/// A picture: rows of 0x00RRGGBB.
pub struct Canvas<'p> {
    /// The pixels.
    pub pixels: &'p mut [u32],
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Glyphs {
    /// The font, its height in pixels.
    ///
    /// # Panics
    /// If the font in the program is none, which a test sees.
    pub fn new(height: f32) -> Glyphs {
        let font = FontRef::try_from_slice(dejavu::sans_mono::regular()).expect("the font in the program");
        let scale = PxScale::from(height);
        let scaled = font.as_scaled(scale);
        let width = scaled.h_advance(scaled.glyph_id('M')).round().max(1.0);
        let cell = (width as usize, (scaled.ascent() - scaled.descent() + scaled.line_gap()).ceil() as usize);
        Glyphs { ascent: scaled.ascent(), scale, cell, known: HashMap::new(), font }
    }

    /// Columns and rows that fit.
    pub fn fit(&self, width: usize, height: usize) -> (usize, usize) {
        (width / self.cell.0, height / self.cell.1)
    }

    fn glyph(&mut self, c: char) -> &Glyph {
        let (font, scale, ascent) = (&self.font, self.scale, self.ascent);
        self.known.entry(c).or_insert_with(|| {
            let glyph = font.glyph_id(c).with_scale_and_position(scale, ab_glyph::point(0.0, ascent));
            let Some(outline) = font.outline_glyph(glyph) else { return Glyph::default() };
            let bounds = outline.px_bounds();
            let (width, height) = (bounds.width() as usize, bounds.height() as usize);
            let mut coverage = vec![0; width * height];
            outline.draw(|x, y, share| {
                if let Some(pixel) = coverage.get_mut(y as usize * width + x as usize) {
                    *pixel = (share.clamp(0.0, 1.0) * 255.0) as u8;
                }
            });
            Glyph { x: bounds.min.x as i32, y: bounds.min.y as i32, width, coverage }
        })
    }

    /// Draws a cell.
    fn draw_cell(&mut self, canvas: &mut Canvas<'_>, column: usize, row: usize, cell: Cell) {
        let (cell_width, cell_height) = self.cell;
        let columns = if cell.c == '\0' { return } else { width_of(cell.c).max(1) };
        let (left, top) = (column * cell_width, row * cell_height);
        let (right, bottom) = ((left + columns * cell_width).min(canvas.width), (top + cell_height).min(canvas.height));
        let ground = cell.ground.rgb();
        for y in top..bottom {
            canvas.pixels[y * canvas.width + left..y * canvas.width + right].fill(ground);
        }
        if cell.c == ' ' {
            return;
        }
        let ink = cell.ink.rgb();
        let glyph = self.glyph(cell.c);
        for (index, share) in glyph.coverage.iter().enumerate().filter(|(_, share)| **share > 0) {
            let (x, y) = (left as i32 + glyph.x + (index % glyph.width) as i32, top as i32 + glyph.y + (index / glyph.width) as i32);
            // What leans out of its cell would be left behind when the cell is drawn anew.
            if (left as i32..right as i32).contains(&x) && (top as i32..bottom as i32).contains(&y) {
                let at = y as usize * canvas.width + x as usize;
                canvas.pixels[at] = blended(canvas.pixels[at], ink, u32::from(*share));
            }
        }
    }

    /// Draws the cells that are others than before; rows of pixels that were drawn come back, if any were.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, grid: &Grid, before: Option<&Grid>) -> Option<(usize, usize)> {
        let (columns, rows) = grid.size();
        let before = before.filter(|before| before.size() == grid.size());
        if before.is_none() {
            canvas.pixels.fill(crate::grid::Ink::Ground.rgb());
        }
        let mut drawn: Option<(usize, usize)> = if before.is_none() { Some((0, canvas.height)) } else { None };
        for row in 0..rows {
            let old = before.map(|before| before.row(row));
            if old == Some(grid.row(row)) {
                continue;
            }
            for column in 0..columns {
                if old.is_none_or(|old| old[column] != grid.row(row)[column]) {
                    self.draw_cell(canvas, column, row, grid.row(row)[column]);
                }
            }
            let (top, bottom) = (row * self.cell.1, ((row + 1) * self.cell.1).min(canvas.height));
            drawn = Some(drawn.map_or((top, bottom), |(first, last)| (first.min(top), last.max(bottom))));
        }
        drawn
    }
}

fn blended(ground: u32, ink: u32, share: u32) -> u32 {
    let one = |shift: u32| {
        let (ground, ink) = ((ground >> shift) & 0xff, (ink >> shift) & 0xff);
        ((ground * (255 - share) + ink * share) / 255) << shift
    };
    one(16) | one(8) | one(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Area, Ink};

    #[test]
    fn changed_cells_alone_are_drawn_and_give_the_same_picture() {
        let mut glyphs = Glyphs::new(16.0);
        let (width, height) = (glyphs.cell.0 * 20, glyphs.cell.1 * 4);
        let mut first = Grid::new(20, 4);
        first.put(Area::new(0, 0, 20, 4), 0, 0, "fn main() \u{2588}\u{2502}\u{4e2d}", Ink::Text);
        let mut second = first.clone();
        second.put(Area::new(0, 0, 20, 4), 3, 0, "j", Ink::Keyword);
        let mut whole = vec![0; width * height];
        glyphs.draw(&mut Canvas { pixels: &mut whole, width, height }, &second, None);
        let mut part = vec![0; width * height];
        glyphs.draw(&mut Canvas { pixels: &mut part, width, height }, &first, None);
        assert!(part.iter().any(|pixel| *pixel == Ink::Text.rgb()), "something is written");
        assert_ne!(part, whole);
        let rows = glyphs.draw(&mut Canvas { pixels: &mut part, width, height }, &second, Some(&first));
        assert_eq!(rows, Some((0, glyphs.cell.1)));
        assert_eq!(part, whole);
        assert_eq!(glyphs.draw(&mut Canvas { pixels: &mut part, width, height }, &second, Some(&second)), None);
    }
}
