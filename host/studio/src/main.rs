//! `nda-studio`: the studio in a window, or with `--terminal` in a terminal.

#![forbid(unsafe_code)]

use nda_studio::face::{terminal, window};
use nda_studio::{Setup, Studio};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// What `--help` says.
const HELP: &str = "\
nda studio: programs, documents, waves, boards and agents in one small window

Usage: nda-studio [OPTIONS] [FOLDER] [FILE...]

  FOLDER      the project; by default this folder
  FILE        files to open; a file alone opens its folder, or the repository that it is in
  --terminal  in this terminal instead of a window
  --version   the version

F1 lists the keys. docs/studio.md describes all of it. NDA names the nda command, by default the one beside this program.
";

/// The command line.
#[derive(Default)]
struct Line {
    terminal: bool,
    root: Option<PathBuf>,
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match run() {
        Ok(words) => {
            print!("{words}");
            ExitCode::SUCCESS
        }
        Err(words) => {
            eprintln!("error: {words}");
            ExitCode::FAILURE
        }
    }
}

/// Shows the studio; what is printed comes back.
fn run() -> Result<&'static str, String> {
    let mut line = Line::default();
    for argument in std::env::args_os().skip(1) {
        match argument.to_str() {
            Some("--help" | "-h") => return Ok(HELP),
            Some("--version") => return Ok(concat!("nda-studio ", env!("CARGO_PKG_VERSION"), "\n")),
            Some("--terminal") => line.terminal = true,
            Some(option) if option.starts_with('-') => return Err(format!("there is no option '{option}'; see nda-studio --help")),
            _ => take(&mut line, PathBuf::from(argument))?,
        }
    }
    let root = match (&line.root, line.files.first()) {
        (Some(root), _) => root.clone(),
        (None, Some(file)) => root_of(file),
        (None, None) => PathBuf::from("."),
    };
    if line.terminal {
        let queue = terminal::Queue::default();
        let sender = queue.sender();
        let studio = studio(root, &line.files, Arc::new(move || _ = sender.send(terminal::Wake::News)))?;
        queue.show(studio).map_err(|error| error.to_string())?;
    } else {
        let events = window::Loop::new().map_err(|error| error.to_string())?;
        let proxy = events.proxy();
        let studio = studio(root, &line.files, Arc::new(move || _ = proxy.send_event(window::News)))?;
        events.show(studio).map_err(|error| error.to_string())?;
    }
    Ok("")
}

fn take(line: &mut Line, path: PathBuf) -> Result<(), String> {
    let path = std::path::absolute(&path).map_err(|error| format!("'{}': {error}", path.display()))?;
    if path.is_dir() && line.root.is_none() && line.files.is_empty() {
        line.root = Some(path);
    } else {
        line.files.push(path);
    }
    Ok(())
}

/// The repository that a file is in, or else its folder.
fn root_of(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new("."));
    folder.ancestors().find(|above| above.join(".git").exists()).unwrap_or(folder).to_path_buf()
}

fn studio(root: PathBuf, files: &[PathBuf], wake: nda_studio::work::Wake) -> Result<Studio, String> {
    let mut studio = Studio::new(Setup { root, state: None, nda: command(), wake }).map_err(|error| error.to_string())?;
    // Paths of the command line may lead through links; those of the project do not.
    files.iter().for_each(|file| studio.open(&file.canonicalize().unwrap_or_else(|_| file.clone())));
    Ok(studio)
}

/// The `nda` command: what NDA names, the one beside this program, or the one on the PATH.
fn command() -> OsString {
    if let Some(named) = std::env::var_os("NDA") {
        return named;
    }
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name("nda")).filter(|path| path.is_file());
    beside.map_or_else(|| "nda".into(), PathBuf::into_os_string)
}
