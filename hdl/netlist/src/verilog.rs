//! A netlist as Verilog-2005: declared before use, every width explicit, names as in the description.

use super::within::Blocks;
use super::{Action, Bitwise, Id, Item, MemoryOf, Netlist, Op, Sign, Style};
use std::collections::BTreeMap;

/// Characters of a line, where operators allow it.
const WIDTH: usize = 120;

/// An action whose block is not printed yet.
#[derive(Clone, Copy)]
struct Waiting<'n> {
    stage: usize,
    block: usize,
    action: &'n Action,
}

impl Netlist {
    /// The module and those that it is made of, each once, the outer one last, all named below `stem`: `stem$name`.
    pub fn verilog(&self, stem: &str) -> String {
        let mut modules = BTreeMap::new();
        let mut order = Vec::new();
        self.collect(stem, &mut modules, &mut order);
        order.iter().map(|name| modules[name].as_str()).collect::<Vec<_>>().join("\n")
    }

    /// The same with the outer module called `stem` itself.
    pub fn top_verilog(&self, stem: &str) -> String {
        let (outer, inner) = (format!("module {stem}${}(", self.name), format!("module {stem}("));
        self.verilog(stem).replace(&outer, &inner)
    }

    /// What stands between the ports and `endmodule`, for a module whose ports are declared elsewhere under the same names, and the
    /// modules that it is made of.
    ///
    /// # Panics
    /// If an output is a register itself: it would have to be declared as one.
    pub fn inside(&self, stem: &str) -> (String, String) {
        let mut modules = BTreeMap::new();
        let mut order = Vec::new();
        self.instances.iter().for_each(|i| i.of.collect(stem, &mut modules, &mut order));
        let register = self.outputs.iter().find(|(_, id)| self.is_port(*id) && matches!(self.nodes[*id].op, Op::Register(_)));
        assert!(register.is_none(), "{}: output '{}' is a register", self.name, register.map_or("", |(name, _)| name));
        (self.body(stem), order.iter().map(|name| modules[name].as_str()).collect::<Vec<_>>().join("\n"))
    }

    fn collect(&self, stem: &str, modules: &mut BTreeMap<String, String>, order: &mut Vec<String>) {
        self.instances.iter().for_each(|i| i.of.collect(stem, modules, order));
        let text = self.module(stem);
        match modules.insert(self.name.clone(), text.clone()) {
            Some(before) => assert_eq!(before, text, "two modules are called '{}'", self.name),
            None => order.push(self.name.clone()),
        }
    }

    /// An instance whose ports are connected to signals of the same names.
    pub fn instance_text(&self, stem: &str, name: &str) -> String {
        let inputs = self.inputs.iter().map(|id| self.expression(*id));
        let ports = self.clock().chain(inputs).chain(self.outputs.iter().map(|o| o.0.clone()));
        let ports: Vec<String> = ports.map(|port| format!(".{port}({port})")).collect();
        format!("{stem}${} {name}({});\n", self.name, ports.join(", "))
    }

    /// The port `clock`, if there is one.
    fn clock(&self) -> impl Iterator<Item = String> {
        (!self.is_combinational).then(|| "clock".to_string()).into_iter()
    }

    fn module(&self, stem: &str) -> String {
        let mut ports: Vec<String> = self.clock().map(|clock| format!("    input wire {clock}")).collect();
        ports.extend(self.inputs.iter().map(|id| format!("    input wire {}{}", range(self.nodes[*id].bits), self.expression(*id))));
        for (name, id) in &self.outputs {
            let kind = if self.is_port(*id) && matches!(self.nodes[*id].op, Op::Register(_)) { "reg" } else { "wire" };
            ports.push(format!("    output {kind} {}{name}", range(self.nodes[*id].bits)));
        }
        format!("module {stem}${}(\n{}\n);\n{}endmodule\n", self.name, ports.join(",\n"), self.body(stem))
    }

