//! The editor's user, who is asked about each proposal.

use super::show;
use super::wire::{Fault, Wire};
use crate::ask::{Answer, Ask, Question};
use crate::stop::Stop;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long an editor's user may take to answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(600);
/// The options of a question, by name.
const WRITE: &str = "write";
const REFUSE: &str = "refuse";

/// A session's way to its editor.
#[derive(Clone)]
pub struct Link {
    pub wire: Arc<Wire>,
    pub session: String,
    pub root: PathBuf,
    pub stop: Stop,
}

impl Link {
    /// Shows something.
    pub fn update(&self, update: Value) {
        self.wire.notify("session/update", json!({ "sessionId": self.session, "update": update }));
    }

    /// Says something to the user.
    pub fn say(&self, text: &str) {
        self.update(json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": text } }));
    }
}

/// The call that is worked on.
struct Current {
    link: Link,
    call: String,
    asked: Asked,
}

/// Whether the user was asked about a call, so that its content is the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Yes,
    No,
}

/// A session's user.
pub struct Person {
    runtime: Handle,
    current: Mutex<Option<Current>>,
}

impl Person {
    pub fn new(runtime: Handle) -> Person {
        Person { runtime, current: Mutex::default() }
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which call is worked on, and how its session reaches the editor.
    pub fn hear(&self, link: Link, call: String) {
        *self.current() = Some(Current { link, call, asked: Asked::No });
    }

    /// The call that was worked on, and whether the user was asked about it; none is now.
    pub fn done(&self) -> Option<(String, Asked)> {
        self.current().take().map(|current| (current.call, current.asked))
    }
}

impl Ask for Person {
    fn ask(&self, question: &Question) -> Answer {
        let (link, call) = match self.current().as_mut() {
            Some(current) => {
                current.asked = Asked::Yes;
                (current.link.clone(), current.call.clone())
            }
            None => return Answer::Absent,
        };
        let change = show::change(&call, question, &link.root);
        let mut update = change.clone();
        update["sessionUpdate"] = json!("tool_call_update");
        link.update(update);
        let request = json!({
            "sessionId": link.session,
            "toolCall": change,
            "options": [
                { "optionId": WRITE, "name": "Write this change", "kind": "allow_once" },
                { "optionId": REFUSE, "name": "Refuse it", "kind": "reject_once" },
            ],
        });
        self.runtime.block_on(async {
            let asked = timeout(ANSWER_DEADLINE, link.wire.request("session/request_permission", request));
            tokio::select! {
                outcome = asked => outcome.map_or_else(
                    |_| Answer::Red(format!("the editor's user gave no answer within {} seconds", ANSWER_DEADLINE.as_secs())),
                    decided,
                ),
                () = link.stop.wished() => Answer::Red("the editor's user stopped the work".into()),
            }
        })
    }
}

fn decided(answer: Result<Value, Fault>) -> Answer {
    let outcome = match &answer {
        Ok(answer) => &answer["outcome"],
        Err(fault) if fault.code == Fault::METHOD => return Answer::Absent,
        Err(fault) => return Answer::Red(format!("the editor gave no answer: {}", fault.why)),
    };
    match (outcome["outcome"].as_str(), outcome["optionId"].as_str()) {
        (Some("selected"), Some(WRITE)) => Answer::Green("the editor's user".into()),
        (Some("selected"), _) => Answer::Red("the editor's user said no".into()),
        _ => Answer::Red("the editor's user stopped the work".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_alone_is_green() {
        let selected = |option: &str| Ok(json!({ "outcome": { "outcome": "selected", "optionId": option } }));
        assert_eq!(decided(selected(WRITE)), Answer::Green("the editor's user".into()));
        let fault = |code| Err(Fault { code, why: "no".into() });
        assert_eq!(decided(fault(Fault::METHOD)), Answer::Absent);
        for answer in [
            selected(REFUSE),
            selected("other"),
            Ok(json!({ "outcome": { "outcome": "cancelled", "optionId": WRITE } })),
            Ok(Value::Null),
            fault(1),
        ] {
            assert!(matches!(decided(answer.clone()), Answer::Red(_)), "{answer:?}");
        }
    }
}
