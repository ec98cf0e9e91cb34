//! The house rules of ARCHITECTURE.md, read from the manifests and the sources.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Our crates' arrows: (crate, what it imports, kind of dependency).
fn arrows() -> BTreeSet<(String, String, String)> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let mut all = BTreeSet::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let to = dependency["name"].as_str().expect("a name");
            if to.starts_with("nda-") || to.starts_with("rust-hdl") || to == "serialport" {
                all.insert((name.into(), to.into(), dependency["kind"].as_str().unwrap_or("normal").into()));
            }
        }
    }
    all
}

/// A version's numbers, as manifests name compilers: a third is 0 if it is not there.
fn version(text: &str) -> Vec<u32> {
    text.split('.').chain(["0"]).take(3).map(|part| part.parse().expect("a number")).collect()
}

#[test]
fn no_dependency_needs_a_newer_compiler_than_the_workspace_names() {
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(root()).output().expect("it runs");
        assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let host = run("rustc", &["-vV"]);
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let metadata = run(&cargo, &["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    let packages: Vec<(&str, Option<&str>)> = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|p| (p["name"].as_str().unwrap(), p["rust_version"].as_str()))
        .collect();
    let ours: BTreeSet<&str> =
        packages.iter().filter(|(name, _)| name.starts_with("nda-")).map(|(name, named)| named.unwrap_or(name)).collect();
    let [named] = ours.iter().copied().collect::<Vec<_>>()[..] else { panic!("our crates name several compilers: {ours:?}") };
    let newer: Vec<_> = packages.iter().filter(|(_, needed)| needed.is_some_and(|needed| version(needed) > version(named))).collect();
    assert!(newer.is_empty(), "newer than {named}: {newer:?}");
}

/// The drawing: each crate, and what it may import.
const DRAWN: &[(&str, &[&str])] = &[
    ("nda-spec", &[]),
    ("nda-netlist", &[]),
    ("nda-cores", &["nda-spec", "nda-netlist", "rust-hdl-core", "rust-hdl-widgets"]),
    ("nda-files", &[]),
    ("nda-sandbox", &[]),
    ("nda-text", &[]),
    ("nda-guard", &["nda-text"]),
    ("nda-checks", &["nda-guard", "nda-sandbox", "nda-lang", "nda-ndf"]),
    ("nda-graph", &["nda-ndf"]),
    ("nda-agent", &["nda-text", "nda-guard", "nda-sandbox", "nda-graph"]),
    ("nda-analysis", &["nda-lang"]),
    ("nda-lsp", &["nda-analysis", "nda-text"]),
    // The studio links no engine, no compiler and no simulator: it asks the command.
    ("nda-studio", &["nda-text", "nda-analysis", "nda-guard", "nda-sandbox", "nda-graph", "nda-agent", "nda-ndf"]),
    ("nda-ndf", &["nda-spec", "nda-files"]),
    ("nda-gemv", &["nda-spec"]),
    ("nda-kernels", &["nda-spec", "nda-gemv"]),
    ("nda-device", &["nda-spec", "nda-gemv", "serialport"]),
    ("nda-lang", &["nda-spec", "nda-kernels"]),
    ("nda-ir", &["nda-spec"]),
    ("nda-compile", &["nda-spec", "nda-ir", "nda-lang"]),
    ("nda-kv", &["nda-spec", "nda-kernels"]),
    ("nda-engine", &["nda-spec", "nda-ndf", "nda-gemv", "nda-kernels", "nda-kv", "nda-lang", "nda-ir", "nda-compile"]),
    ("nda-sim", &["nda-spec", "nda-device"]),
    ("nda-gpu", &["nda-spec", "nda-gemv"]),
    ("nda-backends", &["nda-spec", "nda-gemv", "nda-kernels", "nda-gpu", "nda-device", "nda-sim"]),
    ("nda-python", &["nda-spec", "nda-ndf", "nda-gemv", "nda-backends", "nda-engine"]),
    ("nda-boards", &["nda-spec"]),
    ("nda-gates", &["nda-spec", "nda-boards", "nda-device"]),
    ("nda-formal", &["nda-spec", "nda-cores", "nda-gates"]),
    ("nda-firmware", &["nda-spec", "nda-files", "nda-cores", "nda-boards"]),
    // nda-engine and nda-ndf for the shapes of a model's layers.
    ("nda-table", &["nda-spec", "nda-files", "nda-boards", "nda-firmware", "nda-engine", "nda-ndf"]),
    // nda-cores for `nda emit` alone.
    (
        "nda-cli",
        &[
            "nda-spec",
            "nda-boards",
            "nda-files",
            "nda-ndf",
            "nda-gemv",
            "nda-kernels",
            "nda-lang",
            "nda-ir",
            "nda-device",
            "nda-engine",
            "nda-convert",
            "nda-chat",
            "nda-bench",
            "nda-backends",
            "nda-cores",
            "nda-text",
            "nda-guard",
            "nda-checks",
            "nda-sandbox",
            "nda-agent",
            "nda-lsp",
        ],
    ),
    ("nda-convert", &["nda-spec", "nda-files", "nda-ndf", "nda-engine", "nda-fit", "nda-gemv", "nda-kernels"]),
    ("nda-chat", &["nda-ndf", "nda-engine"]),
    ("nda-fit", &["nda-spec"]),
    ("nda-bench", &["nda-spec", "nda-ndf", "nda-gemv", "nda-kernels"]),
    ("nda-tests", &[]),
];

#[test]
fn imports_point_down_and_only_as_the_architecture_draws_them() {
    let arrows = arrows();
    assert!(arrows.len() > 15, "the manifests were read: {arrows:?}");
    for (from, to, kind) in &arrows {
        let may = DRAWN.iter().find(|a| a.0 == from).unwrap_or_else(|| panic!("{from} is not in the drawing")).1;
        match kind.as_str() {
            "normal" => assert!(may.contains(&to.as_str()), "{from} must not import {to}"),
            "build" => assert!(
                from == "nda-sim" && ["nda-boards", "nda-cores", "nda-spec"].contains(&to.as_str()),
                "{from} must not build with {to}"
            ),
            _ => {}
        }
    }
}

#[test]
fn the_model_is_small_and_the_documents_speak_of_files_that_exist() {
    let model = std::fs::metadata(root().join("models/tiny.ndf")).expect("models/tiny.ndf is there");
    assert!(model.len() < 2_000_000, "{} bytes", model.len());
    for document in ["README.md", "ARCHITECTURE.md"] {
        let text = std::fs::read_to_string(root().join(document)).expect("a document");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            // What stands behind '#' is a heading, and alone one of the same document.
            let file = link.split('#').next().unwrap_or_default();
            assert!(root().join(file).exists(), "{document} links to {link}, which is not there");
        }
    }
}

/// The manual's commands: every line of a block that begins with `nda` names a command that exists.
#[test]
fn the_manual_names_only_commands_that_exist() {
    let commands = std::fs::read_to_string(root().join("host/cli/src/commands/mod.rs")).expect("the commands");
    let mut named = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("docs")).expect("docs").flatten().filter(|e| e.path().extension().is_some_and(|x| x == "md"))
    {
        let text = std::fs::read_to_string(entry.path()).expect("a chapter");
        // Every second part stands between fences.
        for line in text.split("```").skip(1).step_by(2).flat_map(str::lines) {
            let words = line.trim_start_matches("$ ").strip_prefix("nda ").and_then(|rest| rest.split(' ').next());
            named.extend(words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).map(str::to_owned));
        }
    }
    assert!(named.len() >= 12, "the manual shows commands: {named:?}");
    for command in named {
        assert!(commands.contains(&format!("mod {command};")), "the manual shows 'nda {command}', which is not there");
    }
}