    fn body(&self, stem: &str) -> String {
        let mut text = self.comment.clone();
        let (mut waiting, partly_used, blocks) = (Vec::new(), self.partly_used(), Blocks::new(self));
        for (item, block) in self.items.iter().zip(&blocks.of_item) {
            match (item, block) {
                (Item::Clocked(stage, action), Some(block)) => {
                    waiting.push(Waiting { stage: *stage, block: *block, action });
                    continue;
                }
                (Item::Declare(id), _) if blocks.is_within[*id] => continue,
                (Item::Stage(_) | Item::Instance(_), _) => self.clocked(&mut waiting, &blocks, &partly_used, &mut text),
                _ => {}
            }
            text += &self.item(stem, item, &partly_used);
        }
        self.clocked(&mut waiting, &blocks, &partly_used, &mut text);
        for (id, node) in self.nodes.iter().enumerate() {
            if let Op::Forward(Some(of)) = node.op {
                text += &format!("assign {} = {};\n", self.expression(id), self.expression(of));
            }
        }
        for (name, id) in self.outputs.iter().filter(|(_, id)| !self.is_port(*id)) {
            text += &format!("assign {name} = {};\n", self.expression(*id));
        }
        text
    }

    /// Whether the signal is an output itself.
    fn is_port(&self, id: Id) -> bool {
        self.outputs.iter().any(|(name, of)| *of == id && self.nodes[id].name.as_ref() == Some(name))
    }

    /// Signals some bits of which nothing uses, such as the one below a sum that carries in: said, so that a linter finds
    /// only what nobody meant.
    fn partly_used(&self) -> Vec<bool> {
        let live = self.live();
        let mut used: Vec<Vec<bool>> = self.nodes.iter().map(|node| vec![false; node.bits]).collect();
        self.ends().into_iter().for_each(|id| used[id].fill(true));
        for (_, node) in self.nodes.iter().enumerate().filter(|(id, _)| live[*id]) {
            match &node.op {
                Op::Slice(a, low) => used[*a][*low..low + node.bits].fill(true),
                op => op.operands().into_iter().for_each(|a| used[a].fill(true)),
            }
        }
        used.iter().map(|bits| bits.contains(&false)).collect()
    }

    fn item(&self, stem: &str, item: &Item, partly_used: &[bool]) -> String {
        match item {
            Item::Declare(id) if partly_used[*id] => {
                let text = self.declaration(*id);
                format!("/* verilator lint_off UNUSEDSIGNAL */\n{text}/* verilator lint_on UNUSEDSIGNAL */\n")
            }
            Item::Stage(stage) => format!("// {}\n", self.stages[*stage].0),
            Item::Declare(id) => self.declaration(*id),
            Item::Memory(index) => memory(&self.memories[*index]),
            Item::Instance(index) => {
                let i = &self.instances[*index];
                let wires = i.outputs.iter().map(|id| format!("wire {}{};\n", range(self.nodes[*id].bits), self.expression(*id)));
                let inputs = i.of.inputs.iter().zip(&i.inputs).map(|(port, id)| (i.of.expression(*port), *id));
                let outputs = i.of.outputs.iter().zip(&i.outputs).map(|((port, _), id)| (port.clone(), *id));
                let ports = inputs.chain(outputs).map(|(port, id)| (port, self.expression(id)));
                let ports = i.of.clock().map(|clock| (clock.clone(), clock)).chain(ports);
                let ports: Vec<String> = ports.map(|(port, signal)| format!("    .{port}({signal})")).collect();
                format!("{}{stem}${} {}(\n{}\n);\n", wires.collect::<String>(), i.of.name, i.name, ports.join(",\n"))
            }
            Item::Clocked(..) => String::new(),
        }
    }

    fn declaration(&self, id: Id) -> String {
        let node = &self.nodes[id];
        let name = self.expression(id);
        match (&node.op, self.is_port(id)) {
            (Op::Register(words), true) => format!("initial {name} = {};\n", constant(words, node.bits)),
            (Op::Register(words), false) => format!("reg {}{name} = {};\n", range(node.bits), constant(words, node.bits)),
            (Op::Forward(_), false) => format!("wire {}{name};\n", range(node.bits)),
            (_, true) => wrap(format!("assign {name} = {};", bare(self.inner(id))), 4),
            (_, false) => wrap(format!("wire {}{name} = {};", range(node.bits), bare(self.inner(id))), 4),
        }
    }

