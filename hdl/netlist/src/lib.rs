//! Datapaths in typed Rust: one description that is printed as Verilog and evaluated in Rust.
//!
//! A [`Module`] is built by expressions over [`Value`]s. A value knows its width, and every operator checks the widths
//! of its operands when the description runs, so what is printed never depends on Verilog's rules for mixed widths.
//! What has a name in Rust (`named`, a register, a port) has the same one in Verilog; everything else is written where it
//! is used. A part of an expression becomes a wire with a number for a name, because Verilog has no other way to say it.
//!
//! Rules: operands of `& | ^` and of a choice have the same width; `+` and `-` grow by the carry, and `low` takes that back;
//! `signed` says how to extend and compare. Registers power up as zero or as they are told, memories of data as anything
//! (zeros in the evaluation), tables as their contents. What the fabric needs beyond operators (a shift by a variable, a
//! choice of many, saturation, a leading one) is made of them in `shapes.rs`, sums of many in `sums.rs`.
//!
//! # Example
//!
//! ```
//! use nda_netlist::{Evaluation, Module};
//!
//! let m = Module::new("average");
//! let (a, b) = (m.input("a", 8), m.input("b", 8));
//! let half = (a + b).slice(1, 8);
//! m.output("y", m.always("one cycle later").register("half", half));
//! let average = m.finish();
//!
//! let mut circuit = Evaluation::new(&average);
//! circuit.set("a", &[10]);
//! circuit.set("b", &[20]);
//! circuit.clock();
//! assert_eq!(circuit.get("y"), 15);
//! assert!(average.top_verilog("average").contains("always @(posedge clock)"));
//! ```

#![forbid(unsafe_code)]

mod bus;
mod evaluate;
mod module;
mod shapes;
mod step;
mod sums;
mod value;
mod verilog;
mod within;

pub use bus::Bus;
pub use evaluate::Evaluation;
pub use module::{DelayLine, Memory, Module, Outputs, Stage};
pub use value::Value;

use std::collections::BTreeSet;
use std::sync::Arc;

/// A node of a module, in order of creation: operands stand before what uses them, but for what a register takes.
pub(crate) type Id = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bitwise {
    And,
    Or,
    Xor,
}

/// Whether a number has a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    Plain,
    Signed,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Input,
    /// Words of 64 bits, lowest first.
    Constant(Vec<u64>),
    Not(Id),
    Bitwise(Bitwise, Id, Id),
    /// Of all bits of one value.
    Reduce(Bitwise, Id),
    Add(Id, Id),
    Sub(Id, Id),
    Multiply(Id, Id),
    Equal(Id, Id),
    Less(Id, Id, Sign),
    Mux(Id, Id, Id),
    ShiftLeft(Id, usize),
    ShiftRight(Id, usize),
    Slice(Id, usize),
    /// To more bits; with copies of the sign bit if told so.
    Extend(Id, Sign),
    /// Highest part first, as in Verilog's braces.
    Concat(Vec<Id>),
    /// With what it powers up as.
    Register(Vec<u64>),
    /// Said before what it is, because what it is depends on it in another cycle.
    Forward(Option<Id>),
    /// A word of a memory.
    Read(usize, Id),
    /// An output of an instance.
    Output(usize, usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub op: Op,
    pub bits: usize,
    pub name: Option<String>,
}

/// What happens at a clock edge.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Take { register: Id, next: Id },
    Write { memory: usize, address: Id, data: Id },
}

/// What the printed module says, in order.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Stage(usize),
    Declare(Id),
    Clocked(usize, Action),
    Memory(usize),
    Instance(usize),
}

/// Where a memory is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Block RAM.
    Block,
    /// LUT RAM; a table of constants is made of LUTs.
    Distributed,
    /// The large single-port RAM of an iCE40 UltraPlus: one address, and a read in every cycle that does not write.
    SinglePort,
    /// Where the synthesiser puts it.
    Any,
}

