//! A family's cell models as one Verilog text.

use crate::{Family, GateError, Netlist, Tools};

/// The LUTs as one indexed constant each: the module's name, its parameter, and the text.
///
/// yosys's own models are trees of multiplexers; Verilator compiles these in half the time and runs them four times as fast.
pub const LUT_MODELS: [(Family, &str, &str, &str); 2] = [
    (
        Family::Ice40,
        "SB_LUT4",
        "LUT_INIT",
        "module SB_LUT4(output O, input I0, I1, I2, I3);\n\
         \x20   parameter [15:0] LUT_INIT = 0;\n\
         \x20   assign O = LUT_INIT[{I3, I2, I1, I0}];\n\
         endmodule",
    ),
    (
        Family::Ecp5,
        "LUT4",
        "INIT",
        "module LUT4(input A, B, C, D, output Z);\n\
         \x20   parameter [15:0] INIT = 16'h0000;\n\
         \x20   assign Z = INIT[{D, C, B, A}];\n\
         endmodule",
    ),
];

/// Block RAMs and multipliers of which yosys has the ports alone.
const PORTS_ALONE: [(Family, &str); 3] = [
    (Family::Ecp5, include_str!("../cells/dp16kd.v")),
    (Family::Ecp5, include_str!("../cells/mult18x18d.v")),
    (Family::Gowin, include_str!("../cells/sdpx9b.v")),
];

/// All cell models of a family.
///
/// # Errors
/// [`GateError::File`]; [`GateError::Cells`] if yosys's models are not those that this was written for.
pub fn cell_models(tools: &Tools, family: Family) -> Result<String, GateError> {
    let mut text = yosys_models(tools, family)?;
    for (_, module, _, model) in LUT_MODELS.iter().filter(|m| m.0 == family) {
        let (start, end) = place(&text, module).ok_or_else(|| missing(tools, module))?;
        text.replace_range(start..end, model);
    }
    PORTS_ALONE.iter().filter(|m| m.0 == family).for_each(|m| text += m.1);
    Ok(text)
}

/// yosys's own model of one cell, from `module` to `endmodule`.
///
/// # Errors
/// As [`cell_models`].
pub fn yosys_model(tools: &Tools, family: Family, module: &str) -> Result<String, GateError> {
    let text = yosys_models(tools, family)?;
    let (start, end) = place(&text, module).ok_or_else(|| missing(tools, module))?;
    Ok(text[start..end].into())
}

fn yosys_models(tools: &Tools, family: Family) -> Result<String, GateError> {
    let files: &[&str] = match family {
        Family::Ice40 => &["ice40/cells_sim.v"],
        Family::Ecp5 => &["ecp5/common_sim.vh", "ecp5/ccu2c_sim.vh"],
        Family::Gowin => &["gowin/cells_sim.v"],
    };
    let mut text = String::new();
    for file in files {
        let path = tools.share().join(file);
        text += &std::fs::read_to_string(&path).map_err(GateError::file("read", &path))?;
        text += "\n";
    }
    Ok(text)
}

/// A netlist in which every LUT can have one entry of its table flipped when its program starts, and how many LUTs there
/// are: the plusarg `+mutant=N` flips entry `N % 16` of LUT `N / 16`. Without it the tables are those of the netlist.
pub fn with_mutable_luts(netlist: &Netlist) -> Option<(Netlist, usize)> {
    let (_, module, parameter, _) = LUT_MODELS.iter().find(|m| m.0 == netlist.family)?;
    let instance = format!("  {module} #(\n");
    let mut verilog = String::new();
    let mut pieces = netlist.verilog.split(&instance);
    verilog += pieces.next()?;
    let mut luts = 0;
    for piece in pieces {
        verilog += &format!("  MUTABLE_{module} #(\n    .INDEX({luts}),\n{piece}");
        luts += 1;
    }
    let inputs = if netlist.family == Family::Ice40 { "output O, input I0, I1, I2, I3" } else { "output Z, input A, B, C, D" };
    let (out, address) = if netlist.family == Family::Ice40 { ("O", "{I3, I2, I1, I0}") } else { ("Z", "{D, C, B, A}") };
    verilog += &format!(
        "module MUTABLE_{module}({inputs});\n\
         \x20   parameter INDEX = 0;\n    parameter [15:0] {parameter} = 0;\n\
         \x20   integer mutant;\n    reg [15:0] entries;\n\
         \x20   initial begin\n        entries = {parameter};\n\
         \x20       if ($value$plusargs(\"mutant=%d\", mutant) != 0)\n\
         \x20           if (mutant / 16 == INDEX) entries = {parameter} ^ (16'd1 << (mutant % 16));\n    end\n\
         \x20   assign {out} = entries[{address}];\nendmodule\n"
    );
    Some((Netlist { verilog, ..netlist.clone() }, luts))
}

/// Where a module's text stands, from `module` to `endmodule`.
fn place(text: &str, module: &str) -> Option<(usize, usize)> {
    let is_end = |c: Option<char>| c.is_some_and(|c| !c.is_ascii_alphanumeric() && c != '_');
    let start = text.match_indices(&format!("module {module}")).find(|(at, m)| is_end(text[at + m.len()..].chars().next()))?.0;
    Some((start, start + text[start..].find("endmodule")? + "endmodule".len()))
}

fn missing(tools: &Tools, module: &str) -> GateError {
    GateError::Cells { module: module.into(), file: tools.share().into() }
}
