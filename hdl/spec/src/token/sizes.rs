//! How large a token machine's memories are: what a program may need, and where in them what of it lies.

use super::gate::GATE_ENTRIES;
use super::program::{Matrix, Program, WORD};
use crate::config::Geometry;
use serde::Deserialize;

/// Units of 64 bits that a program's numbers take.
pub(super) const HEAD_UNITS: usize = 8;
/// Narrow values of a unit.
pub(super) const NARROW_OF_UNIT: usize = 2;
/// Units of a word of constants.
pub(super) const CONSTANT_UNITS: usize = WORD.div_ceil(NARROW_OF_UNIT);
/// Codes of an embedding in a unit.
pub(super) const CODES_OF_UNIT: usize = 16;
/// Units of a gate: its shifts, then its entries.
pub const GATE_UNITS: usize = 1 + (GATE_ENTRIES + 1).div_ceil(NARROW_OF_UNIT);
/// Units of a step.
pub(super) const STEP_UNITS: usize = 2;
/// Rows or columns of a matrix, at most: its fields have 16 bits.
const MOST_LINES: usize = u16::MAX as usize;
/// Units of a matrix: where it lies and what it is.
pub(super) const MATRIX_UNITS: usize = 2;

/// The sizes of a token machine's memories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub struct Sizes {
    /// Bytes of a token's number on the wire, 1 to 4.
    pub token_bytes: usize,
    /// Tokens that wait for the host, a power of two.
    pub queue_tokens: usize,
    /// Tokens of a request's prompt, at most.
    pub prompt_tokens: usize,
    /// Positions of the ring of keys and values.
    pub ring: usize,
    /// Blocks that keep keys and values.
    pub layers: usize,
    /// Channels of a position's keys in a block.
    pub kv_width: usize,
    /// Heads of a query.
    pub heads: usize,
    /// Channels of a head.
    pub head_dim: usize,
    /// Words of wide values.
    pub wide_words: usize,
    /// Steps of a token.
    pub steps: usize,
    /// Words of constants.
    pub constant_words: usize,
    /// Those of them, the last ones, that are weights.
    pub weight_words: usize,
    /// Codes of the embedding.
    pub embedding_codes: usize,
    /// Scales of the embedding.
    pub embedding_scales: usize,
    /// Floors.
    pub floors: usize,
    /// Gates.
    pub gates: usize,
    /// Phases of all sets together.
    pub phases: usize,
    /// Matrices.
    pub matrices: usize,
}

/// A program needs something that a machine does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// More of something, or another number of what is wired.
    #[error("the token program needs {needed} {what}, the token machine has {there}")]
    Size {
        /// Of what.
        what: &'static str,
        /// By the program.
        needed: usize,
        /// In the machine.
        there: usize,
    },
    /// Other levels of keys and values.
    #[error("the token program's cache has stacks that weigh {found:?}, the token machine's weigh [2, 1]")]
    Levels {
        /// What its stacks weigh.
        found: Vec<u8>,
    },
    /// Other groups of an embedding's values.
    #[error("{found} values of the token program's embedding share a scale, the token machine has scales of 8 or 32 values")]
    Group {
        /// Their size.
        found: usize,
    },
}

/// Where in a machine's program memory what begins, in units of 64 bits. Each part begins a tile word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Map {
    /// The program's numbers.
    pub head: usize,
    /// Steps, two units each.
    pub steps: usize,
    /// Words of constants, four units each.
    pub constants: usize,
    /// Codes of the embedding, sixteen in a unit.
    pub codes: usize,
    /// Scales of the embedding, two in a unit.
    pub scales: usize,
    /// Floors, a unit each.
    pub floors: usize,
    /// Gates.
    pub gates: usize,
    /// Phases, two in a unit.
    pub phases: usize,
    /// Matrices, two units each.
    pub matrices: usize,
    /// Behind all of it.
    pub end: usize,
}

impl Sizes {
    /// Where what of a program lies, on a device whose tile words have that many bytes.
    pub fn map(&self, tile_word_bytes: usize) -> Map {
        let word = (tile_word_bytes / 8).max(1);
        let mut next = 0;
        let mut part = |units: usize| {
            let at = next;
            next += units.next_multiple_of(word);
            at
        };
        Map {
            head: part(HEAD_UNITS),
            steps: part(self.steps * STEP_UNITS),
            constants: part(self.constant_words * CONSTANT_UNITS),
            codes: part(self.embedding_codes.div_ceil(CODES_OF_UNIT)),
            scales: part(self.embedding_scales.div_ceil(NARROW_OF_UNIT)),
            floors: part(self.floors),
            gates: part(self.gates * GATE_UNITS),
            phases: part(self.phases.div_ceil(2)),
            matrices: part(self.matrices * MATRIX_UNITS),
            end: next,
        }
    }

