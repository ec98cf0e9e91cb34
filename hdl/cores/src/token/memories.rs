//! A token program's memories: written unit by unit, read by the units that need them, peeked at when nothing runs.
//!
//! A unit of 64 bits comes with its number; [`nda_spec::token::Map`] says which part of the program it is. What is read comes two
//! cycles after its address, as block RAM with an output register has it.

use super::lane::NARROW;
use super::root::SQUARES;
use super::turn;
use crate::netlist::{Memory, Module, Style, Value};
use nda_spec::token::{Map, Sizes, WORD};

/// Bits of a unit's number.
pub(super) const UNIT_ADDRESS: usize = 20;
/// Bits of a unit.
pub(super) const UNIT: usize = 64;

/// What comes in, and which part of the program it is.
pub(super) struct Load<'m> {
    m: &'m Module,
    valid: Value<'m>,
    address: Value<'m>,
    /// The unit.
    pub data: Value<'m>,
}

/// A part of the program: whether the unit belongs to it, and its number within.
#[derive(Clone, Copy)]
pub(super) struct Part<'m> {
    pub write: Value<'m>,
    pub at: Value<'m>,
}

impl<'m> Load<'m> {
    pub(super) fn new(m: &'m Module) -> Load<'m> {
        let (valid, address) = (m.input("load_valid", 1), m.input("load_address", UNIT_ADDRESS));
        let data = m.input("load_data", UNIT);
        let on = m.always("a unit comes");
        Load { m, valid: on.register("loads", valid), address: on.register("unit", address), data: on.register("unit_data", data) }
    }

    /// The part from one unit to another, its numbers with so many bits.
    pub(super) fn part(&self, name: &str, (from, end): (usize, usize), bits: usize) -> Part<'m> {
        let m = self.m;
        let is_there = !self.address.less(m.constant(from as u64, UNIT_ADDRESS)) & self.address.less(m.constant(end as u64, UNIT_ADDRESS));
        let at = (self.address - m.constant(from as u64, UNIT_ADDRESS)).low(bits).unsigned().named(&format!("{name}_at"));
        Part { write: (self.valid & is_there).named(&format!("{name}_write")), at }
    }
}

/// A memory of one unit's part per word.
pub(super) struct Words<'m> {
    m: &'m Module,
    name: String,
    memory: Memory<'m>,
    /// Bits of a word's number.
    pub address: usize,
}

impl<'m> Words<'m> {
    /// Of `words` words of `bits` bits, taken from bit `low` of the units that `write` names.
    pub(super) fn new(
        load: &Load<'m>,
        name: &str,
        style: Style,
        words: usize,
        (low, bits): (usize, usize),
        write: Value<'m>,
        at: Value<'m>,
    ) -> Self {
        let m = load.m;
        let memory = m.memory(name, style, words, bits);
        let address = address_bits(words);
        let at = at.fit(address);
        m.stage(&format!("{name} come"), write).write(memory, at, load.data.slice(low, bits));
        Words { m, name: name.to_string(), memory, address }
    }

