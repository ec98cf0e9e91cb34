//! What comes from beside the view.

use super::Studio;
use super::disk::Written;
use crate::grid::Ink;
use crate::panes::agents::{File, Proposed, Waiting, files};
use crate::panes::document::{self, Codes};
use crate::panes::search::{Found, counted};
use crate::panes::waves::Wave;
use crate::panes::{Act, PaneKind};
use nda_agent::{Answer, Question};
use nda_analysis::Known;
use nda_graph::{Facts, Graph};
use nda_guard::{Checkpoint, Hash, RelPath};
use serde_json::Value;
use std::sync::Arc;

/// An event.
pub enum Event {
    /// What a program's products cost.
    Costs(RelPath, Box<Known>),
    /// The places of a text.
    Found(Found),
    /// Output of a run.
    Output(String, Ink),
    /// A run has ended.
    Ended(String),
    /// Somebody asks.
    Asked(Box<Question>, Box<dyn Waiting>),
    /// Somebody has written files.
    Disk,
    /// A text was written, or why not.
    Saved(RelPath, Written),
    /// What a large file is on the disk; none if nothing stands there.
    OnDisk(RelPath, Option<Hash>),
    /// What a document holds.
    Document(Result<Box<document::Facts>, String>),
    /// What a tensor is made of.
    Codes(Result<Codes, String>),
    /// A wave.
    Wave(Result<Box<Wave>, String>),
    /// What the command says of boards.
    Boards(Result<Value, String>),
    /// What is done with a board says this.
    BoardOutput(String, Ink),
    /// What is known of the project, and which of its files are left out.
    Graph(Arc<Graph>, Vec<String>),
    /// The tiles of a document on a board, under a name for both.
    Tiles(Result<(String, Facts), String>),
    /// The checkpoints, the newest first, and what became of the newest proposals.
    Checkpoints(Vec<Checkpoint>, Vec<(String, bool)>),
    /// A line of an agent.
    Agent(String, Ink),
    /// A document's program was put back, or why not.
    PutBack(RelPath, Result<String, String>),
}

impl Studio {
    pub(super) fn event(&mut self, event: Event) {
        match event {
            Event::Costs(path, known) => {
                if let Some(insight) = self.insights.get_mut(&path) {
                    insight.known = *known;
                }
            }
            Event::Found(found) => self.panes.take_hits(found),
            Event::Output(text, ink) => self.panes.run_goes_on(|run| run.output.add(&text, ink)),
            Event::Ended(how) => self.panes.run_goes_on(|run| run.end = Some(how)),
            Event::Asked(question, waiting) => self.asked_by_agent(&question, waiting),
            Event::Disk => {
                self.look_at_disk();
                if self.panes.shown() == Some(PaneKind::Agent) {
                    self.read_checkpoints();
                }
            }
            Event::Saved(path, written) => self.was_saved(&path, written),
            Event::OnDisk(path, hash) => self.is_on_disk(&path, hash),
            Event::Document(Ok(facts)) => (self.panes.document.facts, self.panes.document.error) = (Some(*facts), None),
            Event::Document(Err(error)) => self.panes.document.error = Some(error),
            Event::Codes(Ok(codes)) => self.panes.take_codes(codes),
            Event::Codes(Err(error)) | Event::PutBack(_, Err(error)) => self.message = error,
            Event::Wave(Ok(wave)) => {
                if let Some(row) = self.panes.waves.take(*wave).filter(|_| self.panes.shown() == Some(PaneKind::Waves)) {
                    self.panes.list().chosen = row;
                }
            }
            Event::Wave(Err(error)) => self.panes.waves.error = Some(error),
            Event::Boards(told) => {
                self.panes.boards.is_asking = false;
                match told {
                    Ok(devices) => (self.panes.boards.devices, self.panes.boards.error) = (devices, None),
                    Err(error) => self.panes.boards.error = Some(error),
                }
            }
            Event::BoardOutput(text, ink) => self.panes.job_says(&text, ink),
            Event::Checkpoints(all, history) => (self.panes.agents.checkpoints, self.panes.agents.history) = (all, history),
            Event::Graph(graph, left_out) => (self.graph, self.panes.stack.left_out) = (Some(graph), left_out),
            Event::Tiles(Ok((path, facts))) => self.have_tiles(&path, facts),
            Event::Tiles(Err(error)) => self.message = format!("no tiles: {}", super::programs::in_a_line(&error)),
            Event::Agent(line, ink) => self.panes.agents.say(&line, ink),
            Event::PutBack(path, Ok(words)) => self.was_put_back(&path, words),
        }
    }

