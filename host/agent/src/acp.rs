//! The loop as an agent of the Agent Client Protocol (version 1, agentclientprotocol.com): an editor hosts it.
//!
//! The editor names the folder of each session, shows what the tools do, and asks its user about each proposal
//! (`session/request_permission`); only the guard writes, whatever the editor could write itself. Seven messages are what this takes, so it is
//! written here; the tests' editor is the protocol's own Python client.

mod person;
mod show;
mod wire;

use crate::ask::Ask;
use crate::stop::Stop;
use crate::talk::{Conversation, DONE, Event, Finish, Model, Talked, talk};
use crate::tools::Tools;
use person::{Link, Person};
use serde::Deserialize;
use serde_json::{Value, json};
use show::Block;
use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::{Builder, Handle};
use wire::{Fault, Message, Wire, parameters};

/// The protocol's version.
const VERSION: u64 = 1;
/// Sessions that are open at a time.
const MOST_SESSIONS: usize = 64;

/// What an editor's user is told once where the editor brings tools of its own.
const OTHER_SERVERS: &str = "The editor's own MCP servers are not used here: what they write would not be asked about.\n\n";

/// How sessions are made.
pub struct Setup {
    /// The tools of a folder, whose proposals are put to this person first.
    pub open: Box<dyn Fn(&Path, Arc<dyn Ask>) -> Result<Tools, String> + Send + Sync>,
    /// A model, which is not waited for once this is set.
    pub model: Box<dyn Fn(Stop) -> Result<Box<dyn Model>, String> + Send + Sync>,
    /// Answers of the model to a prompt at most.
    pub steps: usize,
}

/// Serves one editor until its input ends; what runs then is stopped.
///
/// # Errors
/// The system's answer, or an editor that does not keep to lines.
pub fn serve(setup: Setup, mut input: impl BufRead, output: Box<dyn Write + Send>) -> io::Result<()> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let wire = Arc::new(Wire::new(output));
    let sessions = Mutex::default();
    let server = Arc::new(Server { setup, runtime: runtime.handle().clone(), wire, sessions, opened: AtomicU64::new(0) });
    let heard = loop {
        match wire::next(&mut input) {
            Ok(Some(message)) => server.hear(message),
            Ok(None) => break Ok(()),
            Err(e) => break Err(e),
        }
    };
    server.all().values().for_each(|session| session.tools.context().stop.set());
    server.wire.close();
    // What still winds down does not keep the process; the guard's journal ends what was begun.
    runtime.shutdown_background();
    heard
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewSession {
    cwd: PathBuf,
    #[serde(default)]
    mcp_servers: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfSession {
    session_id: String,
    #[serde(default)]
    prompt: Vec<Block>,
}

fn greeting() -> Value {
    json!({
        "protocolVersion": VERSION,
        "agentCapabilities": {
            "loadSession": false,
            "promptCapabilities": { "image": false, "audio": false, "embeddedContext": true },
            "sessionCapabilities": { "close": {} },
        },
        "agentInfo": { "name": "nda", "title": "nda agent", "version": env!("CARGO_PKG_VERSION") },
        "authMethods": [],
    })
}

/// One conversation in one folder.
struct Session {
    tools: Tools,
    person: Arc<Person>,
    /// Whether a prompt is worked on.
    busy: AtomicBool,
    work: Mutex<Work>,
}

/// A session that works on a prompt, until this is dropped.
struct Begun(Arc<Session>);

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::SeqCst);
    }
}

#[derive(Default)]
struct Work {
    conversation: Conversation,
    calls: u64,
    /// What is to be said before the first answer.
    remark: Option<&'static str>,
}

struct Server {
    setup: Setup,
    runtime: Handle,
    wire: Arc<Wire>,
    sessions: Mutex<HashMap<String, Arc<Session>>>,
    opened: AtomicU64,
}

