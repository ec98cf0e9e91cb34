//! A program: everything of a model but the bits of its matrices.

use super::gate::Gate;
use super::kv::KvShape;
use super::step::Step;
use crate::WeightCode;

/// Values of a word of every vector memory: the lanes of the pipe.
pub const WORD: usize = 8;

/// Beats in which an array of the given number of rows sums a word.
pub const fn word_beats(array_rows: usize) -> usize {
    WORD / array_rows
}

/// A whole token as data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Program {
    /// What a token does up to its last block.
    pub body: Vec<Step>,
    /// What it does besides when the token that follows is wanted.
    pub head: Vec<Step>,
    /// Narrow constants, in words.
    pub constants: Vec<i32>,
    /// What is added to a sum of squares, 48 bits each.
    pub floors: Vec<u64>,
    /// Gates.
    pub gates: Vec<Gate>,
    /// Sets of phases: how far a pair of channels turns with every position, in 2^-32 of a turn.
    pub turns: Vec<Vec<u32>>,
    /// The matrices that steps name, in the order in which [`super::Products`] knows them.
    pub matrices: Vec<Matrix>,
    /// The first vector of every token.
    pub embedding: Embedding,
    /// The cache.
    pub kv: KvShape,
    /// Words of `wide`.
    pub wide_words: usize,
}

/// A matrix's shape. Of a gated pass its rows are first those that gate; a device may interleave them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Matrix {
    /// Rows; of every pass but the choice whole words.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
    /// What its weights are.
    pub code: WeightCode,
}

/// Rows of codes with a scale per some of them: `value = code * scale / 2^shift`, wide.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Embedding {
    /// Values of a row: whole words.
    pub width: usize,
    /// Row by row; of every token.
    pub codes: Vec<i8>,
    /// Values that share a scale; divides the width.
    pub group: usize,
    /// Narrow, row by row.
    pub scales: Vec<i32>,
    /// The same for all.
    pub shift: u8,
}

impl Embedding {
    /// Tokens that there are.
    pub fn tokens(&self) -> usize {
        self.codes.len() / self.width.max(1)
    }
}

impl Program {
    /// All steps, the body's and then the head's.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.body.iter().chain(&self.head)
    }

    /// Tokens that there are.
    pub fn tokens(&self) -> usize {
        self.embedding.tokens()
    }

    /// Heads of a query; 0 if nothing is scored.
    pub fn heads(&self) -> usize {
        let heads = |step: &Step| if let Step::Scores { heads, .. } = step { usize::from(*heads) } else { 0 };
        self.steps().map(heads).max().unwrap_or(0)
    }

    /// Words of constants that values are multiplied by; those behind them are weights. `None` if they are mixed.
    pub fn factor_words(&self) -> Option<usize> {
        let (mut factors, mut weights) = (0, self.constants.len() / WORD);
        for step in self.steps() {
            match *step {
                Step::Pass(pass) => {
                    let read = usize::from(pass.count) << usize::from(pass.gate.is_some());
                    factors = factors.max(usize::from(pass.constants) + read);
                }
                Step::Scores { constant, .. } => factors = factors.max(usize::from(constant) / WORD + 1),
                _ => {}
            }
            weights = step.reduce().and_then(|r| r.weights).map_or(weights, |w| weights.min(usize::from(w)));
        }
        (factors <= weights).then_some(weights)
    }

    /// The same program with its weights behind all other constants: a machine keeps the two in memories of their own.
    #[must_use]
    pub fn arranged(mut self) -> Program {
        let mut words: Vec<(bool, usize)> = (0..self.constants.len() / WORD).map(|word| (false, word)).collect();
        let body = self.body.len();
        let width = self.embedding.width / WORD;
        for step in self.steps() {
            let len = match step {
                Step::Pass(pass) => usize::from(pass.count),
                _ => width,
            };
            if let Some(at) = step.reduce().and_then(|r| r.weights).map(usize::from) {
                words[at..].iter_mut().take(len).for_each(|word| word.0 = true);
            }
        }
        words.sort();
        let mut place = vec![0; words.len()];
        words.iter().enumerate().for_each(|(to, (_, from))| place[*from] = to as u16);
        self.constants = words.iter().flat_map(|(_, from)| self.constants[from * WORD..][..WORD].to_vec()).collect();
        let mut steps: Vec<Step> = self.steps().copied().collect();
        steps.iter_mut().for_each(|step| step.replace(&place));
        self.head = steps.split_off(body);
        self.body = steps;
        self
    }

    /// The positions that a window of a step reaches; 0 is all of the ring.
    pub fn window(&self, window: u16) -> usize {
        if window == 0 { self.kv.ring } else { usize::from(window).min(self.kv.ring) }
    }
}
