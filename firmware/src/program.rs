//! Loading a bitstream into a board.

use crate::error::FlowError;
use crate::flow::bitstream_path;
use crate::record::{Record, hash};
use nda_boards::Board;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The command that loads the board's bitstream from its build folder: program, arguments, the program's place.
///
/// # Errors
/// There is no bitstream, it is not the one of its record, or the programmer is not on `path`.
pub fn command(board: &Board, folder: &Path, path: Option<&OsStr>) -> Result<Command, FlowError> {
    let bitstream = bitstream_path(folder, board);
    let path_of_record = folder.join("record.json");
    if !path_of_record.is_file() {
        let command = format!("bitstream BOARD={}", board.name);
        return Err(FlowError::NotBuilt { board: board.name.clone(), what: "bitstream", command });
    }
    let record = Record::read(&path_of_record)?;
    let bytes = std::fs::read(&bitstream).map_err(|e| FlowError::io("read", &bitstream, e))?;
    if hash(&bytes) != record.bitstream.blake3 {
        return Err(FlowError::malformed(&bitstream, format!("not the bitstream of its record; run make bitstream BOARD={}", board.name)));
    }
    let (program, arguments) = board.programmer.split_first().map_or(("", &[][..]), |(program, rest)| (program.as_str(), rest));
    let place = find(program, path).ok_or_else(|| FlowError::NoProgrammer { program: program.into(), help: help(program, arguments) })?;
    if program == LOADER {
        knows(&place, arguments)?;
    }
    let mut command = Command::new(place);
    command.args(arguments.iter().map(|a| a.replace("{bitstream}", &bitstream.to_string_lossy())));
    Ok(command)
}

/// Runs the programmer; what it prints is for the user.
///
/// # Errors
/// As [`command`]; the programmer cannot be started or ends with another status than 0.
pub fn flash(board: &Board, folder: &Path) -> Result<(), FlowError> {
    let path = std::env::var_os("PATH");
    let mut command = command(board, folder, path.as_deref())?;
    let program = PathBuf::from(command.get_program());
    let status = command.status().map_err(|e| FlowError::io("start", &program, e))?;
    if status.success() {
        return Ok(());
    }
    Err(FlowError::Programmer { program: program.display().to_string(), status: status.to_string(), board: board.title.clone() })
}

/// The loader of most boards; which boards it knows depends on its version.
const LOADER: &str = "openFPGALoader";
/// The first release that knows a board (openFPGALoader, `src/board.hpp` at its tags v0.9.1 to v1.1.1); the others were known before
/// Debian 12's 0.10.
const SINCE: [(&str, &str); 4] =
    [("tangnano20k", "0.11"), ("tangprimer25k", "0.12"), ("olimex_gatemateevb", "0.12"), ("icepi-zero", "1.0")];

/// Refuses a board that this version of the loader does not know, before it says so in its own words.
fn knows(place: &Path, arguments: &[String]) -> Result<(), FlowError> {
    let Some(name) = named(arguments) else { return Ok(()) };
    let Some(boards) = said(place, "--list-boards") else { return Ok(()) };
    // A line per board: its name, then its cable and part.
    if boards.lines().any(|line| line.split_whitespace().next() == Some(name.as_str())) {
        return Ok(());
    }
    // The short form alone is in every release: the long one was spelled anew.
    let version = said(place, "-V").unwrap_or_default();
    let version = version.lines().next().map_or(LOADER, str::trim).to_string();
    Err(FlowError::LoaderTooOld { version, board: name.clone(), help: loader(name) })
}

/// The board that the loader is told.
fn named(arguments: &[String]) -> Option<&String> {
    arguments.iter().skip_while(|argument| *argument != "-b").nth(1)
}

/// What the loader prints on both of its streams when it is asked; `None` if it cannot be asked.
fn said(place: &Path, option: &str) -> Option<String> {
    let output = Command::new(place).arg(option).stdin(Stdio::null()).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    output.status.success().then(|| String::from_utf8_lossy(&text).into_owned())
}

fn find(program: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    std::env::split_paths(path?).map(|folder| folder.join(program)).find(|p| p.is_file())
}

fn help(program: &str, arguments: &[String]) -> String {
    match program {
        LOADER => loader(named(arguments).map_or("", String::as_str)),
        "iceprog" => "install iceprog (on Debian 'apt-get install fpga-icestorm')".into(),
        "dfu-util" => "install dfu-util (on Debian 'apt-get install dfu-util')".into(),
        _ => "install it".into(),
    }
}

/// How to get a loader that knows a board.
fn loader(board: &str) -> String {
    match SINCE.iter().find(|(name, _)| *name == board) {
        None => "install openFPGALoader (on Debian 'apt-get install openfpgaloader')".into(),
        Some((_, version)) => {
            format!("install openFPGALoader {version} or later: from its sources where your distribution has an older one")
        }
    }
}
