//! Lines from standard input, waited for together with Ctrl-C.

use crate::failure::{Exit, Failure, Outcome};
use nda_chat::{ChatError, Interrupts};
use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// How often Ctrl-C is looked for while nothing is typed.
const POLL: Duration = Duration::from_millis(50);
/// Bytes of a line.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Standard input, read on a thread of its own: reading cannot be interrupted.
pub struct Lines {
    lines: Receiver<io::Result<String>>,
}

/// What came.
pub enum Input {
    /// A line, without what ends it. Bytes that are no UTF-8 are U+FFFD.
    Line(String),
    /// The end of the input, or Ctrl-C.
    End,
}

impl Lines {
    /// Reads standard input from now on, a line ahead at most.
    pub fn read_stdin() -> Outcome<Lines> {
        let (sender, lines) = sync_channel(1);
        let failed = |source| ChatError::System { action: "start a thread that reads the input", source };
        thread::Builder::new().name("nda-input".into()).spawn(move || read(&sender)).map_err(failed)?;
        Ok(Lines { lines })
    }

    /// Waits for a line or for Ctrl-C.
    pub fn next(&self, interrupts: &Interrupts) -> Outcome<Input> {
        loop {
            match self.lines.recv_timeout(POLL) {
                Ok(Ok(line)) => return Ok(Input::Line(line)),
                Ok(Err(error)) => {
                    let help = "check where the input comes from";
                    return Err(Failure::new(Exit::Failed, format_args!("cannot read: {error}"), "standard input", help).into());
                }
                Err(RecvTimeoutError::Timeout) if interrupts.take() => return Ok(Input::End),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Input::End),
            }
        }
    }
}

fn read(lines: &SyncSender<io::Result<String>>) {
    let mut input = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        let read = input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
        let line = match read {
            Ok(0) => return,
            Ok(_) if line.len() as u64 == MAX_LINE_BYTES && !line.ends_with(b"\n") => {
                Err(io::Error::other(format!("a line has more than {MAX_LINE_BYTES} bytes")))
            }
            Ok(_) => Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) => Err(error),
        };
        let is_last = line.is_err();
        if lines.send(line).is_err() || is_last {
            return;
        }
    }
}
