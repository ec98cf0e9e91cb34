//! Synthesis: a design to a family's cells, written back as Verilog.

use crate::tools::tail;
use crate::{GateError, Tools};
use nda_boards::ECP5_SYNTHESIS;
use std::collections::BTreeMap;
use std::path::Path;

/// An FPGA family that yosys maps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Lattice iCE40.
    Ice40,
    /// Lattice ECP5.
    Ecp5,
    /// Gowin LittleBee and Arora.
    Gowin,
}

impl Family {
    /// The name in folders and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Family::Ice40 => "ice40",
            Family::Ecp5 => "ecp5",
            Family::Gowin => "gowin",
        }
    }

    /// The synthesis command: the options that the bitstreams are made with.
    const fn command(self) -> &'static str {
        match self {
            Family::Ice40 => "synth_ice40 -spram -no-rw-check",
            Family::Ecp5 => ECP5_SYNTHESIS,
            Family::Gowin => "synth_gowin -nowidelut -no-rw-check",
        }
    }
}

/// A synthesised design.
#[derive(Debug, Clone)]
pub struct Netlist {
    /// Its family.
    pub family: Family,
    /// Its top module.
    pub top: String,
    /// Verilog of cells and wires alone.
    pub verilog: String,
}

impl Netlist {
    /// The top's input and output ports with their bits, as the netlist declares them; without the clock.
    pub fn ports(&self) -> (Vec<(String, usize)>, Vec<(String, usize)>) {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        let inside = self.verilog.split(&format!("module {}(", self.top)).nth(1).unwrap_or_default();
        for line in inside.lines().take_while(|line| !line.trim().starts_with("endmodule")) {
            let (list, rest) = match line.trim().split_once(' ') {
                Some(("input", rest)) => (&mut inputs, rest),
                Some(("output", rest)) => (&mut outputs, rest),
                _ => continue,
            };
            let (bits, name) = match rest.strip_prefix('[').and_then(|r| r.split_once("] ")) {
                Some((range, name)) => (range.split(':').next().and_then(|top| top.parse::<usize>().ok()).unwrap_or(0) + 1, name),
                None => (1, rest),
            };
            let name = name.trim_end_matches(';').trim();
            if name != "clock" {
                list.push((name.to_string(), bits));
            }
        }
        (inputs, outputs)
    }

    /// How many of each cell there are, modules that are instantiated several times counted once.
    pub fn cells(&self) -> BTreeMap<&str, usize> {
        let mut cells = BTreeMap::new();
        for line in self.verilog.lines() {
            // An instance with parameters, `LUT4 #(`, or without, `SB_CARRY name (`; never a declaration.
            let mut words = line.split_whitespace();
            let (Some(first), Some(_)) = (words.next(), words.next()) else { continue };
            let is_cell = first.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            if is_cell && line.trim_end().ends_with('(') {
                *cells.entry(first).or_default() += 1;
            }
        }
        cells
    }
}

/// Synthesises `verilog` for a family; files go to `folder`, and a netlist that stands there already is taken.
///
/// # Errors
/// [`GateError::Failed`] with the end of yosys's log; [`GateError::Missing`]; [`GateError::File`].
pub fn synthesise(tools: &Tools, verilog: &str, top: &str, family: Family, folder: &Path) -> Result<Netlist, GateError> {
    std::fs::create_dir_all(folder).map_err(GateError::file("make", folder))?;
    // `check -assert`: no wire without a driver or with two, no loop of logic, also after mapping.
    let script = format!(
        "read_verilog design.v\n{} -top {top}\ndelete t:$scopeinfo\ncheck -mapped -assert\ntee -q -o stat.txt stat\nwrite_verilog -noattr netlist.v\n",
        family.command()
    );
    let key = blake3::hash([verilog, &script, tools.version()].concat().as_bytes()).to_hex().to_string();
    let (stamp, netlist) = (folder.join("netlist.stamp"), folder.join("netlist.v"));
    if std::fs::read_to_string(&stamp).is_ok_and(|old| old == key)
        && let Ok(verilog) = std::fs::read_to_string(&netlist)
    {
        return Ok(Netlist { family, top: top.into(), verilog });
    }
    let design = folder.join("design.v");
    std::fs::write(&design, verilog).map_err(GateError::file("write", &design))?;
    let (good, log) = tools.yosys(folder, "synthesis", &script)?;
    if !good {
        let what = format!("{top} for {}", family.name());
        return Err(GateError::Failed { tool: "yosys", what, status: "see its log".into(), output: tail(&log) });
    }
    let verilog = std::fs::read_to_string(&netlist).map_err(GateError::file("read", &netlist))?;
    std::fs::write(&stamp, key).map_err(GateError::file("write", &stamp))?;
    Ok(Netlist { family, top: top.into(), verilog })
}
