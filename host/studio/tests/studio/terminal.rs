//! The terminal shows what the window shows, cell for cell, and its keys are the same.

use crate::common::{Place, screen};
use crossterm::event::{KeyCode, KeyModifiers};
use nda_studio::face::terminal::{draw, press};
use nda_studio::grid::{Grid, Ink};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use std::path::Path;

#[test]
fn a_terminal_has_the_same_cells() {
    let place = Place::new(&[("a.rs", "fn main() {} // \u{4e2d}\u{1b}[2J\n".as_bytes())]);
    let mut studio = place.studio();
    studio.open(Path::new("a.rs"));
    let wanted = screen(&mut studio);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 150, 40));
    draw(&mut studio, &mut Grid::default(), &mut buffer);
    let row = |y: u16| (0..150).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let found: String = (0..40).map(|y| format!("{}\n", row(y).trim_end())).collect();
    assert_eq!(found, wanted);
    assert!(!found.contains('\u{1b}'), "a file cannot speak to the terminal");
    let [_, red, green, blue] = Ink::Keyword.rgb().to_be_bytes();
    assert_eq!(buffer[(4, 1)].fg, Color::Rgb(red, green, blue), "'fn' is a keyword, and its first letter is under the cursor");
}

#[test]
fn a_terminals_keys_edit_and_save() {
    let place = Place::new(&[("a.txt", b"one\n")]);
    let mut studio = place.studio();
    studio.open(Path::new("a.txt"));
    let keys = [
        (KeyCode::Char('X'), KeyModifiers::SHIFT),
        (KeyCode::End, KeyModifiers::NONE),
        (KeyCode::Enter, KeyModifiers::NONE),
        (KeyCode::Char('S'), KeyModifiers::CONTROL),
    ];
    keys.iter().filter_map(|(code, held)| press(*code, *held)).for_each(|press| studio.press(press));
    assert_eq!(place.read("a.txt"), b"Xone\n\n");
}
