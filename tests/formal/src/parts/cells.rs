//! The LUT models of the netlist's simulation against yosys's own.

use crate::proof::{Method, Mutant, Part};
use crate::text::Verilog;
use nda_gates::{GateError, LUT_MODELS, Tools, yosys_model};

pub(super) fn parts(tools: &Tools) -> Result<Vec<Part>, GateError> {
    LUT_MODELS
        .iter()
        .map(|&(family, module, parameter, model)| {
            let theirs = yosys_model(tools, family, module)?;
            Ok(lut(family.name(), module, parameter, model, &theirs))
        })
        .collect()
}

/// A module under another name, with its table as an input instead of a parameter, so that one proof covers all tables.
fn with_table_as_input(text: &str, module: &str, parameter: &str, name: &str) -> String {
    let text = text.replacen(&format!("module {module}"), &format!("module {name}"), 1);
    let declared =
        text.lines().find(|line| line.trim().starts_with("parameter") && line.contains(parameter)).unwrap_or_default().to_string();
    let text = text.replacen(&declared, "", 1);
    // Defaults of unconnected inputs and delays are not part of the function.
    let text = text.lines().map(|line| {
        line.split(" `ICE40_DEFAULT").next().unwrap_or_default().to_string()
            + if line.contains("`ICE40_DEFAULT") && line.trim_end().ends_with(',') { "," } else { "" }
    });
    let text = text.filter(|line| !line.trim_start().starts_with('`')).collect::<Vec<_>>().join("\n");
    let text = match (text.find("specify"), text.rfind("endspecify")) {
        (Some(start), Some(end)) => text[..start].to_string() + &text[end + "endspecify".len()..],
        _ => text,
    };
    text.replacen('(', &format!("(input [15:0] {parameter}, "), 1) + "\n"
}

fn lut(family: &str, module: &str, parameter: &str, model: &str, theirs: &str) -> Part {
    let ours = with_table_as_input(model, module, parameter, "ours");
    let theirs = with_table_as_input(theirs, module, parameter, "theirs");
    let (inputs, output) = if family == "ice40" { (["I0", "I1", "I2", "I3"], "O") } else { (["A", "B", "C", "D"], "Z") };
    let ports: String = inputs.iter().enumerate().map(|(i, port)| format!(", .{port}(in[{i}])")).collect();
    let harness = format!(
        "module same(input [15:0] entries, input [3:0] in);\nwire a, b;\n\
         ours ours(.{parameter}(entries){ports}, .{output}(a));\ntheirs theirs(.{parameter}(entries){ports}, .{output}(b));\n\
         always @(*) assert (a == b);\nendmodule\n"
    );
    Part {
        name: format!("lut_{family}"),
        claim: format!("the simulation's {module} is yosys's"),
        bound: "all 65,536 tables, all inputs".into(),
        method: Method::Every,
        top: "same".into(),
        verilog: Verilog::new(ours + &theirs + &harness),
        mutants: vec![Mutant::new(
            "one entry",
            format!("{output} = {parameter}["),
            format!("{output} = ({parameter} == 16'h1234 && {} && {}) ^ {parameter}[", inputs[0], inputs[3]),
        )],
        quick: true,
    }
}
