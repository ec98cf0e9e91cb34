//! Questions in the bottom line.

use super::Studio;
use crate::key::{Key, Press};
use crate::panes::PaneKind;
use std::path::Path;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A file to open.
    Open,
    /// A text to find in the file.
    Find,
    /// A line to go to.
    Line,
    /// A text to find in the project.
    FindInProject,
    /// A text to replace in the project.
    ReplaceInProject,
    /// What to replace it by.
    ReplaceBy(String),
    /// A new name.
    Rename,
    /// What the model shall do.
    Chat,
    /// What an agent of others is started by.
    OtherAgent,
    /// What a new checkpoint is called.
    Checkpoint,
    /// Words that the names of a wave's listed variables have.
    Filter,
    /// Whether a board's memory is written: its name again.
    Flash(String),
}

impl Question {
    /// What stands before the answer.
    pub fn words(&self) -> String {
        match self {
            Question::Open => "open: ".into(),
            Question::Find => "find: ".into(),
            Question::Line => "line: ".into(),
            Question::FindInProject => "find in the project: ".into(),
            Question::ReplaceInProject => "replace in the project: ".into(),
            Question::ReplaceBy(wanted) => format!("replace '{wanted}' by: "),
            Question::Rename => "new name: ".into(),
            Question::Chat => "ask the model: ".into(),
            Question::OtherAgent => "start an agent (a command that speaks ACP): ".into(),
            Question::Checkpoint => "name the checkpoint: ".into(),
            Question::Filter => "variables with: ".into(),
            Question::Flash(board) => format!("this writes a bitstream; type '{board}' to say green: "),
        }
    }
}

/// A question, and what is answered so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What is asked.
    pub question: Question,
    /// The answer.
    pub answer: String,
    /// Whether nobody has touched the answer yet that stood there at first: a character replaces it.
    pub is_proposed: bool,
}

impl Studio {
    /// Asks in the bottom line.
    pub fn ask(&mut self, question: Question) {
        let answer = match question {
            Question::Find | Question::FindInProject | Question::ReplaceInProject => {
                self.buffer().and_then(|buffer| buffer.selected()).unwrap_or_default()
            }
            Question::Filter => self.panes.waves.filter.clone(),
            _ => String::new(),
        };
        self.prompt = Some(Prompt { question, is_proposed: !answer.is_empty(), answer });
    }

    pub(super) fn press_prompt(&mut self, press: Press) {
        let Some(prompt) = &mut self.prompt else { return };
        let is_proposed = std::mem::take(&mut prompt.is_proposed);
        match press.key {
            Key::Escape => {
                if self.prompt.take().is_some_and(|prompt| prompt.question == Question::Filter) {
                    self.filter(String::new());
                }
                return;
            }
            Key::Backspace if is_proposed => prompt.answer.clear(),
            Key::Backspace => drop(prompt.answer.pop()),
            Key::Char(c) if !press.held.ctrl && !press.held.alt => {
                if is_proposed {
                    prompt.answer.clear();
                }
                prompt.answer.push(c);
            }
            Key::Tab if prompt.question == Question::Open => {
                let answer = prompt.answer.clone();
                if let Some(more) = self.completed(&answer) {
                    self.prompt = Some(Prompt { question: Question::Open, answer: more, is_proposed: false });
                }
            }
            Key::Enter => {
                let Some(Prompt { question, answer, .. }) = self.prompt.take() else { return };
                return self.answered(question, answer);
            }
            _ => {}
        }
        if let Some(Prompt { question: Question::Filter, answer, .. }) = &self.prompt {
            self.filter(answer.clone());
        }
    }

    /// Lists the variables of a wave with these words in their names.
    fn filter(&mut self, words: String) {
        self.panes.waves.filter = words;
        if self.panes.shown() == Some(PaneKind::Waves) {
            self.panes.list().chosen = self.panes.heads();
        }
    }

    fn answered(&mut self, question: Question, answer: String) {
        match question {
            Question::Open => self.open(Path::new(&answer)),
            Question::Find => {
                self.wanted = answer;
                self.find_next();
            }
            Question::Line => match answer.trim().parse() {
                Ok(line) => {
                    if let Some(buffer) = self.buffer_mut() {
                        buffer.go_to(line, 1);
                    }
                    self.follow();
                }
                Err(_) => self.message = format!("'{answer}' is not a number"),
            },
            Question::FindInProject => self.find_in_project(&answer, None),
            Question::ReplaceInProject => self.ask(Question::ReplaceBy(answer)),
            Question::ReplaceBy(wanted) => self.find_in_project(&wanted, Some(answer)),
            Question::Rename => self.rename(&answer),
            Question::Chat => self.chat(&answer),
            Question::OtherAgent => self.start_agent(&answer),
            Question::Checkpoint => self.make_checkpoint(&answer),
            Question::Filter => self.filter(answer),
            Question::Flash(board) if answer == board => self.flash(&board),
            Question::Flash(board) => self.message = format!("red: nothing is written to {board}"),
        }
    }

    /// The begin that all files of the project share that contain what is typed; the only one, if there is one.
    fn completed(&self, answer: &str) -> Option<String> {
        let all = crate::tree::files(&self.root);
        let names = all.iter().filter_map(|path| path.to_str());
        let starting: Vec<&str> = names.clone().filter(|name| name.starts_with(answer)).collect();
        let found = if starting.is_empty() { names.filter(|name| name.contains(answer)).collect() } else { starting };
        let first = *found.first()?;
        let shared = found.iter().fold(first.len(), |len, name| {
            let same = first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
            len.min(same)
        });
        let end = (0..=shared).rev().find(|end| first.is_char_boundary(*end))?;
        Some(first[..end].to_owned()).filter(|more| more.len() > answer.len() || found.len() == 1)
    }

    /// Makes a checkpoint of the project.
    fn make_checkpoint(&mut self, label: &str) {
        match self.guarded.checkpoint(label) {
            Ok(made) => self.message = format!("checkpoint {}", made.id),
            Err(error) => self.message = error.to_string(),
        }
        self.panes.agents.checkpoints = self.guarded.checkpoints().unwrap_or_default();
        self.panes.show(PaneKind::Agent);
    }
}
