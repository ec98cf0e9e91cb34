//! A netlist as a program: what its Verilog does, in plain Rust.
//!
//! Instances are laid out flat, every value has its own words, and a step is a pass over the operators in their order
//! followed by the clock edge. Registers and memories start as zeros.

use super::step::{Ram, Slot, Step};
use super::{Action, Id, Item, Netlist, Op};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Edge {
    Take { enable: Option<Slot>, register: Slot, next: Slot },
    Write { enable: Option<Slot>, memory: usize, address: Slot, data: Slot },
}

/// An operator on the words of its operands.
fn operator(op: &Op, slots: &[Slot], first_ram: usize) -> Step {
    let at = |id: &Id| slots[*id];
    match op {
        Op::Input | Op::Constant(_) | Op::Register(_) | Op::Output(..) | Op::Forward(_) => unreachable!("has a place"),
        Op::Not(a) => Step::Not(at(a)),
        Op::Reduce(operator, a) => Step::Reduce(*operator, at(a)),
        Op::Bitwise(operator, a, b) => Step::Bitwise(*operator, at(a), at(b)),
        Op::Add(a, b) => Step::Add(at(a), at(b), 0),
        Op::Sub(a, b) => Step::Add(at(a), at(b), u64::MAX),
        Op::Multiply(a, b) => Step::Multiply(at(a), at(b)),
        Op::Equal(a, b) => Step::Equal(at(a), at(b)),
        Op::Less(a, b, sign) => Step::Less(at(a), at(b), *sign),
        Op::Mux(s, a, b) => Step::Mux(at(s), at(a), at(b)),
        Op::ShiftLeft(a, by) => Step::ShiftLeft(at(a), *by),
        Op::ShiftRight(a, by) => Step::Part(at(a), *by),
        Op::Slice(a, low) => Step::Part(at(a), *low),
        Op::Extend(a, sign) => Step::Extend(at(a), *sign),
        Op::Concat(parts) => Step::Concat(parts.iter().rev().map(at).collect()),
        Op::Read(memory, address) => Step::Read(first_ram + memory, at(address)),
    }
}

/// Steps in an order in which each finds what it reads.
fn sorted(steps: Vec<(Slot, Step)>) -> Vec<(Slot, Step)> {
    let made: BTreeMap<usize, usize> = steps.iter().enumerate().map(|(k, (to, _))| (to.at, k)).collect();
    let mut waits: Vec<usize> = vec![0; steps.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (k, (_, step)) in steps.iter().enumerate() {
        for from in step.operands().iter().filter_map(|slot| made.get(&slot.at)) {
            waits[k] += 1;
            readers[*from].push(k);
        }
    }
    let mut order: Vec<usize> = (0..steps.len()).filter(|k| waits[*k] == 0).collect();
    let mut next = 0;
    while let Some(&k) = order.get(next) {
        next += 1;
        for &reader in &readers[k] {
            waits[reader] -= 1;
            if waits[reader] == 0 {
                order.push(reader);
            }
        }
    }
    assert_eq!(order.len(), steps.len(), "a loop of logic");
    let mut steps: Vec<Option<(Slot, Step)>> = steps.into_iter().map(Some).collect();
    order.into_iter().filter_map(|k| steps[k].take()).collect()
}

/// The state of a module and of all that are inside it.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    words: Vec<u64>,
    steps: Vec<(Slot, Step)>,
    edges: Vec<Edge>,
    rams: Vec<Ram>,
    inputs: Vec<(String, Slot)>,
    /// With whether it is a register's.
    outputs: Vec<(String, Slot, bool)>,
    /// Everything with a name, also inside instances: `instance.name`.
    named: BTreeMap<String, Slot>,
    memories: BTreeMap<String, usize>,
    taken: Vec<u64>,
    is_settled: bool,
    has_forwards: bool,
}

