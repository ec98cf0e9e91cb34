//! Turns of a conversation from standard input, waited for together with signals.

use crate::editor::{Edited, LineEditor};
use crate::failure::{Exit, Failure, Outcome};
use crate::signals::{Signal, Signals};
use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// How often signals are looked for while nothing is typed.
const POLL: Duration = Duration::from_millis(50);
/// Bytes of a turn.
const MAX_TURN_BYTES: u64 = 1 << 20;
/// Encloses a turn of several lines.
const FENCE: &str = "\"\"\"";

/// Who reads lines.
#[expect(clippy::large_enum_variant, reason = "there is one of them in a program")]
pub enum Reader {
    /// Lines as they come.
    Plain,
    /// A person's line, edited with the history at hand.
    Editor(LineEditor),
}

/// Standard input, read on a thread of its own: reading cannot be interrupted.
pub struct Lines {
    asks: SyncSender<()>,
    turns: Receiver<io::Result<Option<String>>>,
}

/// What came.
pub enum Input {
    /// A turn: a line, or what stands in a fence, without what ends it. Bytes that are no UTF-8 are U+FFFD.
    Turn(String),
    /// The end of the input, or Ctrl-C.
    End,
    /// A signal that asks the program to end.
    Signal(Signal),
}

impl Lines {
    /// Reads standard input, a turn each time it is asked for one.
    pub fn of_stdin(reader: Reader) -> Outcome<Lines> {
        let (asks, asked) = sync_channel(1);
        let (sender, turns) = sync_channel(1);
        let read = move || read(reader, &asked, &sender);
        let help = "check the limits of this user: threads";
        let spawned = thread::Builder::new().name("nda-input".into()).spawn(read);
        spawned.map_err(|e| Failure::new(Exit::Failed, format_args!("cannot start a thread that reads: {e}"), "this process", help))?;
        Ok(Lines { asks, turns })
    }

    /// Waits for a turn or for a signal.
    pub fn next(&self, signals: &Signals) -> Outcome<Input> {
        // A thread that has ended says why below.
        let _ = self.asks.try_send(());
        loop {
            match self.turns.recv_timeout(POLL) {
                Ok(Ok(Some(turn))) => return Ok(Input::Turn(turn)),
                Ok(Ok(None)) | Err(RecvTimeoutError::Disconnected) => return Ok(Input::End),
                Ok(Err(error)) => {
                    let help = "check where the input comes from";
                    return Err(Failure::new(Exit::Failed, format_args!("cannot read: {error}"), "standard input", help).into());
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Some(signal) = signals.end() {
                return Ok(Input::Signal(signal));
            }
            if signals.take_interrupt() {
                return Ok(Input::End);
            }
        }
    }
}

fn read(mut reader: Reader, asked: &Receiver<()>, turns: &SyncSender<io::Result<Option<String>>>) {
    while asked.recv().is_ok() {
        let turn = match &mut reader {
            Reader::Plain => plain_turn(&mut io::stdin().lock()),
            Reader::Editor(editor) => edited_turn(editor),
        };
        let is_last = !matches!(turn, Ok(Some(_)));
        if turns.send(turn).is_err() || is_last {
            return;
        }
    }
}

fn edited_turn(editor: &mut LineEditor) -> io::Result<Option<String>> {
    Ok(match editor.read("> ", is_whole)? {
        Edited::Text(text) => Some(without_fence(&text).to_owned()),
        Edited::End => None,
    })
}

/// A turn of a pipe or file.
fn plain_turn(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut turn = Vec::new();
    if read_line(input, &mut turn)? == 0 {
        return Ok(None);
    }
    let mut is_open = !is_whole(&String::from_utf8_lossy(&turn));
    while is_open {
        // The last line alone is looked at: a turn may have a million.
        let read = read_line(input, &mut turn)?;
        if read == 0 {
            return Err(io::Error::other(format!("the input ends before the closing {FENCE} of a turn")));
        }
        is_open = !turn[turn.len() - read..].trim_ascii_end().ends_with(FENCE.as_bytes());
    }
    let text = String::from_utf8_lossy(&turn);
    Ok(Some(without_fence(text.trim_end_matches(['\r', '\n'])).to_owned()))
}

/// Appends a line to a turn, with what ends it; returns its bytes, 0 at the end of the input.
fn read_line(input: &mut impl BufRead, turn: &mut Vec<u8>) -> io::Result<usize> {
    let left = MAX_TURN_BYTES - turn.len() as u64;
    let read = input.by_ref().take(left).read_until(b'\n', turn)?;
    if turn.len() as u64 == MAX_TURN_BYTES && !turn.ends_with(b"\n") || left == 0 {
        return Err(io::Error::other(format!("a turn has more than {MAX_TURN_BYTES} bytes")));
    }
    Ok(read)
}

/// Whether a text is a whole turn: it begins with no fence, or the fence is closed.
fn is_whole(text: &str) -> bool {
    match text.trim().strip_prefix(FENCE) {
        None => true,
        Some(rest) => rest.ends_with(FENCE),
    }
}

/// What stands in the fence, if there is one.
fn without_fence(text: &str) -> &str {
    let fenced = text.trim().strip_prefix(FENCE).and_then(|rest| rest.strip_suffix(FENCE));
    fenced.map_or(text, |fenced| fenced.trim_matches(['\r', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(mut input: &[u8]) -> Vec<Result<String, String>> {
        let mut all = Vec::new();
        loop {
            match plain_turn(&mut input) {
                Ok(Some(turn)) => all.push(Ok(turn)),
                Ok(None) => return all,
                Err(error) => {
                    all.push(Err(error.to_string()));
                    return all;
                }
            }
        }
    }

    #[test]
    fn a_line_is_a_turn_and_so_is_what_stands_in_a_fence() {
        let input = b"one\r\n\n\"\"\"\ntwo\n  \"\" three\n\"\"\"\n\"\"\"four\nfive\"\"\"\nsix \"\"\"\nlast";
        let expected = ["one", "", "two\n  \"\" three", "four\nfive", "six \"\"\"", "last"];
        assert_eq!(turns(input), expected.map(|turn| Ok(turn.to_owned())));
        assert_eq!(turns(b"\"\"\"\"\"\"\n\xff\n"), [Ok(String::new()), Ok("\u{fffd}".into())]);
    }

    #[test]
    fn a_fence_that_is_never_closed_and_a_turn_without_end_are_errors() {
        assert!(turns(b"\"\"\"\nopen\n")[0].as_ref().unwrap_err().contains("before the closing \"\"\""));
        let endless = vec![b'x'; MAX_TURN_BYTES as usize + 1];
        assert!(turns(&endless)[0].as_ref().unwrap_err().contains("more than 1048576 bytes"));
        let fenced = [b"\"\"\"\n".as_slice(), &vec![b'\n'; MAX_TURN_BYTES as usize]].concat();
        assert!(turns(&fenced)[0].as_ref().unwrap_err().contains("more than 1048576 bytes"));
    }
}
