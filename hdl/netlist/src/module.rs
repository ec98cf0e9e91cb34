//! A module while it is described: its ports, stages, memories and instances.

use super::{Action, Id, InstanceOf, Item, MemoryOf, Netlist, Op, Style, Value};
use std::cell::RefCell;
use std::sync::Arc;

/// A module that is being described.
pub struct Module(pub(super) RefCell<Netlist>);

impl Module {
    /// An empty one with a port `clock`.
    pub fn new(name: &str) -> Module {
        Module(RefCell::new(Netlist { name: name.into(), ..Netlist::default() }))
    }

    /// An empty one without a clock: no register, no memory that is written, no instance of a module that has a clock.
    pub fn combinational(name: &str) -> Module {
        Module(RefCell::new(Netlist { name: name.into(), is_combinational: true, ..Netlist::default() }))
    }

    /// Says something at the top of the printed module.
    pub fn comment(&self, text: &str) {
        self.0.borrow_mut().comment += &format!("// {text}\n");
    }

    pub(super) fn value(&self, op: Op, bits: usize) -> Value<'_> {
        Value::new(self, self.0.borrow_mut().push(op, bits), bits)
    }

    #[track_caller]
    pub(super) fn name(&self, value: Value, name: &str) {
        let mut m = self.0.borrow_mut();
        m.nodes[value.id].name = Some(m.claim(name));
    }

    /// An input.
    #[track_caller]
    pub fn input(&self, name: &str, bits: usize) -> Value<'_> {
        let value = self.value(Op::Input, bits);
        self.name(value, name);
        self.0.borrow_mut().inputs.push(value.id);
        value
    }

    /// Inputs of one bit.
    #[track_caller]
    pub fn flags<const N: usize>(&self, names: [&str; N]) -> [Value<'_>; N] {
        names.map(|name| self.input(name, 1))
    }

    /// An output; a register of the same name becomes the port itself.
    #[track_caller]
    pub fn output(&self, name: &str, value: Value) {
        let mut m = self.0.borrow_mut();
        if m.nodes[value.id].name.as_deref() != Some(name) {
            m.claim(name);
        }
        m.outputs.push((name.into(), value.id));
    }

    /// A number.
    #[track_caller]
    pub fn constant(&self, number: u64, bits: usize) -> Value<'_> {
        assert!(bits >= 64 || number >> bits == 0, "{number} has more than {bits} bits");
        self.bits_where(bits, |k| k < 64 && number >> k & 1 == 1)
    }

    /// The constant whose bits `is_set` says.
    pub fn bits_where(&self, bits: usize, is_set: impl Fn(usize) -> bool) -> Value<'_> {
        let mut words = vec![0; bits.div_ceil(64)];
        (0..bits).filter(|k| is_set(*k)).for_each(|k| words[k / 64] |= 1 << (k % 64));
        self.value(Op::Constant(words), bits)
    }

    /// `{first, second, ...}`: the first part is the highest.
    pub fn concat(&self, parts: &[Value]) -> Value<'_> {
        self.value(Op::Concat(parts.iter().map(|p| p.id).collect()), parts.iter().map(|p| p.bits).sum())
    }

    /// Registers that take a value in every cycle.
    pub fn always(&self, name: &str) -> Stage<'_> {
        self.open(name, None)
    }

    /// Registers that take a value in the cycles in which `enable` stands.
    #[track_caller]
    pub fn stage(&self, name: &str, enable: Value) -> Stage<'_> {
        assert_eq!(enable.bits, 1, "the enable of stage '{name}' has {} bits", enable.bits);
        self.open(name, Some(enable.id))
    }

    fn open(&self, name: &str, enable: Option<Id>) -> Stage<'_> {
        let mut m = self.0.borrow_mut();
        m.stages.push((name.into(), enable));
        let index = m.stages.len() - 1;
        m.items.push(Item::Stage(index));
        Stage { module: self, index }
    }

    /// `source` delayed: bit `k` of a shift register is what stood `k + 1` cycles before.
    #[track_caller]
    pub fn delay_line<'m>(&'m self, name: &str, source: Value<'m>, first: usize, last: usize) -> DelayLine<'m> {
        let bits = last + 1 - first;
        let line = self.always(name).feedback(name, bits, |q| if bits == 1 { source } else { self.concat(&[q.low(bits - 1), source]) });
        DelayLine { line, first }
    }

    /// A memory that powers up as anything in the fabric, as zeros in the evaluation.
    #[track_caller]
    pub fn memory(&self, name: &str, style: Style, words: usize, bits: usize) -> Memory<'_> {
        self.keep(name, MemoryOf { name: String::new(), bits, words, style, contents: Vec::new() })
    }

    /// A table of constants; words of at most 64 bits.
    #[track_caller]
    pub fn table(&self, name: &str, style: Style, bits: usize, words: &[u64]) -> Memory<'_> {
        assert!(bits <= 64 && words.iter().all(|w| bits == 64 || w >> bits == 0), "the words of table '{name}' have {bits} bits");
        let contents = words.iter().map(|w| vec![*w]).collect();
        self.keep(name, MemoryOf { name: String::new(), bits, words: words.len(), style, contents })
    }

    #[track_caller]
    fn keep(&self, name: &str, of: MemoryOf) -> Memory<'_> {
        let mut m = self.0.borrow_mut();
        let (name, bits) = (m.claim(name), of.bits);
        m.memories.push(MemoryOf { name, ..of });
        let index = m.memories.len() - 1;
        m.items.push(Item::Memory(index));
        Memory { module: self, index, bits }
    }

    /// An instance of another module; its outputs in their order.
    #[track_caller]
    pub fn instance(&self, name: &str, of: &Arc<Netlist>, inputs: &[(&str, Value)]) -> Vec<Value<'_>> {
        assert_eq!(inputs.len(), of.inputs.len(), "'{name}' has {} inputs", of.inputs.len());
        let find = |port: &Id| {
            let node = &of.nodes[*port];
            let port = node.name.as_deref().unwrap_or_default();
            let (_, value) = inputs.iter().find(|(p, _)| *p == port).unwrap_or_else(|| panic!("'{name}': input '{port}' is open"));
            assert_eq!(value.bits, node.bits, "'{name}': width of input '{port}'");
            value.id
        };
        let inputs = of.inputs.iter().map(find).collect();
        let index = self.0.borrow().instances.len();
        let output = |(k, (port, inner)): (usize, &(String, Id))| {
            let value = self.value(Op::Output(index, k), of.nodes[*inner].bits);
            self.name(value, &format!("{name}_{port}"));
            value
        };
        let outputs: Vec<Value> = of.outputs.iter().enumerate().map(output).collect();
        let mut m = self.0.borrow_mut();
        let name = m.claim(name);
        m.instances.push(InstanceOf { name, of: of.clone(), inputs, outputs: outputs.iter().map(|o| o.id).collect() });
        m.items.push(Item::Instance(index));
        outputs
    }

    /// An instance of another module, whose outputs are asked for by name.
    #[track_caller]
    pub fn part(&self, name: &str, of: &Arc<Netlist>, inputs: &[(&str, Value)]) -> Outputs<'_> {
        let values = self.instance(name, of, inputs);
        Outputs(of.outputs.iter().map(|(port, _)| port.clone()).zip(values).collect())
    }

    /// A wire whose value is said later, by [`Module::connect`]: between instances that read each other.
    #[track_caller]
    pub fn forward(&self, name: &str, bits: usize) -> Value<'_> {
        let value = self.value(Op::Forward(None), bits);
        self.name(value, name);
        self.0.borrow_mut().items.push(Item::Declare(value.id));
        value
    }

    /// What a forward wire is.
    #[track_caller]
    pub fn connect(&self, forward: Value, value: Value) {
        assert_eq!(forward.bits, value.bits, "a wire of {} bits", forward.bits);
        let mut m = self.0.borrow_mut();
        assert!(matches!(m.nodes[forward.id].op, Op::Forward(None)), "a wire that was connected, or is none");
        m.nodes[forward.id].op = Op::Forward(Some(value.id));
    }

    /// The module, whole.
    ///
    /// # Panics
    /// If a forward wire was never connected, or a module without a clock has something clocked.
    pub fn finish(self) -> Arc<Netlist> {
        let netlist = self.0.into_inner();
        let open = netlist.nodes.iter().find(|node| matches!(node.op, Op::Forward(None)));
        assert!(open.is_none(), "{}: {open:?} is not connected", netlist.name);
        let is_clocked = !netlist.stages.is_empty() || netlist.instances.iter().any(|i| !i.of.is_combinational);
        assert!(!(netlist.is_combinational && is_clocked), "{} has no clock", netlist.name);
        Arc::new(netlist)
    }
}