impl Evaluation {
    /// A module at power-up.
    pub fn new(netlist: &Netlist) -> Evaluation {
        let mut e = Evaluation::default();
        let inputs: Vec<Slot> = netlist.inputs.iter().map(|id| e.slot(netlist.nodes[*id].bits)).collect();
        let name = |id: &Id| netlist.nodes[*id].name.clone().unwrap_or_default();
        e.inputs = netlist.inputs.iter().map(name).zip(inputs.iter().copied()).collect();
        let outputs = e.lay_out(netlist, &inputs, "");
        if e.has_forwards {
            e.steps = sorted(std::mem::take(&mut e.steps));
        }
        let is_state = netlist.outputs.iter().map(|(_, id)| matches!(netlist.nodes[*id].op, Op::Register(_)));
        e.outputs = netlist.outputs.iter().zip(outputs).zip(is_state).map(|(((name, _), slot), r)| (name.clone(), slot, r)).collect();
        e
    }

    fn slot(&mut self, bits: usize) -> Slot {
        let slot = Slot { at: self.words.len(), bits };
        self.words.resize(slot.at + slot.words(), 0);
        slot
    }

    fn lay_out(&mut self, n: &Netlist, inputs: &[Slot], path: &str) -> Vec<Slot> {
        let live = n.live();
        let mut slots = vec![Slot { at: 0, bits: 0 }; n.nodes.len()];
        let mut instances: Vec<Vec<Slot>> = vec![Vec::new(); n.instances.len()];
        let (mut next_input, first_ram) = (0, self.rams.len());
        self.lay_out_memories(n, path);
        for (id, node) in n.nodes.iter().enumerate() {
            let at = |id: &Id| slots[*id];
            let step = match &node.op {
                Op::Input => {
                    slots[id] = inputs[next_input];
                    next_input += 1;
                    continue;
                }
                Op::Output(instance, port) => {
                    if instances[*instance].is_empty() {
                        let i = &n.instances[*instance];
                        let inner: Vec<Slot> = i.inputs.iter().map(at).collect();
                        instances[*instance] = self.lay_out(&i.of, &inner, &format!("{path}{}.", i.name));
                    }
                    slots[id] = instances[*instance][*port];
                    continue;
                }
                _ if !live[id] => continue,
                Op::Register(words) | Op::Constant(words) => {
                    slots[id] = self.slot(node.bits);
                    self.words[slots[id].range()].copy_from_slice(words);
                    continue;
                }
                Op::Forward(_) => {
                    slots[id] = self.slot(node.bits);
                    continue;
                }
                Op::Extend(a, _) if n.nodes[*a].bits == node.bits => {
                    slots[id] = slots[*a];
                    continue;
                }
                op => operator(op, &slots, first_ram),
            };
            slots[id] = self.slot(node.bits);
            self.steps.push((slots[id], step));
        }
        for (id, node) in n.nodes.iter().enumerate() {
            if let (Op::Forward(Some(of)), true) = (&node.op, live[id]) {
                self.steps.push((slots[id], Step::Part(slots[*of], 0)));
                self.has_forwards = true;
            }
        }
        for (node, slot) in n.nodes.iter().zip(&slots).filter(|(_, slot)| slot.bits > 0) {
            if let Some(name) = &node.name {
                self.named.insert(format!("{path}{name}"), *slot);
            }
        }
        self.lay_out_edges(n, &slots, &live, first_ram);
        n.outputs.iter().map(|(_, id)| slots[*id]).collect()
    }

    fn lay_out_memories(&mut self, n: &Netlist, path: &str) {
        for m in &n.memories {
            let stride = m.bits.div_ceil(64);
            let mut words = m.contents.concat();
            words.resize(stride * m.words, 0);
            self.memories.insert(format!("{path}{}", m.name), self.rams.len());
            self.rams.push(Ram { words, depth: m.words, stride });
        }
    }

    fn lay_out_edges(&mut self, n: &Netlist, slots: &[Slot], live: &[bool], first_ram: usize) {
        for item in &n.items {
            let Item::Clocked(stage, action) = item else { continue };
            let enable = n.stages[*stage].1.map(|id| slots[id]);
            self.edges.push(match action {
                Action::Take { register, .. } if !live[*register] => continue,
                Action::Take { register, next } => Edge::Take { enable, register: slots[*register], next: slots[*next] },
                Action::Write { memory, address, data } => {
                    Edge::Write { enable, memory: first_ram + memory, address: slots[*address], data: slots[*data] }
                }
            });
        }
    }

