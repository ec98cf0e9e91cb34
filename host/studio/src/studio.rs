//! The studio without a face: what is open, what is shown, what a key does. Faces tell it keys and draw what it puts on a [`Grid`].

mod commands;
mod disk;
mod events;
mod programs;
mod project;
mod prompt;

pub use events::Event;
pub use programs::Insight;
pub use prompt::{Prompt, Question};

use crate::buffer::Buffer;
use crate::grid::Grid;
use crate::key::{Key, Press, command};
use crate::panes::{PaneKind, Panes};
use crate::save::Guarded;
use crate::tree::Tree;
use crate::view;
use crate::watch::Watch;
use crate::work::{Wake, Work};
use nda_graph::Graph;
use nda_guard::{Drafts, GuardError, RelPath};
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ChildStdin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A path from the root.
fn rel(path: &Path) -> Result<RelPath, GuardError> {
    RelPath::new(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()))
}

/// Where keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Focus {
    /// To the text.
    Text,
    /// To the project's tree.
    Tree,
    /// To the pane at the right.
    Pane,
}

/// How a studio is started.
pub struct Setup {
    /// The project's folder.
    pub root: PathBuf,
    /// Where the state of all folders lies; by default the user's state folder.
    pub state: Option<PathBuf>,
    /// The `nda` command, which is asked for what the studio does not know itself.
    pub nda: OsString,
    /// Tells the face that something has come.
    pub wake: Wake,
}

/// Everything that is open.
pub struct Studio {
    /// The project's folder.
    pub root: PathBuf,
    nda: OsString,
    drafts: Drafts,
    guarded: Guarded,
    buffers: Vec<Buffer>,
    active: usize,
    /// Where keys go.
    pub focus: Focus,
    /// The project's files, if they are shown.
    pub tree: Option<Tree>,
    /// The panes, and which one is shown.
    pub panes: Panes,
    prompt: Option<Prompt>,
    /// What the bottom line says.
    pub message: String,
    insights: HashMap<RelPath, Insight>,
    clipboard: String,
    wanted: String,
    work: Work<Event>,
    graph: Option<Arc<Graph>>,
    /// Where further tasks of the model are written to.
    chat: Option<ChildStdin>,
    /// Documents whose tiles were asked for.
    tiles_asked: HashSet<String>,
    watch: Option<Watch>,
    traffic: disk::Traffic,
    /// Rows of text at the last drawing: a page.
    rows: usize,
    /// The column at which the text begins, and its first row: where the pointer hits.
    text_at: (usize, usize),
    is_over: bool,
}

/// How long a longer program rests before it is looked at again.
const REST: Duration = Duration::from_millis(40);

impl Studio {
    /// A studio on a folder; nothing is read yet but what is shown.
    ///
    /// # Errors
    /// No folder for what is typed and not saved.
    pub fn new(setup: Setup) -> Result<Studio, GuardError> {
        let drafts = Drafts::of(&setup.root, setup.state.as_deref())?;
        let root = setup.root.canonicalize().unwrap_or(setup.root);
        Ok(Studio {
            guarded: Guarded::new(&root, setup.state),
            tree: None,
            root,
            nda: setup.nda,
            drafts,
            buffers: Vec::new(),
            active: 0,
            focus: Focus::Text,
            panes: Panes::default(),
            prompt: None,
            message: "F1 lists the keys".into(),
            insights: HashMap::new(),
            clipboard: String::new(),
            wanted: String::new(),
            work: Work::new(setup.wake),
            graph: None,
            chat: None,
            tiles_asked: HashSet::new(),
            watch: None,
            traffic: disk::Traffic::default(),
            rows: 20,
            text_at: (0, 1),
            is_over: false,
        })
    }

    /// The open files, in order.
    pub fn buffers(&self) -> &[Buffer] {
        &self.buffers
    }

    /// The number of the one that is shown.
    pub fn active(&self) -> usize {
        self.active
    }

    /// The file that is shown.
    pub fn buffer(&self) -> Option<&Buffer> {
        self.buffers.get(self.active)
    }

    /// The file that is shown, to be edited.
    pub fn buffer_mut(&mut self) -> Option<&mut Buffer> {
        self.buffers.get_mut(self.active)
    }

    /// What is known of the program that is shown.
    pub fn insight(&self) -> Option<&Insight> {
        self.insights.get(&self.buffer()?.path)
    }

    /// What is asked in the bottom line.
    pub fn prompt(&self) -> Option<&Prompt> {
        self.prompt.as_ref()
    }