/// The outputs of an instance.
pub struct Outputs<'m>(Vec<(String, Value<'m>)>);

impl<'m> Outputs<'m> {
    /// One by its name.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn get(&self, name: &str) -> Value<'m> {
        self.0.iter().find(|(port, _)| port == name).unwrap_or_else(|| panic!("no output '{name}'")).1
    }
}

/// Registers with one enable.
#[derive(Clone, Copy)]
pub struct Stage<'m> {
    module: &'m Module,
    index: usize,
}

impl<'m> Stage<'m> {
    /// A register, zero at power-up.
    #[track_caller]
    pub fn register(self, name: &str, next: Value<'m>) -> Value<'m> {
        self.feedback(name, next.bits, |_| next).as_signed_as(next)
    }

    /// A register whose next value depends on its own.
    #[track_caller]
    pub fn feedback(self, name: &str, bits: usize, next: impl FnOnce(Value<'m>) -> Value<'m>) -> Value<'m> {
        self.feedback_from(name, bits, 0, next)
    }

    /// The same that powers up as a number.
    #[track_caller]
    pub fn feedback_from(self, name: &str, bits: usize, number: u64, next: impl FnOnce(Value<'m>) -> Value<'m>) -> Value<'m> {
        let register = self.declare(name, bits, number);
        self.take(register, next(register));
        register
    }

    /// A register whose next value is said later, by [`Stage::take`]: for state that several expressions make together.
    #[track_caller]
    pub fn declare(self, name: &str, bits: usize, number: u64) -> Value<'m> {
        assert!(bits >= 64 || number >> bits == 0, "register '{name}': {number} has more than {bits} bits");
        let words = (0..bits.div_ceil(64)).map(|k| if k == 0 { number } else { 0 }).collect();
        let register = self.module.value(Op::Register(words), bits);
        self.module.name(register, name);
        self.module.0.borrow_mut().items.push(Item::Declare(register.id));
        register
    }

