//! A token program's memories: written unit by unit, read by the units that need them, peeked at when nothing runs.
//!
//! A unit of 64 bits comes with its number; [`nda_spec::token::Map`] says which part of the program it is. What is read comes two
//! cycles after its address, as block RAM with an output register has it.

use super::lane::NARROW;
use super::root::SQUARES;
use crate::netlist::{Memory, Module, Style, Value};
use nda_spec::token::{Map, Sizes, WORD};
use std::cell::RefCell;

/// Bits of a unit's number.
pub(super) const UNIT_ADDRESS: usize = 20;
/// Units of a program's numbers.
const HEAD_UNITS: usize = 8;
/// Bits of a unit.
pub(super) const UNIT: usize = 64;

/// What comes in, which part of the program it is, and what is peeked at.
pub(super) struct Load<'m> {
    m: &'m Module,
    valid: Value<'m>,
    address: Value<'m>,
    /// The unit.
    pub data: Value<'m>,
    /// A unit is peeked at: no memory is read for anything else.
    pub peek: Value<'m>,
    peek_address: Value<'m>,
    shown: RefCell<Vec<Value<'m>>>,
}

/// A part of the program: whether the unit belongs to it, and its number within, for what comes and for what is peeked at.
#[derive(Clone, Copy)]
pub(super) struct Part<'m> {
    pub write: Value<'m>,
    pub at: Value<'m>,
    pub peeked: Value<'m>,
    pub peek_at: Value<'m>,
}

impl<'m> Part<'m> {
    /// This part and another, which begins at unit `base` of both together: a power of two beyond this one's units.
    fn and(self, m: &'m Module, other: Part<'m>, base: usize) -> Part<'m> {
        let bits = address_bits(base).max(other.at.bits) + 1;
        let place = |is_other: Value<'m>, here: Value<'m>, there: Value<'m>| {
            is_other.mux(there.fit(bits) | m.constant(base as u64, bits), here.fit(bits))
        };
        Part {
            write: self.write | other.write,
            at: place(other.write, self.at, other.at).named(&format!("at_beside_{base}")),
            peeked: self.peeked | other.peeked,
            peek_at: place(other.peeked, self.peek_at, other.peek_at).named(&format!("peek_at_beside_{base}")),
        }
    }

    /// Every n-th unit from one on; n is a power of two.
    fn lane(self, of: usize, number: usize) -> Part<'m> {
        let bits = of.ilog2() as usize;
        let is_it = |at: Value<'m>| at.slice(0, bits).is(number as u64);
        let rest = |at: Value<'m>| at.slice(bits, at.bits - bits);
        Part {
            write: self.write & is_it(self.at),
            at: rest(self.at),
            peeked: self.peeked & is_it(self.peek_at),
            peek_at: rest(self.peek_at),
        }
    }
}

impl<'m> Load<'m> {
    pub(super) fn new(m: &'m Module) -> Load<'m> {
        let (valid, address) = (m.input("load_valid", 1), m.input("load_address", UNIT_ADDRESS));
        let data = m.input("load_data", UNIT);
        let (peek, peek_address) = (m.input("peek_valid", 1), m.input("peek_address", UNIT_ADDRESS));
        let on = m.always("a unit comes");
        Load {
            m,
            valid: on.register("loads", valid),
            address: on.register("unit", address),
            data: on.register("unit_data", data),
            peek: on.register("peeks", peek),
            peek_address: on.register("peeked_unit", peek_address),
            shown: RefCell::default(),
        }
    }

    /// A part: its first unit, how many units, and the bits of its numbers.
    pub(super) fn part(&self, name: &str, from: usize, units: usize) -> Part<'m> {
        let m = self.m;
        let (first, end) = (m.constant(from as u64, UNIT_ADDRESS), m.constant((from + units) as u64, UNIT_ADDRESS));
        let is_there = |address: Value<'m>| if from == 0 { address.less(end) } else { !address.less(first) & address.less(end) };
        let at = |address: Value<'m>| (address - first).low(address_bits(units)).unsigned();
        Part {
            write: (self.valid & is_there(self.address)).named(&format!("{name}_write")),
            at: at(self.address).named(&format!("{name}_at")),
            peeked: (self.peek & is_there(self.peek_address)).named(&format!("{name}_peeked")),
            peek_at: at(self.peek_address).named(&format!("{name}_peek_at")),
        }
    }

