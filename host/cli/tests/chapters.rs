//! The manual's chapters, followed as a new user would; completions, manual pages, the list of commands; JSON by its schemas.

#![cfg(all(unix, feature = "configurations", feature = "convert", feature = "emit", feature = "shell", feature = "workspace"))]

mod models;

use models::NDA;
use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Chapters with commands to follow; the walk-through of the workspace is followed beside its own claims (workspace.rs).
const CHAPTERS: [&str; 13] = [
    "install.md",
    "first-run.md",
    "your-gguf.md",
    "bring-up.md",
    "your-model.md",
    "your-program.md",
    "your-core.md",
    "other-designs.md",
    "server.md",
    "workspace.md",
    "agents.md",
    "command.md",
    "studio.md",
];

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn good(arguments: &[&str]) -> String {
    let output = Command::new(NDA).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_chapters_commands_print_what_the_chapter_says_in_a_clean_folder() {
    for chapter in CHAPTERS {
        let output = Command::new("python3").arg(Path::new(ROOT).join("docs/follow.py")).args([NDA, chapter]).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
    // A chapter that gets commands is followed from then on.
    for entry in std::fs::read_dir(Path::new(ROOT).join("docs")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let is_followed = CHAPTERS.contains(&name.as_str()) || name == "walkthrough.md";
        if name.ends_with(".md") && !is_followed {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            assert!(!text.contains("```console\n"), "{name} has commands that nobody follows");
        }
    }
}

#[test]
fn what_a_page_says_wrongly_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("wrong.md");
    std::fs::write(&page, "```console\n$ echo one\ntwo\n```\n").unwrap();
    let output = Command::new("python3").arg(Path::new(ROOT).join("docs/follow.py")).arg(NDA).arg(&page).output().unwrap();
    assert!(!output.status.success() && said(&output).contains("the page has\ntwo\nand this was printed\none"), "{}", said(&output));
}

#[test]
fn the_manual_is_put_together_with_a_page_for_every_core() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("python3");
    command.arg(Path::new(ROOT).join("docs/manual.py")).arg(NDA).arg(folder.path().join("manual"));
    // Without mdBook the sources are judged alone.
    let mdbook = Path::new(ROOT).join(".tools/mdbook/bin/mdbook");
    if mdbook.exists() {
        command.arg(mdbook);
    } else {
        nda_tests::skip("rendering the manual", "./tools.sh docs installs mdBook");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let cores = folder.path().join("manual/src/docs/cores");
    for page in ["gemv_array.md", "token_attention_unit.md", "board_uart.md", "token_board_uart.md", "token_walker.md", "growing_add.md"] {
        let text = std::fs::read_to_string(cores.join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
        assert!(text.contains("## Ports") && text.contains("Source: `hdl/cores/src/"), "{page}: {text}");
    }
    let wave = std::fs::read_to_string(cores.join("gemv_sequencer.svg")).unwrap();
    assert!(wave.contains("is_last") && wave.contains("tile_address"), "the wave shows the ports");
    check_cores(&cores);
}

/// The core that is not simulated: a bit of its UART takes 100 cycles.
const WITHOUT_WAVE: &str = "token_board_uart";

/// Every core's page says what it costs and what each of its ports means, and shows it at work. That an output moves there, manual.py has
/// seen to.
fn check_cores(folder: &Path) {
    let (mut seen, mut faults) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "md")) {
        let name = entry.path().file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(entry.path()).unwrap();
        if name == "index" {
            continue;
        }
        seen += 1;
        if !text.contains("Cost") {
            faults.push(format!("{name}: what does it cost?"));
        }
        let ports: Vec<&str> = text.split("## Ports").nth(1).unwrap_or("").lines().filter(|line| line.starts_with("| `")).collect();
        if ports.is_empty() || ports.iter().any(|line| line.ends_with("|  |")) {
            faults.push(format!("{name}: ports, or their meanings, are missing"));
        }
        if text.contains("![wave]") == (name == WITHOUT_WAVE) {
            faults.push(format!("{name}: {}", if name == WITHOUT_WAVE { "it has a wave now" } else { "no wave" }));
        }
    }
    assert!(seen > 60 && faults.is_empty(), "{seen} pages\n{}", faults.join("\n"));
}

#[test]
fn the_list_of_commands_stands_in_groups_and_names_every_command_once() {
    let help = good(&["--help"]);
    let groups = ["Text:", "Models:", "Programs:", "Boards and cores:", "The agent workspace:", "This command:"];
    let places: Vec<_> = groups.iter().map(|group| help.find(group).unwrap_or_else(|| panic!("{group} {help}"))).collect();
    assert!(places.is_sorted() && !help.contains("Others:"), "{help}");
    let list = &help[places[0]..help.find("Options:").unwrap()];
    for command in ["run", "convert", "exec", "emit", "wave", "patch", "completions", "man", "help"] {
        assert_eq!(list.matches(&format!("\n  {command} ")).count(), 1, "{command}: {list}");
    }
    let long: Vec<&str> = help.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(long.is_empty() && !help.contains('…'), "complete, a line each, in a hundred columns:\n{}", long.join("\n"));
}

#[test]
fn shells_get_completions_that_they_understand() {
    for (shell, needle) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef nda"),
        ("fish", "complete -c nda"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let text = good(&["completions", shell]);
        assert!(text.contains(needle) && text.contains("checkpoint"), "{shell}");
    }
    let script = "source <(\"$1\" completions bash) && COMP_WORDS=(nda em) COMP_CWORD=1 && _nda nda em nda && echo \"${COMPREPLY[*]}\"";
    let output = Command::new("bash").args(["-c", script, "bash", NDA]).output().unwrap();
    assert_eq!(said(&output).trim(), "emit");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let said = good(&["man", folder.path().to_str().unwrap()]);
    let count = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(count > 25 && said.contains(&format!("{count} pages")), "{said}");
    let page = std::fs::read_to_string(folder.path().join("nda-emit.1")).unwrap();
    assert!(page.starts_with(".ie") && page.contains(".SH SYNOPSIS") && page.contains("\\-\\-bus"), "{page}");
}

#[test]
fn json_outputs_fit_their_schemas() {
    let python = Path::new(ROOT).join(".tools/wheel/bin/python");
    if !python.exists() {
        return nda_tests::skip("JSON outputs by their schemas", "./tools.sh wheel installs what validates them");
    }
    let (folder, model) = models::model();
    let saved = folder.path().join("saved");
    let talked = models::nda(&["chat", &model, "--max-tokens", "4", "--save", saved.to_str().unwrap()], b"Hello\n/exit\n");
    assert!(talked.status.success(), "{}", said(&talked));
    let output = Command::new(python).arg(Path::new(ROOT).join("docs/schemas/check.py")).arg(NDA).arg(saved).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}