    /// The words of an input, to be set; lowest first, zeros above its width.
    pub fn input(&mut self, index: usize) -> &mut [u64] {
        self.is_settled = false;
        let range = self.inputs[index].1.range();
        &mut self.words[range]
    }

    /// The words of an output.
    pub fn output(&mut self, index: usize) -> &[u64] {
        let (_, slot, is_state) = self.outputs[index];
        if !is_state {
            self.settle();
        }
        &self.words[slot.range()]
    }

    /// Sets an input by its name.
    pub fn set(&mut self, name: &str, value: &[u64]) {
        let index = self.inputs.iter().position(|i| i.0 == name).unwrap_or_else(|| panic!("no input '{name}'"));
        let top = self.inputs[index].1.top();
        let words = self.input(index);
        words.copy_from_slice(value);
        assert!(words.last().is_none_or(|w| w & !top == 0), "input '{name}' is wider than its port");
    }

    /// An output by its name; of more than 64 bits, its lowest ones.
    pub fn get(&mut self, name: &str) -> u64 {
        let index = self.outputs.iter().position(|o| o.0 == name).unwrap_or_else(|| panic!("no output '{name}'"));
        self.output(index)[0]
    }

    /// An output by its name, lowest word first.
    pub fn output_of(&mut self, name: &str) -> &[u64] {
        let index = self.outputs.iter().position(|o| o.0 == name).unwrap_or_else(|| panic!("no output '{name}'"));
        self.output(index)
    }

    /// What a named value inside has now, lowest word first: `instance.name`.
    pub fn peek(&mut self, name: &str) -> &[u64] {
        self.settle();
        let slot = self.named.get(name).unwrap_or_else(|| panic!("nothing is called '{name}'"));
        &self.words[slot.range()]
    }

    /// A word of a memory inside.
    pub fn word(&self, memory: &str, address: usize) -> &[u64] {
        let index = self.memories.get(memory).unwrap_or_else(|| panic!("no memory is called '{memory}'"));
        let ram = &self.rams[*index];
        &ram.words[address * ram.stride..][..ram.stride]
    }

    /// Widths of the inputs.
    pub fn input_bits(&self) -> Vec<usize> {
        self.inputs.iter().map(|i| i.1.bits).collect()
    }

    /// Widths of the outputs.
    pub fn output_bits(&self) -> Vec<usize> {
        self.outputs.iter().map(|o| o.1.bits).collect()
    }

    /// How many operators a cycle takes.
    pub fn operators(&self) -> usize {
        self.steps.len()
    }

    /// A clock edge.
    pub fn clock(&mut self) {
        self.settle();
        let (words, taken, rams) = (&mut self.words, &mut self.taken, &mut self.rams);
        let is_on = |enable: &Option<Slot>, words: &[u64]| enable.is_none_or(|slot| words[slot.at] != 0);
        taken.clear();
        for edge in &self.edges {
            match edge {
                Edge::Take { enable, register, next } => {
                    let from = if is_on(enable, words) { next } else { register };
                    taken.extend_from_slice(&words[from.range()]);
                }
                Edge::Write { enable, memory, address, data } => {
                    let ram = &mut rams[*memory];
                    let address = words[address.at] as usize;
                    if is_on(enable, words) && address < ram.depth {
                        ram.words[address * ram.stride..][..ram.stride].copy_from_slice(&words[data.range()]);
                    }
                }
            }
        }
        let mut from = 0;
        for edge in &self.edges {
            if let Edge::Take { register, .. } = edge {
                words[register.range()].copy_from_slice(&taken[from..][..register.words()]);
                from += register.words();
            }
        }
        self.is_settled = false;
    }

    fn settle(&mut self) {
        if !self.is_settled {
            let Evaluation { words, steps, rams, .. } = self;
            steps.iter().for_each(|(to, step)| step.run(*to, words, rams));
            self.is_settled = true;
        }
    }
}