    fn asked_by_agent(&mut self, question: &Question, waiting: Box<dyn Waiting>) {
        let Question { who, call, remarks, .. } = question;
        self.panes.agents.waiting.push(Proposed {
            who: who.clone(),
            call: call.clone(),
            remarks: remarks.clone(),
            files: files(question),
            waiting,
        });
        self.message = format!("{who} waits for an answer: F7");
        if self.panes.shown().is_none() {
            self.panes.show(PaneKind::Agent);
        }
    }

    /// Does what a pane asks for.
    pub(super) fn act(&mut self, act: Act) {
        match act {
            Act::Show(path, line, column) => self.show(&path, line, column),
            Act::Replace => self.replace_in_project(),
            Act::Answer => self.answer(),
            Act::Restore(id) => self.restore(&id),
            Act::UndoRestore => self.undo_restore(),
            Act::Checkpoint => self.ask(super::Question::Checkpoint),
            Act::Chat => self.ask(super::Question::Chat),
            Act::OtherAgent => self.ask(super::Question::OtherAgent),
            Act::Codes(tensor) => self.count_codes(tensor),
            Act::EditProgram => self.edit_program(),
            Act::Surfer(path) => self.surfer(&path),
            Act::ShowWave(path, variable) => self.show_wave_at(&path, variable),
            Act::Filter => self.ask(super::Question::Filter),
            Act::Signal(number) => {
                if let Some(wave) = &mut self.panes.waves.wave {
                    wave.show(number);
                }
            }
            Act::Probe => self.ask_boards(&["devices", "--json", "--probe"]),
            Act::Flash(board) => self.ask(super::Question::Flash(board)),
            Act::Counters(device) => self.counters(device.as_deref()),
        }
    }

    /// Answers the oldest proposal: green if every hunk is, red if none is; of some, those are written here, and the agent is told which.
    fn answer(&mut self) {
        if self.panes.agents.waiting.is_empty() {
            return;
        }
        let Proposed { who, call, files, waiting, .. } = self.panes.agents.waiting.remove(0);
        let (green, all): (usize, usize) = (files.iter().map(|file| file.green()).sum(), files.iter().map(|file| file.hunks.len()).sum());
        if green == all {
            waiting.answer(&Answer::Green("a person in the studio".into()));
            return self.panes.agents.say(&format!("green: {call}"), Ink::Green);
        }
        let refused = |file: &File| {
            let path = file.path.clone();
            let red = file.hunks.iter().filter(|hunk| hunk.is_green != Some(true)).map(move |hunk| format!("{path} {}", hunk.head));
            red.collect::<Vec<_>>()
        };
        let refused: Vec<String> = files.iter().flat_map(refused).collect();
        if green == 0 {
            waiting.answer(&Answer::Red("a person in the studio said no".into()));
            return self.panes.agents.say(&format!("red: {call}"), Ink::Red);
        }
        let written = self.write_green(&who, &call, &files);
        let words = match &written {
            Ok(()) => format!("{green} of {all} hunks were taken and are written now; refused: {}", refused.join("; ")),
            Err(error) => format!("{green} of {all} hunks were taken, but could not be written alone: {error}"),
        };
        waiting.answer(&Answer::Red(words.clone()));
        self.panes.agents.say(&words, if written.is_ok() { Ink::Accent } else { Ink::Fault });
        self.look_at_disk();
        self.panes.agents.checkpoints = self.guarded.checkpoints().unwrap_or_default();
    }

    /// Writes the green hunks of a proposal, all of them or nothing.
    fn write_green(&self, who: &str, call: &str, files: &[File]) -> Result<(), String> {
        let change = |file: &File| {
            let path = file.exact.as_ref().map_or(&file.path, |exact| &exact.path);
            let path = RelPath::new(path.as_bytes()).map_err(|error| error.to_string())?;
            file.green_change(self.guarded.read(&path).map_err(|error| error.to_string())?.as_ref())
        };
        let changes = files.iter().filter(|file| file.green() > 0).map(change).collect::<Result<_, _>>()?;
        self.guarded.take(who, call, changes).map_err(|error| error.to_string())
    }

    fn restore(&mut self, id: &str) {
        match self.guarded.restore(id) {
            Ok(restored) => {
                let files = counted(restored.files.len(), "file");
                self.message = format!("{files} came back; u takes that back");
                self.panes.agents.undo = Some(restored.undo.id);
            }
            Err(error) => self.message = error.to_string(),
        }
        self.panes.agents.checkpoints = self.guarded.checkpoints().unwrap_or_default();
        self.look_at_disk();
    }

    fn undo_restore(&mut self) {
        match self.panes.agents.undo.take() {
            Some(id) => self.restore(&id),
            None => self.message = "nothing was restored".into(),
        }
    }
}
