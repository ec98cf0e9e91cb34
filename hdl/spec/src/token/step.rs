//! The steps of a program. A step is one pass over a vector: it reads one source, goes through one pipe, writes one place.
//!
//! The machine has these memories: `wide`, vectors of 24 bits (the residual, what waits); `work`, the narrow vector that
//! codes are made of, with a largest magnitude and a sum of squares per group of it; the codes of the array and those of
//! the query, each with its scales; the ring of keys and values; scores and sums of the attention.

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The row of the token in the embedding becomes `wide[at..]`.
    Embed {
        /// First word of `wide`.
        at: u16,
        /// What becomes of it besides.
        reduce: Reduce,
    },
    /// A vector through the pipe.
    Pass(Pass),
    /// Codes of `work`, one scale per group of it.
    Codes {
        /// Words.
        count: u16,
        /// Whose root of the squares normalises: the number of a floor. `None`: nothing.
        norm: Option<u8>,
        /// Which codes.
        to: CodesTo,
    },
    /// A score for every head and position of the window: base 2, 8 bits behind the point.
    Scores {
        /// Whose keys.
        layer: u8,
        /// Heads of the query; those of the cache divide them.
        heads: u8,
        /// Positions, the newest; 0 is all of the ring.
        window: u16,
        /// Number of the one constant.
        constant: u16,
        /// Shift besides the query's scale.
        shift: i8,
    },
    /// The values of the window, weighted by the softmax of the scores.
    Mix {
        /// Whose values.
        layer: u8,
        /// Heads of the query.
        heads: u8,
        /// Positions, as those of the scores.
        window: u16,
    },
}

/// Which codes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodesTo {
    /// Those that matrices are multiplied by: one group.
    Array,
    /// Those that keys are multiplied by: a group per head.
    Query,
}

/// `value_i = source_i * (constant_i * factor) / 2^(shift + its exponent)`, turned or gated, to where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pass {
    /// What is read.
    pub source: Source,
    /// Words of 8 values that come out.
    pub count: u16,
    /// First word of the constants, one per value that is read.
    pub constants: u16,
    /// What every constant is multiplied by.
    pub factor: Factor,
    /// Shift besides the factor's exponent.
    pub shift: i8,
    /// Turned by the phases of this set.
    pub turn: Option<u8>,
    /// Gated by this gate: twice as many values are read, first those that gate, then those that are gated.
    pub gate: Option<u8>,
    /// Where it goes.
    pub into: Into,
    /// Whether it becomes `work`.
    pub reduce: Option<Reduce>,
}

/// What a pass reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The sums of a matrix times the array's codes.
    Product {
        /// Number of the matrix.
        matrix: u16,
    },
    /// `wide[at..]`, `take` bits shorter.
    Wide {
        /// First word.
        at: u16,
        /// Bits that are rounded away, 0 to 7.
        take: u8,
    },
    /// What [`Step::Mix`] left.
    Mixed,
}

/// A scale that is found on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Factor {
    /// 1.
    One,
    /// That of the array's codes.
    Codes,
    /// The inverse root of the squares of each group of `work`, plus the floor of that number.
    Root(u8),
    /// The inverse sum of each head's softmax.
    Sums,
}

/// Where a pass's values go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Into {
    /// Nowhere else than to `work`.
    Work,
    /// To `wide[at..]`.
    Wide(u16),
    /// Added to `wide[at..]`.
    Add(u16),
    /// As levels to the keys of the position.
    Keys(u8),
    /// As levels to its values.
    Values(u8),
    /// To the choice, as logits.
    Choice,
}

impl Into {
    /// The first word of wide values that are written.
    pub fn wide(self) -> Option<u16> {
        match self {
            Into::Wide(at) | Into::Add(at) => Some(at),
            Into::Work | Into::Keys(_) | Into::Values(_) | Into::Choice => None,
        }
    }
}

/// `work_i = value_i * weight_i`, and per group the largest magnitude of `work` and the sum of squares of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// First word of the weights; `None`: 1.
    pub weights: Option<u16>,
    /// Bits of a value that are rounded away before, 0 to 7.
    pub take: u8,
    /// Words of a group; 0: all is one.
    pub group: u8,
}

impl Reduce {
    /// As it is, in one group.
    pub const PLAIN: Reduce = Reduce { weights: None, take: 0, group: 0 };
}

impl Step {
    /// What becomes of its values besides.
    pub fn reduce(&self) -> Option<Reduce> {
        match *self {
            Step::Embed { reduce, .. } => Some(reduce),
            Step::Pass(pass) => pass.reduce,
            _ => None,
        }
    }

    /// The step with its constants where they have been put: a word's new number for every old one.
    pub(super) fn replace(&mut self, place: &[u16]) {
        let put = |at: &mut u16| *at = place.get(usize::from(*at)).copied().unwrap_or(*at);
        let lanes = super::program::WORD as u16;
        match self {
            Step::Embed { reduce, .. } => reduce.weights.iter_mut().for_each(put),
            Step::Pass(pass) => {
                put(&mut pass.constants);
                pass.reduce.iter_mut().for_each(|r| r.weights.iter_mut().for_each(put));
            }
            Step::Scores { constant, .. } => {
                let mut word = *constant / lanes;
                put(&mut word);
                *constant = word * lanes + *constant % lanes;
            }
            Step::Codes { .. } | Step::Mix { .. } => {}
        }
    }
}
