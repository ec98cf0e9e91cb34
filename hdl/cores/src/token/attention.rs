//! The attention of a token: one unit beside the memory of keys and values.
//!
//! Golden model: `nda_spec::token`, `Attention` and `KvStore`. One core per file; [`mod@unit`] joins them.

pub mod dots;
pub mod extreme;
pub mod inverse_sum;
pub mod kv_store;
pub mod levels;
pub mod mix_head;
pub mod query_tables;
pub mod scale;
pub mod scale_factors;
pub mod softmax;
pub mod span;
pub mod unit;

use crate::netlist::{Module, Stage, Value};
use nda_spec::token::cycles::positions_per_cycle;
use nda_spec::token::{CODE_MAX, KvForm, WORD, limits};
use nda_spec::width::{index_bits, popcount_bits};

/// The sizes of an attention unit, fixed in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Heads of the query.
    pub heads: usize,
    /// Heads of keys, and of values; divides `heads`.
    pub kv_heads: usize,
    /// Channels of a head: a power of two from 8 on.
    pub head_dim: usize,
    /// Most positions of a ring.
    pub ring: usize,
    /// Rows of the memory, each the keys or the values of a position: `2 * layers * ring` of a program at most.
    pub rows: usize,
    /// Query codes per cycle.
    pub makers: usize,
    /// Positions scored per cycle, 1 or 2: as many copies of the tables of every head.
    pub positions: usize,
}

/// Bits of a layer's number.
pub const LAYER_BITS: usize = index_bits(limits::LAYERS);
/// Planes of a level: sign and extra of both stacks.
pub const PLANES: usize = 4;
/// Columns whose codes one table sums.
pub const TABLE_COLS: usize = 4;
/// Bits of a sum of four codes, each added or subtracted: -508 to 508.
pub const TABLE_BITS: usize = 10;
/// Bits of a weight of the values.
pub const WEIGHT_BITS: usize = 8;
/// Bits of an exponential as the sum takes it: 4,080 at most.
pub const EXP_BITS: usize = 12;
/// Bits of a score: -32,767 to 32,767.
pub const SCORE_BITS: usize = 16;
/// Bits of a factor.
pub const NARROW_BITS: usize = 18;
/// Bits of a shift: 0 to 47.
pub const SHIFT_BITS: usize = 6;
/// Bits of an exponent, signed.
pub const EXPONENT_BITS: usize = 8;
/// What is added to a level before it is mixed, so that nothing has a sign: the largest level of two stacks, 2 and 1.
pub const LEVEL_OFFSET: u64 = 6;

impl Sizes {
    /// Those of a token machine beside an array of the given number of rows.
    pub fn of(machine: &nda_spec::token::Sizes, array_rows: usize) -> Sizes {
        Sizes {
            heads: machine.heads,
            kv_heads: machine.kv_width / machine.head_dim,
            head_dim: machine.head_dim,
            ring: machine.ring,
            rows: 2 * machine.layers * machine.ring,
            makers: 16,
            positions: positions_per_cycle(array_rows),
        }
    }

    /// That they are sizes.
    ///
    /// # Panics
    /// If they are not.
    pub fn check(&self) {
        assert!(self.kv_heads > 0 && self.heads.is_multiple_of(self.kv_heads) && self.heads <= limits::HEADS, "{self:?}");
        assert!(self.head_dim.is_power_of_two() && self.head_dim >= WORD && self.cols().is_multiple_of(self.makers), "{self:?}");
        assert!(matches!(self.positions, 1 | 2), "{self:?}");
        assert!((2..=nda_spec::token::MAX_RING).contains(&self.ring) && self.rows >= self.ring, "{self:?}");
    }

    /// Channels of all heads of the query.
    pub const fn cols(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Channels of a position's keys.
    pub const fn kv_cols(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Heads of the query that share one of the cache.
    pub const fn shared(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// Groups of columns of a head.
    pub const fn groups(&self) -> usize {
        self.head_dim / TABLE_COLS
    }

    /// Levels of a head's adder tree.
    pub const fn levels(&self) -> usize {
        self.groups().ilog2() as usize
    }

    /// Bits of a head's dot product: codes to 127, levels to 6.
    pub const fn dot_bits(&self) -> usize {
        popcount_bits(CODE_MAX as usize * LEVEL_OFFSET as usize * self.head_dim) + 1
    }

    /// Words of the memory of dot products, each of the positions that are scored at once.
    pub const fn dot_words(&self) -> usize {
        self.ring.div_ceil(self.positions)
    }

    /// Bits of a number of positions.
    pub const fn count_bits(&self) -> usize {
        popcount_bits(self.ring)
    }

    /// Bits of a row's number.
    pub const fn row_bits(&self) -> usize {
        index_bits(self.rows)
    }

    /// Bits of a sum of exponentials.
    pub const fn sum_bits(&self) -> usize {
        popcount_bits(4080 * self.ring)
    }

    /// Bits of a sum of weights.
    pub const fn weights_bits(&self) -> usize {
        popcount_bits(255 * self.ring)
    }

    /// Bits of a sum of weights times levels from 0 to 12.
    pub const fn mixed_bits(&self) -> usize {
        popcount_bits(255 * 2 * LEVEL_OFFSET as usize * self.ring)
    }
}

/// The planes of a level, as a number of four bits: sign and extra of the first stack, sign and extra of the second.
pub fn planes_of(form: &KvForm, level: i8) -> u64 {
    let codes = form.spell(level).expect("a level of the form");
    codes.iter().fold(0, |bits, &q| bits << 2 | u64::from(q > 0) << 1 | u64::from(q == 2 || q == -1))
}

/// A register of `count` values: the new one becomes the last, the first one leaves.
fn shifted_in<'m>(
    m: &'m Module,
    stage: Stage<'m>,
    name: &str,
    count: usize,
    new: impl FnOnce(Value<'m>) -> Value<'m>,
    bits: usize,
) -> Value<'m> {
    stage.feedback(name, count * bits, |held| {
        let new = new(held);
        if count == 1 { new } else { m.concat(&[new, held.slice(bits, (count - 1) * bits)]) }
    })
}