    /// The word at an address, at once: LUT RAM.
    pub(super) fn now(&self, at: Value<'m>) -> Value<'m> {
        self.memory.at(at)
    }

    /// The word at an address, two cycles later.
    pub(super) fn read(&self, at: Value<'m>) -> Value<'m> {
        let name = &self.name;
        let fetched = self.m.always(&format!("{name}: the memory")).register(&format!("{name}_fetched"), self.memory.at(at));
        self.m.always(&format!("{name}: its output register")).register(&format!("{name}_read"), fetched)
    }
}

/// Bits of a word's number.
pub(super) fn address_bits(words: usize) -> usize {
    words.max(2).next_power_of_two().ilog2() as usize
}

/// The program's numbers that the machine looks at.
pub(super) struct Numbers<'m> {
    pub body: Value<'m>,
    pub head: Value<'m>,
    pub sets: Value<'m>,
    pub half_head: Value<'m>,
    pub width_words: Value<'m>,
    pub is_fine: Value<'m>,
    pub shift: Value<'m>,
    pub ring: Value<'m>,
}

impl<'m> Numbers<'m> {
    pub(super) fn new(load: &Load<'m>, map: &Map) -> Numbers<'m> {
        let m = load.m;
        let head = load.part("numbers", (map.head, map.head + 8), 3);
        // Four numbers of 16 bits in a unit.
        let number = |name: &str, index: usize, low: usize, bits: usize| {
            let is_it = head.write & head.at.is(index as u64 / 4);
            m.stage(&format!("number {index}"), is_it).register(name, load.data.slice(index % 4 * 16 + low, bits))
        };
        Numbers {
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
        }
    }
}

/// The memories behind [`Load`], but for those of gates and phases, which lie in their units.
pub(super) struct Memories<'m> {
    pub load: Load<'m>,
    pub numbers: Numbers<'m>,
    pub steps: [Words<'m>; 2],
    pub constants: Vec<Words<'m>>,
    pub weights: Vec<Words<'m>>,
    pub codes: Words<'m>,
    pub scales: Words<'m>,
    pub floors: Words<'m>,
    pub gates: Part<'m>,
    pub phase_steps: Words<'m>,
    /// Words of constants in front of those of weights.
    pub split: usize,
}

/// Units of a word of constants.
const CONSTANT_UNITS: usize = WORD / 2;

impl<'m> Memories<'m> {
    pub(super) fn new(m: &'m Module, sizes: &Sizes, map: &Map) -> Memories<'m> {
        let load = Load::new(m);
        let numbers = Numbers::new(&load, map);
        // Exactly what there is of everything: a unit beyond it would be taken for one of the first.
        let part = |name: &str, from: usize, units: usize| load.part(name, (from, from + units), address_bits(units));
        let step = part("steps", map.steps, 2 * sizes.steps);
        let half = |high: usize| {
            let is_it = step.at.bit(0).is(high as u64);
            let at = step.at.slice(1, step.at.bits - 1);
            Words::new(&load, &format!("steps_{high}"), Style::Block, sizes.steps, (0, UNIT), step.write & is_it, at)
        };
        let (pass, norm) = (sizes.constant_words - sizes.weight_words, sizes.weight_words);
        let middle = map.constants + pass * CONSTANT_UNITS;
        let constants = lanes(&load, "constants", pass, part("constants", map.constants, pass * CONSTANT_UNITS));
        let weights = lanes(&load, "weights", norm, part("weights", middle, norm * CONSTANT_UNITS));
        let words = |of: usize, per: usize| of.div_ceil(per).max(2);
        let codes = part("embedding_codes", map.codes, words(sizes.embedding_codes, 16));
        let scales = part("embedding_scales", map.scales, words(sizes.embedding_scales, 2));
        let floors = part("floors", map.floors, words(sizes.floors, 1));
        let phases = part("phases", map.phases, words(sizes.phases, 2));
        Memories {
            steps: [half(0), half(1)],
            constants,
            weights,
            codes: Words::new(&load, "embedding_codes", Style::Block, words(sizes.embedding_codes, 16), (0, UNIT), codes.write, codes.at),
            scales: Words::new(
                &load,
                "embedding_scales",
                Style::Block,
                words(sizes.embedding_scales, 2),
                (0, 2 * NARROW),
                scales.write,
                scales.at,
            ),
            floors: Words::new(&load, "floors", Style::Distributed, words(sizes.floors, 1), (0, SQUARES), floors.write, floors.at),
            gates: load.part("gates", (map.gates, map.gates + sizes.gates * nda_spec::token::GATE_UNITS), 9),
            phase_steps: Words::new(&load, "phase_steps", Style::Distributed, turn::WORDS * WORD / 2, (0, UNIT), phases.write, phases.at),
            numbers,
            split: pass,
            load,
        }
    }
}

/// A memory of constants: two lanes in each of four.
fn lanes<'m>(load: &Load<'m>, name: &str, words: usize, part: Part<'m>) -> Vec<Words<'m>> {
    let pair = |k: usize| {
        let is_it = part.at.slice(0, 2).is(k as u64);
        let at = part.at.slice(2, part.at.bits - 2);
        Words::new(load, &format!("{name}_{k}"), Style::Block, words, (0, 2 * NARROW), part.write & is_it, at)
    };
    (0..CONSTANT_UNITS).map(pair).collect()
}