    /// The blocks of the actions that wait.
    fn clocked(&self, waiting: &mut Vec<Waiting>, blocks: &Blocks, partly_used: &[bool], text: &mut String) {
        while let Some(Waiting { stage, block, .. }) = waiting.first().copied() {
            let end = waiting.iter().position(|w| w.block != block).unwrap_or(waiting.len());
            let lines: Vec<String> = waiting.drain(..end).map(|w| self.action(w.action)).collect();
            let enable = self.stages[stage].1.map(|id| format!(" if ({})", bare(self.expression(id)))).unwrap_or_default();
            match (blocks.wires[block].as_slice(), lines.as_slice()) {
                ([], [line]) => *text += &wrap(format!("always @(posedge clock){enable} {line}"), 4),
                (wires, _) => {
                    let name = if wires.is_empty() { String::new() } else { format!(" : within_{block}") };
                    let lines = lines.iter().map(|line| wrap(format!("    {line}"), 8));
                    let wires = self.wires_within(wires, partly_used);
                    *text += &format!("always @(posedge clock){enable} begin{name}\n{wires}{}end\n", lines.collect::<String>());
                }
            }
        }
    }

    /// Wires within a block: variables that take their values before anything is stored.
    fn wires_within(&self, wires: &[Id], partly_used: &[bool]) -> String {
        let declared = wires.iter().map(|id| {
            let text = format!("    reg {}{};\n", range(self.nodes[*id].bits), self.expression(*id));
            if partly_used[*id] {
                format!("    /* verilator lint_off UNUSEDSIGNAL */\n{text}    /* verilator lint_on UNUSEDSIGNAL */\n")
            } else {
                text
            }
        });
        let taken = wires.iter().map(|id| wrap(format!("    {} = {};", self.expression(*id), bare(self.inner(*id))), 8));
        match wires {
            [] => String::new(),
            _ => format!(
                "{}    /* verilator lint_off BLKSEQ */\n{}    /* verilator lint_on BLKSEQ */\n",
                declared.collect::<String>(),
                taken.collect::<String>()
            ),
        }
    }

    fn action(&self, action: &Action) -> String {
        match action {
            Action::Take { register, next } => format!("{} <= {};", self.expression(*register), bare(self.expression(*next))),
            Action::Write { memory, address, data } => {
                format!("{}[{}] <= {};", self.memories[*memory].name, self.expression(*address), bare(self.expression(*data)))
            }
        }
    }

    /// Its name, or what it is, in brackets if it is more than a term.
    pub(crate) fn expression(&self, id: Id) -> String {
        self.nodes[id].name.clone().unwrap_or_else(|| self.inner(id))
    }