/// Where files are created without `nda-files`, and why that harms nobody.
const OTHER_WRITERS: &[(&str, &str)] = &[
    ("host/files/src/", "this is the one writer"),
    ("host/guard/src/", "the workspace's only writer: beneath its root with a grant, and files of its own beside the objects"),
    ("host/sandbox/src/", "a scratch of its own, which is gone afterwards, and the maps of its user namespace"),
    ("bench/src/loading.rs", "documents to be measured, in a temporary folder of its own"),
    ("bench/benches/loading.rs", "the same"),
    ("sim/build/", "a build script writes into its OUT_DIR and the store beside the profiles"),
    ("host/cli/src/editor.rs", "the lines of a conversation, which its editor appends to a private file of its own"),
    ("firmware/src/tools.rs", "a tool's log in its build folder, which the running tool writes"),
];

/// What creates, replaces or renames a file.
const CREATES: &[&str] = &[
    "File::create",
    "File::options",
    "OpenOptions",
    "fs::write(",
    "fs::copy(",
    "fs::rename(",
    "fs::hard_link(",
    "symlink(",
    "NamedTempFile",
    "tempfile::",
    ".persist(",
    "save_history(",
    "append_history(",
    "OFlags::CREATE",
    "OFlags::TMPFILE",
];

/// Rust sources below a folder, tests and what a build left behind not among them.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && !["tests", "target", ".tools"].iter().any(|skipped| name == *skipped) {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_code_but_the_one_writer_creates_files() {
    let (root, mut found) = (root(), Vec::new());
    for folder in ["host", "bench", "sim", "firmware", "constraints", "hdl"] {
        sources(&root.join(folder), &mut found);
    }
    assert!(found.len() > 200, "{} sources", found.len());
    let (mut strangers, mut used) = (Vec::new(), BTreeSet::new());
    for path in found {
        let text = std::fs::read_to_string(&path).expect("a source");
        let name = path.strip_prefix(&root).expect("below the root").display().to_string();
        // What stands behind this line is compiled into tests alone.
        let code = text.lines().take_while(|line| !(line.starts_with("#[cfg(") && line.contains("test")));
        let creates = |line: &&str| !line.trim_start().starts_with("//") && CREATES.iter().any(|word| line.contains(word));
        for (number, line) in code.enumerate().filter(|(_, line)| creates(line)) {
            match OTHER_WRITERS.iter().find(|(place, _)| name.starts_with(place)) {
                Some((place, _)) => drop(used.insert(*place)),
                None => strangers.push(format!("{name}:{}: {}", number + 1, line.trim())),
            }
        }
    }
    assert!(strangers.is_empty(), "write through nda-files, which judges the target first:\n{}", strangers.join("\n"));
    let idle: Vec<_> = OTHER_WRITERS.iter().filter(|(place, _)| !used.contains(place)).collect();
    assert!(idle.is_empty(), "these create no files any more: {idle:?}");
}

