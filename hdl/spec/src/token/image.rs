//! A program as a token machine's memories hold it: units of 64 bits that are written and sealed as weights are.

use super::gate::{GATE_ENTRIES, Gate};
use super::kv::{KvForm, KvShape, MAX_STACKS};
use super::program::{Embedding, Matrix, Program, WORD};
use super::sizes::{CODES_OF_UNIT, CONSTANT_UNITS, GATE_UNITS, MATRIX_UNITS, Map, Misfit, NARROW_OF_UNIT, STEP_UNITS, Sizes};
use super::wired::{rebase, unwire, wire_steps};
use crate::WeightCode;
use crate::code::ArrayCoefficients;
use crate::config::Geometry;

/// What a program's head begins with.
const MAGIC: [u16; 2] = [0x444e, 0x3154];
/// Bits of a narrow value.
const NARROW_BITS: u32 = 18;
/// Numbers of a head.
const NUMBERS: usize = 24;

/// Where a matrix lies: its first tile word. Row groups follow one another, as a job's do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// First tile word.
    pub base: u32,
}

/// A program and where its matrices lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The program.
    pub program: Program,
    /// One per matrix.
    pub places: Vec<Place>,
}

/// Narrow values, two in a unit.
fn narrow_units(values: &[i32]) -> impl Iterator<Item = u64> {
    let mask = (1 << NARROW_BITS) - 1;
    values.chunks(NARROW_OF_UNIT).map(move |two| two.iter().rev().fold(0, |unit, &v| unit << NARROW_BITS | (v as u64 & mask)))
}

fn narrow_values(units: &[u64], count: usize) -> Vec<i32> {
    let value = |i: usize| {
        let bits = (units[i / NARROW_OF_UNIT] >> (NARROW_BITS as usize * (i % NARROW_OF_UNIT))) as u32;
        (bits << (32 - NARROW_BITS)) as i32 >> (32 - NARROW_BITS)
    };
    (0..count).map(value).collect()
}

fn words(values: &[i32]) -> impl Iterator<Item = u64> {
    values.chunks(WORD).flat_map(narrow_units)
}

impl Image {
    /// The units of a machine of these sizes; what the program does not need is 0.
    ///
    /// # Errors
    /// What of the program the machine has no room for or does not run.
    ///
    /// # Panics
    /// On a program that [`Program::check`] refuses, or whose constants are not [`Program::arranged`], or other numbers of matrices and places.
    pub fn encode(&self, sizes: &Sizes, g: &Geometry) -> Result<Vec<u64>, Misfit> {
        let program = &self.program;
        sizes.fit(program, g)?;
        assert_eq!(program.matrices.len(), self.places.len(), "a place for every matrix");
        let map = sizes.map(g.tile_word_bytes());
        let mut out = vec![0; map.end];
        let mut put = |at: usize, units: &mut dyn Iterator<Item = u64>| units.enumerate().for_each(|(i, unit)| out[at + i] = unit);
        let numbers = self.numbers();
        put(map.head, &mut numbers.chunks(4).map(|four| four.iter().rev().fold(0, |unit, &n| unit << 16 | u64::from(n))));
        let factors = program.factor_words().expect("weights behind all other constants");
        let split = sizes.constant_words - sizes.weight_words;
        let bases: Vec<u32> = self.places.iter().map(|place| place.base).collect();
        let steps = wire_steps(program, &bases, g);
        put(map.steps, &mut steps.iter().map(|word| rebase(*word, factors, split)).flat_map(|word| [word as u64, (word >> 64) as u64]));
        put(map.constants, &mut words(&program.constants[..factors * WORD]));
        put(map.constants + split * CONSTANT_UNITS, &mut words(&program.constants[factors * WORD..]));
        let code = |unit: u64, &code: &i8| unit << 4 | (code as u64 & 15);
        put(map.codes, &mut program.embedding.codes.chunks(CODES_OF_UNIT).map(|codes| codes.iter().rev().fold(0, code)));
        put(map.scales, &mut narrow_units(&program.embedding.scales));
        put(map.floors, &mut program.floors.iter().copied());
        put(map.gates, &mut program.gates.iter().flat_map(gate_units));
        let phases: Vec<u32> = program.turns.iter().flatten().copied().collect();
        put(map.phases, &mut phases.chunks(2).map(|two| two.iter().rev().fold(0, |unit, &phase| unit << 32 | u64::from(phase))));
        put(map.matrices, &mut program.matrices.iter().zip(&self.places).flat_map(|(m, place)| matrix_units(m, *place, g)));
        Ok(out)
    }

