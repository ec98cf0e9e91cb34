//! The command, and models for it to talk with.

// Each test file uses its share of these.
#![allow(dead_code)]

#[path = "../../../chat/tests/common/mod.rs"]
pub mod common;

use common::{TEMPLATE, tiny};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const NDA: &str = env!("CARGO_BIN_EXE_nda");
/// The committed model, without a chat template.
pub const PLAIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny.ndf");

/// The tiny model with a chat template, in a folder of its own.
pub fn model() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.ndf");
    fs::write(&path, &*tiny(&[("chat_template", TEMPLATE), ("name", "tiny")])).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

/// The same model with a program that takes minutes for every call but the first, which reads the prompt: nothing asks for
/// signals meanwhile.
pub fn slow_model(folder: &Path, model: &str) -> String {
    let start = "    let count = len(tokens);\n";
    let delay = "    let turns = 0;\n    if position > 0 {\n        loop 200000000000 as turn {\n            turns = turns + turn % 3;\n        }\n    }\n";
    let source = nda_engine::LLAMA;
    assert_eq!(source.matches(start).count(), 1, "the forward pass begins otherwise");
    let (program, slow) = (folder.join("slow.nda"), folder.join("slow.ndf"));
    let wanted = format!("{start}{delay}    expect(turns >= 0, \"{{turns}} turns\");\n");
    fs::write(&program, source.replace(start, &wanted)).unwrap();
    let output = Command::new(NDA).args(["convert", model]).arg(&slow).arg("--program").arg(&program).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    slow.to_str().unwrap().to_owned()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What the command says to an input that is a pipe.
pub fn nda(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(NDA);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// The command with the signals as a terminal leaves them: whoever runs these tests may ignore SIGHUP, and what a process
/// ignores its children ignore.
pub fn heeding_signals() -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP,INT,TERM", NDA]);
    command
}

/// A command that runs, ended when a failed test leaves it behind.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> Running {
        Running(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status().unwrap().success());
    }

    /// Waits for its end, for so long at most.
    pub fn ended(&mut self, within: Duration) -> ExitStatus {
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "it did not end within {within:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server on a port of its own, and its first line.
pub fn serving(command: &mut Command) -> (Running, SocketAddr, String) {
    let mut running = Running::start(command);
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().split_once(" on http://").and_then(|(_, rest)| rest.strip_suffix("/v1")).unwrap_or_else(|| panic!("{line}"));
    (running, address.parse().unwrap(), line)
}

/// 'nda serve' of a model on a free port.
pub fn serve(model: &str, more: &[&str]) -> Command {
    let mut command = heeding_signals();
    command.args(["serve", model, "--port", "0"]).args(more);
    command
}