impl Server {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self, id: &str) -> Result<Arc<Session>, Fault> {
        self.all().get(id).cloned().ok_or_else(|| Fault::params(format!("there is no session '{id}'")))
    }

    /// Answers a message, or begins to.
    fn hear(self: &Arc<Self>, message: Message) {
        match message {
            Message::Request { id, method, params } => self.request(id, &method, params),
            Message::Notification { method, params } if method == "session/cancel" => {
                if let Ok(session) = parameters::<OfSession>(params).and_then(|of| self.session(&of.session_id)) {
                    session.tools.context().stop.set();
                }
            }
            Message::Notification { .. } => {}
            Message::Response { id, result } => self.wire.answered(id, result),
            Message::Broken(fault) => self.wire.respond(Value::Null, Err(fault)),
        }
    }

    fn request(self: &Arc<Self>, id: Value, method: &str, params: Value) {
        let answer = match method {
            "initialize" => Ok(greeting()),
            "session/close" => parameters(params).and_then(|of| self.close(&of)),
            "session/new" => match parameters(params) {
                Ok(request) => return self.in_background(id, move |server| server.open(&request)),
                Err(fault) => Err(fault),
            },
            // Begun here, in order: a cancellation that comes next is of this prompt.
            "session/prompt" => match parameters(params).and_then(|of| Ok((self.begin(&of)?, of))) {
                Ok((begun, of)) => return self.in_background(id, move |server| server.prompt(&begun, &of)),
                Err(fault) => Err(fault),
            },
            other => Err(Fault { code: Fault::METHOD, why: format!("there is no method '{other}'") }),
        };
        self.wire.respond(id, answer);
    }

    /// Works on another thread and answers with what comes of it; messages are read meanwhile.
    fn in_background(self: &Arc<Self>, id: Value, work: impl FnOnce(&Server) -> Result<Value, Fault> + Send + 'static) {
        let server = self.clone();
        self.runtime.spawn_blocking(move || {
            let failed = |_| Err(Fault { code: Fault::INTERNAL, why: "the work ended in a fault of this program".into() });
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&server))).unwrap_or_else(failed);
            server.wire.respond(id, result);
        });
    }

    fn open(&self, request: &NewSession) -> Result<Value, Fault> {
        if !request.cwd.is_absolute() || !request.cwd.is_dir() {
            return Err(Fault::params(format!("'{}' is not the absolute path of a folder", request.cwd.display())));
        }
        let person = Arc::new(Person::new(self.runtime.clone()));
        let tools = (self.setup.open)(&request.cwd, person.clone()).map_err(Fault::params)?;
        tools.context().set_who("nda agent");
        let remark = (!request.mcp_servers.is_empty()).then_some(OTHER_SERVERS);
        let work = Mutex::new(Work { remark, ..Work::default() });
        let mut all = self.all();
        if all.len() >= MOST_SESSIONS {
            return Err(Fault::params(format!("there are {MOST_SESSIONS} sessions; close one (session/close)")));
        }
        let id = format!("session-{}", self.opened.fetch_add(1, Ordering::Relaxed) + 1);
        all.insert(id.clone(), Session { tools, person, busy: AtomicBool::new(false), work }.into());
        Ok(json!({ "sessionId": id }))
    }

    fn close(&self, of: &OfSession) -> Result<Value, Fault> {
        self.session(&of.session_id)?.tools.context().stop.set();
        self.all().remove(&of.session_id);
        Ok(json!({}))
    }

    fn begin(&self, of: &OfSession) -> Result<Begun, Fault> {
        let session = self.session(&of.session_id)?;
        if session.busy.swap(true, Ordering::SeqCst) {
            let why = "the session works on another prompt; cancel it (session/cancel), or wait";
            return Err(Fault { code: Fault::REQUEST, why: why.into() });
        }
        session.tools.context().stop.clear();
        Ok(Begun(session))
    }

    fn prompt(&self, Begun(session): &Begun, of: &OfSession) -> Result<Value, Fault> {
        let mut work = session.work.lock().unwrap_or_else(PoisonError::into_inner);
        let task = show::task(&of.prompt).map_err(Fault::params)?;
        let context = session.tools.context();
        let (root, stop) = (context.workspace.root().to_owned(), context.stop.clone());
        let link = Link { wire: self.wire.clone(), session: of.session_id.clone(), root, stop };
        if let Some(remark) = work.remark.take() {
            link.say(remark);
        }
        let talked = self.work(session, &mut work, &link, &task).map_err(|why| Fault { code: Fault::INTERNAL, why })?;
        let reason = match talked.finish {
            Finish::Stopped => "cancelled",
            Finish::Done(summary) => {
                link.say(&summary);
                "end_turn"
            }
            Finish::OutOfSteps => {
                link.say(&format!("No end in {} answers; say 'go on', or give a smaller task.", self.setup.steps));
                "max_turn_requests"
            }
        };
        Ok(json!({ "stopReason": reason }))
    }

    /// Lets the model work, and shows each call.
    fn work(&self, session: &Session, work: &mut Work, link: &Link, task: &str) -> Result<Talked, String> {
        // Made and dropped on this thread: a model may wait in a runtime of its own.
        let mut model = (self.setup.model)(link.stop.clone())?;
        let Work { conversation, calls, .. } = work;
        let mut watch = |event: Event<'_>| match event {
            Event::Said { text } => link.say(text),
            Event::Called { name: DONE, .. } => {}
            Event::Called { name, arguments } => {
                *calls += 1;
                let id = format!("call-{calls}");
                link.update(show::called(&id, name, arguments, &link.root));
                session.person.hear(link.clone(), id);
            }
            Event::Answered { text, well } => {
                if let Some((id, asked)) = session.person.done() {
                    link.update(show::answered(&id, if well { "completed" } else { "failed" }, text, asked));
                }
            }
        };
        talk(&session.tools, model.as_mut(), conversation, task, self.setup.steps, &mut watch)
    }
}