    /// What a register declared in this stage takes.
    #[track_caller]
    pub fn take(self, register: Value<'m>, next: Value<'m>) {
        assert_eq!(next.bits, register.bits, "a register of {} bits", register.bits);
        self.act(Action::Take { register: register.id, next: next.id });
    }

    /// Writes a word of a memory.
    #[track_caller]
    pub fn write(self, memory: Memory<'m>, address: Value<'m>, data: Value<'m>) {
        assert_eq!(data.bits, memory.bits, "width of a memory's word");
        self.act(Action::Write { memory: memory.index, address: address.id, data: data.id });
    }

    fn act(self, action: Action) {
        self.module.0.borrow_mut().items.push(Item::Clocked(self.index, action));
    }
}

/// A shift register; see [`Module::delay_line`].
#[derive(Clone, Copy)]
pub struct DelayLine<'m> {
    line: Value<'m>,
    first: usize,
}

impl<'m> DelayLine<'m> {
    /// The flag as it stands in `stage`.
    #[track_caller]
    pub fn at(self, stage: usize) -> Value<'m> {
        self.line.bit(stage - self.first)
    }

    /// The flags of `count` stages.
    #[track_caller]
    pub fn from(self, stage: usize, count: usize) -> Value<'m> {
        self.line.slice(stage - self.first, count)
    }
}

/// A memory; see [`Module::memory`].
#[derive(Clone, Copy)]
pub struct Memory<'m> {
    module: &'m Module,
    index: usize,
    bits: usize,
}

impl<'m> Memory<'m> {
    /// The word at an address; a register that takes it makes the read port.
    pub fn at(self, address: Value<'m>) -> Value<'m> {
        self.module.value(Op::Read(self.index, address.id), self.bits)
    }
}