    fn inner(&self, id: Id) -> String {
        let node = &self.nodes[id];
        let of = |id: &Id| self.expression(*id);
        let two = |a: &Id, operator: &str, b: &Id| format!("({} {operator} {})", of(a), of(b));
        match &node.op {
            Op::Input | Op::Register(_) | Op::Output(..) | Op::Forward(_) => unreachable!("has a name"),
            Op::Constant(words) => constant(words, node.bits),
            Op::Not(a) => format!("~{}", of(a)),
            Op::Bitwise(Bitwise::And, a, b) => two(a, "&", b),
            Op::Bitwise(Bitwise::Or, a, b) => two(a, "|", b),
            Op::Bitwise(Bitwise::Xor, a, b) => two(a, "^", b),
            Op::Reduce(Bitwise::And, a) => format!("(&{})", of(a)),
            Op::Reduce(Bitwise::Or, a) => format!("(|{})", of(a)),
            Op::Reduce(Bitwise::Xor, a) => format!("(^{})", of(a)),
            Op::Add(a, b) => two(a, "+", b),
            Op::Sub(a, b) => two(a, "-", b),
            Op::Multiply(a, b) => two(a, "*", b),
            Op::Equal(a, b) => two(a, "==", b),
            Op::Less(a, b, Sign::Plain) => two(a, "<", b),
            Op::Less(a, b, Sign::Signed) => format!("($signed({}) < $signed({}))", of(a), of(b)),
            Op::Mux(s, a, b) => format!("({} ? {} : {})", of(s), of(a), of(b)),
            Op::ShiftLeft(a, by) => format!("({} << {by})", of(a)),
            Op::ShiftRight(a, by) => format!("({} >> {by})", of(a)),
            Op::Slice(a, low) if node.bits == 1 => format!("{}[{low}]", of(a)),
            Op::Slice(a, low) => format!("{}[{}:{low}]", of(a), low + node.bits - 1),
            Op::Extend(a, _) if self.nodes[*a].bits == node.bits => of(a),
            Op::Extend(a, Sign::Plain) => format!("{{{}'d0, {}}}", node.bits - self.nodes[*a].bits, of(a)),
            Op::Extend(a, Sign::Signed) => {
                let (bits, name) = (self.nodes[*a].bits, of(a));
                let sign = if bits == 1 { name.clone() } else { format!("{name}[{}]", bits - 1) };
                format!("{{{{{}{{{sign}}}}}, {name}}}", node.bits - bits)
            }
            Op::Concat(parts) if parts.len() > 1 && parts.iter().all(|p| p == &parts[0]) => {
                format!("{{{}{{{}}}}}", parts.len(), of(&parts[0]))
            }
            Op::Concat(parts) => format!("{{{}}}", parts.iter().map(of).collect::<Vec<_>>().join(", ")),
            Op::Read(memory, address) => format!("{}[{}]", self.memories[*memory].name, of(address)),
        }
    }
}

/// A memory's declaration, and what a table powers up as.
fn memory(m: &MemoryOf) -> String {
    // No LUT RAM powers up as a table: small ones are made of LUTs.
    let style = match (m.style, m.contents.is_empty()) {
        (Style::Block, _) => "(* ram_style = \"block\" *) ",
        (Style::Distributed, true) => "(* ram_style = \"distributed\" *) ",
        (Style::Distributed, false) => "(* ram_style = \"logic\" *) ",
        (Style::SinglePort, _) => "(* ram_style = \"huge\" *) ",
        (Style::Any, _) => "",
    };
    let mut text = format!("{style}reg {}{} [0:{}];\n", range(m.bits), m.name, m.words - 1);
    if !m.contents.is_empty() {
        let words = m.contents.iter().enumerate().map(|(k, word)| format!("    {}[{k}] = {};\n", m.name, constant(word, m.bits)));
        text += &format!("initial begin\n{}end\n", words.collect::<String>());
    }
    text
}

fn range(bits: usize) -> String {
    if bits == 1 { String::new() } else { format!("[{}:0] ", bits - 1) }
}

fn constant(words: &[u64], bits: usize) -> String {
    let digits: String = words.iter().rev().map(|w| format!("{w:016x}")).collect();
    match digits.trim_start_matches('0') {
        "" => format!("{bits}'d0"),
        digits if bits < 8 => format!("{bits}'d{}", u64::from_str_radix(digits, 16).unwrap_or_default()),
        digits => format!("{bits}'h{digits}"),
    }
}

/// Without the brackets around the whole.
fn bare(text: String) -> String {
    let mut depth = 0;
    let closes = text.char_indices().find(|(_, c)| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    match closes {
        Some((at, ')')) if at + 1 == text.len() && text.starts_with('(') => text[1..at].to_string(),
        _ => text,
    }
}

/// Lines no longer than [`WIDTH`], broken at blanks.
fn wrap(text: String, indent: usize) -> String {
    let (mut lines, mut line) = (String::new(), String::new());
    let start = text.len() - text.trim_start().len();
    line += &text[..start];
    for word in text.trim_start().split(' ') {
        if line.len() + word.len() > WIDTH && !line.trim().is_empty() {
            lines += line.trim_end();
            lines += "\n";
            line = " ".repeat(indent);
        }
        line += word;
        line += " ";
    }
    lines + line.trim_end() + "\n"
}
