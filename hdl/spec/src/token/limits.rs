//! What the cores of a token machine can be built for, and what of a program they can run: lines and registers that no
//! size of a memory makes wider.

use super::program::{Program, WORD};
use super::sizes::{Misfit, Sizes};
use super::step::{Pass, Source, Step};
use crate::config::{ArrayKind, Geometry};

/// Gates: tables of factors in the stream pipe.
pub const GATES: usize = 2;
/// Sets of phases.
pub const TURN_SETS: usize = 2;
/// Phases of all sets together.
pub const PHASES: usize = 128;
/// Words of a vector, whether it stays wide or codes are made of it.
pub const VECTOR_WORDS: usize = 64;
/// Groups of a vector.
pub const GROUPS: usize = 16;
/// Beats of columns whose codes are kept.
pub const CODE_BEATS: usize = 4;
/// Heads of a query.
pub const HEADS: usize = 8;
/// Channels of a head.
pub const HEAD_DIM: usize = 128;
/// Blocks of the cache.
pub const LAYERS: usize = 16;
/// What each stack of a level weighs.
pub const COEFFICIENTS: [u8; 2] = [2, 1];
/// Steps of a token.
pub const STEPS: usize = 255;
/// Words of constants of each kind: factors, weights.
pub const CONSTANT_WORDS: usize = 1024;
/// Floors.
pub const FLOORS: usize = 32;
/// Words of the tile store.
pub const TILE_WORDS: usize = 4096;
/// Units of the program memory.
pub const UNITS: usize = 1 << 20;
/// Values that share a scale of the embedding: one or the other.
pub const EMBEDDING_GROUPS: [usize; 2] = [8, 32];
/// Words of codes that the machine's store holds, a host's among them.
pub const ACT_WORDS: usize = 16;
/// Query codes that are made in a cycle.
const MAKERS: usize = 16;

/// A number that no machine can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misbuilt {
    /// Of what.
    pub what: &'static str,
    /// The number.
    pub value: usize,
    /// What it must be.
    pub rule: &'static str,
}

impl Sizes {
    /// Whether a machine of these sizes can be built around an array.
    ///
    /// # Errors
    /// The first number that cannot be.
    pub fn check(&self, g: &Geometry) -> Result<(), Misbuilt> {
        let is_power = |n: usize, from: usize, to: usize| n.is_power_of_two() && (from..=to).contains(&n);
        let shares = |n: usize, of: usize| n > 0 && n.is_multiple_of(of.max(1));
        let factors = self.constant_words.saturating_sub(self.weight_words);
        let kv_heads = self.kv_width / self.head_dim.max(1);
        let rules = [
            (
                "rows of the token machine's array",
                g.array_rows,
                is_power(g.array_rows, 1, WORD) && g.array == ArrayKind::Tables,
                "1, 2, 4 or 8, of tables",
            ),
            ("tile words beside a token machine", g.tile_words, g.tile_words <= TILE_WORDS, "at most 4096"),
            ("activation words beside a token machine", g.act_words, g.act_words <= ACT_WORDS, "at most 16"),
            ("bytes of a token's number", self.token_bytes, (1..=2).contains(&self.token_bytes), "1 or 2"),
            ("tokens of the queue", self.queue_tokens, is_power(self.queue_tokens, 1024, 1 << 14), "a power of two, 1024 to 16384"),
            ("tokens of a prompt", self.prompt_tokens, (2..=1 << 12).contains(&self.prompt_tokens), "2 to 4096"),
            ("positions of the ring", self.ring, (2..=super::MAX_RING).contains(&self.ring), "2 to 1024"),
            ("blocks of the cache", self.layers, (1..=LAYERS).contains(&self.layers), "1 to 16"),
            ("channels of a head", self.head_dim, is_power(self.head_dim, 2 * WORD, HEAD_DIM), "a power of two, 16 to 128"),
            ("channels of the cache", self.kv_width, shares(self.kv_width, self.head_dim), "whole heads"),
            (
                "heads of a query",
                self.heads,
                self.heads <= HEADS && shares(self.heads, kv_heads) && (self.heads * self.head_dim).is_multiple_of(MAKERS),
                "at most 8, and a multiple of the cache's heads",
            ),
            ("words of wide values", self.wide_words, (2..=VECTOR_WORDS).contains(&self.wide_words), "2 to 64"),
            ("steps", self.steps, (2..=STEPS).contains(&self.steps), "2 to 255"),
            ("words of constants", factors, (2..=CONSTANT_WORDS).contains(&factors), "2 to 1024 besides those of weights"),
            ("words of weights", self.weight_words, (2..=CONSTANT_WORDS).contains(&self.weight_words), "2 to 1024"),
            ("codes of the embedding", self.embedding_codes, shares(self.embedding_codes, WORD), "a multiple of 8"),
            ("scales of the embedding", self.embedding_scales, self.embedding_scales > 0, "1 or more"),
            ("floors", self.floors, (1..=FLOORS).contains(&self.floors), "1 to 32"),
            ("gates", self.gates, (1..=GATES).contains(&self.gates), "1 or 2"),
            ("phases", self.phases, (1..=PHASES).contains(&self.phases), "1 to 128"),
            ("matrices", self.matrices, (1..=STEPS).contains(&self.matrices), "1 to 255"),
        ];
        let found = rules.into_iter().find(|(.., good, _)| !good).map(|(what, value, _, rule)| Misbuilt { what, value, rule });
        let units = if found.is_none() { self.map(g.tile_word_bytes()).end } else { 0 };
        let large = (units > UNITS).then_some(Misbuilt { what: "units of the program memory", value: units, rule: "at most 1048576" });
        found.or(large).map_or(Ok(()), Err)
    }

