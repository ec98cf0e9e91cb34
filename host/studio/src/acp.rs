//! A client of the Agent Client Protocol: agents of others work on the project, and what they write is decided like any proposal.
//!
//! JSON-RPC 2.0 in lines over the agent's standard input and output. The agent reads files through us; its writes and its
//! requests for permission become questions in the agent pane, and nothing is written without a green answer.

use crate::grid::Ink;
use crate::panes::agents::Waiting;
use crate::save::Guarded;
use crate::studio::Event;
use crate::work::Post;
use nda_agent::{Answer, How, Question, QuestionFile, diff};
use nda_guard::{FileChange, FileState, Hash, RelPath};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Bytes of a line at most.
const LINE_BYTES: u64 = 64 << 20;

/// An agent that was started.
struct Agent<'s> {
    input: ChildStdin,
    output: BufReader<std::process::ChildStdout>,
    next: u64,
    root: &'s Path,
    guarded: &'s Guarded,
    post: &'s Post<Event>,
    name: String,
}

/// An answer that somebody waits for.
struct Back(SyncSender<Answer>);

impl Waiting for Back {
    fn answer(self: Box<Self>, answer: &Answer) {
        let _ = self.0.send(answer.clone());
    }
}

/// Starts an agent, gives it a task and serves it until it has done that.
pub fn talk(command: &str, task: &str, root: &Path, guarded: &Guarded, post: &Post<Event>) {
    let words = match started(command, root) {
        Err(error) => format!("'{command}' cannot be started: {error}"),
        Ok(mut child) => {
            let said = serve(&mut child, command, task, root, guarded, post);
            // It has no more to do; what does not end by itself is ended.
            let _ = child.kill();
            let _ = child.wait();
            said.unwrap_or_else(|error| format!("the agent went away: {error}"))
        }
    };
    post.send(Event::Agent(words, Ink::Accent));
    post.send(Event::Disk);
}

fn started(command: &str, root: &Path) -> io::Result<Child> {
    let mut words = command.split_whitespace();
    let program = words.next().ok_or(io::ErrorKind::InvalidInput)?;
    Command::new(program).args(words).current_dir(root).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

fn serve(child: &mut Child, command: &str, task: &str, root: &Path, guarded: &Guarded, post: &Post<Event>) -> io::Result<String> {
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return Err(io::ErrorKind::BrokenPipe.into()) };
    let mut agent = Agent { input, output: BufReader::new(output), next: 0, root, guarded, post, name: command.into() };
    let files = json!({ "readTextFile": true, "writeTextFile": true });
    agent.ask("initialize", json!({ "protocolVersion": 1, "clientCapabilities": { "fs": files, "terminal": false } }))?;
    let session = agent.ask("session/new", json!({ "cwd": root, "mcpServers": [] }))?;
    let id = session["sessionId"].clone();
    let prompt = json!([{ "type": "text", "text": task }]);
    let end = agent.ask("session/prompt", json!({ "sessionId": id, "prompt": prompt }))?;
    Ok(format!("the agent has ended: {}", end["stopReason"].as_str().unwrap_or("without a reason")))
}

