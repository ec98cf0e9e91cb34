//! Runs in the sandbox, and agents.

use super::super::{Event, Focus, Studio};
use crate::acp;
use crate::grid::Ink;
use crate::panes::PaneKind;
use nda_sandbox::{End, Order, Stream, run};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Lines of the guard's journal that are shown.
const HISTORY_LINES: usize = 6;
/// Bytes of a text that are handed to a run as a variable; a longer one is to be saved first.
const SCRATCH_BYTES: usize = 100_000;

/// A shell's line that runs the text in the variable, by the file's ending.
fn line_for(ending: Option<&str>) -> Option<&'static str> {
    Some(match ending? {
        "nda" => "printf '%s' \"$NDA_SCRATCH\" > \"$TMPDIR/scratch.nda\" && exec nda exec \"$TMPDIR/scratch.nda\"",
        "py" => "printf '%s' \"$NDA_SCRATCH\" > \"$TMPDIR/scratch.py\" && exec python3 \"$TMPDIR/scratch.py\"",
        "sh" => "printf '%s' \"$NDA_SCRATCH\" > \"$TMPDIR/scratch.sh\" && exec sh \"$TMPDIR/scratch.sh\"",
        _ => return None,
    })
}

/// A part of a program as a program: statements alone become the body of 'main'.
fn whole(ending: Option<&str>, text: String) -> String {
    let is_part = ending == Some("nda") && !text.contains("fn main");
    if is_part && !text.contains("fn ") { format!("fn main() {{\n{text}\n}}\n") } else { text }
}

impl Studio {
    /// Runs the selection, or else the file, as it stands here, in the sandbox.
    pub(in crate::studio) fn run(&mut self) {
        let Some(buffer) = self.buffer() else { return };
        let ending = buffer.path.as_path().extension().and_then(|ending| ending.to_str()).map(str::to_owned);
        let Some(line) = line_for(ending.as_deref()) else {
            return self.message = "F5 runs .nda, .py and .sh; 'nda sandbox -- COMMAND' runs anything".into();
        };
        let (text, what) = match buffer.selected() {
            Some(text) => (whole(ending.as_deref(), text), "the selection"),
            None => (buffer.now().to_string(), "the file"),
        };
        if text.len() > SCRATCH_BYTES {
            return self.message = format!("F5 runs up to {SCRATCH_BYTES} bytes, this is {}", text.len());
        }
        let stop = Arc::new(AtomicBool::new(false));
        let title = format!("{what} of {}, in the sandbox", buffer.path);
        self.panes.begin_run(title, stop.clone());
        self.panes.show(PaneKind::Run);
        self.focus = Focus::Text;
        let mut order = Order::new(&self.root, ["sh", "-c", line], vec![self.nda.clone()]);
        order.stop = stop;
        order.variables.push(("NDA_SCRATCH".into(), text.into()));
        let own = Path::new(&self.nda).canonicalize().ok();
        if let Some(folder) = own.as_deref().and_then(Path::parent) {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let mut all = OsString::from(folder);
            all.push(":");
            all.push(path);
            order.variables.push(("PATH".into(), all));
        }
        order.reads.extend(own);
        self.work.start(move |post| {
            let ended = run(&order, &mut |stream, bytes| {
                let ink = if stream == Stream::Out { Ink::Text } else { Ink::Fault };
                post.send(Event::Output(String::from_utf8_lossy(bytes).into_owned(), ink));
            });
            post.send(Event::Ended(match ended {
                Ok(outcome) => {
                    let end = match outcome.end {
                        End::Code(0) => "done".to_owned(),
                        End::Code(code) => format!("ended with code {code}"),
                        End::Signal(signal) => format!("ended by signal {signal}"),
                        End::Limit(exceeded) => format!("killed: {exceeded:?}"),
                        End::Stopped => "killed".into(),
                    };
                    format!("{end} (level {}, {} changed files, none of them in the project)", outcome.level.name(), outcome.changes.len())
                }
                Err(error) => format!("{error}; {}", error.help()),
            }));
        });
    }

    /// Lets a model of one's own work on the project: what it proposes comes to the agent pane. One command serves all tasks, so each
    /// goes on from what was said before.
    pub(in crate::studio) fn chat(&mut self, task: &str) {
        self.panes.agents.say(&format!("> {task}"), Ink::Keyword);
        if let Some(input) = &mut self.chat
            && writeln!(input, "{task}").and_then(|()| input.flush()).is_ok()
        {
            return;
        }
        let mut command = Command::new(&self.nda);
        command.arg("agent").arg("--more").arg("--root").arg(&self.root);
        if let Some(endpoint) = std::env::var_os("NDA_ENDPOINT") {
            command.arg("--endpoint").arg(endpoint);
        }
        command.arg("--").arg(task).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return self.panes.agents.say(&format!("the agent cannot be started: {error}"), Ink::Fault),
        };
        self.chat = child.stdin.take();
        self.work.start(move |post| {
            let errors = child.stderr.take();
            let other = post.clone();
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    let lines = errors.into_iter().flat_map(|errors| BufReader::new(errors).lines().map_while(Result::ok));
                    lines.for_each(|line| other.tell(Event::Agent(line, Ink::Dim)));
                });
                let lines = child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines().map_while(Result::ok));
                for line in lines {
                    post.tell(Event::Agent(line, Ink::Text));
                    post.tell(Event::Disk);
                }
            });
            let words = child.wait().map_or_else(|error| error.to_string(), |status| format!("the agent has ended ({status})"));
            post.send(Event::Agent(words, Ink::Accent));
            post.send(Event::Disk);
        });
    }

    /// Starts an agent of others, which speaks the Agent Client Protocol; what it writes is a proposal like any other.
    pub(in crate::studio) fn start_agent(&mut self, words: &str) {
        let Some((command, task)) = words.split_once(" -- ") else {
            return self.message = "write COMMAND ARGUMENTS -- TASK".into();
        };
        self.panes.agents.say(&format!("> {command}: {task}"), Ink::Keyword);
        let (command, task, root, guarded) = (command.to_owned(), task.to_owned(), self.root.clone(), self.guarded.clone());
        self.work.start(move |post| acp::talk(&command, &task, &root, &guarded, &post));
    }

    /// Shows agents and checkpoints.
    pub(in crate::studio) fn show_agents(&mut self) {
        self.read_checkpoints();
        self.show_pane(PaneKind::Agent);
    }

    /// Reads the checkpoints and the journal's newest lines, beside the view.
    pub(in crate::studio) fn read_checkpoints(&self) {
        let guarded = self.guarded.clone();
        self.work.start(move |post| {
            let (all, history) = (guarded.checkpoints().unwrap_or_default(), guarded.history(HISTORY_LINES).unwrap_or_default());
            post.tell(Event::Checkpoints(all, history));
        });
    }

    /// Listens for agents' proposals, as `nda approve` does.
    pub fn listen(&self) {
        let root = self.root.clone();
        self.work.start(move |post| {
            let approver = nda_agent::door::place(&root).and_then(|place| nda_agent::door::Approver::listen(&place));
            let approver = match approver {
                Ok(approver) => approver,
                Err(error) => return post.tell(Event::Agent(format!("agents cannot ask here: {error}"), Ink::Fault)),
            };
            while let Ok(pending) = approver.next() {
                let question = Box::new(pending.question.clone());
                if !post.send(Event::Asked(question, Box::new(pending))) {
                    return;
                }
            }
        });
    }
}
