//! Programs of the vector unit: straight lines of steps, kept with their constants in the tile store.

use super::WIDE_BYTES;
use crate::config::Geometry;
use crate::wire::JobFlags;
use crate::{ActivationCode, WeightCode};

/// Bytes of a step; its constants follow it.
pub const STEP_BYTES: usize = 16;
/// Jobs that a program takes besides its products: the one that finds its own pages sealed.
pub const PROGRAM_JOBS: usize = 1;

/// Most that an [`Op::SendLargest`] answers.
pub const MOST_LARGEST: u16 = 255;

/// What a step does. `i` counts from 0 to `count`; `V` is the wide memory, whose addresses wrap; every step that writes
/// wide values leaves the largest magnitude among them behind, for the [`Op::Codes`] or [`Op::SendCodes`] that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    /// The program's end: the answer goes out.
    End = 0,
    /// Its first step: `count` bytes are taken from the request, `with` are answered.
    Begin = 1,
    /// `V[dst + i]` = a value of the request, 3 bytes.
    TakeWide = 2,
    /// The codes = the request's: a scale of 4 bytes, then `count` codes.
    TakeCodes = 3,
    /// `V[dst + i] = multiply(sum_i, constant_i, shift)`: the sums of the weights times the codes. `with` is the first
    /// tile word, `groups` and `beats` are the job's; flag 1: the weights are ternary.
    Product = 4,
    /// `V[dst + i] = multiply(V[src + i], scale.largest, bias + scale.exponent)`, the codes' scale; flag 1: that is
    /// added to what stands there, saturating.
    Scale = 5,
    /// `V[dst + i] = multiply(V[src + i], constant_i, shift)`.
    Weight = 6,
    /// The root = the inverse root of the sum of `V[src + i]^2` and a constant of 8 bytes.
    Squares = 7,
    /// The codes = those of `V[src + i]`, their scale's exponent `bias` plus the lift; flag 1: times the root. `with`
    /// is a [`part`]: the upper parts of codes of 16 bits have the same scale; the lower ones are made by the largest that the codes
    /// before were made by, and the scale stays theirs, though such a code is a 256th of it.
    Codes = 8,
    /// Answers a scale and `count` codes of `V[src + i]`; the codes stay what they were.
    SendCodes = 9,
    /// `V[dst + i] = silu(V[src + i])`.
    Silu = 10,
    /// `V[dst + i] = multiply(V[src + i], V[with + i], shift)`.
    Multiply = 11,
    /// Answers `V[src + i]`, 3 bytes each.
    SendWide = 12,
    /// Answers the `with` largest of `V[src + i]`, larger ones first, of equal ones the first: i, 2 bytes, and the value, 3.
    SendLargest = 13,
}

impl Op {
    /// Every operation.
    pub const ALL: [Op; 14] = [
        Op::End,
        Op::Begin,
        Op::TakeWide,
        Op::TakeCodes,
        Op::Product,
        Op::Scale,
        Op::Weight,
        Op::Squares,
        Op::Codes,
        Op::SendCodes,
        Op::Silu,
        Op::Multiply,
        Op::SendWide,
        Op::SendLargest,
    ];

    /// The operation of a step's first byte.
    pub fn from_byte(byte: u8) -> Option<Op> {
        Op::ALL.get(usize::from(byte)).copied()
    }
}

/// A step's 16 bytes as fields; what an operation does not use is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StepWord {
    /// What it does.
    pub op: Op,
    /// Bit 0: the operation's flag.
    pub flag: bool,
    /// Elements; at least 1 but for [`Op::End`], [`Op::Begin`] and [`Op::Product`].
    pub count: u16,
    /// First wide value read.
    pub src: u16,
    /// First wide value written.
    pub dst: u16,
    /// Shift of a multiplication.
    pub shift: u8,
    /// What the shift or the exponent is besides the scale's.
    pub bias: i8,
    /// See [`Op`].
    pub with: u16,
    /// Row groups of a product.
    pub groups: u16,
    /// Beats of a product's rows.
    pub beats: u16,
}