    /// Whether the person has ended the studio.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Shows a file, and opens it if it is not open.
    pub fn open(&mut self, path: &Path) {
        let path = match self.within(path) {
            Ok(path) => path,
            Err(words) => return self.message = words,
        };
        if let Some(open) = self.buffers.iter().position(|buffer| buffer.path == path) {
            self.active = open;
            return;
        }
        match path.as_path().extension().and_then(|ending| ending.to_str()) {
            Some("ndf") => return self.show_document(path),
            Some("vcd" | "fst") => return self.show_wave(path),
            _ => {}
        }
        match Buffer::open(&self.root, path, &self.drafts) {
            Ok(buffer) => {
                self.message = if let Some(why) = &buffer.locked {
                    why.clone()
                } else if buffer.disk == crate::buffer::Disk::Conflict {
                    "the file has changed, or is gone, under the text here: alt+d takes the disk's, alt+w writes yours over it".into()
                } else if buffer.is_dirty() {
                    "unsaved text came back from the journal".into()
                } else {
                    String::new()
                };
                if let Some(watch) = &mut self.watch {
                    watch.add(&buffer.place);
                }
                self.buffers.push(buffer);
                self.active = self.buffers.len() - 1;
                self.look();
                self.ask_costs();
            }
            Err(error) => self.message = error.to_string(),
        }
    }

    /// Shows a place of a file.
    pub fn show(&mut self, path: &Path, line: usize, column: usize) {
        self.open(path);
        if let Some(buffer) = self.buffer_mut() {
            buffer.go_to(line, column);
            self.focus = Focus::Text;
        }
    }

    /// Does what a key asks for.
    pub fn press(&mut self, press: Press) {
        if self.prompt.is_some() {
            return self.press_prompt(press);
        }
        if let Some(command) = command(press) {
            return self.command(command);
        }
        match self.focus {
            Focus::Tree => self.press_tree(press),
            Focus::Pane if press.key == Key::Escape => self.focus = Focus::Text,
            Focus::Pane => {
                let acts = self.panes.press(press);
                acts.into_iter().for_each(|act| self.act(act));
            }
            Focus::Text => self.press_text(press),
        }
    }

    fn press_tree(&mut self, press: Press) {
        let Some(tree) = &mut self.tree else { return self.focus = Focus::Text };
        match press.key {
            Key::Up => tree.step(-1),
            Key::Down => tree.step(1),
            Key::PageUp => tree.step(-20),
            Key::PageDown => tree.step(20),
            Key::Enter | Key::Right | Key::Left => {
                if let Some(path) = tree.enter() {
                    self.open(&path);
                    self.focus = Focus::Text;
                }
            }
            Key::Escape => self.focus = Focus::Text,
            _ => {}
        }
    }

    /// A click on a cell; with control, the product there is followed through the stack.
    pub fn click(&mut self, x: usize, y: usize, held: crate::key::Held) {
        let (left, first) = self.text_at;
        if self.panes.area().has(x, y) {
            self.focus = Focus::Pane;
            return self.panes.click(y);
        }
        let Some(buffer) = self.buffers.get_mut(self.active).filter(|_| x >= left && y >= first) else { return };
        let line = (buffer.top + y - first).min(buffer.now().lines() - 1);
        let at = crate::cursor::byte_of_column(buffer.now(), line, buffer.left + x - left);
        let mut cursors = if held.alt { buffer.cursors().to_vec() } else { Vec::new() };
        cursors.push(crate::cursor::Cursor::at(at));
        buffer.set_cursors(cursors);
        self.focus = Focus::Text;
        if held.ctrl {
            self.command(crate::key::Command::Stack);
        }
    }

    /// Turns the view by some lines.
    pub fn scroll(&mut self, lines: isize) {
        if let Some(buffer) = self.buffer_mut() {
            buffer.top = buffer.top.saturating_add_signed(lines).min(buffer.now().lines() - 1);
        }
    }

    /// When something is to be done without a key; none if nothing is.
    pub fn deadline(&self) -> Option<Instant> {
        self.insight().and_then(|insight| insight.due)
    }

    /// Does what was to be done by now, and takes in what has come from beside; whether anything has.
    pub fn tick(&mut self) -> bool {
        let mut has_news = false;
        while let Some(event) = self.work.next() {
            self.event(event);
            has_news = true;
        }
        if self.deadline().is_some_and(|due| due <= Instant::now()) {
            self.analyse();
            has_news = true;
        }
        has_news
    }

    /// Waits for something from beside, and takes it in: for tests and scripts.
    pub fn wait(&mut self) {
        if let Some(event) = self.work.wait() {
            self.event(event);
        }
        self.tick();
    }

    /// Draws everything.
    pub fn draw(&mut self, grid: &mut Grid) {
        view::draw(self, grid);
    }

    /// Begins what is not needed for the first picture: listens for agents, watches the open files, reads the project.
    pub fn begin_beside(&mut self) {
        self.listen();
        self.watch = Watch::new(&self.work);
        for buffer in &self.buffers {
            if let Some(watch) = &mut self.watch {
                watch.add(&buffer.place);
            }
        }
        self.load_graph();
    }

    /// Notes where the text is drawn: column, row, rows.
    pub fn set_text_area(&mut self, x: usize, y: usize, rows: usize) {
        self.text_at = (x, y);
        if self.rows != rows {
            self.rows = rows;
            self.follow();
        }
    }

    /// Shows a pane, and sends keys to it.
    fn show_pane(&mut self, kind: PaneKind) {
        self.panes.show(kind);
        self.focus = Focus::Pane;
    }
}
