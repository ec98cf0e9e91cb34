//! What each command does, and what a key writes.

use super::{Focus, Question, Studio};
use crate::cursor::{Cursor, Keep, Motion};
use crate::key::{Command, Held, Key, Press};
use crate::panes::PaneKind;
use crate::tree::Tree;

impl Studio {
    /// Does what a command says.
    pub fn command(&mut self, command: Command) {
        use Command::{Overwrite, Redo, Reload, Save, Undo};
        if matches!(command, Overwrite | Redo | Reload | Save | Undo) && self.waits_for_save() {
            return;
        }
        match command {
            Command::Save => self.save(),
            Command::Reload => self.reload(),
            Command::Overwrite => self.overwrite(),
            Command::Quit => self.quit(),
            Command::OpenFile => self.ask(Question::Open),
            Command::CloseFile => self.close(),
            Command::NextTab => self.turn(1),
            Command::PreviousTab => self.turn(-1),
            Command::Find => self.ask(Question::Find),
            Command::FindNext => self.find_next(),
            Command::FindInProject => self.ask(Question::FindInProject),
            Command::ReplaceInProject => self.ask(Question::ReplaceInProject),
            Command::GoToLine => self.ask(Question::Line),
            Command::Rename => self.ask(Question::Rename),
            Command::Hover => self.hover(),
            Command::GoToDefinition => self.go_to_definition(),
            Command::Format => self.format(),
            Command::Run => self.run(),
            Command::Stack => self.stack(),
            Command::Tree => self.turn_tree(),
            Command::Focus => self.turn_focus(),
            Command::Problems => self.show_pane(PaneKind::Problems),
            Command::Agent => self.show_agents(),
            Command::Document => self.show_pane(PaneKind::Document),
            Command::Waves => self.show_pane(PaneKind::Waves),
            Command::Boards => self.show_boards(),
            Command::Help => self.show_pane(PaneKind::Help),
            _ => self.edit(command),
        }
        if matches!(command, Command::Undo | Command::Redo | Command::Cut | Command::Paste | Command::Reload) {
            self.look();
        }
    }

    /// What a terminal pastes: into the text in one step, or into a question; a pane would take letters for commands.
    pub fn paste(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if self.focus == Focus::Text && self.prompt.is_none() {
            if let Some(buffer) = self.buffer_mut() {
                buffer.paste(&text);
            }
            self.follow();
            return self.look();
        }
        if self.prompt.is_none() {
            return self.message = "what is pasted goes into the text: alt+o, then paste again".into();
        }
        text.chars().filter(|c| !c.is_control()).for_each(|c| self.press(Press { key: Key::Char(c), held: Held::default() }));
    }

    /// Commands that are the text's alone.
    fn edit(&mut self, command: Command) {
        let kept = match command {
            Command::Copy | Command::Cut => self.buffer().and_then(|buffer| buffer.selected()),
            _ => None,
        };
        let written = self.clipboard.clone();
        let Some(buffer) = self.buffer_mut() else { return };
        let mut turned = Ok(());
        match command {
            Command::Undo => turned = buffer.undo(),
            Command::Redo => turned = buffer.redo(),
            Command::Cut => buffer.cut(),
            Command::Paste => buffer.paste(&written),
            Command::SelectAll => {
                let end = buffer.now().bytes();
                buffer.set_cursors(vec![Cursor::over(0, end)]);
            }
            Command::NextPlace => buffer.add_next_place(),
            Command::CursorAbove => buffer.add_cursor(Motion::Up(1)),
            Command::CursorBelow => buffer.add_cursor(Motion::Down(1)),
            _ => {}
        }
        if let Err(error) = turned {
            self.message = error.to_string();
        }
        if let Some(kept) = kept {
            self.clipboard = kept;
        }
        self.follow();
    }

    /// A key in the text.
    pub(super) fn press_text(&mut self, press: Press) {
        let page = self.rows.saturating_sub(2).max(1);
        let keep = if press.held.shift { Keep::Anchor } else { Keep::Nothing };
        let Some(buffer) = self.buffers.get_mut(self.active) else { return };
        let revision = buffer.revision;
        let by_word = press.held.ctrl;
        let motion = match press.key {
            Key::Left if by_word => Some(Motion::WordLeft),
            Key::Right if by_word => Some(Motion::WordRight),
            Key::Home if by_word => Some(Motion::Top),
            Key::End if by_word => Some(Motion::Bottom),
            Key::Left => Some(Motion::Left),
            Key::Right => Some(Motion::Right),
            Key::Up => Some(Motion::Up(1)),
            Key::Down => Some(Motion::Down(1)),
            Key::PageUp => Some(Motion::Up(page)),
            Key::PageDown => Some(Motion::Down(page)),
            Key::Home => Some(Motion::Home),
            Key::End => Some(Motion::End),
            _ => None,
        };
        match (motion, press.key) {
            (Some(motion), _) => buffer.go(motion, keep),
            (_, Key::Char(c)) if !press.held.ctrl && !press.held.alt => buffer.insert(c.encode_utf8(&mut [0; 4])),
            (_, Key::Enter) => buffer.enter(),
            (_, Key::Tab) => buffer.tab(),
            (_, Key::Backspace) => buffer.backspace(),
            (_, Key::Delete) => buffer.delete(),
            (_, Key::Escape) => {
                let last = buffer.cursor();
                buffer.set_cursors(vec![Cursor::at(last.head)]);
                self.panes.hide();
            }
            _ => return,
        }
        let is_changed = buffer.revision != revision;
        if let Some(why) = buffer.locked.clone().filter(|_| !is_changed && motion.is_none() && press.key != Key::Escape) {
            self.message = why;
        }
        if is_changed {
            self.message.clear();
            self.look();
        }
        self.follow();
    }

    /// Turns the view so that the cursor is in it.
    pub(super) fn follow(&mut self) {
        let rows = self.rows.max(1);
        if let Some(buffer) = self.buffer_mut() {
            let line = buffer.now().line_of(buffer.cursor().head);
            buffer.top = buffer.top.clamp((line + 1).saturating_sub(rows), line);
        }
    }

    fn turn(&mut self, by: isize) {
        if !self.buffers.is_empty() {
            self.active = (self.active as isize + by).rem_euclid(self.buffers.len() as isize) as usize;
        }
    }

    fn turn_tree(&mut self) {
        if self.tree.take().is_some() {
            return self.focus = Focus::Text;
        }
        let mut tree = Tree::new(&self.root);
        if let Some(buffer) = self.buffer() {
            tree.reveal(buffer.path.as_path());
        }
        self.tree = Some(tree);
        self.focus = Focus::Tree;
    }

    fn turn_focus(&mut self) {
        self.focus = match self.focus {
            Focus::Text if self.panes.shown().is_some() => Focus::Pane,
            Focus::Text if self.tree.is_some() => Focus::Tree,
            _ => Focus::Text,
        };
    }

    pub(super) fn find_next(&mut self) {
        let wanted = self.wanted.clone();
        let Some(buffer) = self.buffer_mut() else { return };
        let from = buffer.cursor().range().end;
        match buffer.find(&wanted, from) {
            Some(at) => buffer.set_cursors(vec![Cursor::over(at, at + wanted.len())]),
            None => self.message = format!("'{wanted}' is not in this file"),
        }
        self.follow();
    }
}
