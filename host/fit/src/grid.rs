//! The levels that stacked codes can spell, and the nearest of them.

use nda_spec::WeightCode;

use crate::plan::MAX_STACKS;

/// The codes of one stack by the two bits of a combination.
pub(crate) const CODES: [i8; 4] = [code((false, false)), code((false, true)), code((true, false)), code((true, true))];

const fn code(sign_and_extra: (bool, bool)) -> i8 {
    match WeightCode::Quaternary.decode(sign_and_extra) {
        Some(code) => code,
        None => panic!("a quaternary code spells a weight with any two bits"),
    }
}

/// Scales of one group: the first alone if shared, else one a stack.
pub(crate) type Scales = [f32; MAX_STACKS];

/// A choice of codes for all stacks, two bits a stack, stack 0 lowest: an index into [`CODES`].
pub(crate) type Combination = u8;

/// Coefficients worth trying. Of all with a sum of at most 31 (levels within 63, so that kernels may add two products of a
/// level and an int8 in 16 bits; for four stacks 63, levels within an int8) these gave the least error on Gaussian and on
/// heavier-tailed numbers in groups of 32 and of 576. One suits thin tails, the other thick ones, so the matrix decides.
pub(crate) const fn coefficient_choices(stacks: usize) -> &'static [&'static [i8]] {
    match stacks {
        1 => &[&[1]],
        2 => &[&[4, 7], &[7, 12], &[5, 9], &[3, 5], &[5, 6]],
        3 => &[&[8, 9, 13], &[5, 8, 11], &[5, 9, 13], &[2, 9, 13], &[3, 8, 13]],
        _ => &[&[2, 13, 16, 30], &[2, 4, 13, 26]],
    }
}

/// How many scales a group has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupScales {
    /// One for all stacks.
    Shared,
    /// One per stack.
    PerStack,
}

/// All levels of a choice of coefficients, in units of the shared scale.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    pub coefficients: &'static [i8],
    pub scales: GroupScales,
    /// What each combination is made of: `weight = sum_j scales[j] * basis[combination][j]`.
    basis: Vec<[f32; MAX_STACKS]>,
    /// The level of each combination in units of a shared scale.
    levels: Vec<f32>,
    /// The largest level.
    pub top: f32,
    /// The nearest combination for each half-open half unit from `-top - 1` on. All levels are integers, so the border
    /// between two of them is a multiple of a half, and a look at the half decides.
    nearest: Vec<Combination>,
}

impl Grid {
    pub fn new(coefficients: &'static [i8], scales: GroupScales) -> Self {
        let combinations = 0..1usize << (2 * coefficients.len());
        let codes = |combination: usize, stack: usize| CODES[(combination >> (2 * stack)) & 3];
        let level = |c: usize| -> f32 { coefficients.iter().enumerate().map(|(k, by)| f32::from(*by) * f32::from(codes(c, k))).sum() };
        let levels: Vec<f32> = combinations.clone().map(level).collect();
        let basis = combinations.map(|c| {
            let mut parts = [0.0; MAX_STACKS];
            match scales {
                GroupScales::Shared => parts[0] = levels[c],
                GroupScales::PerStack => (0..coefficients.len()).for_each(|k| parts[k] = f32::from(codes(c, k))),
            }
            parts
        });
        let basis = basis.collect();
        let top = levels.iter().copied().fold(0.0, f32::max);
        // As many halves as `2 * (2 * top + 2)` and one for the upper end itself.
        let halves = (4.0 * top) as usize + 5;
        let nearest = (0..halves).map(|half| nearest_of(&levels, half as f32 / 2.0 - top - 0.75)).collect();
        Self { coefficients, scales, basis, levels, top, nearest }
    }

    /// Scales of a group.
    pub fn scale_count(&self) -> usize {
        match self.scales {
            GroupScales::Shared => 1,
            GroupScales::PerStack => self.coefficients.len(),
        }
    }

    pub fn basis(&self, combination: Combination) -> &[f32; MAX_STACKS] {
        &self.basis[usize::from(combination)]
    }

    /// The weight that a combination spells.
    pub fn value(&self, combination: Combination, scales: &Scales) -> f32 {
        let parts = self.basis(combination);
        match self.scales {
            GroupScales::Shared => scales[0] * parts[0],
            GroupScales::PerStack => (0..self.coefficients.len()).map(|k| scales[k] * parts[k]).sum(),
        }
    }
}

fn nearest_of(levels: &[f32], x: f32) -> Combination {
    let nearer = |best: usize, c: usize| if (levels[c] - x).abs() < (levels[best] - x).abs() { c } else { best };
    (1..levels.len()).fold(0, nearer) as Combination
}

/// The levels of one group of weights: a grid with its scales. Reused from group to group.
#[derive(Debug)]
pub(crate) struct Book<'a> {
    pub grid: &'a Grid,
    scales: Scales,
    /// One over the shared scale; zero for a zero scale, which spells only zero.
    inverse: f32,
    /// Of scales of their own: all values, ascending.
    sorted: Vec<(f32, Combination)>,
}

impl<'a> Book<'a> {
    pub fn new(grid: &'a Grid) -> Self {
        Self { grid, scales: [0.0; MAX_STACKS], inverse: 0.0, sorted: Vec::new() }
    }

    pub fn set(&mut self, scales: Scales) {
        self.scales = scales;
        if self.grid.scales == GroupScales::Shared {
            self.inverse = if scales[0] == 0.0 { 0.0 } else { 1.0 / scales[0] };
            return;
        }
        let combinations = 0..self.grid.levels.len() as u32;
        self.sorted.clear();
        self.sorted.extend(combinations.map(|c| (self.grid.value(c as Combination, &scales), c as Combination)));
        self.sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    }

    pub const fn scales(&self) -> &Scales {
        &self.scales
    }

    /// The weight nearest to `x` and how it is spelled.
    #[inline]
    pub fn nearest(&self, x: f32) -> (f32, Combination) {
        if self.grid.scales == GroupScales::Shared {
            let top = self.grid.top;
            let half = ((x * self.inverse).clamp(-top - 0.5, top + 0.5) + (top + 1.0)) * 2.0;
            let combination = self.grid.nearest[half as usize];
            return (self.scales[0] * self.grid.levels[usize::from(combination)], combination);
        }
        let after = self.sorted.partition_point(|level| level.0 < x).min(self.sorted.len() - 1);
        let before = after.saturating_sub(1);
        if x - self.sorted[before].0 <= self.sorted[after].0 - x { self.sorted[before] } else { self.sorted[after] }
    }
}
