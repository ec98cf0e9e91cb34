//! Texts of slots: saved, restored in another server, forgotten; what is refused, and that a refused file changes nothing.

mod common;

use common::{CHAT, Running, SLOW, TEMPLATE, post, receive, send, serve_with, settings, tiny};
use nda_chat::{Server, Settings, Shelf, Speaker};
use nda_engine::{Model, Session, Weights};
use nda_kernels::CpuGemv;
use nda_ndf::Document;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// Files in memory.
#[derive(Debug, Default)]
struct Memory(Mutex<HashMap<String, Vec<u8>>>);

impl Shelf for Memory {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.0.lock().unwrap().insert(name.into(), bytes.to_vec());
        Ok(())
    }

    fn take(&self, name: &str) -> Result<Vec<u8>, String> {
        self.0.lock().unwrap().get(name).cloned().ok_or_else(|| format!("there is no '{name}'"))
    }
}

/// A server of the tiny model whose cache has a form, on a thread of its own.
struct Kept {
    address: SocketAddr,
    handle: nda_chat::Handle,
    thread: Option<JoinHandle<()>>,
}

impl Kept {
    fn start(shelf: &Arc<Memory>, form: &'static str, metadata: &'static [(&'static str, &'static str)]) -> Kept {
        let shelf: Arc<dyn Shelf> = Arc::clone(shelf) as Arc<dyn Shelf>;
        let server = Server::bind(Settings { parallel: 2, shelf: Some(shelf), ..settings() }).unwrap();
        let (address, handle) = (server.address(), server.handle());
        let thread = thread::spawn(move || {
            let bytes = tiny(metadata);
            let document = Document::open(&bytes).unwrap();
            let weights = Weights::new(&document).unwrap();
            let mut gemv = CpuGemv::new();
            let model = Model::prepare(&weights, &mut gemv).unwrap();
            let mut session = Session::new(&model, &mut gemv);
            session.use_cache(form.parse().unwrap());
            server.run(&mut Speaker::new(session), None).unwrap();
        });
        Kept { address, handle, thread: Some(thread) }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, answer) = receive(send(self.address, method, path, "", &body.to_string()));
        (status, serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{e}: {answer}")))
    }

    fn act(&self, slot: usize, action: &str, file: &str) -> (u16, Value) {
        self.ask("POST", &format!("/slots/{slot}?action={action}"), &json!({ "filename": file }))
    }

