//! Standard output, and what is said beside it.

mod progress;

use crate::failure::{Exit, Failure, Outcome, Stop};
use console::style;
#[cfg(feature = "convert")]
pub use progress::ByteProgress;
pub use progress::Progress;
use std::fmt;
use std::io::{self, Write};
use std::sync::OnceLock;

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

/// Standard output for a protocol that a thread speaks by itself.
#[cfg(all(feature = "workspace", target_os = "linux"))]
pub fn pipe() -> Box<dyn Write + Send> {
    Box::new(io::stdout())
}

/// Passes another program's bytes on to standard error.
#[cfg(all(feature = "workspace", target_os = "linux"))]
pub fn error_bytes(bytes: &[u8]) -> Outcome {
    // Whoever ignores them misses nothing of the result.
    let _ = io::stderr().lock().write_all(bytes);
    Ok(())
}

/// Writes a line to standard output.
pub fn line(text: impl fmt::Display) -> Outcome {
    write(format_args!("{text}\n"))
}

/// Version of what `--json` prints, where it is not 1. It grows when a field goes away or changes its meaning; fields that are added leave
/// it as it is. docs/json.md says so to users, docs/schemas what each command prints.
const VERSIONS: [(&str, u32); 1] = [("checkpoint", 2)];

/// The command that runs, which names the schema of what it prints.
static COMMAND: OnceLock<String> = OnceLock::new();

/// Says which command runs.
pub fn name_command(name: &str) {
    // There is one command in a process; whoever names another changes nothing.
    let _ = COMMAND.set(name.to_owned());
}

/// Writes a JSON object to standard output, on one line; it says that its schema is the command's.
pub fn json(value: &serde_json::Value) -> Outcome {
    json_of(COMMAND.get().map_or("", String::as_str), value)
}

/// The same with the schema of this name: a command may print more than one kind of object.
pub fn json_of(schema: &str, value: &serde_json::Value) -> Outcome {
    let version = VERSIONS.iter().find(|(name, _)| *name == schema).map_or(1, |(_, version)| *version);
    let schema = ("schema".to_owned(), format!("nda.{schema}/{version}").into());
    let fields = value.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone()));
    line(serde_json::Value::Object(std::iter::once(schema).chain(fields).collect()))
}

fn stdout_failed(error: io::Error) -> Stop {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Stop::BrokenPipe;
    }
    Failure::new(Exit::Failed, format_args!("cannot write the output: {error}"), "standard output", "check where the output goes").into()
}

/// A failure's three lines, on standard error; in colour on a terminal that shows it, unless NO_COLOR is set.
pub fn error(failure: &Failure) {
    let Failure { error, at, help, .. } = failure;
    let label = |text| style(text).for_stderr().bold();
    let (head, at_label, help_label) = (label("error:").red(), label("at:"), label("help:"));
    let _ = writeln!(io::stderr().lock(), "{head} {error}\n  {at_label} {at}\n  {help_label} {help}");
}

/// A remark for a person, on standard error.
pub fn note(text: impl fmt::Display) {
    // A remark that nobody can read is not a failure.
    let _ = writeln!(io::stderr().lock(), "{} {text}", style("note:").for_stderr().bold());
}

/// Figures for a person, on standard error, so that standard output is the work's result alone.
pub fn remark(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
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
