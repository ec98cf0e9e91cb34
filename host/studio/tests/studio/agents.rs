//! Proposals of agents: side by side, red and green for each hunk, checkpoints with restore and its undo; agents of others.

use crate::common::{Place, has_nda, press, screen, type_in, wait_for};
use nda_agent::door::{Door, place};
use nda_agent::{Answer, Ask, Question, question_file};
use nda_guard::{FileState, RelPath};
use nda_studio::Studio;
use std::path::Path;
use std::thread::JoinHandle;

const OLD: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";
const NEW: &str = "ONE\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nTEN\n";

/// An agent that proposes to change both ends of a file, through the socket that `nda mcp` and `nda agent` use.
fn propose(root: &Path, old: &str, new: &str) -> JoinHandle<Answer> {
    let root = root.to_owned();
    let [old, new] = [old, new].map(FileState::plain);
    let question = Question {
        root: root.display().to_string(),
        subject: "a proposal".into(),
        who: "some agent".into(),
        tool: "patch_file".into(),
        call: "call 1".into(),
        files: vec![question_file(&RelPath::new("a.txt").unwrap(), Some(&old), Some(&new))],
        remarks: vec!["a secret may be in it".into()],
    };
    std::thread::spawn(move || {
        let door = Door::new(place(&root).unwrap());
        // The studio may not listen yet.
        for _ in 0..500 {
            match door.ask(&question) {
                Answer::Absent => std::thread::sleep(std::time::Duration::from_millis(10)),
                answer => return answer,
            }
        }
        Answer::Absent
    })
}

fn asked(place: &Place) -> (Studio, JoinHandle<Answer>) {
    asked_of(place, OLD, NEW)
}

fn asked_of(place: &Place, old: &str, new: &str) -> (Studio, JoinHandle<Answer>) {
    let mut studio = place.studio();
    studio.listen();
    let answer = propose(&place.root(), old, new);
    wait_for(&mut studio, "some agent proposes");
    press(&mut studio, "f7");
    (studio, answer)
}

#[test]
fn a_proposal_is_shown_side_by_side_and_is_red_until_somebody_says_green() {
    let place = Place::new(&[("a.txt", OLD.as_bytes())]);
    let (mut studio, answer) = asked(&place);
    let shown = screen(&mut studio);
    assert!(shown.contains("NOTE: a secret may be in it"), "{shown}");
    assert!(shown.lines().any(|line| line.contains("one") && line.contains("ONE") && line.contains('\u{2502}')), "{shown}");
    press(&mut studio, "enter");
    let answer = answer.join().unwrap();
    assert_eq!(answer, Answer::Red("a person in the studio said no".into()), "Enter alone must not mean yes");
    assert_eq!(place.read("a.txt"), OLD.as_bytes());
}

#[test]
fn all_green_is_green_and_the_agent_writes() {
    let place = Place::new(&[("a.txt", OLD.as_bytes())]);
    let (mut studio, answer) = asked(&place);
    press(&mut studio, "down down G enter");
    assert_eq!(answer.join().unwrap(), Answer::Green("a person in the studio".into()));
    assert_eq!(place.read("a.txt"), OLD.as_bytes(), "the agent's own guard writes, with its gates");
}

#[test]
fn one_hunk_denied_another_approved_then_restored_and_that_undone() {
    let place = Place::new(&[("a.txt", OLD.as_bytes())]);
    let (mut studio, answer) = asked(&place);
    // Head, note, file, then the first hunk with its head; the second hunk is further down.
    press(&mut studio, "down down down r end");
    let second = (0..40).find(|_| {
        press(&mut studio, "up g");
        screen(&mut studio).contains("1/2 green")
    });
    assert!(second.is_some(), "{}", screen(&mut studio));
    press(&mut studio, "enter");
    let Answer::Red(why) = answer.join().unwrap() else { panic!("a part is not green") };
    assert!(why.contains("1 of 2 hunks") && why.contains("refused: a.txt @@ -1"), "{why}");
    let half = OLD.replace("ten", "TEN");
    assert_eq!(place.read("a.txt"), half.as_bytes());
    press(&mut studio, "f7");
    wait_for(&mut studio, "written; no gate had to look");
    // The newest checkpoint is the one before the write.
    let shown = screen(&mut studio);
    let row = shown.lines().filter(|line| line.contains('\u{25cb}')).count();
    assert!(row >= 1, "{shown}");
    press(&mut studio, "home");
    for _ in 0..60 {
        press(&mut studio, "down");
        let chosen = studio.panes.list().chosen;
        let rows = studio.panes.rows(80);
        if rows[chosen].pieces[0].0.starts_with('\u{25cb}') {
            break;
        }
    }
    press(&mut studio, "enter");
    assert_eq!(place.read("a.txt"), OLD.as_bytes(), "{}", studio.message);
    press(&mut studio, "u");
    assert_eq!(place.read("a.txt"), half.as_bytes(), "{}", studio.message);
}

#[test]
fn a_part_that_is_taken_has_the_bytes_that_were_proposed() {
    let middle = "\u{1f468}\u{200d}\u{1f469} \u{feff} café\n\u{c}\u{1b}[2Jx\r\n".repeat(4);
    let (old, new) = (format!("one\n{middle}ten\n"), format!("ONE\u{200d}\n{middle}TEN\u{200d}\n"));
    let place = Place::new(&[("a.txt", old.as_bytes())]);
    let (mut studio, answer) = asked_of(&place, &old, &new);
    press(&mut studio, "down down down g enter");
    let Answer::Red(why) = answer.join().unwrap() else { panic!("a part is not green") };
    assert!(why.contains("1 of 2 hunks were taken and are written"), "{why}");
    assert_eq!(String::from_utf8(place.read("a.txt")).unwrap(), format!("ONE\u{200d}\n{middle}ten\n"));
}