    /// What follows a text, and how many of its tokens were there.
    fn complete(&self, prompt: &str) -> (Value, u64) {
        let body = json!({ "prompt": prompt, "max_tokens": 20, "temperature": 1, "seed": 5 });
        let (status, answer) = post(self.address, "/v1/completions", &body);
        assert_eq!(status, 200, "{answer}");
        (answer["choices"][0]["text"].clone(), answer["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.handle.end();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

const TEXT: &str = "She said that she would not go to the sea that day, for the wind was strong and the boats were all on the sand.";

#[test]
fn a_saved_text_goes_on_in_another_server_as_if_it_had_never_stopped() {
    let shelf = Arc::<Memory>::default();
    let (said, positions) = {
        let first = Kept::start(&shelf, "b4", &[]);
        let (said, kept) = first.complete(TEXT);
        let (status, saved) = first.act(0, "save", "talk.kv");
        assert_eq!((status, kept, &saved["filename"]), (200, 0, &json!("talk.kv")), "{saved}");
        assert_eq!(saved["n_written"], shelf.0.lock().unwrap()["talk.kv"].len());
        let (_, slots) = first.ask("GET", "/slots", &json!({}));
        assert_eq!((&slots[0]["n_past"], &slots[1]["n_past"], &slots[0]["is_processing"]), (&saved["n_saved"], &json!(0), &json!(false)));
        (said, saved["n_saved"].as_u64().unwrap())
    };
    assert_eq!(positions, TEXT.len() as u64 + 19);
    let second = Kept::start(&shelf, "b4", &[]);
    let (status, restored) = second.act(1, "restore", "talk.kv");
    assert_eq!((status, &restored["n_restored"], &restored["id_slot"]), (200, &json!(positions), &json!(1)), "{restored}");
    // All but the last token, which is taken again.
    assert_eq!(second.complete(TEXT), (said.clone(), TEXT.len() as u64 - 1));
    let (status, erased) = second.act(1, "erase", "");
    assert_eq!((status, &erased["n_erased"]), (200, &json!(positions)));
    assert_eq!(second.complete(TEXT), (said, 0));
}

#[test]
fn what_cannot_be_restored_is_refused_by_name_and_changes_nothing() {
    let shelf = Arc::<Memory>::default();
    let server = Kept::start(&shelf, "b4", &[]);
    let before = server.complete(TEXT);
    assert_eq!(server.act(0, "save", "good").0, 200);
    let good = shelf.0.lock().unwrap()["good"].clone();
    for at in [0, 9, good.len() / 3, good.len() / 2, good.len() - 1] {
        let mut broken = good.clone();
        broken[at] ^= 4;
        shelf.put("broken", &broken).unwrap();
        let (status, answer) = server.act(0, "restore", "broken");
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("bad_file")), "byte {at}: {answer}");
    }
    shelf.put("short", &good[..good.len() - 7]).unwrap();
    shelf.put("long", &[&good[..], b"more"].concat()).unwrap();
    let other = Kept::start(&shelf, "b4", &[("name", "another")]);
    other.complete(TEXT);
    assert_eq!(other.act(0, "save", "other_model").0, 200);
    let two = Kept::start(&shelf, "b2", &[]);
    two.complete(TEXT);
    assert_eq!(two.act(0, "save", "other_form").0, 200);
    for (slot, action, file, status, code) in [
        (0, "restore", "short", 400, "bad_file"),
        (0, "restore", "long", 400, "bad_file"),
        (0, "restore", "other_model", 409, "saved_by_another_model"),
        (0, "restore", "other_form", 409, "saved_by_another_model"),
        (0, "restore", "nothing", 404, "file_not_read"),
        (7, "save", "good", 404, "slot_not_found"),
        (0, "keep", "good", 400, "invalid_value"),
        (0, "save", "../good", 400, "invalid_value"),
        (0, "save", ".hidden", 400, "invalid_value"),
        (0, "save", "", 400, "invalid_value"),
    ] {
        let (found, answer) = server.act(slot, action, file);
        assert_eq!((found, &answer["error"]["code"]), (status, &json!(code)), "{action} {file}: {answer}");
    }
    assert!(server.act(0, "restore", "other_form").1["error"]["message"].as_str().unwrap().contains("--kv b2"));
    // The text is still there, and says what it said.
    assert_eq!(server.complete(TEXT), (before.0, TEXT.len() as u64 - 1));
}

#[test]
fn a_slot_that_is_busy_a_cache_of_floats_and_a_server_without_a_folder_say_so() {
    let shelf = Arc::<Memory>::default();
    let floats = Kept::start(&shelf, "f32", &[]);
    floats.complete(TEXT);
    let (status, answer) = floats.act(0, "save", "floats");
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("not_saved")), "{answer}");
    let server: Running = serve_with(Settings { parallel: 1, ..settings() }, SLOW, &[("chat_template", TEMPLATE)]);
    let act = |action: &str| receive(send(server.address, "POST", &format!("/slots/0?action={action}"), "", "{}"));
    let (status, answer) = act("save");
    assert!(status == 501 && answer.contains("--slot-save-path"), "{status}: {answer}");
    let talk = json!({ "messages": [{ "role": "user", "content": "Hello" }], "stream": true });
    let mut busy = send(server.address, "POST", CHAT, "", &talk.to_string());
    busy.read_exact(&mut [0; 12]).unwrap();
    let (status, answer) = act("erase");
    assert!(status == 409 && answer.contains("slot_busy"), "{status}: {answer}");
    let (_, slots) = receive(send(server.address, "GET", "/slots", "", ""));
    let slots: Value = serde_json::from_str(&slots).unwrap();
    assert_eq!((&slots[0]["is_processing"], &slots[0]["n_past"]), (&json!(true), &Value::Null));
    drop(busy);
}
