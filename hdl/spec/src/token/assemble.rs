//! From a model's floats to a program's integers, once, before the first token.
//!
//! Everything between two vectors is linear, so whatever is constant folds into the one constant per value: a row's scale,
//! the unit of the codes, what a level stands for, the root of a norm's length. A [`Unit`] says what an integer is worth.

use super::attention::{SCORE_POINT, SUM_BITS};
use super::check::{MAX_STEPS, ProgramError};
use super::coder::CODE_MAX;
use super::gate::Gate;
use super::kv::{KvForm, KvShape};
use super::number::{FACTOR_BITS, NARROW_MAX, WIDE_POINT};
use super::program::{Embedding, Matrix, Program, WORD};
use super::step::{CodesTo, Factor, Into, Pass, Reduce, Source, Step};

/// Values of an embedding's row that share a scale.
const EMBEDDING_GROUP: usize = 32;

/// What a value is worth: `real = integer * unit`, a scale found on the way not counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit(pub f64);

impl Unit {
    /// Of values with that many bits behind the point.
    pub fn point(bits: i32) -> Unit {
        Unit(2_f64.powi(-bits))
    }

    /// The finest unit in which a magnitude fits a narrow value.
    pub fn holding(largest: f64) -> Unit {
        // Of nothing but zeros any would do.
        let largest = if largest.is_finite() && largest > 0.0 { largest } else { 1.0 };
        let mut bits = 17 - largest.log2().floor() as i32;
        if largest * 2_f64.powi(bits) > f64::from(NARROW_MAX) {
            bits -= 1;
        }
        Unit::point(bits)
    }

    /// Bits behind the point, of a unit that is a power of two.
    pub(super) fn bits(self) -> i32 {
        -(self.0.log2().round() as i32)
    }
}

/// A pass to be: what it reads and what every value read is multiplied by, in real numbers.
#[derive(Debug, Clone)]
pub struct Folded {
    /// What is read.
    pub source: Source,
    /// Its unit.
    pub unit: Unit,
    /// The scale found on the way.
    pub factor: Factor,
    /// Real factors, one per value that is read.
    pub by: Vec<f64>,
    /// The unit of the result.
    pub into_unit: Unit,
}

/// A norm: weights and what is added to the mean square.
#[derive(Debug, Clone, Copy)]
pub struct Norm<'a> {
    /// One per value.
    pub weights: &'a [f64],
    /// Added to the mean of the squares.
    pub eps: f64,
}

/// An attention: whose cache, how many heads, how far back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionShape {
    /// Of the cache.
    pub layer: u8,
    /// Of the query.
    pub heads: u8,
    /// Positions; 0 is all of the ring.
    pub window: u16,
    /// What a score is multiplied by before the softmax.
    pub scale: f64,
}

/// What a vector that codes are made of is worth, and how it was weighted.
#[derive(Debug, Clone, Copy)]
struct Work {
    unit: Unit,
    /// Bits behind the point of the weights; [`FACTOR_BITS`] of none.
    weight_bits: i32,
    take: u8,
    len: usize,
    group: usize,
}

/// Writes a program step by step.
#[derive(Debug, Clone)]
pub struct Assembler {
    program: Program,
    in_head: bool,
    /// What the last step gives.
    last: Work,
    /// What the last step that reduced gave.
    work: Work,
    codes: Unit,
    query: Unit,
}

impl Assembler {
    /// A program whose tokens are these rows, in four bits with a scale for 32 values, and go to `wide[0..]`.
    pub fn new(rows: &[f32], width: usize, kv: KvShape) -> Assembler {
        let program = Program {
            body: Vec::new(),
            head: Vec::new(),
            constants: Vec::new(),
            floors: Vec::new(),
            gates: Vec::new(),
            turns: Vec::new(),
            matrices: Vec::new(),
            embedding: embedding(rows, width),
            kv,
            wide_words: width.div_ceil(WORD),
        };
        let unit = Unit::point(WIDE_POINT);
        let work = Work { unit, weight_bits: FACTOR_BITS, take: 0, len: width, group: width };
        let mut assembler = Assembler { program, in_head: false, last: work, work, codes: unit, query: unit };
        assembler.push(Step::Embed { at: 0, reduce: Reduce::PLAIN });
        assembler
    }