#[test]
fn an_agent_of_others_speaks_acp_and_writes_nothing_without_green() {
    let place = Place::new(&[("a.txt", OLD.as_bytes()), ("agent.py", AGENT.as_bytes())]);
    let mut studio = place.studio();
    press(&mut studio, "f7 a");
    type_in(&mut studio, "python3 agent.py -- change it");
    studio.press(nda_studio::key::Press::named("enter").unwrap());
    let shown = wait_for(&mut studio, "fs/write_text_file");
    assert!(shown.contains("I read 10 lines"), "{shown}");
    press(&mut studio, "home G enter");
    wait_for(&mut studio, "written: yes");
    assert_eq!(place.read("a.txt"), b"changed\n");
    wait_for(&mut studio, "may I run");
    press(&mut studio, "home enter");
    let shown = wait_for(&mut studio, "the agent has ended");
    assert!(shown.contains("permission: no"), "{shown}");
}

#[test]
fn a_task_given_to_a_model_becomes_a_proposal_and_is_written_on_green() {
    if !has_nda("a_task_given_to_a_model") {
        return;
    }
    let place = Place::new(&[("a.txt", OLD.as_bytes()), ("model.py", MODEL.as_bytes())]);
    // `nda` with the endpoint of a model that plays its part.
    let wrapper = place.root().join("nda.sh");
    let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\" && exec python3 model.py \"$NDA_UNDER_TEST\" \"$@\"\n";
    let script = script.replace("$NDA_UNDER_TEST", &crate::common::nda().into_string().unwrap());
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut studio = place.studio_with(wrapper.into_os_string());
    studio.listen();
    press(&mut studio, "f7 t");
    type_in(&mut studio, "write a two");
    press(&mut studio, "enter");
    let shown = wait_for(&mut studio, "nda agent proposes");
    assert!(shown.contains("> write a two"), "{shown}");
    assert_eq!(place.read("a.txt"), OLD.as_bytes(), "nothing is written before somebody says green");
    press(&mut studio, "home G enter");
    wait_for(&mut studio, "it is written");
    assert_eq!(place.read("a.txt"), b"2\n");
    press(&mut studio, "t");
    type_in(&mut studio, "and why?");
    press(&mut studio, "enter");
    // The second question comes behind the first one, its call and its answer.
    wait_for(&mut studio, "because you said: write a two, and why?");
}

/// Starts the command with a task, on an endpoint whose model writes a file, is done, and answers in words from then on.
const MODEL: &str = r#"
import http.server, json, subprocess, sys, threading
calls = [("write_file", {"path": "a.txt", "text": "2\n"}), ("done", {"summary": "it is written"})]
class Endpoint(http.server.BaseHTTPRequestHandler):
    def send(self, value):
        body = json.dumps(value).encode()
        self.send_response(200); self.send_header("content-length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_GET(self): self.send({"data": [{"id": "scripted"}]})
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not calls:
            said = [message["content"] for message in asked["messages"] if message["role"] == "user"]
            return self.send({"choices": [{"message": {"content": "because you said: " + ", ".join(said)}}]})
        name, arguments = calls.pop(0)
        self.send({"choices": [{"message": {"tool_calls": [{"id": "c", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}]}}]})
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
command, verb, *more = sys.argv[1:]
sys.exit(subprocess.run([command, verb, "--endpoint", "http://127.0.0.1:%d/v1" % server.server_port, *more]).returncode)
"#;

/// An agent, in twenty lines.
const AGENT: &str = r#"
import json, os, sys
count = 100
def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n"); sys.stdout.flush()
def ask(method, params):
    global count
    count += 1
    send({"id": count, "method": method, "params": params})
    while True:
        message = json.loads(sys.stdin.readline())
        if message.get("id") == count and "method" not in message: return message
def say(text):
    send({"method": "session/update", "params": {"sessionId": "s", "update": {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}}})
path = os.path.join(os.getcwd(), "a.txt")
while True:
    request = json.loads(sys.stdin.readline())
    if request["method"] == "initialize": send({"id": request["id"], "result": {"protocolVersion": 1, "agentCapabilities": {}}})
    elif request["method"] == "session/new": send({"id": request["id"], "result": {"sessionId": "s"}})
    elif request["method"] == "session/prompt":
        text = ask("fs/read_text_file", {"sessionId": "s", "path": path})["result"]["content"]
        say("I read %d lines" % len(text.splitlines()))
        outside = ask("fs/read_text_file", {"sessionId": "s", "path": "/etc/passwd"})
        assert "error" in outside, outside
        done = ask("fs/write_text_file", {"sessionId": "s", "path": path, "content": "changed\n"})
        say("written: " + ("yes" if "result" in done else "no"))
        options = [{"optionId": "y", "name": "yes", "kind": "allow_once"}, {"optionId": "n", "name": "no", "kind": "reject_once"}]
        may = ask("session/request_permission", {"sessionId": "s", "toolCall": {"toolCallId": "1", "title": "may I run"}, "options": options})
        say("permission: " + ("yes" if may["result"]["outcome"].get("optionId") == "y" else "no"))
        send({"id": request["id"], "result": {"stopReason": "end_turn"}})
"#;
