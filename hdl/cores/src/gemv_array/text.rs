//! Verilog as text: modules that stand once, and their registers by pipeline stage.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Which way a port goes, and what drives it.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    /// Into the module.
    Input,
    /// Out of it, from an instance or an assignment.
    Wire,
    /// Out of it, from a register that powers up as zero.
    Register,
}

/// A module below the array: `emit` gives it a name after the array's place.
pub(super) struct Part {
    name: &'static str,
    ports: Vec<(Direction, usize, String)>,
    /// What the module does.
    pub(super) body: String,
}

impl Part {
    /// A module of that name without ports but `clock`.
    pub(super) fn new(name: &'static str) -> Part {
        Part { name, ports: vec![(Direction::Input, 1, "clock".into())], body: String::new() }
    }

    /// The same module with one more port.
    pub(super) fn port(mut self, direction: Direction, bits: usize, name: &str) -> Part {
        self.ports.push((direction, bits, name.into()));
        self
    }

    /// The same module with more inputs.
    pub(super) fn inputs(self, inputs: &[(&str, usize)]) -> Part {
        inputs.iter().fold(self, |part, (name, bits)| part.port(Direction::Input, *bits, name))
    }

    /// The module's text.
    pub(super) fn verilog(&self) -> String {
        let names = self.ports.iter().map(|p| p.2.as_str()).collect::<Vec<_>>().join(", ");
        let mut text = format!("module {}({names});\n", self.name);
        let mut start = String::new();
        for (direction, bits, name) in &self.ports {
            let kind = match direction {
                Direction::Input => "input wire",
                Direction::Wire => "output wire",
                Direction::Register => "output reg",
            };
            text += &format!("    {kind} [{}:0] {name};\n", bits - 1);
            if matches!(direction, Direction::Register) {
                start += &format!("initial {name} = 0;\n");
            }
        }
        text + &start + &self.body + "endmodule\n"
    }
}

/// An instance of the module called `kind`: every port and what it is connected to.
pub(super) fn instance(kind: &str, name: &str, ports: &[(&str, String)]) -> String {
    let ports = ports.iter().fold(String::new(), |mut all, (port, signal)| {
        let _ = write!(all, ", .{port}({signal})");
        all
    });
    format!("{kind} {name}(.clock(clock){ports});\n")
}

/// Verilog gathered by pipeline stage: one clocked block a stage, enabled by that stage's valid bit.
///
/// Intermediate values are blocking assignments inside the block that registers them, so that a simulator
/// skips the whole stage when it is idle, as the enabled registers of the fabric do.
#[derive(Default)]
pub(super) struct Stages {
    /// Declarations that stand before the blocks.
    pub(super) declarations: String,
    blocks: BTreeMap<usize, String>,
}

impl Stages {
    /// A value inside `stage`.
    pub(super) fn value(&mut self, stage: usize, name: &str, bits: usize, is_signed: bool, expression: &str) {
        let sign = if is_signed { "signed " } else { "" };
        self.declarations += &format!("reg {sign}[{}:0] {name};\n", bits - 1);
        *self.blocks.entry(stage).or_default() += &format!("    {name} = {expression};\n");
    }

    /// A register that takes the expression at the end of `stage`.
    pub(super) fn register(&mut self, stage: usize, name: &str, bits: usize, is_signed: bool, expression: &str) {
        let sign = if is_signed { "signed " } else { "" };
        self.declarations += &format!("reg {sign}[{}:0] {name} = 0;\n", bits - 1);
        self.statement(stage, &format!("{name} <= {expression};"));
    }

    /// A statement of `stage`.
    pub(super) fn statement(&mut self, stage: usize, text: &str) {
        *self.blocks.entry(stage).or_default() += &format!("    {text}\n");
    }

    /// One level of a tree of adders: neighbours are added, an odd one out goes through; `bits` of the numbers' most
    /// and whether the sums are registered at the end of the stage.
    pub(super) fn add_pairs(&mut self, stage: usize, name: &str, numbers: &[Number], is_signed: bool, registered: bool) -> Vec<Number> {
        let level = numbers.chunks(2).enumerate().map(|(i, pair)| {
            let terms: usize = pair.iter().map(|n| n.terms).sum();
            let sum = format!("{name}_{i}");
            let expression = pair.iter().map(|n| n.name.as_str()).collect::<Vec<_>>().join(" + ");
            let bits = (pair[0].width)(terms);
            match registered {
                true => self.register(stage, &sum, bits, is_signed, &expression),
                false => self.value(stage, &sum, bits, is_signed, &expression),
            }
            Number { name: sum, terms, width: pair[0].width }
        });
        level.collect()
    }

    /// The declarations and the blocks.
    pub(super) fn verilog(&self) -> String {
        let blocks = self.blocks.iter().map(|(stage, text)| format!("always @(posedge clock) if (valid[{stage}]) begin\n{text}end\n"));
        blocks.fold(self.declarations.clone(), |all, block| all + &block)
    }
}

/// A number of a tree of adders.
pub(super) struct Number {
    /// The signal or a slice of one.
    pub(super) name: String,
    /// How many of the tree's leaves it sums.
    pub(super) terms: usize,
    /// Bits of a sum of so many leaves.
    pub(super) width: fn(usize) -> usize,
}

/// A flag that goes along with a pipeline: `NAME[stage]` is `source` as it stood `stage - first + 1` cycles before.
pub(super) fn pipeline(name: &str, source: &str, first: usize, last: usize) -> String {
    let next = if last > first { format!("{{{name}[{}:{first}], {source}}}", last - 1) } else { source.into() };
    format!("reg [{last}:{first}] {name} = 0;\nalways @(posedge clock) {name} <= {next};\n")
}