impl Agent<'_> {
    fn send(&mut self, message: &Value) -> io::Result<()> {
        writeln!(self.input, "{message}")?;
        self.input.flush()
    }

    /// Sends a request, serves what the agent asks meanwhile, and gives its answer.
    fn ask(&mut self, method: &str, params: Value) -> io::Result<Value> {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            let mut line = String::new();
            if io::Read::take(&mut self.output, LINE_BYTES).read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
            match message["method"].as_str() {
                Some(method) => self.served(method, &message)?,
                None if message["id"] == id => {
                    if let Some(error) = message.get("error") {
                        return Err(io::Error::other(error["message"].as_str().unwrap_or("an error without words").to_owned()));
                    }
                    return Ok(message["result"].clone());
                }
                None => {}
            }
        }
    }

    /// A message of the agent's own.
    fn served(&mut self, method: &str, message: &Value) -> io::Result<()> {
        let params = &message["params"];
        let answered = match method {
            "session/update" => {
                self.show(&params["update"]);
                return Ok(());
            }
            "fs/read_text_file" => self.read(params),
            "fs/write_text_file" => self.write(params),
            "session/request_permission" => Ok(self.permission(params)),
            _ => Err(format!("there is no method '{method}'")),
        };
        let Some(id) = message.get("id") else { return Ok(()) };
        let answer = match answered {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err(why) => json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32000, "message": why } }),
        };
        self.send(&answer)
    }

    fn show(&self, update: &Value) {
        let text = update["content"]["text"].as_str().or_else(|| update["title"].as_str());
        if let Some(text) = text {
            self.post.send(Event::Agent(text.to_owned(), Ink::Text));
        }
    }

    /// The path of a file of the project, from the root.
    fn path(&self, params: &Value) -> Result<RelPath, String> {
        let path = Path::new(params["path"].as_str().ok_or("a path is missing")?);
        let below = path.strip_prefix(self.root).map_err(|_| format!("'{}' is not in the project", path.display()))?;
        RelPath::new(std::os::unix::ffi::OsStrExt::as_bytes(below.as_os_str())).map_err(|error| error.to_string())
    }

    fn state(&self, path: &RelPath) -> Result<Option<FileState>, String> {
        self.guarded.read(path).map_err(|error| error.to_string())
    }

    fn read(&self, params: &Value) -> Result<Value, String> {
        let state = self.state(&self.path(params)?)?.ok_or("there is no such file")?;
        let text = String::from_utf8(state.bytes).map_err(|_| "the file is not UTF-8 text")?;
        let from = params["line"].as_u64().map_or(0, |line| line.saturating_sub(1) as usize);
        let count = params["limit"].as_u64().map_or(usize::MAX, |limit| limit as usize);
        Ok(json!({ "content": text.split_inclusive('\n').skip(from).take(count).collect::<String>() }))
    }

    /// A write is asked about, and written for a green answer alone.
    fn write(&self, params: &Value) -> Result<Value, String> {
        let path = self.path(params)?;
        let before = self.state(&path)?;
        let after = FileState {
            mode: before.as_ref().map_or(nda_guard::Mode::Plain, |state| state.mode),
            ..FileState::plain(params["content"].as_str().unwrap_or_default())
        };
        let how = if before.is_some() { How::Changed } else { How::Added };
        let shown = diff(&path.to_string(), before.as_ref(), Some(&after));
        let file = QuestionFile { path: path.to_string(), how, diff: shown, texts: None };
        match self.asked("fs/write_text_file", vec![file]) {
            Answer::Green(_) => {
                let change = FileChange { path, base: before.as_ref().map(|state| Hash::of(&state.bytes)), after: Some(after) };
                self.guarded.write("write_file", &self.name, vec![change]).map_err(|error| error.to_string())?;
                Ok(json!({}))
            }
            Answer::Red(why) => Err(why),
            Answer::Absent => Err("nobody decided".into()),
        }
    }

    /// The agent asks whether it may do something of its own: a person chooses the first option that allows, or that refuses.
    fn permission(&self, params: &Value) -> Value {
        let title = params["toolCall"]["title"].as_str().unwrap_or("something");
        let answer = self.asked(title, Vec::new());
        let wanted = if matches!(answer, Answer::Green(_)) { "allow" } else { "reject" };
        let options = params["options"].as_array().into_iter().flatten();
        let option = options.into_iter().find(|option| option["kind"].as_str().is_some_and(|kind| kind.starts_with(wanted)));
        match option {
            Some(option) => json!({ "outcome": { "outcome": "selected", "optionId": option["optionId"] } }),
            None => json!({ "outcome": { "outcome": "cancelled" } }),
        }
    }

    /// Puts a question before the person and waits for the answer; a studio that ends is a refusal.
    fn asked(&self, what: &str, files: Vec<QuestionFile>) -> Answer {
        let (sender, receiver) = sync_channel(1);
        let question = Question {
            root: self.root.display().to_string(),
            subject: what.into(),
            who: self.name.clone(),
            tool: "write_file".into(),
            call: what.into(),
            files,
            remarks: Vec::new(),
        };
        if !self.post.send(Event::Asked(Box::new(question), Box::new(Back(sender)))) {
            return Answer::Red("the studio has ended".into());
        }
        receiver.recv().unwrap_or_else(|_| Answer::Red("the studio has ended".into()))
    }
}
