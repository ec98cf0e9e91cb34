//! The same panes in a terminal, for work over SSH. It sleeps until a key or a message comes.

use super::FaceError;
use crate::grid::{Grid, Ink};
use crate::key::{Held, Key, Press};
use crate::studio::Studio;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEventKind, KeyModifiers, read};
use crossterm::execute;
use ratatui::style::{Color, Style};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

/// What wakes the terminal.
pub enum Wake {
    /// Something was typed, or the size is another.
    Input(Event),
    /// Something has come from beside the view.
    News,
    /// The terminal is gone.
    Gone,
}

/// The queue, which is made first: what is beside the view writes into it.
pub struct Queue {
    sender: Sender<Wake>,
    receiver: Receiver<Wake>,
}

impl Default for Queue {
    fn default() -> Queue {
        let (sender, receiver) = channel();
        Queue { sender, receiver }
    }
}

impl Queue {
    /// What wakes it.
    pub fn sender(&self) -> Sender<Wake> {
        self.sender.clone()
    }

    /// Shows a studio until the person ends it.
    ///
    /// # Errors
    /// There is no terminal.
    pub fn show(self, mut studio: Studio) -> Result<(), FaceError> {
        let failed = |error: std::io::Error| FaceError {
            what: "the terminal cannot be used",
            why: error.to_string(),
            help: "run it in a terminal, or in a window without --terminal",
        };
        let mut terminal = ratatui::try_init().map_err(failed)?;
        // A terminal that does not know it sends what is pasted as keys.
        let _ = execute!(terminal.backend_mut(), EnableBracketedPaste);
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            while let Ok(event) = read() {
                if sender.send(Wake::Input(event)).is_err() {
                    return;
                }
            }
            let _ = sender.send(Wake::Gone);
        });
        studio.begin_beside();
        let mut grid = Grid::default();
        let shown = loop {
            if let Err(error) = terminal.draw(|frame| draw(&mut studio, &mut grid, frame.buffer_mut())) {
                break Err(failed(error));
            }
            let woken = match studio.deadline() {
                Some(due) => self.receiver.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => self.receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match woken {
                Ok(Wake::Input(event)) => input(&mut studio, event),
                Ok(Wake::News) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Wake::Gone) | Err(RecvTimeoutError::Disconnected) => break Ok(()),
            }
            studio.tick();
            if studio.is_over() {
                break Ok(());
            }
        };
        let _ = execute!(terminal.backend_mut(), DisableBracketedPaste);
        ratatui::restore();
        shown
    }
}

/// Draws the studio into a terminal's cells.
pub fn draw(studio: &mut Studio, grid: &mut Grid, buffer: &mut ratatui::buffer::Buffer) {
    let area = buffer.area;
    grid.clear(area.width as usize, area.height as usize);
    studio.draw(grid);
    for y in 0..area.height {
        for (x, cell) in grid.row(y as usize).iter().enumerate() {
            let style = Style::new().fg(colour(cell.ink)).bg(colour(cell.ground));
            let place = &mut buffer[(x as u16, y)];
            match cell.c {
                '\0' => place.set_symbol(""),
                c => place.set_char(c),
            };
            place.set_style(style);
        }
    }
}

fn colour(ink: Ink) -> Color {
    let [_, red, green, blue] = ink.rgb().to_be_bytes();
    Color::Rgb(red, green, blue)
}

fn input(studio: &mut Studio, event: Event) {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => {
            if let Some(press) = press(key.code, key.modifiers) {
                studio.press(press);
            }
        }
        Event::Paste(text) => studio.paste(&text),
        Event::FocusGained => studio.look_at_disk(),
        _ => {}
    }
}

/// A terminal's key.
pub fn press(code: KeyCode, modifiers: KeyModifiers) -> Option<Press> {
    let mut held = Held {
        ctrl: modifiers.contains(KeyModifiers::CONTROL),
        alt: modifiers.contains(KeyModifiers::ALT),
        shift: modifiers.contains(KeyModifiers::SHIFT),
    };
    let key = match code {
        KeyCode::Char(c) => {
            held.shift = false;
            Key::Char(if held.ctrl || held.alt { c.to_ascii_lowercase() } else { c })
        }
        KeyCode::Enter => Key::Enter,
        KeyCode::Tab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Esc => Key::Escape,
        KeyCode::F(number) => Key::F(number),
        _ => return None,
    };
    Some(Press { key, held })
}