    /// Whether the cores run every step of a program whose numbers find room.
    pub(super) fn fit_cores(&self, program: &Program, g: &Geometry) -> Result<(), Misfit> {
        let misfit = |what, needed, there| Err(Misfit::Size { what, needed, there });
        if program.turns.len() > TURN_SETS {
            return misfit("sets of phases", program.turns.len(), TURN_SETS);
        }
        if !EMBEDDING_GROUPS.contains(&program.embedding.group) {
            return Err(Misfit::Group { found: program.embedding.group });
        }
        if program.kv.form.coefficients() != COEFFICIENTS {
            return Err(Misfit::Levels { found: program.kv.form.coefficients().to_vec() });
        }
        let cols = program.matrices.iter().map(|m| m.cols).max().unwrap_or(0);
        if cols > CODE_BEATS * g.array_cols {
            return misfit("columns of a matrix", cols, CODE_BEATS * g.array_cols);
        }
        let rows = program.tokens().div_ceil(g.array_rows);
        if rows > g.result_words {
            return misfit("words of logits", rows, g.result_words);
        }
        program.steps().try_for_each(|step| {
            let (words, groups) = vector(program, step);
            match (words > VECTOR_WORDS, groups > GROUPS) {
                (true, _) => misfit("words of a vector", words, VECTOR_WORDS),
                (_, true) => misfit("groups of a vector", groups, GROUPS),
                _ => Ok(()),
            }
        })
    }
}

/// Words of the vector that a step reads or keeps, and its groups.
fn vector(program: &Program, step: &Step) -> (usize, usize) {
    let groups = |words: usize, group: u8| if group == 0 { 1 } else { words.div_ceil(usize::from(group)) };
    match *step {
        Step::Embed { reduce, .. } => {
            let words = program.embedding.width / WORD;
            (words, groups(words, reduce.group))
        }
        // What a product gives and nobody keeps may be longer: logits, and rows of the cache by their own rule.
        Step::Pass(Pass { count, source, reduce, into, .. }) => {
            let words = usize::from(count);
            let is_kept = reduce.is_some() || into.wide().is_some() || matches!(source, Source::Wide { .. } | Source::Mixed);
            (if is_kept { words } else { 0 }, reduce.map_or(0, |reduce| groups(words, reduce.group)))
        }
        Step::Codes { count, .. } => (usize::from(count), 0),
        Step::Scores { .. } | Step::Mix { .. } => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn every_size_that_cannot_be_built_is_named_with_its_rule() {
        let config = Config::named("token1024").unwrap();
        let (g, sizes) = (config.geometry, config.token.unwrap());
        assert_eq!(sizes.check(&g), Ok(()));
        let wrong: [(&str, Sizes); 22] = [
            ("bytes of a token's number", Sizes { token_bytes: 3, ..sizes }),
            ("tokens of the queue", Sizes { queue_tokens: 512, ..sizes }),
            ("tokens of the queue", Sizes { queue_tokens: 1500, ..sizes }),
            ("tokens of a prompt", Sizes { prompt_tokens: 1, ..sizes }),
            ("positions of the ring", Sizes { ring: 1025, ..sizes }),
            ("blocks of the cache", Sizes { layers: 17, ..sizes }),
            ("channels of a head", Sizes { head_dim: 24, ..sizes }),
            ("channels of a head", Sizes { head_dim: 0, ..sizes }),
            ("channels of the cache", Sizes { kv_width: 48, ..sizes }),
            ("heads of a query", Sizes { heads: 16, ..sizes }),
            ("heads of a query", Sizes { heads: 7, ..sizes }),
            ("words of wide values", Sizes { wide_words: 65, ..sizes }),
            ("steps", Sizes { steps: 256, ..sizes }),
            ("words of constants", Sizes { constant_words: 1281 + 256, ..sizes }),
            ("words of constants", Sizes { constant_words: 200, ..sizes }),
            ("words of weights", Sizes { constant_words: 2000, weight_words: 1025, ..sizes }),
            ("codes of the embedding", Sizes { embedding_codes: 0, ..sizes }),
            ("floors", Sizes { floors: 33, ..sizes }),
            ("gates", Sizes { gates: 3, ..sizes }),
            ("phases", Sizes { phases: 129, ..sizes }),
            ("matrices", Sizes { matrices: 0, ..sizes }),
            ("units of the program memory", Sizes { embedding_codes: 1 << 25, ..sizes }),
        ];
        for (what, sizes) in wrong {
            assert_eq!(sizes.check(&g).unwrap_err().what, what, "{sizes:?}");
        }
        for wrong in [Geometry { array: ArrayKind::Planes, ..g }, Geometry { array_rows: 3, ..g }, Geometry { array_rows: 16, ..g }] {
            assert_eq!(sizes.check(&wrong).unwrap_err().rule, "1, 2, 4 or 8, of tables");
        }
        assert_eq!(sizes.check(&Geometry { act_words: 17, ..g }).unwrap_err().value, 17);
        assert_eq!(sizes.check(&Geometry { tile_words: 4112, ..g }).unwrap_err().value, 4112);
    }
}
