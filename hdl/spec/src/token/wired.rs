//! A step as the machine's memory holds it: the step's own bits, and above them what the machine would have to look up.
//!
//! Fields stand where `encode.rs` puts them; an embedding's row is a pass from a fourth source. The bits from 104 on are
//! those of the matrix, of the groups and of the one constant that the step names.

use super::encode::{decode, encode};
use super::program::{Matrix, Program, WORD};
use super::step::{CodesTo, Factor, Into, Pass, Reduce, Source, Step};
use crate::code::ArrayCoefficients;
use crate::config::Geometry;

/// Where a field lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its lowest bit.
    pub low: usize,
    /// How many.
    pub bits: usize,
}

const fn field(low: usize, bits: usize) -> Field {
    Field { low, bits }
}

impl Field {
    const fn put(self, value: u128) -> u128 {
        (value & ((1 << self.bits) - 1)) << self.low
    }

    const fn behind(self, bits: usize) -> Field {
        field(self.low + self.bits, bits)
    }
}

/// Which step: 2 a pass, 3 codes, 4 scores, 5 a mix.
pub const OP: Field = field(0, 3);
/// Words: of a pass and of codes.
pub const COUNT: Field = OP.behind(10);
/// First word of constants.
pub const CONSTANTS: Field = COUNT.behind(14);
/// Shift, signed.
pub const SHIFT: Field = CONSTANTS.behind(7);
/// 0 a product, 1 wide values, 2 what was mixed, 3 the embedding's row.
pub const SOURCE: Field = SHIFT.behind(2);
/// First word of wide values.
pub const AT: Field = SOURCE.behind(10);
/// Bits that are rounded away of them.
pub const TAKE: Field = AT.behind(3);
/// 0 one, 1 the codes', 2 roots, 3 sums.
pub const FACTOR: Field = TAKE.behind(2);
/// The root's floor.
pub const FLOOR: Field = FACTOR.behind(5);
/// Set of phases, and 1.
pub const TURN: Field = FLOOR.behind(3);
/// Gate, and 1.
pub const GATE: Field = TURN.behind(3);
/// 0 work, 1 wide, 2 added to wide, 3 keys, 4 values, 5 the choice.
pub const INTO: Field = GATE.behind(3);
/// First word of wide values, or the layer.
pub const INTO_AT: Field = INTO.behind(10);
/// Whether it becomes work.
pub const REDUCES: Field = INTO_AT.behind(1);
/// First word of weights, and 1.
pub const WEIGHTS: Field = REDUCES.behind(15);
/// Bits that are rounded away before.
pub const REDUCE_TAKE: Field = WEIGHTS.behind(3);
/// Words of a group.
pub const GROUP: Field = REDUCE_TAKE.behind(7);
/// Of codes: a floor, and 1.
pub const NORM: Field = COUNT.behind(6);
/// Of codes: whether they are the query's.
pub const TO: Field = NORM.behind(1);
/// Of scores and a mix.
pub const LAYER: Field = OP.behind(7);
/// Of scores and a mix.
pub const HEADS: Field = LAYER.behind(7);
/// Of scores and a mix.
pub const WINDOW: Field = HEADS.behind(11);
/// Of scores: their shift, behind the constant's number.
pub const SCORE_SHIFT: Field = field(WINDOW.low + WINDOW.bits + 16, 7);

/// Bits of a step alone.
const OWN_BITS: usize = GROUP.low + GROUP.bits;
/// Of a product: the matrix's first tile word.
pub const TILE: Field = field(104, 12);
/// Of a product: beats of columns, less 1.
pub const BEATS: Field = TILE.behind(2);
/// A pass that is not turned, but goes as slowly as one that is.
pub const SETTLES: Field = BEATS.behind(1);
/// Tokens in the last word of the choice; 0 is all.
pub const TAIL: Field = SETTLES.behind(3);
/// Of a product: whether its weights are ternary.
pub const TERNARY: Field = TAIL.behind(1);
/// Words of a group of a factor, or of codes.
pub const WORDS: Field = field(104, 7);
/// Of scores: their constant.
pub const CONSTANT: Field = field(104, 18);
/// The embedding's row as a source.
pub const EMBEDDING: u128 = 3;

/// The words of a program's steps, body and then head. `bases` says where each matrix begins.
///
/// # Panics
/// On a program that [`Program::check`] refuses.
pub fn wire_steps(program: &Program, bases: &[u32], g: &Geometry) -> Vec<u128> {
    let mut wiring = Wiring { program, bases, g, group: WORD, turned: false };
    program.steps().map(|step| wiring.step(step)).collect()
}

/// The word with its weights, which began at one word of constants, at another.
pub(super) fn rebase(word: u128, from: usize, to: usize) -> u128 {
    let bits = |f: Field| (word >> f.low) & ((1 << f.bits) - 1);
    if bits(OP) != 2 || bits(WEIGHTS) == 0 {
        return word;
    }
    let weights = bits(WEIGHTS) + to as u128;
    word & !WEIGHTS.put(u128::MAX) | WEIGHTS.put(weights.wrapping_sub(from as u128))
}

