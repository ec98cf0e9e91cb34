//! The cache of keys and values: its form as data, and a ring of positions in that form.
//!
//! A value is a **level**: a sum of quaternary codes, each times a coefficient. Coefficients (2, 1) give every integer
//! from -6 to 6 in four bits, (1) gives -2, -1, 1 and 2 in two. What a level stands for is one constant per channel, which
//! lies in the constants before and behind the cache, so nothing in it depends on a position.

use crate::WeightCode;

/// Most stacks of a form.
pub const MAX_STACKS: usize = 2;
/// Bits behind the point of a value that becomes a level.
pub const LEVEL_POINT: i32 = 8;
/// Most positions of a ring: what is mixed of more would not fit a narrow value (see `attention.rs`).
pub const MAX_RING: usize = 1024;
/// Most that the coefficients of a form may sum to: its largest level is twice that.
pub const MAX_COEFFICIENTS: u8 = 4;

/// A form without its constants: which levels there are and how they are spelled.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KvForm {
    coefficients: Vec<u8>,
    levels: Vec<i8>,
    thresholds: Vec<i32>,
}

/// Why there is no such form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KvFormError {
    /// Their number.
    #[error("{0} stacks of codes: a KV cache has 1 or 2")]
    Stacks(usize),
    /// What they are.
    #[error("the coefficients {0:?}: those of a KV cache are at least 1 and sum to at most 4")]
    Coefficients(Vec<u8>),
}

impl KvForm {
    /// The form with these coefficients, one per stack.
    ///
    /// # Errors
    /// No stack, more than two, a coefficient of 0, coefficients that sum to more than `MAX_COEFFICIENTS`.
    pub fn new(coefficients: &[u8]) -> Result<KvForm, KvFormError> {
        if !(1..=MAX_STACKS).contains(&coefficients.len()) {
            return Err(KvFormError::Stacks(coefficients.len()));
        }
        let sum = coefficients.iter().fold(0_u8, |sum, c| sum.saturating_add(*c));
        if coefficients.contains(&0) || sum > MAX_COEFFICIENTS {
            return Err(KvFormError::Coefficients(coefficients.to_vec()));
        }
        let mut levels = vec![0_i8];
        for &c in coefficients {
            let codes = WeightCode::Quaternary.values();
            levels = levels.iter().flat_map(|sum| codes.iter().map(move |q| sum + c as i8 * q)).collect();
        }
        levels.sort_unstable();
        levels.dedup();
        // Twice the middle of two levels, so that it is an integer.
        let thresholds = levels.windows(2).map(|w| i32::from(w[0]) + i32::from(w[1])).collect();
        Ok(KvForm { coefficients: coefficients.to_vec(), levels, thresholds })
    }

    /// Four bits, -6 to 6.
    pub fn four_bits() -> KvForm {
        KvForm::new(&[2, 1]).expect("two coefficients that sum to 3")
    }

    /// What each stack weighs.
    pub fn coefficients(&self) -> &[u8] {
        &self.coefficients
    }

    /// Every level, ascending.
    pub fn levels(&self) -> &[i8] {
        &self.levels
    }

    /// The largest level.
    pub fn largest(&self) -> i8 {
        self.levels[self.levels.len() - 1]
    }

    /// Bits of a value.
    pub fn bits(&self) -> usize {
        WeightCode::Quaternary.planes() * self.coefficients.len()
    }

    /// The level next to a value with `LEVEL_POINT` bits behind the point, the upper one of two that are as near.
    #[inline]
    pub fn level(&self, value: i32) -> i8 {
        let twice = value << 1;
        let above = self.thresholds.iter().map(|&t| i32::from(twice >= t << LEVEL_POINT)).sum::<i32>();
        self.levels[above as usize]
    }

    /// The codes that spell a level, one per stack: of several spellings the one with the largest first code.
    pub fn spell(&self, level: i8) -> Option<Vec<i8>> {
        let codes = WeightCode::Quaternary.values();
        let c = |stack: usize| self.coefficients[stack] as i8;
        if self.coefficients.len() == 1 {
            return codes.iter().find(|&&q| c(0) * q == level).map(|&q| vec![q]);
        }
        let pairs = codes.iter().rev().flat_map(|&a| codes.iter().map(move |&b| (a, b)));
        pairs.filter(|(a, b)| c(0) * a + c(1) * b == level).map(|(a, b)| vec![a, b]).next()
    }
}

/// A cache's size.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KvShape {
    /// Blocks that keep keys and values.
    pub layers: usize,
    /// Heads of keys, and of values.
    pub heads: usize,
    /// Channels of a head.
    pub head_dim: usize,
    /// Positions that are kept: the newest ones.
    pub ring: usize,
    /// How a value is kept.
    pub form: KvForm,
}