    /// Tile words of a program, in whole pages.
    pub fn program_words(&self, tile_word_bytes: usize, page_words: usize) -> usize {
        (self.map(tile_word_bytes).end * 8).div_ceil(tile_word_bytes).next_multiple_of(page_words)
    }

    /// The sizes that a program needs, with the queues of this machine.
    pub fn of(program: &Program, queue_tokens: usize, prompt_tokens: usize) -> Sizes {
        Sizes {
            token_bytes: crate::wire::token_bytes(program.tokens()),
            queue_tokens,
            prompt_tokens,
            ring: program.kv.ring,
            layers: program.kv.layers,
            kv_width: program.kv.width(),
            heads: program.heads(),
            head_dim: program.kv.head_dim,
            wide_words: program.wide_words,
            steps: program.body.len() + program.head.len(),
            constant_words: program.constants.len() / WORD,
            weight_words: program.constants.len() / WORD - program.factor_words().unwrap_or(0),
            embedding_codes: program.embedding.codes.len(),
            embedding_scales: program.embedding.scales.len(),
            floors: program.floors.len(),
            gates: program.gates.len(),
            phases: program.turns.iter().map(Vec::len).sum(),
            matrices: program.matrices.len(),
        }
    }

    /// Whether a program and its weights find room, and the cores beside an array run all of it.
    ///
    /// # Errors
    /// The first thing that is too small for it.
    pub fn fit(&self, program: &Program, g: &Geometry) -> Result<(), Misfit> {
        let needed = Sizes::of(program, self.queue_tokens, self.prompt_tokens);
        // Heads are wired: others than these are not there, fewer neither.
        let wired = [
            ("heads", needed.heads, self.heads),
            ("channels of a head", needed.head_dim, self.head_dim),
            ("channels of the cache", needed.kv_width, self.kv_width),
        ];
        if let Some((what, needed, there)) = wired.into_iter().find(|(_, needed, there)| needed != there) {
            return Err(Misfit::Size { what, needed, there });
        }
        if let Some(m) = program.matrices.iter().find(|m| m.rows.max(m.cols) > MOST_LINES) {
            return Err(Misfit::Size { what: "rows or columns of a matrix", needed: m.rows.max(m.cols), there: MOST_LINES });
        }
        self.numbers().into_iter().zip(needed.numbers()).try_for_each(|((what, there), (_, needed))| {
            if needed <= there { Ok(()) } else { Err(Misfit::Size { what, needed, there }) }
        })?;
        self.fit_cores(program, g)?;
        let words = |m: &Matrix| m.rows.div_ceil(g.array_rows) * m.cols.div_ceil(g.array_cols);
        let (needed, there) = (program.matrices.iter().map(words).sum(), g.tile_words);
        if needed > there { Err(Misfit::Size { what: "tile words of weights", needed, there }) } else { Ok(()) }
    }

    /// What there is of everything.
    const fn numbers(&self) -> [(&'static str, usize); 14] {
        [
            ("bytes of a token's number", self.token_bytes),
            ("positions of the ring", self.ring),
            ("blocks of the cache", self.layers),
            ("channels of the cache", self.kv_width),
            ("words of wide values", self.wide_words),
            ("steps", self.steps),
            ("words of constants", self.constant_words - self.weight_words),
            ("words of weights", self.weight_words),
            ("codes of the embedding", self.embedding_codes),
            ("scales of the embedding", self.embedding_scales),
            ("floors", self.floors),
            ("gates", self.gates),
            ("phases", self.phases),
            ("matrices", self.matrices),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes {
        token_bytes: 1,
        queue_tokens: 1024,
        prompt_tokens: 512,
        ring: 102,
        layers: 5,
        kv_width: 128,
        heads: 4,
        head_dim: 32,
        wide_words: 64,
        steps: 100,
        constant_words: 1000,
        weight_words: 200,
        embedding_codes: 32_768,
        embedding_scales: 1024,
        floors: 8,
        gates: 2,
        phases: 16,
        matrices: 21,
    };

    #[test]
    fn parts_follow_one_another_each_at_a_tile_word() {
        let map = SIZES.map(256);
        let starts = [map.head, map.steps, map.constants, map.codes, map.scales, map.floors, map.gates, map.phases, map.matrices, map.end];
        assert!(starts.windows(2).all(|w| w[0] < w[1]) && starts.iter().all(|at| at % 32 == 0), "{starts:?}");
        assert_eq!((map.steps, map.constants, map.codes), (32, 32 + 224, 256 + 4000));
        assert_eq!(SIZES.program_words(256, 16) % 16, 0);
    }
}