/// The step of such a word; `None` if it is none.
pub fn unwire(word: u128) -> Option<Step> {
    let own = word & ((1 << OWN_BITS) - 1);
    let bits = |f: Field| (own >> f.low) as u16 & ((1 << f.bits) - 1);
    if bits(OP) == 2 && u128::from(bits(SOURCE)) == EMBEDDING {
        let weights = ((own >> WEIGHTS.low) as u32 & ((1 << WEIGHTS.bits) - 1)).checked_sub(1).map(|w| w as u16);
        let reduce = Reduce { weights, take: bits(REDUCE_TAKE) as u8, group: bits(GROUP) as u8 };
        return Some(Step::Embed { at: bits(INTO_AT), reduce });
    }
    decode(if bits(OP) == 2 { own } else { own & ((1 << 101) - 1) })
}

struct Wiring<'p> {
    program: &'p Program,
    bases: &'p [u32],
    g: &'p Geometry,
    /// Words of a group of what was reduced last.
    group: usize,
    /// Whether the pass before goes slowly.
    turned: bool,
}

impl Wiring<'_> {
    fn step(&mut self, step: &Step) -> u128 {
        match *step {
            Step::Embed { at, reduce } => self.embed(at, reduce),
            Step::Pass(pass) => self.pass(step, &pass),
            Step::Codes { to, .. } => {
                self.turned &= to == CodesTo::Query;
                word(step) | WORDS.put(self.group as u128)
            }
            Step::Scores { constant, .. } => word(step) | CONSTANT.put(self.program.constants[usize::from(constant)] as u128),
            Step::Mix { .. } => word(step),
        }
    }

    fn embed(&mut self, at: u16, reduce: Reduce) -> u128 {
        let (count, shift) = (self.program.embedding.width / WORD, self.program.embedding.shift as i8);
        let source = Source::Wide { at: 0, take: 0 };
        let pass = Pass {
            source,
            count: count as u16,
            constants: 0,
            factor: Factor::One,
            shift,
            turn: None,
            gate: None,
            into: Into::Wide(at),
            reduce: Some(reduce),
        };
        self.reduced(reduce, count);
        word(&Step::Pass(pass)) | SOURCE.put(EMBEDDING)
    }

    fn reduced(&mut self, reduce: Reduce, count: usize) {
        self.group = if reduce.group == 0 { count } else { usize::from(reduce.group) };
    }

    fn pass(&mut self, step: &Step, pass: &Pass) -> u128 {
        let beats = |m: &Matrix| m.cols.div_ceil(self.g.array_cols);
        let above = match pass.source {
            Source::Product { matrix } => {
                let m = &self.program.matrices[usize::from(matrix)];
                let is_ternary = matches!(m.code.row().array.coefficients, ArrayCoefficients::Ternary);
                let tail = if pass.into == Into::Choice { m.rows % WORD } else { 0 };
                let settles = self.turned && pass.turn.is_none() && pass.gate.is_none() && beats(m) == 1;
                TILE.put(self.bases[usize::from(matrix)].into())
                    | BEATS.put(beats(m) as u128 - 1)
                    | SETTLES.put(settles.into())
                    | TAIL.put(tail as u128)
                    | TERNARY.put(is_ternary.into())
            }
            _ if pass.factor == Factor::Sums => WORDS.put((self.program.kv.head_dim / WORD) as u128),
            _ => WORDS.put(self.group as u128),
        };
        if let Source::Product { matrix } = pass.source {
            let is_slow = self.turned && pass.gate.is_none() && beats(&self.program.matrices[usize::from(matrix)]) == 1;
            self.turned = pass.turn.is_some() || is_slow;
        } else {
            self.turned = pass.turn.is_some();
        }
        if let Some(reduce) = pass.reduce {
            self.reduced(reduce, usize::from(pass.count));
        }
        word(step) | above
    }
}

fn word(step: &Step) -> u128 {
    encode(step).expect("a checked program")
}

/// The row of a matrix that stands in each row of the array's, as the passes that multiply by it take them: words of a turned
/// pass by pairs half a head apart, of a gated one each that gates before the one that it gates.
pub fn row_order(program: &Program, matrix: usize) -> Vec<usize> {
    let rows = program.matrices[matrix].rows;
    let mut words: Vec<usize> = (0..rows.div_ceil(WORD)).collect();
    for step in program.steps() {
        let Step::Pass(Pass { source: Source::Product { matrix: of }, turn, gate, count, .. }) = step else { continue };
        if usize::from(*of) != matrix {
            continue;
        }
        let half = program.kv.head_dim / 2 / WORD;
        let count = usize::from(*count);
        if gate.is_some() {
            words = (0..count).flat_map(|word| [word, count + word]).collect();
        } else if turn.is_some() && half > 0 {
            words =
                (0..count / (2 * half)).flat_map(|head| (0..half).flat_map(move |p| [0, half].map(|b| head * 2 * half + p + b))).collect();
        }
    }
    words.iter().flat_map(|word| (0..WORD).map(move |lane| word * WORD + lane)).filter(|row| *row < rows).collect()
}