impl StepWord {
    /// A step of that operation with nothing said yet.
    pub const fn new(op: Op) -> StepWord {
        StepWord { op, flag: false, count: 0, src: 0, dst: 0, shift: 0, bias: 0, with: 0, groups: 0, beats: 0 }
    }

    /// The step's bytes, little endian.
    pub fn to_bytes(&self) -> [u8; STEP_BYTES] {
        let mut out = [0; STEP_BYTES];
        out[0] = self.op as u8;
        out[1] = self.flag.into();
        out[2..4].copy_from_slice(&self.count.to_le_bytes());
        out[4..6].copy_from_slice(&self.src.to_le_bytes());
        out[6..8].copy_from_slice(&self.dst.to_le_bytes());
        out[8] = self.shift;
        out[9] = self.bias as u8;
        out[10..12].copy_from_slice(&self.with.to_le_bytes());
        out[12..14].copy_from_slice(&self.groups.to_le_bytes());
        out[14..16].copy_from_slice(&self.beats.to_le_bytes());
        out
    }

    /// The step that these bytes spell; `None` if it is not an operation, has no elements where it needs some, a number of codes
    /// that is not a multiple of 8, or more to search for than [`MOST_LARGEST`].
    pub fn from_bytes(b: &[u8; STEP_BYTES]) -> Option<StepWord> {
        let short = |at: usize| u16::from_le_bytes([b[at], b[at + 1]]);
        let op = Op::from_byte(b[0])?;
        let word = StepWord {
            op,
            flag: b[1] & 1 == 1,
            count: short(2),
            src: short(4),
            dst: short(6),
            shift: b[8],
            bias: b[9] as i8,
            with: short(10),
            groups: short(12),
            beats: short(14),
        };
        let none_is_enough = matches!(op, Op::End | Op::Begin | Op::Product);
        // Codes are kept eight a word.
        let ragged = matches!(op, Op::TakeCodes | Op::Codes) && !word.count.is_multiple_of(8);
        // A search is a pass over the elements: this many bound how long a step can take.
        let many = op == Op::SendLargest && word.with > MOST_LARGEST;
        ((word.count > 0 || none_is_enough) && !ragged && !many).then_some(word)
    }

    /// Bytes of constants behind the step on a device of that geometry.
    pub fn constant_bytes(&self, geometry: &Geometry) -> usize {
        match self.op {
            Op::Product => usize::from(self.groups) * geometry.array_rows * WIDE_BYTES,
            Op::Weight => usize::from(self.count) * WIDE_BYTES,
            Op::Squares => 8,
            _ => 0,
        }
    }
}

/// [`StepWord::with`] of an [`Op::Codes`], bit by bit; of both bits the lower part's counts, other bits mean nothing.
pub mod part {
    /// The nearest codes.
    pub const WHOLE: u16 = 0;
    /// The upper parts.
    pub const UPPER: u16 = 1;
    /// The lower parts.
    pub const LOWER: u16 = 2;
}

/// A step with its constants. In a [`Program`], before it has a place on a device, a product's `with` is the number of
/// its matrix and `count` its rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    /// The step.
    pub word: StepWord,
    /// Wide constants of [`Op::Product`] (one a row) and [`Op::Weight`] (one an element).
    pub constants: Vec<i32>,
    /// The constant of [`Op::Squares`].
    pub floor: u64,
}

impl Step {
    /// A step without constants.
    pub fn new(word: StepWord) -> Step {
        Step { word, constants: Vec::new(), floor: 0 }
    }

    /// A step with constants of one an element.
    pub fn with(word: StepWord, constants: Vec<i32>) -> Step {
        Step { word, constants, floor: 0 }
    }
}

/// Where a product's matrix lies on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// First tile word.
    pub base: u16,
    /// Row groups.
    pub groups: u16,
    /// Beats of a row.
    pub beats: u16,
    /// The weights' code.
    pub code: WeightCode,
}