    /// What is seen of a part, if it is peeked at.
    pub(super) fn show(&self, name: &str, part: Part<'m>, low: usize, data: Value<'m>) {
        let unit =
            self.m.concat(&[data.unsigned(), self.m.constant(0, low.max(1))]).slice(usize::from(low == 0), data.bits + low).extend(UNIT);
        // Parts lie all over the device: whose word it is stands in a register.
        let peeked = self.m.always("whose word is peeked at").register(&format!("{name}_is_peeked"), part.peeked);
        self.shown.borrow_mut().push(peeked.repeat(UNIT) & unit);
    }

    /// The unit that is peeked at: five cycles behind its number.
    pub(super) fn peeked(&self) -> Value<'m> {
        let shown = self.shown.borrow();
        let all = shown.iter().copied().reduce(|a, b| a | b).expect("memories");
        self.m.always("what is peeked at").register("peeked_data", all)
    }
}

/// A memory of one unit's part per word.
pub(super) struct Words<'m> {
    name: String,
    memory: Memory<'m>,
    low: usize,
    part: Part<'m>,
    /// Bits of a word's number.
    pub address: usize,
}

impl<'m> Words<'m> {
    /// Of `words` words of `bits` bits, taken from bit `low` of a part's units.
    pub(super) fn new(load: &Load<'m>, name: &str, style: Style, words: usize, (low, bits): (usize, usize), part: Part<'m>) -> Self {
        let m = load.m;
        let memory = m.memory(name, style, words, bits);
        let address = address_bits(words);
        m.stage(&format!("{name} come"), part.write).write(memory, part.at.fit(address), load.data.slice(low, bits));
        let words = Words { name: name.to_string(), memory, low, part, address };
        if style == Style::Distributed {
            let word = memory.at(part.peek_at.fit(address));
            load.show(name, part, low, m.always(&format!("{name}: the word peeked at")).register(&format!("{name}_peek_data"), word));
        }
        words
    }

    /// The word at an address, at once: LUT RAM.
    pub(super) fn now(&self, at: Value<'m>) -> Value<'m> {
        self.memory.at(at)
    }

    /// The word at an address, two cycles later: block RAM, whose one read port is the peek's too.
    pub(super) fn read(&self, load: &Load<'m>, at: Value<'m>) -> Value<'m> {
        self.fetch(load, at).word
    }

    /// The word at an address, two cycles later and a cycle before that.
    pub(super) fn fetch(&self, load: &Load<'m>, at: Value<'m>) -> Fetched<'m> {
        let (m, name) = (load.m, &self.name);
        let at = load.peek.mux(self.part.peek_at.fit(self.address), at.unsigned());
        let early = m.always(&format!("{name}: the memory")).register(&format!("{name}_fetched"), self.memory.at(at));
        let word = m.always(&format!("{name}: its output register")).register(&format!("{name}_read"), early);
        load.show(name, self.part, self.low, word);
        Fetched { early, word }
    }
}

/// A word that was read.
#[derive(Clone, Copy)]
pub(super) struct Fetched<'m> {
    /// As the memory gives it.
    pub early: Value<'m>,
    /// Behind the output register, a cycle later.
    pub word: Value<'m>,
}

/// Bits of a word's number.
pub(super) fn address_bits(words: usize) -> usize {
    words.max(2).next_power_of_two().ilog2() as usize
}

/// The program's numbers that the machine looks at.
pub(super) struct Numbers<'m> {
    /// The units that they came in.
    units: Part<'m>,
    pub body: Value<'m>,
    pub head: Value<'m>,
    pub sets: Value<'m>,
    pub half_head: Value<'m>,
    pub width_words: Value<'m>,
    pub is_fine: Value<'m>,
    pub shift: Value<'m>,
    pub ring: Value<'m>,
    /// Tokens, modulo 2^16.
    pub tokens: Value<'m>,
}

