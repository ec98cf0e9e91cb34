//! Waves and boards.

use super::super::{Event, Studio};
use crate::grid::Ink;
use crate::panes::{PaneKind, waves};
use nda_guard::RelPath;
use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

impl Studio {
    /// Shows a wave.
    pub(in crate::studio) fn show_wave(&mut self, path: RelPath) {
        self.panes.waves = waves::WavePane::default();
        self.show_pane(PaneKind::Waves);
        let place = self.root.join(path.as_path());
        self.work.start(move |post| {
            post.send(Event::Wave(waves::read(&place).map(Box::new)));
        });
    }

    /// Shows a wave where a variable has something to say.
    pub(in crate::studio) fn show_wave_at(&mut self, path: &Path, variable: String) {
        match RelPath::new(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())) {
            Ok(path) => {
                self.show_wave(path);
                self.panes.waves.wanted = Some(variable);
            }
            Err(error) => self.message = error.to_string(),
        }
    }

    /// Opens a wave in Surfer, which is a program of its own.
    pub(in crate::studio) fn surfer(&mut self, path: &Path) {
        let started = Command::new("surfer").arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        match started {
            Ok(mut child) => {
                self.message = "Surfer is started".into();
                self.work.start(move |_| drop(child.wait()));
            }
            Err(error) => self.message = format!("'surfer' cannot be started: {error}; install it, or look at the wave here"),
        }
    }

    /// Shows the boards.
    pub(in crate::studio) fn show_boards(&mut self) {
        self.show_pane(PaneKind::Boards);
        self.ask_boards(&["devices", "--json"]);
    }

    pub(in crate::studio) fn ask_boards(&mut self, arguments: &'static [&'static str]) {
        self.panes.boards.is_asking = true;
        let asked = self.asked();
        self.work.start(move |post| {
            post.send(Event::Boards(asked.json(arguments, b"")));
        });
    }

    /// Writes a board's memory by the project's own verb: a person has typed the board's name to say green.
    pub(in crate::studio) fn flash(&mut self, board: &str) {
        let mut command = Command::new("make");
        command.arg("flash").arg(format!("BOARD={board}")).current_dir(&self.root);
        self.board_job(command);
    }

    /// Lets the document that is shown speak on a device: its text comes as it is made, and behind each token what was counted so far.
    pub(in crate::studio) fn counters(&mut self, device: Option<&str>) {
        let Some(device) = device else {
            return self.message = "no model can speak there: choose a port, a CPU, or a configuration that this nda simulates".into();
        };
        let Some(model) = self.panes.document.place(&self.root) else {
            return self.message = "open an .ndf document first: its model speaks while the counters are read".into();
        };
        let mut command = Command::new(&self.nda);
        command.arg("run").arg(model).args(["--backend", device, "--prompt", "The ", "--max-tokens", "256", "--counters"]);
        self.board_job(command);
    }

    /// A command as a person would type it in the project's folder.
    fn said(&self, command: &Command) -> String {
        let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let argument = |argument: &OsStr| {
            let path = Path::new(argument);
            let text = path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned();
            if text.is_empty() || text.contains(' ') { format!("'{text}'") } else { text }
        };
        [program].into_iter().chain(command.get_args().map(argument)).collect::<Vec<_>>().join(" ")
    }

    fn board_job(&mut self, mut command: Command) {
        self.panes.begin_job(&self.said(&command));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return self.panes.job_says(&format!("{error}\n"), Ink::Fault),
        };
        let (out, errors) = (child.stdout.take(), child.stderr.take());
        let job = Arc::new(Mutex::new(child));
        self.panes.boards.job = Some(job.clone());
        self.work.start(move |post| {
            let tell = |text: String, ink| post.tell(Event::BoardOutput(text, ink));
            let other = post.clone();
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    errors.into_iter().for_each(|errors| as_it_comes(errors, |text| other.tell(Event::BoardOutput(text, Ink::Comment))));
                });
                out.into_iter().for_each(|out| as_it_comes(out, |text| tell(text, Ink::Text)));
            });
            // It has closed both pipes, so this takes no time in which it could not be stopped.
            let end = job.lock().unwrap_or_else(PoisonError::into_inner).wait();
            tell(end.map_or_else(|error| format!("{error}\n"), |status| format!("{status}\n")), Ink::Dim);
        });
    }
}

/// Tells what is read as soon as it is there; a character that has come in part waits for its rest.
fn as_it_comes(mut from: impl Read, mut tell: impl FnMut(String)) {
    let (mut held, mut bytes) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        held.extend_from_slice(&bytes[..count]);
        let whole = match std::str::from_utf8(&held) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => held.len(),
        };
        tell(String::from_utf8_lossy(&held[..whole]).into_owned());
        held.drain(..whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Slow<'b>(&'b [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(&mut into[..1])
        }
    }

    #[test]
    fn a_character_that_comes_in_parts_is_told_whole() {
        let mut told = Vec::new();
        as_it_comes(Slow("a\u{e4}\u{4e2d}".as_bytes()), |text| told.push(text));
        told.retain(|text| !text.is_empty());
        assert_eq!(told, ["a", "\u{e4}", "\u{4e2d}"]);
    }
}