    fn push(&mut self, step: Step) {
        let steps = if self.in_head { &mut self.program.head } else { &mut self.program.body };
        // The check says that there are too many; memory is not filled for it.
        if steps.len() <= MAX_STEPS {
            steps.push(step);
        }
    }

    /// From here on steps are the head's.
    pub fn begin_head(&mut self) {
        self.in_head = true;
    }

    /// A matrix; its number.
    pub fn matrix(&mut self, matrix: Matrix) -> u16 {
        self.program.matrices.push(matrix);
        (self.program.matrices.len() - 1) as u16
    }

    /// The unit of the array's codes.
    pub fn codes_unit(&self) -> Unit {
        self.codes
    }

    /// The number of a gate, the same for equal ones.
    pub fn gate(&mut self, gate: Gate) -> u8 {
        number(&mut self.program.gates, gate)
    }

    /// The number of a set of phases: pairs of `head_dim` channels, the first of which turns by 1 rad a position.
    pub fn turn(&mut self, theta: f64) -> u8 {
        let pairs = self.program.kv.head_dim / 2;
        self.turn_divided(theta, &vec![1.0; pairs])
    }

    /// As [`Self::turn`], every pair's frequency divided by its factor: a stretched rotation.
    ///
    /// # Panics
    /// If there is not a factor for every pair.
    pub fn turn_divided(&mut self, theta: f64, factors: &[f64]) -> u8 {
        let dim = self.program.kv.head_dim;
        assert_eq!(factors.len(), dim / 2, "a factor for every pair of a head of {dim}");
        let turns = |pair: usize| theta.powf(-2.0 * pair as f64 / dim as f64) / factors[pair] / std::f64::consts::TAU;
        let step = |pair: usize| (turns(pair) * 2_f64.powi(32)).round() as u64 as u32;
        number(&mut self.program.turns, (0..dim / 2).map(step).collect())
    }

    fn floor(&mut self, eps: f64, unit: Unit, len: usize) -> u8 {
        let floor = (eps * len as f64 / (unit.0 * unit.0)).round();
        number(&mut self.program.floors, floor as u64)
    }

    /// Constants for real factors; the first word of them, and the shift.
    fn constants(&mut self, factors: &[f64]) -> (u16, i8) {
        let (values, shift) = fixed(factors);
        let at = self.program.constants.len() / WORD;
        self.program.constants.extend(values);
        self.program.constants.resize(self.program.constants.len().next_multiple_of(WORD), 0);
        (u16::try_from(at).unwrap_or(u16::MAX), shift)
    }

    /// A pass. Values that are turned or gated, and levels, are in the unit that the next has to know.
    pub fn pass(&mut self, folded: &Folded, turn: Option<u8>, gate: Option<u8>, into: Into) {
        let factors: Vec<f64> = folded.by.iter().map(|v| v * folded.unit.0 / folded.into_unit.0).collect();
        let (constants, shift) = self.constants(&factors);
        let read = factors.len().div_ceil(WORD);
        let count = (if gate.is_some() { read / 2 } else { read }) as u16;
        if let Into::Wide(at) | Into::Add(at) = into {
            self.program.wide_words = self.program.wide_words.max(usize::from(at) + usize::from(count));
        }
        self.push(Step::Pass(Pass {
            source: folded.source,
            count,
            constants,
            factor: folded.factor,
            shift,
            turn,
            gate,
            into,
            reduce: None,
        }));
        self.last = Work {
            unit: folded.into_unit,
            weight_bits: FACTOR_BITS,
            take: 0,
            len: usize::from(count) * WORD,
            group: usize::from(count) * WORD,
        };
    }

    /// Says what a gate gives, since a pass knows only what goes in.
    pub fn gated_unit(&mut self, unit: Unit) {
        self.last.unit = unit;
    }

