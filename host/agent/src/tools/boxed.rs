//! `run` and `emit`: commands in the sandbox, whose changes are proposals.

use super::write::written;
use super::{Call, Effect, Tool, arguments};
use crate::error::ToolError;
use nda_guard::{FileChange, FileState, Hash, Mode, Proposal, RelPath};
use nda_sandbox::{Change, Content, End, Order, Outcome, run as run_boxed};
use serde::Deserialize;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// Bytes of output that the model gets: the beginning and the end of what was longer.
const OUTPUT_BYTES: usize = 24_000;
/// Seconds that a command may take, unless it is told otherwise.
const SECONDS: u64 = 120;
/// And at most.
const MOST_SECONDS: u64 = 1800;

pub const TOOLS: &[Tool] = &[
    Tool {
        name: "run",
        title: "Run a command in the sandbox",
        description: "Runs a shell command in a clone of the project, without network; the project itself is read-only for it. What it \
                      changed in the clone is then proposed as a change of the project, as by write_file. Ignored files are not brought back.",
        effect: Effect::Proposes,
        schema: || {
            let input = json!({
                "command": { "type": "string", "description": "for sh -c" },
                "folder": { "type": "string", "description": "where it starts, from the root" },
                "seconds": { "type": "integer", "minimum": 1, "maximum": MOST_SECONDS },
                "keep": { "type": "boolean", "description": "false: forget what it changed; true by default" },
            });
            (input, &["command"], outcome_schema())
        },
        run,
    },
    Tool {
        name: "emit",
        title: "Emit Verilog",
        description: "Runs 'nda emit' in the sandbox: the Verilog of the cores or of a board's configuration goes into a folder of the \
                      project, as a proposal.",
        effect: Effect::ProposesOnce,
        schema: || {
            let input = json!({
                "out": { "type": "string", "description": "the folder, from the root" },
                "config": { "type": "string", "description": "a configuration's name, as 'nda emit --help' lists them" },
            });
            (input, &["out"], outcome_schema())
        },
        run: emit,
    },
];

fn outcome_schema() -> Value {
    json!({
        "end": { "type": "string", "description": "exit code, signal or limit" },
        "output": { "type": "string" },
        "level": { "type": "string" },
        "changed": { "type": "array", "items": { "type": "string" } },
        "not_proposed": { "type": "array", "items": { "type": "string" } },
        "written": { "type": ["object", "null"] },
        "refused": { "type": ["string", "null"] },
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    command: String,
    folder: Option<String>,
    seconds: Option<u64>,
    keep: Option<bool>,
}

/// Whether what a command changed is proposed.
#[derive(PartialEq, Eq, Clone, Copy)]
enum Changes {
    Proposed,
    Forgotten,
}

fn run(context: &Call<'_>, value: Value) -> Result<Value, ToolError> {
    let Arguments { command, folder, seconds, keep } = arguments("run", value)?;
    let words = ["sh".into(), "-c".into(), OsString::from(&command)];
    let mut order = order(context, words.into(), seconds.unwrap_or(SECONDS));
    if let Some(folder) = folder {
        order.folder = RelPath::new(folder)?.as_path().to_owned();
    }
    let changes = if keep == Some(false) { Changes::Forgotten } else { Changes::Proposed };
    boxed(context, &order, "run", &command, changes)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmitArguments {
    out: String,
    config: Option<String>,
}

fn emit(context: &Call<'_>, value: Value) -> Result<Value, ToolError> {
    let EmitArguments { out, config } = arguments("emit", value)?;
    RelPath::new(&out)?;
    let program = context.helper.command.first().cloned().unwrap_or_default();
    let mut words = vec![program.clone(), "emit".into(), "--out".into(), out.into()];
    if let Some(config) = config {
        words.extend(["--config".into(), config.into()]);
    }
    let mut order = order(context, words, SECONDS);
    order.reads.push(program.into());
    boxed(context, &order, "emit", "nda emit", Changes::Proposed)
}

fn order(context: &Call<'_>, words: Vec<OsString>, seconds: u64) -> Order {
    let mut order = Order::new(context.workspace.root(), words, context.helper.command.clone());
    order.wish = context.helper.wish;
    order.reads = context.helper.reads.clone();
    order.stop = context.stop.flag();
    order.limits.wall_ms = seconds.clamp(1, MOST_SECONDS) * 1000;
    order
}

fn boxed(context: &Call<'_>, order: &Order, tool: &str, what: &str, changes: Changes) -> Result<Value, ToolError> {
    let mut output = Vec::new();
    let outcome = run_boxed(order, &mut |_, bytes| output.extend_from_slice(bytes))?;
    let end = match outcome.end {
        End::Code(code) => format!("exit code {code}"),
        End::Signal(signal) => format!("signal {signal}"),
        End::Stopped => "killed: it was stopped".into(),
        End::Limit(limit) => format!("killed: {}", limit.describe(&order.limits)),
    };
    let (files, not_proposed) = proposed(&outcome);
    let paths: Vec<String> = files.iter().map(|file| file.path.to_string()).collect();
    let mut answer = json!({
        "end": end,
        "output": middle_out(&String::from_utf8_lossy(&output), outcome.omitted_bytes),
        "level": outcome.level.name(),
        "changed": paths,
        "not_proposed": not_proposed,
        "written": null,
        "refused": null,
    });
    if !files.is_empty() && changes == Changes::Proposed && outcome.end != End::Stopped {
        let short: String = what.chars().take(200).collect();
        match context.submit(Proposal::new(context.origin(tool, &short), files)) {
            Ok(change) => answer["written"] = written(&change),
            Err(e) => answer["refused"] = json!(e.to_string()),
        }
    }
    Ok(answer)
}

/// The changes of a run as a proposal has them, and what it cannot have.
pub fn proposed(outcome: &Outcome) -> (Vec<FileChange>, Vec<String>) {
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for change in &outcome.changes {
        match file(change) {
            Ok(file) => files.push(file),
            Err(why) => others.push(format!("{}: {why}", change.path.display())),
        }
    }
    (files, others)
}

fn file(change: &Change) -> Result<FileChange, String> {
    let after = match &change.content {
        Content::File { bytes, mode } => {
            let mode = if mode & 0o100 != 0 { Mode::Executable } else { Mode::Plain };
            Some(FileState { bytes: bytes.clone(), mode })
        }
        Content::Deleted if change.before.is_some() => None,
        Content::Deleted => return Err("a link was deleted; links are not proposed".into()),
        Content::Link(leads) => return Err(format!("a link to {}; links are not proposed", leads.display())),
        Content::Refused(why) => return Err(why.clone()),
    };
    let path = RelPath::new(change.path.as_os_str().as_bytes()).map_err(|e| e.to_string())?;
    let base = change.before.and_then(|hash| Hash::parse(&hash.to_hex()));
    Ok(FileChange { path, base, after })
}

/// The beginning and the end of a long text.
fn middle_out(text: &str, omitted: u64) -> String {
    if text.len() <= OUTPUT_BYTES && omitted == 0 {
        return text.to_owned();
    }
    let half = OUTPUT_BYTES / 2;
    let head = (0..=half.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let tail = (text.len().saturating_sub(half).max(head)..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    format!("{}\n... {} bytes left out ...\n{}", &text[..head], (tail - head) as u64 + omitted, &text[tail..])
}