/// A program without a place: any back end runs it, a device once its products have a place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Program {
    /// The steps, without the first and the last.
    pub steps: Vec<Step>,
}

impl Program {
    /// Bytes that it takes from a request.
    pub fn input_bytes(&self) -> usize {
        let bytes = |w: &StepWord| match w.op {
            Op::TakeWide => usize::from(w.count) * WIDE_BYTES,
            Op::TakeCodes => usize::from(w.count) + super::SCALE_BYTES,
            _ => 0,
        };
        self.steps.iter().map(|s| bytes(&s.word)).sum()
    }

    /// Bytes that it answers.
    pub fn output_bytes(&self) -> usize {
        let bytes = |w: &StepWord| match w.op {
            Op::SendCodes => usize::from(w.count) + super::SCALE_BYTES,
            Op::SendWide => usize::from(w.count) * WIDE_BYTES,
            Op::SendLargest => usize::from(w.with) * (2 + WIDE_BYTES),
            _ => 0,
        };
        self.steps.iter().map(|s| bytes(&s.word)).sum()
    }

    /// The products' matrices, in order.
    pub fn matrices(&self) -> impl Iterator<Item = usize> + '_ {
        self.steps.iter().filter(|s| s.word.op == Op::Product).map(|s| usize::from(s.word.with))
    }

    /// Job ids that a run takes: one for the program's own pages, one a product.
    pub fn jobs(&self) -> usize {
        PROGRAM_JOBS + self.matrices().count()
    }

    /// Wide values that must exist: one more than the highest address.
    pub fn wide_words(&self) -> usize {
        let end = |s: &Step| {
            let w = &s.word;
            let with = if w.op == Op::Multiply { w.with } else { 0 };
            usize::from(w.src.max(w.dst).max(with)) + usize::from(w.count)
        };
        self.steps.iter().map(end).max().unwrap_or(0)
    }

    /// The bytes for a device: the first step, every step with its constants, the last. `None` if a number does not fit its
    /// field.
    pub fn to_bytes(&self, placed: impl Fn(usize) -> Placed) -> Option<Vec<u8>> {
        let (input, output) = (u16::try_from(self.input_bytes()).ok()?, u16::try_from(self.output_bytes()).ok()?);
        let mut out = StepWord { count: input, with: output, ..StepWord::new(Op::Begin) }.to_bytes().to_vec();
        for step in &self.steps {
            let mut word = step.word;
            if word.op == Op::Product {
                let at = placed(usize::from(word.with));
                let flag = JobFlags::new(at.code, ActivationCode::A8).ternary;
                word = StepWord { with: at.base, groups: at.groups, beats: at.beats, flag, ..word };
            }
            out.extend_from_slice(&word.to_bytes());
            if word.op == Op::Squares {
                out.extend_from_slice(&step.floor.to_le_bytes());
            }
            step.constants.iter().for_each(|c| out.extend_from_slice(&c.to_le_bytes()[..WIDE_BYTES]));
        }
        out.extend_from_slice(&StepWord::new(Op::End).to_bytes());
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_survive_their_bytes_and_bad_ones_are_none() {
        for (i, op) in Op::ALL.into_iter().enumerate() {
            assert_eq!(op as usize, i);
            let word = StepWord {
                flag: true,
                count: 8,
                src: 0x1234,
                dst: 0xfedc,
                shift: 31,
                bias: -77,
                with: 99,
                groups: 12,
                beats: 0x8001,
                ..StepWord::new(op)
            };
            assert_eq!(StepWord::from_bytes(&word.to_bytes()), Some(word));
        }
        let ragged = StepWord { count: 7, ..StepWord::new(Op::Codes) };
        assert_eq!(StepWord::from_bytes(&ragged.to_bytes()), None);
        assert_eq!(StepWord::from_bytes(&[14; STEP_BYTES]), None);
        assert_eq!(StepWord::from_bytes(&StepWord::new(Op::Silu).to_bytes()), None);
    }
}