    /// The last step's values become `work`, `take` bits shorter, with weights, in groups of some values (0: one).
    pub fn reduce(&mut self, weights: Option<&[f64]>, take: u8, group: usize) {
        let mut weight_bits = FACTOR_BITS;
        let weights = weights.map(|weights| {
            let (at, shift) = self.constants(weights);
            weight_bits = FACTOR_BITS + i32::from(shift);
            at
        });
        let reduce = Reduce { weights, take, group: (group / WORD) as u8 };
        let steps = if self.in_head && !self.program.head.is_empty() { &mut self.program.head } else { &mut self.program.body };
        match steps.last_mut() {
            Some(Step::Embed { reduce: last, .. }) => *last = reduce,
            Some(Step::Pass(pass)) => pass.reduce = Some(reduce),
            _ => {}
        }
        let group = if group == 0 { self.last.len } else { group };
        self.work = Work { weight_bits, take, group, ..self.last };
    }

    /// The unit of `work` before weights: what its squares are of.
    fn short_unit(&self) -> Unit {
        Unit(self.work.unit.0 * 2_f64.powi(self.work.take.into()))
    }

    /// The floor for a root of `work`'s squares, and the unit of what is multiplied by that root.
    pub fn root(&mut self, eps: f64) -> (Factor, Unit) {
        let (group, unit) = (self.work.group, self.short_unit());
        (Factor::Root(self.floor(eps, unit, group)), Unit((group as f64).sqrt()))
    }

    /// Codes of `work`, normalised if there is an epsilon.
    pub fn codes(&mut self, norm_eps: Option<f64>, to: CodesTo) {
        let Work { weight_bits, len, group, .. } = self.work;
        let weighted = 2_f64.powi(FACTOR_BITS - weight_bits) / f64::from(CODE_MAX);
        let (norm, unit) = match norm_eps {
            Some(eps) => (Some(self.floor(eps, self.short_unit(), group)), (group as f64).sqrt() * weighted),
            None => (None, self.short_unit().0 * weighted),
        };
        match to {
            CodesTo::Array => self.codes = Unit(unit),
            CodesTo::Query => self.query = Unit(unit),
        }
        self.push(Step::Codes { count: (len / WORD) as u16, norm, to });
    }

    /// The last step's values, normalised, become the array's codes.
    pub fn norm(&mut self, norm: Norm<'_>, take: u8) {
        self.reduce(Some(norm.weights), take, 0);
        self.codes(Some(norm.eps), CodesTo::Array);
    }

    /// Scores of the query's codes, their softmax, the values by it. A query is worth its keys' constants already, so a
    /// level of a key counts as itself.
    pub fn attend(&mut self, shape: AttentionShape) {
        let AttentionShape { layer, heads, window, scale } = shape;
        let factor = std::f64::consts::LOG2_E * scale * self.query.0 * 2_f64.powi(SCORE_POINT);
        let (word, shift) = self.constants(&[factor]);
        self.push(Step::Scores { layer, heads, window, constant: word.saturating_mul(WORD as u16), shift });
        self.push(Step::Mix { layer, heads, window });
    }

    /// What was mixed, to `work`: `levels` says what level 1 of each channel of the cache stands for.
    pub fn mixed(&mut self, heads: usize, levels: &[f64]) {
        let (dim, shared) = (self.program.kv.head_dim, heads / self.program.kv.heads.max(1));
        let by: Vec<f64> = (0..heads * dim).map(|i| levels[i / dim / shared.max(1) * dim + i % dim]).collect();
        let largest = by.iter().fold(0.0_f64, |m, v| m.max(v.abs())) * f64::from(self.program.kv.form.largest());
        let unit = Unit(2_f64.powi(SUM_BITS) / f64::from(CODE_MAX));
        let folded = Folded { source: Source::Mixed, unit, factor: Factor::Sums, by, into_unit: Unit::holding(largest) };
        self.pass(&folded, None, None, Into::Work);
        self.reduce(None, 0, 0);
    }

    /// The program.
    ///
    /// # Errors
    /// What [`Program::check`] finds.
    pub fn finish(self) -> Result<Program, ProgramError> {
        self.program.check()?;
        Ok(self.program.arranged())
    }
}

fn number<T: PartialEq>(list: &mut Vec<T>, item: T) -> u8 {
    let at = list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    });
    u8::try_from(at).unwrap_or(u8::MAX)
}

