//! Standard output and progress bars.

use crate::failure::{Exit, Failure, Outcome, Stop};
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// Writes to standard output and flushes, so that a stream is seen as it comes.
pub fn write(text: impl fmt::Display) -> Outcome {
    let mut out = io::stdout().lock();
    write!(out, "{text}").and_then(|()| out.flush()).map_err(stdout_failed)
}

/// Writes a result's bytes to standard output.
pub fn bytes(bytes: &[u8]) -> Outcome {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(stdout_failed)
}

/// Writes a line to standard output.
pub fn line(text: impl fmt::Display) -> Outcome {
    write(format_args!("{text}\n"))
}

/// Writes a JSON value to standard output, on one line.
pub fn json(value: &serde_json::Value) -> Outcome {
    line(value)
}

fn stdout_failed(error: io::Error) -> Stop {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Stop::BrokenPipe;
    }
    Failure::new(Exit::Failed, format_args!("cannot write the output: {error}"), "standard output", "check where the output goes").into()
}

/// A failure's three lines, on standard error.
pub fn error(failure: &Failure) {
    let _ = writeln!(io::stderr().lock(), "{failure}");
}

/// A remark for a person, on standard error.
pub fn note(text: impl fmt::Display) {
    // A remark that nobody can read is no failure.
    let _ = writeln!(io::stderr().lock(), "note: {text}");
}

/// Figures for a person, on standard error, so that standard output is the work's result alone.
pub fn remark(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// How long work may take before a bar is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar on standard error that appears only if the work takes longer than a second, and only on a terminal.
pub struct Progress {
    what: &'static str,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A bar for work that is called `what`.
    pub fn new(what: &'static str) -> Progress {
        Progress { what, started: Instant::now(), bar: None }
    }

    /// Shows how many of how many steps are done.
    pub fn set(&mut self, done: usize, total: usize) {
        if self.bar.is_none() && self.started.elapsed() >= PATIENCE {
            let bar = ProgressBar::new(total as u64).with_elapsed(self.started.elapsed());
            // The template is a constant; the default style is as good if indicatif ever refuses it.
            if let Ok(style) = ProgressStyle::with_template("{msg:>12} [{bar:40}] {pos}/{len} {elapsed} (eta {eta})") {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_message(self.what);
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            if done == total {
                bar.finish_and_clear();
            }
        }
    }
}

#[cfg(feature = "convert")]
/// A bar of bytes, shown as [`Progress`] is.
pub struct ByteProgress {
    started: Instant,
    bar: Option<ProgressBar>,
}

#[cfg(feature = "convert")]
impl ByteProgress {
    /// A bar that has not begun.
    pub fn new() -> ByteProgress {
        ByteProgress { started: Instant::now(), bar: None }
    }

    /// Shows how many of how many bytes are done, and what is worked on.
    pub fn set(&mut self, what: &str, done: u64, total: u64) {
        if self.bar.is_none() && self.started.elapsed() >= PATIENCE {
            let bar = ProgressBar::new(total).with_elapsed(self.started.elapsed());
            if let Ok(style) = ProgressStyle::with_template("{msg:>18} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} (eta {eta})") {
                bar.set_style(style.progress_chars("=> "));
            }
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
            bar.set_position(done);
        }
    }
}

#[cfg(feature = "convert")]
impl Drop for ByteProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Columns of text, each as wide as its widest cell; numbers to the right, the first column to the left.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width =
        |i: usize| rows.iter().filter_map(|r| r.get(i)).map(|c| c.chars().count()).chain([head[i].chars().count()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let render = |cells: Vec<&str>| {
        let mut text = String::new();
        for (i, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let cell = if i == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
            text.push_str(&cell);
        }
        text.trim_end().to_string()
    };
    let mut lines = vec![render(head.to_vec()), widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>().join("  ")];
    lines.extend(rows.iter().map(|row| render(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let rows = vec![vec!["a".into(), "10".into()], vec!["long".into(), "5".into()]];
        assert_eq!(table(&["name", "n"], &rows), "name   n\n----  --\na     10\nlong   5");
    }
}
