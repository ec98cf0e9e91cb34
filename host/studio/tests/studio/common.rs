//! A studio without a face, on a folder of its own.

use nda_studio::grid::Grid;
use nda_studio::key::Press;
use nda_studio::{Setup, Studio};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A job of 40 ns.
pub const WAVE: &str = "$timescale 1ns $end\n$scope module top $end\n$var wire 1 ! clk $end\n$var wire 8 \" data $end\n$var wire 1 # run_busy $end\n$upscope $end\n$enddefinitions $end\n#0\n0!\nb00000000 \"\n0#\n#10\n1!\n1#\n#20\n0!\nb10100101 \"\n#30\n1!\n0#\n#40\n0!\n";

/// A project and its state, gone when it is dropped.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub fn new(files: &[(&str, &[u8])]) -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.root()).unwrap();
        for (path, bytes) in files {
            let path = place.root().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        place
    }

    /// A program with a product, and what is known of it: document, core, Verilog, and a wave of that name.
    pub fn of_a_product(wave: &str) -> Place {
        let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny.ndf");
        let core = "#[derive(LogicBlock)]\npub struct GemvArray { pub clock: Signal<In, Clock>, pub result: Signal<Out, Bits<32>> }\n";
        let verilog = "module top_array(clock, result);\n input wire clock; output reg [31:0] result;\nendmodule\n";
        Place::new(&[
            ("tiny.ndf", &std::fs::read(tiny).unwrap()),
            ("p.nda", b"fn f(x: vec) -> vec {\n    return gemv(\"blk.0.q\", x);\n}\n"),
            ("core.rs", core.as_bytes()),
            ("top.v", verilog.as_bytes()),
            (wave, WAVE.replace("module top ", "module top_array ").replace("data", "result").as_bytes()),
        ])
    }

    /// The same of the project's own files, as the command makes them: a model, its program, the cores, their Verilog, and the wave of a job.
    pub fn of_the_command() -> Place {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let read = |path: &str| std::fs::read(project.join(path)).unwrap();
        let place = Place::new(&[("tiny.ndf", &read("models/tiny.ndf")), ("tiny.nda", &read("host/engine/programs/llama.nda"))]);
        copy_folder(&project.join("hdl/cores/src"), &place.root().join("cores"));
        told(&place.root(), &["emit", "--config", "token1024", "--port", "parallel", "--out", "."]);
        told(&place.root(), &["wave", "--config", "token1024", "--out", "job.fst"]);
        place
    }

    /// A studio that has followed that product down to the wave.
    pub fn follow(&self, wave: &str) -> Studio {
        let mut studio = self.studio();
        studio.load_graph();
        studio.open(Path::new("p.nda"));
        press(&mut studio, "ctrl+g 2 enter end left left");
        wait_until(&mut studio, "the way", |studio| {
            press(studio, "f6");
            screen(studio).contains(&format!("{wave}: top_array.result"))
        });
        studio
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn studio(&self) -> Studio {
        self.studio_with(nda())
    }

    pub fn studio_with(&self, nda: OsString) -> Studio {
        Studio::new(Setup { root: self.root(), state: Some(self.state()), nda, wake: Arc::new(|| {}) }).unwrap()
    }

    /// A studio after a restart, with a file. Processes that other tests start hold a lock's handle for the moment before they run their
    /// program; a real restart has none of these.
    pub fn reopened(&self, path: &str) -> Studio {
        for _ in 0..500 {
            let mut studio = self.studio();
            studio.open(Path::new(path));
            if studio.buffer().is_none_or(|buffer| buffer.locked.is_none()) {
                return studio;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{path} stays locked");
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.root().join(path)).unwrap()
    }
}

/// Copies a folder with all below it.
fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for path in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &copy);
        } else {
            std::fs::copy(&path, &copy).unwrap();
        }
    }
}

/// The command: what NDA names, or the one that was built beside the tests.
pub fn nda() -> OsString {
    if let Some(nda) = std::env::var_os("NDA") {
        return nda;
    }
    let beside = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("nda");
    beside.into_os_string()
}

/// Whether the command is there, and says so if it is not.
pub fn has_nda(test: &str) -> bool {
    let is_there = Path::new(&nda()).is_file();
    if !is_there {
        nda_tests::skip(test, "'cargo build --release --workspace --bin nda' makes the command");
    }
    is_there
}

/// Whether the command simulates boards, and says so if it does not.
pub fn has_simulator(test: &str) -> bool {
    let is_there = has_nda(test) && told(Path::new("."), &["devices", "--json"]).contains("\"simulator\":{\"available\":true}");
    if !is_there {
        nda_tests::skip(test, "a command with the feature 'verilator' simulates boards");
    }
    is_there
}

/// What the command prints in a folder.
///
/// # Panics
/// If it fails.
pub fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new(nda()).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Presses keys by their names, separated by blanks.
pub fn press(studio: &mut Studio, keys: &str) {
    for name in keys.split_whitespace() {
        studio.press(Press::named(name).unwrap_or_else(|| panic!("{name}")));
    }
}

/// Types a text.
pub fn type_in(studio: &mut Studio, text: &str) {
    for c in text.chars() {
        let key = if c == '\n' { nda_studio::key::Key::Enter } else { nda_studio::key::Key::Char(c) };
        studio.press(Press::of(key));
    }
}

/// What the screen shows.
pub fn screen(studio: &mut Studio) -> String {
    let mut grid = Grid::new(150, 40);
    studio.draw(&mut grid);
    (0..40).map(|y| grid.text(y) + "\n").collect()
}

/// Waits until the screen shows a text.
///
/// # Panics
/// After two minutes without it.
pub fn wait_for(studio: &mut Studio, text: &str) -> String {
    wait_until(studio, text, |studio| screen(studio).contains(text))
}

/// Waits until something holds; what the screen shows then comes back.
///
/// # Panics
/// After two minutes in which it does not.
pub fn wait_until(studio: &mut Studio, what: &str, mut holds: impl FnMut(&mut Studio) -> bool) -> String {
    for _ in 0..6000 {
        studio.tick();
        if holds(studio) {
            return screen(studio);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("'{what}' does not come:\n{}", screen(studio));
}

/// The text of the file that is shown.
pub fn text(studio: &Studio) -> String {
    studio.buffer().unwrap().now().to_string()
}