impl<'m> Numbers<'m> {
    pub(super) fn new(load: &Load<'m>, map: &Map) -> Numbers<'m> {
        let m = load.m;
        let head = load.part("numbers", map.head, HEAD_UNITS);
        // Four numbers of 16 bits in a unit.
        let number = |name: &str, index: usize, low: usize, bits: usize| {
            let is_it = head.write & head.at.is(index as u64 / 4);
            m.stage(&format!("number {index}"), is_it).register(name, load.data.slice(index % 4 * 16 + low, bits))
        };
        Numbers {
            units: head,
            body: number("body_steps", 2, 0, 8),
            head: number("head_steps", 3, 0, 8),
            sets: number("turn_sets", 7, 0, 3),
            // Channels of half a head, in words.
            half_head: number("half_head", 8, 3, 4),
            width_words: number("width_words", 10, 3, 7),
            // Groups of 8 values, not of 32.
            is_fine: number("embedding_group_bit", 11, 3, 1),
            shift: number("embedding_shift", 12, 0, 6),
            ring: number("ring_positions", 18, 0, 11),
            tokens: number("tokens_known", 13, 0, 16),
        }
    }
}

/// The memories behind [`Load`], but for those of gates and phases, which lie in their units.
pub(super) struct Memories<'m> {
    pub load: Load<'m>,
    pub numbers: Numbers<'m>,
    pub steps: [Words<'m>; 2],
    pub constants: Vec<Words<'m>>,
    /// Weights of norms: behind the constants in the program, and in memories of their own, which need less depth.
    pub weights: Vec<Words<'m>>,
    /// The number of the first of them as steps have it.
    pub first_weight: usize,
    pub codes: Words<'m>,
    pub scales: Words<'m>,
    pub floors: Words<'m>,
    pub gates: Part<'m>,
    pub phase_steps: Words<'m>,
}

/// Units of a word of constants.
const CONSTANT_UNITS: usize = WORD / 2;

impl<'m> Memories<'m> {
    pub(super) fn new(m: &'m Module, sizes: &Sizes, map: &Map) -> Memories<'m> {
        let load = Load::new(m);
        let numbers = Numbers::new(&load, map);
        // Exactly what there is of everything: a unit beyond it would be taken for one of the first.
        let part = |name: &str, from: usize, units: usize| load.part(name, from, units);
        // Behind the steps lies what nobody reads but who peeks: a step has what it needs of the matrices, and the numbers stand in
        // registers.
        let (steps, matrices) = ((2 * sizes.steps).next_power_of_two(), (2 * sizes.matrices).max(2).next_power_of_two());
        let kept =
            part("steps", map.steps, 2 * sizes.steps).and(m, part("matrices", map.matrices, 2 * sizes.matrices), steps.max(matrices));
        let base = 2 * steps.max(matrices);
        let kept = kept.and(m, numbers.units, base);
        let words = (base + HEAD_UNITS) / 2;
        let half = |high: usize| Words::new(&load, &format!("steps_{high}"), Style::Block, words, (0, UNIT), kept.lane(2, high));
        let factors = sizes.constant_words - sizes.weight_words;
        let narrow = |name: &str, from: usize, words: usize| {
            let from = map.constants + from * CONSTANT_UNITS;
            lanes(&load, name, words, part(name, from, words * CONSTANT_UNITS))
        };
        let (constants, weights) = (narrow("constants", 0, factors), narrow("weights", factors, sizes.weight_words));
        let memory = |name: &str, style: Style, from: usize, units: usize, bits: usize| {
            let units = units.max(2);
            Words::new(&load, name, style, units, (0, bits), load.part(name, from, units))
        };
        let (block, lut) = (Style::Block, Style::Distributed);
        Memories {
            steps: [half(0), half(1)],
            constants,
            weights,
            first_weight: factors,
            codes: memory("embedding_codes", block, map.codes, sizes.embedding_codes.div_ceil(16), UNIT),
            scales: memory("embedding_scales", block, map.scales, sizes.embedding_scales.div_ceil(2), 2 * NARROW),
            floors: memory("floors", lut, map.floors, sizes.floors, SQUARES),
            gates: load.part("gates", map.gates, sizes.gates * nda_spec::token::GATE_UNITS),
            phase_steps: memory("phase_steps", lut, map.phases, sizes.phases.div_ceil(2), UNIT),
            numbers,
            load,
        }
    }
}

/// A memory of eight lanes' narrow values: two lanes in each of four.
fn lanes<'m>(load: &Load<'m>, name: &str, words: usize, part: Part<'m>) -> Vec<Words<'m>> {
    let pair = |k: usize| Words::new(load, &format!("{name}_{k}"), Style::Block, words, (0, 2 * NARROW), part.lane(CONSTANT_UNITS, k));
    (0..CONSTANT_UNITS).map(pair).collect()
}
