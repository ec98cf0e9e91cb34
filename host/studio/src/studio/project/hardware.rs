//! Waves and boards.

use super::super::{Event, Studio};
use crate::panes::{PaneKind, waves};
use nda_guard::RelPath;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

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

    /// Lets the document that is shown speak on a device: its text and, at the end, what was counted come line by line.
    pub(in crate::studio) fn counters(&mut self, device: &str) {
        let Some(model) = self.panes.document.place(&self.root) else {
            return self.message = "open an .ndf document first: its model speaks while the counters are read".into();
        };
        let mut command = Command::new(&self.nda);
        command.arg("run").arg(model).args(["--backend", device, "--prompt", "The ", "--max-tokens", "64"]);
        self.board_job(command);
    }

    fn board_job(&mut self, mut command: Command) {
        self.panes.boards.log.push(format!("{command:?}"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.work.start(move |post| {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return post.tell(Event::BoardLine(error.to_string())),
            };
            let (out, errors, other) = (child.stdout.take(), child.stderr.take(), post.clone());
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    let lines = errors.into_iter().flat_map(|errors| BufReader::new(errors).lines().map_while(Result::ok));
                    lines.for_each(|line| other.tell(Event::BoardLine(line)));
                });
                let lines = out.into_iter().flat_map(|out| BufReader::new(out).lines().map_while(Result::ok));
                lines.for_each(|line| post.tell(Event::BoardLine(line)));
            });
            let words = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            post.send(Event::BoardLine(words));
        });
    }
}