#[derive(Clone, Debug)]
pub(crate) struct MemoryOf {
    pub name: String,
    pub bits: usize,
    pub words: usize,
    pub style: Style,
    /// Of a table: its words, lowest 64 bits first.
    pub contents: Vec<Vec<u64>>,
}

#[derive(Clone, Debug)]
pub(crate) struct InstanceOf {
    pub name: String,
    pub of: Arc<Netlist>,
    /// In order of the inner module's inputs.
    pub inputs: Vec<Id>,
    /// In order of its outputs.
    pub outputs: Vec<Id>,
}

/// A finished module.
#[derive(Clone, Debug, Default)]
pub struct Netlist {
    pub(crate) name: String,
    pub(crate) comment: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) inputs: Vec<Id>,
    pub(crate) outputs: Vec<(String, Id)>,
    /// Whether it has no port `clock`.
    pub(crate) is_combinational: bool,
    /// Name and enable of each stage.
    pub(crate) stages: Vec<(String, Option<Id>)>,
    pub(crate) items: Vec<Item>,
    pub(crate) memories: Vec<MemoryOf>,
    pub(crate) instances: Vec<InstanceOf>,
    names: BTreeSet<String>,
}

impl Op {
    /// What it is made of.
    pub(crate) fn operands(&self) -> Vec<Id> {
        match self {
            Op::Input | Op::Constant(_) | Op::Register(_) | Op::Output(..) => Vec::new(),
            Op::Not(a)
            | Op::Reduce(_, a)
            | Op::ShiftLeft(a, _)
            | Op::ShiftRight(a, _)
            | Op::Slice(a, _)
            | Op::Extend(a, _)
            | Op::Read(_, a) => vec![*a],
            Op::Bitwise(_, a, b) | Op::Add(a, b) | Op::Sub(a, b) | Op::Multiply(a, b) | Op::Equal(a, b) | Op::Less(a, b, _) => vec![*a, *b],
            Op::Mux(s, a, b) => vec![*s, *a, *b],
            Op::Concat(parts) => parts.clone(),
            Op::Forward(of) => of.iter().copied().collect(),
        }
    }
}

impl Netlist {
    /// Signals that something outside the operators uses: outputs, enables, what is stored.
    pub(crate) fn ends(&self) -> Vec<Id> {
        let mut ends: Vec<Id> = self.outputs.iter().map(|o| o.1).chain(self.stages.iter().filter_map(|s| s.1)).collect();
        ends.extend(self.instances.iter().flat_map(|i| &i.inputs));
        for item in &self.items {
            match item {
                Item::Clocked(_, Action::Take { next, .. }) => ends.push(*next),
                Item::Clocked(_, Action::Write { address, data, .. }) => ends.extend([*address, *data]),
                _ => {}
            }
        }
        ends
    }

    /// Which nodes anything depends on.
    pub(crate) fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.nodes.len()];
        let mut todo = self.ends();
        while let Some(id) = todo.pop() {
            if !std::mem::replace(&mut live[id], true) {
                todo.extend(self.nodes[id].op.operands());
            }
        }
        live
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Widths of the ports by name, inputs first.
    pub fn ports(&self) -> (Vec<(String, usize)>, Vec<(String, usize)>) {
        let inputs = self.inputs.iter().map(|id| (self.nodes[*id].name.clone().unwrap_or_default(), self.nodes[*id].bits));
        let outputs = self.outputs.iter().map(|(name, id)| (name.clone(), self.nodes[*id].bits));
        (inputs.collect(), outputs.collect())
    }

    #[track_caller]
    fn claim(&mut self, name: &str) -> String {
        assert!(name != "clock" && self.names.insert(name.into()), "{}: '{name}' is used twice", self.name);
        name.into()
    }

    fn push(&mut self, op: Op, bits: usize) -> Id {
        assert!(bits > 0, "{}: {op:?} has no bits", self.name);
        self.nodes.push(Node { op, bits, name: None });
        self.nodes.len() - 1
    }
}