/// Narrow constants `factor * 2^(17 + shift)`, with the shift with which the largest of them fills 17 bits.
fn fixed(factors: &[f64]) -> (Vec<i32>, i8) {
    let largest = factors.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return (vec![0; factors.len()], 0);
    }
    let mut bits = 16 - largest.log2().floor() as i32;
    if (largest * 2_f64.powi(bits)).round() > f64::from(NARROW_MAX) {
        bits -= 1;
    }
    // Seven bits hold the shift; smaller factors lose bits at the end, larger ones saturate.
    let shift = (bits - FACTOR_BITS).clamp(-64, 63);
    let unit = 2_f64.powi(shift + FACTOR_BITS);
    let most = f64::from(NARROW_MAX);
    (factors.iter().map(|v| (v * unit).round().clamp(-most, most) as i32).collect(), shift as i8)
}

/// Rows of floats as levels of four bits.
fn embedding(rows: &[f32], width: usize) -> Embedding {
    let form = KvForm::four_bits();
    let group = if width.is_multiple_of(EMBEDDING_GROUP) { EMBEDDING_GROUP } else { WORD };
    let largest_level = f64::from(form.largest());
    let steps: Vec<f64> = rows.chunks(group).map(|g| g.iter().fold(0.0_f64, |m, v| m.max(f64::from(v.abs()))) / largest_level).collect();
    let factors: Vec<f64> = steps.iter().map(|s| s * 2_f64.powi(WIDE_POINT)).collect();
    let (scales, shift) = fixed(&factors);
    let code = |(v, step): (&f32, f64)| {
        let in_levels = if step > 0.0 { f64::from(*v) / step } else { 0.0 };
        form.level((in_levels * 256.0).round() as i32)
    };
    let codes = rows.chunks(group).zip(&steps).flat_map(|(g, &step)| g.iter().map(move |v| (v, step))).map(code).collect();
    Embedding { width, codes, group, scales, shift: (i32::from(shift) + FACTOR_BITS).max(0) as u8 }
}

/// Bits behind the point of a value that becomes a level, as a unit of levels.
pub const ROW_POINT: i32 = super::kv::LEVEL_POINT;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_fill_17_bits_and_say_where_their_point_is() {
        for factors in [vec![1.0, -0.5, 0.25], vec![3e-9, 2e-9], vec![1e9, -5.0], vec![131_071.9 / 131_072.0]] {
            let (values, shift) = fixed(&factors);
            let largest = values.iter().map(|v| v.abs()).max().unwrap();
            assert!((1 << 16..1 << 17).contains(&largest), "{factors:?}: {values:?}");
            for (value, factor) in values.iter().zip(&factors) {
                let back = f64::from(*value) * 2_f64.powi(-FACTOR_BITS - i32::from(shift));
                assert!((back - factor).abs() <= 2_f64.powi(-FACTOR_BITS - 1 - i32::from(shift)) * 1.000_001);
            }
        }
        assert_eq!(fixed(&[0.0, 0.0]), (vec![0, 0], 0));
        assert_eq!(fixed(&[f64::INFINITY]).0, [0]);
    }

    #[test]
    fn an_embedding_of_four_bits_is_within_half_a_level_of_its_floats() {
        let rows: Vec<f32> = (0..64 * 3).map(|i| ((i * 37 % 101) as f32 - 50.0) * 0.013).collect();
        let e = embedding(&rows, 64);
        for (i, &v) in rows.iter().enumerate() {
            let scale = f64::from(e.scales[i / e.group]) * 2_f64.powi(-i32::from(e.shift) - WIDE_POINT);
            let back = f64::from(e.codes[i]) * scale;
            assert!((back - f64::from(v)).abs() <= scale * 0.51, "{i}: {back} for {v}");
        }
        assert_eq!(e.tokens(), 3);
    }

    #[test]
    fn units_hold_their_largest_and_no_bit_more() {
        for largest in [1e-6, 0.3, 1.0, 5.9999, 131_071.0, 1e9] {
            let unit = Unit::holding(largest);
            let held = largest / unit.0;
            assert!(held <= 131_071.0 && held > 65_535.0, "{largest}: {held}");
            assert_eq!(unit.0.log2().fract(), 0.0);
        }
    }
}
