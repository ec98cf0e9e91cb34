//! A person's line: edited, with a history that outlives the program.

use crate::output;
use rustyline::completion::Completer;
use rustyline::config::Config;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Editor, Helper};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Lines that are remembered.
const HISTORY_LINES: usize = 1000;

/// Whether lines outlive the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    Kept,
    Off,
}

/// What was typed.
pub enum Edited {
    Text(String),
    /// Ctrl-D or Ctrl-C.
    End,
}

/// An editor of lines in a terminal.
pub struct LineEditor {
    editor: Editor<Ends, FileHistory>,
    /// Where lines are kept.
    file: Option<PathBuf>,
}

impl LineEditor {
    /// An editor that knows the lines of earlier programs, unless its history is off. A history that cannot be had is
    /// told, and done without.
    pub fn new(history: History) -> io::Result<LineEditor> {
        let config = Config::builder().max_history_size(HISTORY_LINES).and_then(|config| config.history_ignore_dups(true));
        let mut editor = Editor::with_config(config.map_err(io_error)?.build()).map_err(io_error)?;
        editor.set_helper(Some(Ends { is_whole: |_| true }));
        let file = match history {
            History::Off => None,
            History::Kept => file().and_then(|file| told(private_folder(&file), &file).map(|()| file)),
        };
        if let Some(file) = file.as_deref().filter(|file| file.exists()) {
            let _ = told(editor.load_history(file).map_err(io_error), file);
        }
        Ok(LineEditor { editor, file })
    }

    /// Shows a prompt and reads a text, line after line until it is whole.
    pub fn read(&mut self, prompt: &str, is_whole: fn(&str) -> bool) -> io::Result<Edited> {
        self.editor.set_helper(Some(Ends { is_whole }));
        loop {
            match self.editor.readline(prompt) {
                Ok(text) => {
                    self.remember(&text);
                    return Ok(Edited::Text(text));
                }
                Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(Edited::End),
                // The window has another size now.
                Err(ReadlineError::Signal(_)) => {}
                Err(error) => return Err(io_error(error)),
            }
        }
    }

    /// Keeps a line at once: nothing is lost when the program ends in whatever way.
    fn remember(&mut self, text: &str) {
        let is_new = !text.trim().is_empty() && self.editor.add_history_entry(text).unwrap_or(false);
        if let Some(file) = self.file.take().filter(|_| is_new) {
            // Told once: after that lines are remembered by this program alone.
            self.file = told(self.editor.append_history(&file).map_err(io_error), &file).map(|()| file);
        }
    }
}

/// Tells where a line ends and does nothing else for the editor.
struct Ends {
    is_whole: fn(&str) -> bool,
}

impl Validator for Ends {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if (self.is_whole)(context.input()) { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Completer for Ends {
    type Candidate = String;
}

impl Hinter for Ends {
    type Hint = String;
}

impl Highlighter for Ends {}

impl Helper for Ends {}

fn io_error(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// Notes a failure of the history.
fn told(result: io::Result<()>, file: &Path) -> Option<()> {
    result.inspect_err(|error| output::note(format_args!("no history in {}: {error}; '--no-history' does without", file.display()))).ok()
}

/// The history's file, in the folder for the state of programs (XDG Base Directory Specification, 0.8).
fn file() -> Option<PathBuf> {
    file_in(std::env::var_os("XDG_STATE_HOME"), std::env::home_dir())
}

fn file_in(state: Option<OsString>, home: Option<PathBuf>) -> Option<PathBuf> {
    // A path that is not absolute is to be ignored, says the specification.
    let state = state.map(PathBuf::from).filter(|state| state.is_absolute());
    let home = || home.filter(|home| home.is_absolute()).map(|home| home.join(".local/state"));
    Some(state.or_else(home)?.join("nda/chat_history"))
}

/// Makes the file's folder, for this user alone. rustyline keeps the file itself so.
fn private_folder(file: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    file.parent().map_or(Ok(()), |folder| builder.create(folder))
}

/// The terminal's mode of now, to be given back when the program ends while another thread edits a line.
pub struct TerminalMode {
    #[cfg(unix)]
    mode: Option<nix::sys::termios::Termios>,
}

impl TerminalMode {
    /// The mode of standard input.
    pub fn of_stdin() -> TerminalMode {
        TerminalMode {
            #[cfg(unix)]
            mode: nix::sys::termios::tcgetattr(io::stdin()).ok(),
        }
    }

    /// Gives the mode back. A terminal that has gone needs none.
    pub fn restore(&self) {
        /// Pastes are no longer marked as such.
        const BRACKETED_PASTE_OFF: &str = "\x1b[?2004l";
        #[cfg(unix)]
        if let Some(mode) = &self.mode {
            let _ = nix::sys::termios::tcsetattr(io::stdin(), nix::sys::termios::SetArg::TCSANOW, mode);
        }
        let _ = output::write(format_args!("{BRACKETED_PASTE_OFF}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_is_in_the_state_folder_of_the_user() {
        let file_of = |state: Option<&str>, home: Option<&str>| file_in(state.map(OsString::from), home.map(PathBuf::from));
        assert_eq!(file_of(Some("/s"), Some("/h")), Some("/s/nda/chat_history".into()));
        assert_eq!(file_of(None, Some("/h")), Some("/h/.local/state/nda/chat_history".into()));
        // Neither an empty nor a relative path is one.
        assert_eq!(file_of(Some(""), Some("/h")), file_of(Some("s"), Some("/h")));
        assert_eq!(file_of(Some("s"), Some("/h")), file_of(None, Some("/h")));
        assert_eq!(file_of(Some("s"), None), None);
    }
}