    /// The head's numbers.
    fn numbers(&self) -> [u16; NUMBERS] {
        let p = &self.program;
        let small = |n: usize| n as u16;
        let c = |stack: usize| p.kv.form.coefficients().get(stack).map_or(0, |&c| u16::from(c));
        let tokens = p.tokens();
        [
            MAGIC[0],
            MAGIC[1],
            small(p.body.len()),
            small(p.head.len()),
            small(p.constants.len() / WORD),
            small(p.floors.len()),
            small(p.gates.len()),
            small(p.turns.len()),
            small(p.kv.head_dim / 2),
            small(p.matrices.len()),
            small(p.embedding.width),
            small(p.embedding.group),
            p.embedding.shift.into(),
            small(tokens),
            small(tokens >> 16),
            small(p.kv.layers),
            small(p.kv.heads),
            small(p.kv.head_dim),
            small(p.kv.ring),
            small(p.kv.form.coefficients().len()),
            c(0),
            c(1),
            small(p.wide_words),
            small(p.factor_words().unwrap_or(0)),
        ]
    }

    /// The program that units spell, not yet checked; `None` if they spell none.
    pub fn decode(units: &[u64], sizes: &Sizes, g: &Geometry) -> Option<Image> {
        let map = sizes.map(g.tile_word_bytes());
        if units.len() < map.end {
            return None;
        }
        let number = |i: usize| usize::from((units[map.head + i / 4] >> (16 * (i % 4))) as u16);
        let numbers: [usize; NUMBERS] = std::array::from_fn(number);
        Reader { units, sizes, map, numbers }.image()
    }
}

fn gate_units(gate: &Gate) -> impl Iterator<Item = u64> {
    let shifts = u64::from(gate.step_bits) | u64::from(gate.factor_shift) << 8 | u64::from(gate.shift) << 16;
    std::iter::once(shifts).chain(narrow_units(&gate.entries))
}

/// Where a matrix lies, then its rows and columns; its row groups, beats, code and whether its planes are ternary's.
fn matrix_units(m: &Matrix, place: Place, g: &Geometry) -> [u64; MATRIX_UNITS] {
    let (groups, beats) = (m.rows.div_ceil(g.array_rows), m.cols.div_ceil(g.array_cols));
    let code = WeightCode::ALL.iter().position(|&code| code == m.code).unwrap_or(0);
    let ternary = matches!(m.code.row().array.coefficients, ArrayCoefficients::Ternary);
    let where_and_shape = u64::from(place.base) | (m.rows as u64) << 32 | (m.cols as u64) << 48;
    [where_and_shape, groups as u64 | (beats as u64) << 16 | (code as u64) << 32 | u64::from(ternary) << 40]
}

struct Reader<'u> {
    units: &'u [u64],
    sizes: &'u Sizes,
    map: Map,
    numbers: [usize; NUMBERS],
}

