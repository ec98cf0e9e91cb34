//! A client of the Agent Client Protocol: agents of others work on the project, and what they write is decided like any proposal.
//!
//! JSON-RPC 2.0 in lines over the agent's standard input and output; the messages are those of the protocol's own crate, of which
//! the studio takes the types and not the asynchronous connection. The agent reads files through us; its writes and its
//! requests for permission become questions in the agent pane, and nothing is written without a green answer.

use crate::grid::Ink;
use crate::panes::agents::Waiting;
use crate::save::Guarded;
use crate::studio::Event;
use crate::work::Post;
use agent_client_protocol_schema::ProtocolVersion;
use agent_client_protocol_schema::rpc::{JsonRpcMessage, Request, RequestId, Response};
use agent_client_protocol_schema::v1::{
    AgentNotification, AgentRequest, AgentResponse, ClientCapabilities, ClientRequest, ClientResponse, ContentBlock, Error,
    FileSystemCapabilities, InitializeRequest, NewSessionRequest, PermissionOptionKind, PromptRequest, ReadTextFileRequest,
    ReadTextFileResponse, RequestPermissionOutcome, RequestPermissionRequest, RequestPermissionResponse, SelectedPermissionOutcome,
    SessionUpdate, WriteTextFileRequest, WriteTextFileResponse,
};
use nda_agent::{Answer, Question, QuestionFile, question_file};
use nda_guard::{FileChange, FileState, Hash, RelPath};
use serde::Serialize;
use serde_json::Value;
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
    next: i64,
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
    let files = FileSystemCapabilities::new().read_text_file(true).write_text_file(true);
    let hello = InitializeRequest::new(ProtocolVersion::V1).client_capabilities(ClientCapabilities::new().fs(files));
    match agent.ask(ClientRequest::InitializeRequest(hello))? {
        AgentResponse::InitializeResponse(answer) if answer.protocol_version == ProtocolVersion::V1 => {}
        AgentResponse::InitializeResponse(answer) => {
            return Err(io::Error::other(format!("it speaks version {} of the protocol, the studio 1", answer.protocol_version)));
        }
        other => return Err(unexpected(&other)),
    }
    let session = match agent.ask(ClientRequest::NewSessionRequest(NewSessionRequest::new(root)))? {
        AgentResponse::NewSessionResponse(answer) => answer.session_id,
        other => return Err(unexpected(&other)),
    };
    match agent.ask(ClientRequest::PromptRequest(PromptRequest::new(session, vec![task.into()])))? {
        AgentResponse::PromptResponse(end) => Ok(format!("the agent has ended: {}", word_of(&end.stop_reason))),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(answer: &AgentResponse) -> io::Error {
    io::Error::other(format!("its answer is to another question: {answer:?}"))
}

/// A value of the protocol as its word.
fn word_of(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A request that cannot be done.
fn refused(why: impl Into<String>) -> Error {
    Error::new(-32000, why)
}

impl Agent<'_> {
    fn send(&mut self, message: impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(&JsonRpcMessage::wrap(message))?;
        writeln!(self.input, "{text}")?;
        self.input.flush()
    }

    /// Sends a request, serves what the agent asks meanwhile, and gives its answer.
    fn ask(&mut self, request: ClientRequest) -> io::Result<AgentResponse> {
        self.next += 1;
        let (id, method) = (RequestId::Number(self.next), request.method().to_owned());
        self.send(Request { id: id.clone(), method: method.as_str().into(), params: Some(request) })?;
        loop {
            let mut line = String::new();
            if io::Read::take(&mut self.output, LINE_BYTES).read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
            if let Some(method) = message["method"].as_str() {
                self.served(method, &message)?;
                continue;
            }
            match serde_json::from_value::<Response<Value>>(message) {
                Ok(Response::Result { id: of, result }) if of == id => {
                    return AgentResponse::from_method_and_result(&method, result).map_err(io::Error::other);
                }
                Ok(Response::Error { id: of, error }) if of == id => return Err(io::Error::other(error.message)),
                _ => {}
            }
        }
    }

    /// A message of the agent's own.
    fn served(&mut self, method: &str, message: &Value) -> io::Result<()> {
        let params = &message["params"];
        let Some(id) = message.get("id") else {
            if let Ok(AgentNotification::SessionNotification(news)) = AgentNotification::from_method_and_params(method, params) {
                self.show(&news.update);
            }
            return Ok(());
        };
        let Ok(id) = serde_json::from_value::<RequestId>(id.clone()) else { return Ok(()) };
        let answered = match AgentRequest::from_method_and_params(method, params) {
            Ok(AgentRequest::ReadTextFileRequest(request)) => self.read(&request).map(ClientResponse::ReadTextFileResponse),
            Ok(AgentRequest::WriteTextFileRequest(request)) => self.write(request).map(ClientResponse::WriteTextFileResponse),
            Ok(AgentRequest::RequestPermissionRequest(request)) => Ok(ClientResponse::RequestPermissionResponse(self.permission(&request))),
            Ok(_) => Err(Error::method_not_found()),
            Err(agent_client_protocol_schema::MethodDispatchError::UnknownMethod { .. }) => Err(Error::method_not_found()),
            Err(error) => Err(Error::invalid_params().data(Value::from(error.to_string()))),
        };
        self.send(Response::new(id, answered))
    }

    fn show(&self, update: &SessionUpdate) {
        let text = match update {
            SessionUpdate::AgentMessageChunk(chunk) | SessionUpdate::AgentThoughtChunk(chunk) => match &chunk.content {
                ContentBlock::Text(text) => &text.text,
                _ => return,
            },
            SessionUpdate::ToolCall(call) => &call.title,
            SessionUpdate::ToolCallUpdate(call) => match &call.fields.title {
                Some(title) => title,
                None => return,
            },
            _ => return,
        };
        self.post.send(Event::Agent(text.clone(), Ink::Text));
    }

    /// The path of a file of the project, from the root.
    fn path(&self, path: &Path) -> Result<RelPath, Error> {
        let below = path.strip_prefix(self.root).map_err(|_| refused(format!("'{}' is not in the project", path.display())))?;
        RelPath::new(std::os::unix::ffi::OsStrExt::as_bytes(below.as_os_str())).map_err(|error| refused(error.to_string()))
    }

    fn state(&self, path: &RelPath) -> Result<Option<FileState>, Error> {
        self.guarded.read(path).map_err(|error| refused(error.to_string()))
    }

    fn read(&self, request: &ReadTextFileRequest) -> Result<ReadTextFileResponse, Error> {
        let state = self.state(&self.path(&request.path)?)?.ok_or_else(|| refused("there is no such file"))?;
        let text = String::from_utf8(state.bytes).map_err(|_| refused("the file is not UTF-8 text"))?;
        let from = request.line.map_or(0, |line| line.saturating_sub(1) as usize);
        let count = request.limit.map_or(usize::MAX, |limit| limit as usize);
        Ok(ReadTextFileResponse::new(text.split_inclusive('\n').skip(from).take(count).collect::<String>()))
    }

    /// A write is asked about, and written for a green answer alone.
    fn write(&self, request: WriteTextFileRequest) -> Result<WriteTextFileResponse, Error> {
        let path = self.path(&request.path)?;
        let before = self.state(&path)?;
        let after =
            FileState { mode: before.as_ref().map_or(nda_guard::Mode::Plain, |state| state.mode), ..FileState::plain(request.content) };
        match self.asked("fs/write_text_file", vec![question_file(&path, before.as_ref(), Some(&after))]) {
            Answer::Green(_) => {
                let change = FileChange { path, base: before.as_ref().map(|state| Hash::of(&state.bytes)), after: Some(after) };
                self.guarded.write("write_file", &self.name, vec![change]).map_err(|error| refused(error.to_string()))?;
                Ok(WriteTextFileResponse::new())
            }
            Answer::Red(why) => Err(refused(why)),
            Answer::Absent => Err(refused("nobody decided")),
        }
    }

    /// The agent asks whether it may do something of its own: a person chooses the first option that allows, or that refuses.
    fn permission(&self, request: &RequestPermissionRequest) -> RequestPermissionResponse {
        use PermissionOptionKind as Kind;
        let title = request.tool_call.fields.title.as_deref().unwrap_or("something");
        let wanted = match self.asked(title, Vec::new()) {
            Answer::Green(_) => [Kind::AllowOnce, Kind::AllowAlways],
            Answer::Red(_) | Answer::Absent => [Kind::RejectOnce, Kind::RejectAlways],
        };
        let option = request.options.iter().find(|option| wanted.contains(&option.kind));
        RequestPermissionResponse::new(match option {
            Some(option) => RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(option.option_id.clone())),
            None => RequestPermissionOutcome::Cancelled,
        })
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
