//! Comfort: prompts from files and pipes, names and contexts as options, errors once, an evaluation in under a minute.

mod models;

use models::common::{post, receive, send};
use models::{NDA, PLAIN, Running, model, nda, serve, serving, slow_model, text};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What 'nda run' of the committed model says as JSON.
fn run(more: &[&str], input: &[u8]) -> Value {
    let short = if more.contains(&"--max-tokens") { &[][..] } else { &["--max-tokens", "8"] };
    let more = &[more, short].concat();
    let output = nda(&[&["run", PLAIN, "--json"][..], more].concat(), input);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Exit code and first line of a failure, which is told once and in three lines.
fn refusal(arguments: &[&str], input: &[u8]) -> (Option<i32>, String) {
    let output = nda(arguments, input);
    let said = text(&output.stderr);
    assert_eq!(
        (said.matches("error: ").count(), said.matches("\n  at: ").count(), said.matches("\n  help: ").count()),
        (1, 1, 1),
        "{said}"
    );
    (output.status.code(), said.lines().next().unwrap().to_owned())
}

#[test]
fn a_prompt_comes_from_the_command_line_a_file_or_standard_input() {
    let expected = run(&["--prompt", "She was "], b"");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prompt.txt");
    // The break that ends the file is not part of the prompt; the space is.
    std::fs::write(&file, "She was \r\n").unwrap();
    for (more, input) in [
        (&["--prompt-file", file.to_str().unwrap()][..], &b"not this"[..]),
        (&["--prompt-file", "-"], b"She was \n"),
        (&["--prompt", "-"], b"She was \n"),
        (&[], b"She was "),
    ] {
        let found = run(more, input);
        assert_eq!((&found["prompt"], &found["tokens"]), (&expected["prompt"], &expected["tokens"]), "{more:?}");
    }
    assert_eq!(run(&[], b"two\nlines\n\n")["prompt"], "two\nlines\n");
    // A file need not be UTF-8, nor the model's tokens.
    assert_eq!(run(&[], b"\xff\xfe")["prompt"], "\u{fffd}\u{fffd}");
}

#[test]
fn a_prompt_that_cannot_be_had_says_why() {
    for (more, input, code, expected) in [
        (&["--prompt", ""][..], &b""[..], 2, "error: the prompt is empty"),
        (&[], b"\n", 2, "error: the prompt is empty"),
        (&["--prompt-file", "/nope"], b"", 3, "error: cannot open the file"),
        (&["--prompt-file", "/"], b"", 3, "error: cannot read the file"),
        (&["--prompt", "a", "--prompt-file", "b"], b"", 2, "error: the argument '--prompt <TEXT>' cannot be used with"),
    ] {
        let (found, said) = refusal(&[&["run", PLAIN][..], more].concat(), input);
        assert_eq!((found, &said[..expected.len().min(said.len())]), (Some(code), expected), "{more:?}");
    }
}

#[test]
fn a_context_is_a_part_of_the_models() {
    let slides = |more: &[&str]| run(&[&["--prompt", "She was ", "--max-tokens", "30"][..], more].concat(), b"")["slides"].clone();
    assert_eq!((slides(&[]), slides(&["--context", "256"])), (json!(0), json!(0)));
    assert_eq!(slides(&["--context", "16"]), json!(3));
    let (_folder, model) = model();
    for command in [&["run", PLAIN, "--prompt", "a"][..], &["chat", &model], &["serve", &model], &["eval", PLAIN, "--text", PLAIN]] {
        for count in ["0", "257"] {
            let (code, said) = refusal(&[command, &["--context", count]].concat(), b"");
            assert_eq!((code, said), (Some(2), format!("error: the context must be 1 to 256 tokens, got {count}")), "{command:?}");
        }
    }
    let talk = nda(&["chat", &model, "--context", "20"], b"Hello\n");
    assert!(talk.status.success() && text(&talk.stderr).contains("cut after 9 tokens"), "{}", text(&talk.stderr));
}

#[test]
fn a_server_has_the_name_and_the_context_that_it_is_given() {
    let (_folder, model) = model();
    let (_server, address, line) = serving(&mut serve(&model, &["--alias", "mine", "--context", "40"]));
    assert!(line.starts_with("mine on "), "{line}");
    let (_, list) = receive(send(address, "GET", "/v1/models", "", ""));
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!((&list["data"][0]["id"], &list["data"][0]["context"]), (&json!("mine"), &json!(40)));
    let ask = |name: &str| post(address, "/v1/completions", &json!({ "model": name, "prompt": "She", "max_tokens": 100 }));
    let (status, answer) = ask("mine");
    assert_eq!((status, &answer["usage"]["total_tokens"]), (200, &json!(41)), "{answer}");
    // Clients name whatever they were set up with: only --strict-model refuses it.
    assert_eq!(ask("tiny").0, 200);
    for name in ["", "two words", "line\n"] {
        assert_eq!(refusal(&["serve", &model, "--model-name", name], b"").0, Some(2));
    }
    for (option, count) in [("--connections", "0"), ("--parallel", "0"), ("--parallel", "257")] {
        assert_eq!(refusal(&["serve", &model, option, count], b"").0, Some(2));
    }
}

#[test]
fn a_document_recommends_the_form_of_its_cache_and_an_option_decides() {
    let (folder, model) = model();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let words = at("words.txt");
    std::fs::write(&words, "She was not there, he said.").unwrap();
    let form = |model: &str, more: &[&str]| {
        let output = nda(&[&["eval", model, "--text", &words, "--json"][..], more].concat(), b"");
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["kv"].clone()
    };
    assert_eq!(form(&model, &[]), "b4");
    let two = at("two.ndf");
    assert!(nda(&["convert", &model, &two, "--kv", "b2"], b"").status.success());
    assert_eq!((form(&two, &[]), form(&two, &["--kv", "f16"])), (json!("b2"), json!("f16")));
    // The last word counts, and nothing else of the document changes with it.
    let half = at("half.ndf");
    assert!(nda(&["convert", &two, &half, "--kv", "f16"], b"").status.success());
    assert_eq!(form(&half, &[]), "f16");
    let program = |model: &str| text(&nda(&["info", model, "--json"], b"").stdout).matches("gemv").count();
    assert_eq!(program(&half), program(&model));
    let saved = nda(&["chat", &half, "--save", &at("talk.ndakv")], b"Hello\n");
    assert!(!saved.status.success() && text(&saved.stderr).contains("--kv b4"), "{}", text(&saved.stderr));
    let (code, said) = refusal(&["convert", &model, &at("none.ndf"), "--kv", "b3"], b"");
    assert!(code == Some(2) && said.contains("b4, b4v2, b2, seed, f16, f32"), "{said}");
}

/// How many threads of a process have a name that begins so, once it has as many as it should; after some seconds, however many.
#[cfg(target_os = "linux")]
fn threads_called(process: u32, name: &str, wanted: usize) -> usize {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
        let count = names.filter(|comm| comm.starts_with(name)).count();
        if count == wanted || Instant::now() > until {
            return count;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn as_many_threads_compute_as_are_granted() {
    let (folder, model) = model();
    let slow = slow_model(folder.path(), &model);
    let text = folder.path().join("text");
    std::fs::write(&text, "She was not the same side of the house. ".repeat(100)).unwrap();
    let text = text.to_str().unwrap();
    for (arguments, name) in [
        (&["run", &slow, "--prompt", "She was"][..], "nda-gemv"),
        (&["run", &slow, "--prompt", "She was", "--backend", "cpu:portable"], "nda-gemv"),
        (&["serve", &slow, "--port", "0"], "nda-gemv"),
        (&["eval", &slow, "--text", text], "nda-window"),
    ] {
        let mut command = Command::new(NDA);
        let running = Running::start(command.args(arguments).args(["--threads", "4"]));
        // The caller's is the fourth.
        assert_eq!(threads_called(running.0.id(), name, 3), 3, "{arguments:?}");
    }
    let tokens = |count: &str| run(&["--prompt", "She was ", "--threads", count], b"")["tokens"].clone();
    assert_eq!(tokens("1"), tokens("3"));
    for command in [&["run", PLAIN, "--prompt", "a"][..], &["chat", &model], &["serve", &model], &["eval", PLAIN, "--text", PLAIN]] {
        for count in ["0", "1025"] {
            let (code, said) = refusal(&[command, &["--threads", count]].concat(), b"");
            assert_eq!((code, said), (Some(2), format!("error: the number of threads must be 1 to 1024, got {count}")), "{command:?}");
        }
    }
}

#[test]
fn the_speed_of_the_prompt_stands_beside_that_of_the_text() {
    let found = run(&["--prompt", "She was not the same "], b"");
    assert_eq!((&found["prefill"]["measured_tokens"], &found["decode"]["measured_tokens"]), (&json!(21), &json!(7)));
    let output = nda(&["run", PLAIN, "--prompt", "She was not the same ", "--max-tokens", "8"], b"");
    assert!(text(&output.stderr).contains("prompt: 21 tokens in "), "{}", text(&output.stderr));
}

#[test]
fn an_error_is_told_once_and_in_colour_on_a_terminal_alone() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/colours.py");
    let output = match Command::new("python3").arg(script).args([NDA, PLAIN]).output() {
        Ok(output) => output,
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "python3 gives the test its terminal: {error}");
            return println!("SKIP colours in a terminal: python3 gives the test its terminal: {error}");
        }
    };
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && said.contains("all claims hold"), "{said}");
}

#[test]
fn the_first_runs_evaluation_ends_within_a_minute() {
    let page = include_str!("../../../docs/first-run.md");
    assert!(page.contains("nda eval models/tiny.ndf --text models/val.txt"), "the first run shows another evaluation");
    let validation = Path::new(PLAIN).with_file_name("val.txt");
    let started = Instant::now();
    let output = nda(&["eval", PLAIN, "--text", validation.to_str().unwrap(), "--json"], b"");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output.stderr)));
    assert_eq!(found["predicted_bytes"], 130_982);
    assert!(started.elapsed() < Duration::from_secs(60), "it took {:?}", started.elapsed());
}