impl Reader<'_> {
    fn image(&self) -> Option<Image> {
        let [m0, m1, body, head, constant_words, floors, gates, sets, pairs, matrices, width, group, shift, ..] = self.numbers;
        let [.., low, high, layers, heads, head_dim, ring, stacks, c0, c1, wide_words, factors] = self.numbers;
        let s = self.sizes;
        let (codes, sane) = ((low | high << 16).checked_mul(width)?, [m0, m1] == MAGIC.map(usize::from) && group > 0 && width > 0);
        let limits = [
            (body + head, s.steps),
            (factors, s.constant_words - s.weight_words),
            (constant_words.checked_sub(factors)?, s.weight_words),
            (floors, s.floors),
            (gates, s.gates),
            (sets * pairs, s.phases),
            (matrices, s.matrices),
            (codes, s.embedding_codes),
            (codes.checked_div(group)?, s.embedding_scales),
            (layers, s.layers),
            (heads * head_dim, s.kv_width),
            (ring, s.ring),
            (wide_words, s.wide_words),
            (stacks, MAX_STACKS),
        ];
        if !sane || limits.iter().any(|(needed, there)| needed > there) {
            return None;
        }
        let coefficients: Vec<u8> = [c0, c1][..stacks].iter().map(|&c| c as u8).collect();
        let mut steps = (0..body + head).map(|i| self.step(i, factors)).collect::<Option<Vec<_>>>()?;
        let head = steps.split_off(body);
        let (matrices, places) = (0..matrices).map(|i| self.matrix(i)).collect::<Option<Vec<_>>>()?.into_iter().unzip();
        let program = Program {
            body: steps,
            head,
            constants: self.constants(factors, constant_words - factors),
            floors: self.units[self.map.floors..][..floors].to_vec(),
            gates: (0..gates).map(|i| self.gate(i)).collect(),
            turns: (0..sets).map(|set| (0..pairs).map(|pair| self.phase(set * pairs + pair)).collect()).collect(),
            matrices,
            embedding: Embedding {
                width,
                codes: (0..codes).map(|i| self.code(i)).collect(),
                group,
                scales: narrow_values(&self.units[self.map.scales..], codes / group),
                shift: u8::try_from(shift).ok()?,
            },
            kv: KvShape { layers, heads, head_dim, ring, form: KvForm::new(&coefficients).ok()? },
            wide_words,
        };
        Some(Image { program, places })
    }

    fn step(&self, i: usize, factors: usize) -> Option<super::step::Step> {
        let unit = |half: usize| u128::from(self.units[self.map.steps + i * STEP_UNITS + half]);
        unwire(rebase(unit(0) | unit(1) << 64, self.split(), factors))
    }

    /// The first word of weights.
    fn split(&self) -> usize {
        self.sizes.constant_words - self.sizes.weight_words
    }

    fn constants(&self, factors: usize, weights: usize) -> Vec<i32> {
        let words = (0..factors).chain((0..weights).map(|word| self.split() + word));
        words.flat_map(|word| narrow_values(&self.units[self.map.constants + word * CONSTANT_UNITS..], WORD)).collect()
    }

    fn code(&self, i: usize) -> i8 {
        let nibble = (self.units[self.map.codes + i / CODES_OF_UNIT] >> (4 * (i % CODES_OF_UNIT))) as i8;
        nibble << 4 >> 4
    }

    fn gate(&self, i: usize) -> Gate {
        let units = &self.units[self.map.gates + i * GATE_UNITS..][..GATE_UNITS];
        let byte = |at: u32| (units[0] >> (8 * at)) as u8;
        Gate { entries: narrow_values(&units[1..], GATE_ENTRIES + 1), step_bits: byte(0), factor_shift: byte(1), shift: byte(2) }
    }

    fn phase(&self, i: usize) -> u32 {
        (self.units[self.map.phases + i / 2] >> (32 * (i % 2))) as u32
    }

    fn matrix(&self, i: usize) -> Option<(Matrix, Place)> {
        let units = &self.units[self.map.matrices + i * MATRIX_UNITS..][..MATRIX_UNITS];
        let code = *WeightCode::ALL.get((units[1] >> 32) as usize & 255)?;
        let (rows, cols) = ((units[0] >> 32) as usize & 0xffff, (units[0] >> 48) as usize);
        Some((Matrix { rows, cols, code }, Place { base: units[0] as u32 }))
    }
}
