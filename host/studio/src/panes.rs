//! The panes at the right of the text.

pub mod agents;
pub mod boards;
pub mod document;
pub mod keys;
pub mod problems;
pub mod run;
pub mod search;
pub mod stack;
pub mod waves;

use crate::grid::{Area, Ink};
use crate::key::{Key, Press};
use crate::list::{List, Row};
use nda_analysis::Hover;
use std::cell::Cell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Which pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaneKind {
    /// The list of keys.
    Help,
    /// Faults of the file.
    Problems,
    /// What a name is.
    Hover,
    /// Places of a text in the project.
    Search,
    /// A run in the sandbox.
    Run,
    /// Agents and checkpoints.
    Agent,
    /// Frames of a document.
    Document,
    /// Waves.
    Waves,
    /// Boards.
    Boards,
    /// From a product down to the wave.
    Stack,
}

/// What a pane asks of the studio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Shows a place: file, line, column.
    Show(PathBuf, usize, usize),
    /// Replaces the places that are not left out.
    Replace,
    /// Answers an agent.
    Answer,
    /// Brings a checkpoint back.
    Restore(String),
    /// Takes the last restore back.
    UndoRestore,
    /// Asks for a checkpoint's name.
    Checkpoint,
    /// Asks what a model shall do.
    Chat,
    /// Asks which agent of others is started.
    OtherAgent,
    /// Looks at the codes of a tensor.
    Codes(String),
    /// Edits a document's program.
    EditProgram,
    /// Opens the wave in Surfer.
    Surfer(PathBuf),
    /// Shows a wave where a variable, named with its scopes, has something to say.
    ShowWave(PathBuf, String),
    /// Asks for words in the names of a wave's variables.
    Filter,
    /// Shows a signal of a wave, or hides it.
    Signal(usize),
    /// Looks for boards.
    Probe,
    /// Writes a board's memory, if a person says green.
    Flash(String),
    /// Lets the model speak on a device, and shows what the command says of it; none if this is not one.
    Counters(Option<String>),
}

/// All panes.
#[derive(Default)]
pub struct Panes {
    shown: Option<PaneKind>,
    lists: HashMap<PaneKind, List>,
    area: Cell<Area>,
    /// What was asked of a name.
    pub hover: Option<Hover>,
    /// Faults.
    pub problems: problems::Problems,
    /// Places of a text.
    pub search: search::Search,
    /// A run.
    pub run: run::Run,
    /// Agents.
    pub agents: agents::Agents,
    /// A document.
    pub document: document::DocumentPane,
    /// Waves.
    pub waves: waves::WavePane,
    /// Boards.
    pub boards: boards::Boards,
    /// The way through the stack.
    pub stack: stack::Stack,
}

impl Panes {
    /// The pane that is shown.
    pub fn shown(&self) -> Option<PaneKind> {
        self.shown
    }

    /// Shows one.
    pub fn show(&mut self, kind: PaneKind) {
        self.shown = Some(kind);
    }

    /// Shows none.
    pub fn hide(&mut self) {
        self.shown = None;
    }

    /// Where it was drawn.
    pub fn area(&self) -> Area {
        self.area.get()
    }

    /// Notes where it is drawn.
    pub fn set_area(&self, area: Area) {
        self.area.set(area);
    }

    /// The list of the pane that is shown.
    pub fn list(&mut self) -> &mut List {
        self.lists.entry(self.shown.unwrap_or(PaneKind::Help)).or_default()
    }

    /// The rows of the pane that is shown, for this many columns.
    pub fn rows(&self, columns: usize) -> Vec<Row> {
        match self.shown {
            None => Vec::new(),
            Some(PaneKind::Help) => keys::help(),
            Some(PaneKind::Hover) => problems::hover(self.hover.as_ref()),
            Some(PaneKind::Problems) => self.problems.rows(columns),
            Some(PaneKind::Search) => self.search.rows(),
            Some(PaneKind::Run) => self.run.rows(),
            Some(PaneKind::Agent) => self.agents.rows(columns),
            Some(PaneKind::Document) => self.document.rows(columns),
            Some(PaneKind::Waves) => self.waves.rows(columns),
            Some(PaneKind::Boards) => self.boards.rows(columns),
            Some(PaneKind::Stack) => self.stack.rows(),
        }
    }