/// The agent workspace's crates: none of them changes a file but through the guard.
const GUARDED: &[&str] = &["host/text", "host/graph", "host/checks", "host/agent", "host/analysis", "host/lsp", "host/studio"];

/// Files of other folders that they may change, and why.
const BESIDE: &[(&str, &str)] = &[("host/agent/src/door.rs", "the socket for approvals, in the user's own runtime folder")];

/// What changes files beside creating them.
const CHANGES: &[&str] = &["fs::remove_", "set_permissions(", "fs::create_dir", ".set_len(", "unlinkat(", "renameat(", "mkdirat("];

#[test]
fn the_workspaces_crates_change_files_through_the_guard_alone() {
    let (root, mut found) = (root(), Vec::new());
    for folder in GUARDED {
        sources(&root.join(folder), &mut found);
    }
    assert!(found.len() > 10, "{} sources", found.len());
    let mut strangers = Vec::new();
    for path in found {
        let text = std::fs::read_to_string(&path).expect("a source");
        let code = text.lines().take_while(|line| !(line.starts_with("#[cfg(") && line.contains("test")));
        let changes = |line: &&str| !line.trim_start().starts_with("//") && CREATES.iter().chain(CHANGES).any(|word| line.contains(word));
        if !BESIDE.iter().any(|(place, _)| path.ends_with(place)) {
            strangers.extend(code.filter(changes).map(|line| format!("{}: {}", path.display(), line.trim())));
        }
    }
    assert!(strangers.is_empty(), "make a Proposal; only nda-guard writes:\n{}", strangers.join("\n"));
    for folder in ["host/text", "host/checks"] {
        let lint = std::fs::read_to_string(root.join(folder).join("clippy.toml")).unwrap_or_default();
        assert!(lint.contains("std::fs::write"), "{folder} has lost the clippy.toml that refuses a second way to write");
    }
}