impl KvShape {
    /// Channels of a position's keys.
    pub const fn width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Bits of all positions.
    pub fn bits(&self) -> usize {
        2 * self.layers * self.ring * self.width() * self.form.bits()
    }
}

/// The levels of the newest positions.
#[derive(Debug, Clone)]
pub struct KvStore {
    width: usize,
    ring: usize,
    keys: Vec<i8>,
    values: Vec<i8>,
}

impl KvStore {
    /// An empty ring.
    pub fn new(shape: &KvShape) -> KvStore {
        let len = shape.layers * shape.ring * shape.width();
        KvStore { width: shape.width(), ring: shape.ring, keys: vec![0; len], values: vec![0; len] }
    }

    fn row(&self, layer: usize, position: u64) -> std::ops::Range<usize> {
        let at = (layer * self.ring + (position % self.ring as u64) as usize) * self.width;
        at..at + self.width
    }

    /// The keys' row of a position, to write into.
    pub fn keys_mut(&mut self, layer: usize, position: u64) -> &mut [i8] {
        let row = self.row(layer, position);
        &mut self.keys[row]
    }

    /// The values' row of a position, to write into.
    pub fn values_mut(&mut self, layer: usize, position: u64) -> &mut [i8] {
        let row = self.row(layer, position);
        &mut self.values[row]
    }

    /// The keys of a position that is still in the ring.
    pub fn keys(&self, layer: usize, position: u64) -> &[i8] {
        &self.keys[self.row(layer, position)]
    }

    /// The values of a position that is still in the ring.
    pub fn values(&self, layer: usize, position: u64) -> &[i8] {
        &self.values[self.row(layer, position)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_stacks_hold_every_integer_to_six_and_one_has_no_zero() {
        assert_eq!(KvForm::four_bits().levels(), [-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(KvForm::new(&[1]).unwrap().levels(), [-2, -1, 1, 2]);
        assert_eq!([KvForm::four_bits().bits(), KvForm::new(&[1]).unwrap().bits()], [4, 2]);
    }

    #[test]
    fn every_value_becomes_its_nearest_level_and_ties_go_up_in_every_form() {
        for coefficients in [&[1][..], &[4], &[2, 1], &[3, 1], &[1, 3], &[2, 2]] {
            let form = KvForm::new(coefficients).unwrap();
            for value in -12_000..12_000 {
                let level = form.level(value);
                let distance = |l: i8| (i32::from(l) * 256 - value).abs();
                let least = form.levels().iter().map(|&l| distance(l)).min().unwrap();
                let upper = form.levels().iter().rev().find(|&&l| distance(l) == least).unwrap();
                assert_eq!(level, *upper, "{value} in {coefficients:?}");
            }
            assert_eq!(form.level(131_071), form.largest());
            assert_eq!(form.level(-131_071), -form.largest());
        }
    }

    #[test]
    fn every_level_is_spelled_by_codes_that_sum_to_it() {
        for coefficients in [&[1][..], &[4], &[2, 1], &[3, 1], &[1, 3], &[2, 2]] {
            let form = KvForm::new(coefficients).unwrap();
            for &level in form.levels() {
                let codes = form.spell(level).expect("a level is spelled");
                let sum: i32 = codes.iter().zip(coefficients).map(|(&q, &c)| i32::from(q) * i32::from(c)).sum();
                assert_eq!(sum, i32::from(level));
                assert!(codes.iter().all(|&q| WeightCode::Quaternary.encode(q).is_some()));
            }
            assert_eq!(form.spell(99), None);
        }
        assert_eq!(KvForm::four_bits().spell(0), Some(vec![1, -2]));
    }

    #[test]
    fn forms_that_cannot_be_are_refused() {
        assert_eq!(KvForm::new(&[]), Err(KvFormError::Stacks(0)));
        assert_eq!(KvForm::new(&[4, 2, 1]), Err(KvFormError::Stacks(3)));
        for coefficients in [vec![2, 0], vec![5], vec![3, 2], vec![255, 255]] {
            assert_eq!(KvForm::new(&coefficients), Err(KvFormError::Coefficients(coefficients)));
        }
    }

    #[test]
    fn a_ring_keeps_the_newest_positions_of_every_layer_apart() {
        let shape = KvShape { layers: 2, heads: 1, head_dim: 8, ring: 3, form: KvForm::four_bits() };
        let mut store = KvStore::new(&shape);
        for position in 0..7_u64 {
            for layer in 0..2 {
                store.keys_mut(layer, position).fill(position as i8);
                store.values_mut(layer, position).fill(-(position as i8) - layer as i8);
            }
        }
        for position in 4..7 {
            assert_eq!(store.keys(1, position), [position as i8; 8]);
            assert_eq!(store.values(1, position), [-(position as i8) - 1; 8]);
        }
        assert_eq!(shape.bits(), 2 * 2 * 3 * 8 * 4);
    }
}