    /// Begins a run, whose end is followed.
    pub fn begin_run(&mut self, title: String, stop: Arc<AtomicBool>) {
        self.run.begin(title, stop);
        self.lists.insert(PaneKind::Run, List { chosen: self.run.last_row(), top: 0 });
    }

    /// Something happens to the run: the end is followed by whoever stands there.
    pub fn run_goes_on(&mut self, change: impl FnOnce(&mut run::Run)) {
        let list = self.lists.entry(PaneKind::Run).or_default();
        let is_at_end = list.chosen >= self.run.last_row();
        change(&mut self.run);
        if is_at_end {
            list.chosen = self.run.last_row();
        }
    }

    /// Begins a job of a board, whose end is followed.
    pub fn begin_job(&mut self, command: &str) {
        self.boards.begin(command);
        let last = self.last_of_boards();
        self.lists.insert(PaneKind::Boards, List { chosen: last, top: 0 });
    }

    /// A job of a board says something: the end is followed by whoever stands there.
    pub fn job_says(&mut self, text: &str, ink: Ink) {
        let before = self.last_of_boards();
        self.boards.add(text, ink);
        let last = self.last_of_boards();
        let list = self.lists.entry(PaneKind::Boards).or_default();
        if list.chosen >= before {
            list.chosen = last;
        }
    }

    fn last_of_boards(&self) -> usize {
        self.boards.rows(self.area().width.saturating_sub(2)).len().saturating_sub(1)
    }

    /// Takes the codes of a tensor, which stand above the frames: the chosen frame stays chosen.
    pub fn take_codes(&mut self, codes: document::Codes) {
        let before = self.document.above();
        self.document.codes = Some(codes);
        let list = self.lists.entry(PaneKind::Document).or_default();
        if list.chosen >= before {
            list.chosen = list.chosen - before + self.document.above();
        }
    }

    /// Takes the places of a text; the first one is chosen.
    pub fn take_hits(&mut self, found: search::Found) {
        self.search.found = found;
        let first = usize::from(!self.search.found.hits.is_empty());
        self.lists.insert(PaneKind::Search, List { chosen: first, top: 0 });
    }

    /// Rows of the pane that is shown that do not scroll away.
    pub fn heads(&self) -> usize {
        if self.shown == Some(PaneKind::Waves) { self.waves.heads() } else { 0 }
    }

    /// A key in the pane that is shown.
    pub fn press(&mut self, press: Press) -> Vec<Act> {
        let Some(kind) = self.shown else { return Vec::new() };
        // As it is drawn: less the columns at both sides.
        let columns = self.area().width.saturating_sub(2);
        let rows = self.rows(columns).len();
        if self.list().press(press, rows) {
            return Vec::new();
        }
        let chosen = self.list().chosen;
        let act = match kind {
            PaneKind::Help | PaneKind::Hover => None,
            PaneKind::Problems => self.problems.press(press.key, chosen, columns),
            PaneKind::Search => self.search.press(press.key, chosen),
            PaneKind::Run => self.run.press(press.key),
            PaneKind::Agent => self.agents.press(press.key, chosen),
            PaneKind::Document => self.document.press(press.key, chosen),
            PaneKind::Waves => self.waves.press(press.key, chosen),
            PaneKind::Boards => self.boards.press(press.key, chosen),
            PaneKind::Stack => self.stack.press(press.key, chosen),
        };
        act.into_iter().collect()
    }

    /// A click on a row of the screen.
    pub fn click(&mut self, y: usize) {
        let first = self.area().y + 1;
        let heads = self.heads();
        let list = self.list();
        if y >= first {
            list.chosen = if y - first < heads { y - first } else { list.top.max(heads) + y - first - heads };
        }
    }
}

/// Whether a key is the one of this letter.
fn is(key: Key, letter: char) -> bool {
    key == Key::Char(letter)
}
