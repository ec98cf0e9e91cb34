//! The gate of a feed-forward: a function as table data, times what it gates.
//!
//! A function is `x * factor(x)`: the sigmoid for SiLU, the normal distribution for GELU, `max(0, x)` for the square of
//! ReLU. The factor is a table of straight lines; the outermost lines go on for ever, so a table decides for itself
//! whether its function is flat or steep out there.

use super::assemble::Unit;
use super::number::{NARROW_MAX, narrow, round_shift};

/// Straight lines of a gate's table.
pub const GATE_ENTRIES: usize = 256;
/// Bits behind the point of what is gated and of what gates: +-128.
pub const VALUE_POINT: i32 = 10;
/// Bits of a value within a line: a line covers a sixteenth, all of them -8 to 8.
const STEP_BITS: i32 = 6;
/// The functions that a gate is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `x / (1 + exp(-x))`.
    Silu,
    /// `x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2`.
    Gelu,
    /// `max(0, x)^2`.
    SquaredRelu,
}

/// The largest magnitudes that a gate has to hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Of the function.
    pub active: f64,
    /// Of it times what it gates.
    pub gated: f64,
}

/// A gate as data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Gate {
    /// Where the lines begin and the last one ends: 257 narrow values, neighbours at most 2^17 - 1 apart.
    pub entries: Vec<i32>,
    /// A line covers `2^step_bits` values; line 128 begins at 0.
    pub step_bits: u8,
    /// Shift of `x * factor`.
    pub factor_shift: u8,
    /// Shift of that times what is gated.
    pub shift: u8,
}

impl Gate {
    /// The gate of a function of values with [`VALUE_POINT`] bits behind the point, and the unit of what it gives.
    pub fn of(activation: Activation, range: Range) -> (Gate, Unit) {
        let factor_point = match activation {
            Activation::Silu | Activation::Gelu => 16,
            // As many as the value, because this factor is the value.
            Activation::SquaredRelu => VALUE_POINT,
        };
        let entry = |i: usize| {
            let x = (i as f64 - 128.0) * f64::from(1 << STEP_BITS) / f64::from(1 << VALUE_POINT);
            (activation.factor(x) * f64::from(1 << factor_point)).round() as i32
        };
        let mut entries: Vec<i32> = (0..=GATE_ENTRIES).map(entry).collect();
        if activation != Activation::SquaredRelu {
            // Flat beyond the table: 0 and 1, as the function is there.
            (entries[0], entries[1]) = (0, 0);
            (entries[GATE_ENTRIES - 1], entries[GATE_ENTRIES]) = (1 << factor_point, 1 << factor_point);
        }
        // No finer than what they are products of.
        let active = Unit::holding(range.active).bits().min(VALUE_POINT + factor_point);
        let gated = Unit::holding(range.gated).bits().min(active + VALUE_POINT);
        let gate = Gate {
            entries,
            step_bits: STEP_BITS as u8,
            factor_shift: (VALUE_POINT + factor_point - active).min(35) as u8,
            shift: (active + VALUE_POINT - gated).min(35) as u8,
        };
        (gate, Unit::point(gated))
    }

    /// The factor of a narrow value.
    #[inline]
    pub fn factor(&self, x: i32) -> i32 {
        let step = i32::from(self.step_bits);
        let line = ((x >> step) + (GATE_ENTRIES / 2) as i32).clamp(0, GATE_ENTRIES as i32 - 1);
        let inside = x - ((line - (GATE_ENTRIES / 2) as i32) << step);
        let (here, next) = (self.entries[line as usize], self.entries[line as usize + 1]);
        narrow(i64::from(here) + round_shift(i64::from(next - here) * i64::from(inside), step))
    }

    /// `function(gate) * up`, narrow values in and out.
    #[inline]
    pub fn apply(&self, gate: i32, up: i32) -> i32 {
        let active = narrow(round_shift(i64::from(gate) * i64::from(self.factor(gate)), self.factor_shift.into()));
        narrow(round_shift(i64::from(active) * i64::from(up), self.shift.into()))
    }

    /// Whether it has its entries, and they and their differences fit a multiplier.
    pub fn is_sound(&self) -> bool {
        self.entries.len() == GATE_ENTRIES + 1
            && self.step_bits < 10
            && self.factor_shift < 36
            && self.shift < 36
            && self.entries.iter().all(|v| v.abs() <= NARROW_MAX)
            && self.entries.windows(2).all(|w| (i64::from(w[1]) - i64::from(w[0])).abs() <= i64::from(NARROW_MAX))
    }
}

impl Activation {
    /// All of them.
    pub const ALL: [Activation; 3] = [Activation::Silu, Activation::Gelu, Activation::SquaredRelu];

    fn factor(self, x: f64) -> f64 {
        match self {
            Activation::Silu => 1.0 / (1.0 + (-x).exp()),
            Activation::Gelu => 0.5 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh()),
            Activation::SquaredRelu => x.max(0.0),
        }
    }

    /// The function itself, as a reference.
    pub fn exact(self, x: f64) -> f64 {
        x * self.factor(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every narrow value; the bound is three units, where a table becomes flat (-8 * sigmoid(-8) is 2.7 of them), and a part in 10,000.
    #[test]
    fn every_gate_is_its_function_at_every_value() {
        for activation in Activation::ALL {
            let active = if activation == Activation::SquaredRelu { 127.9 * 127.9 } else { 127.9 };
            let (gate, unit) = Gate::of(activation, Range { active, gated: active });
            assert!(gate.is_sound(), "{activation:?}");
            let (one, point) = (1 << VALUE_POINT, 2_f64.powi(-VALUE_POINT));
            let mut worst = 0.0_f64;
            for x in -NARROW_MAX..=NARROW_MAX {
                let exact = activation.exact(f64::from(x) * point) / unit.0;
                let found = f64::from(gate.apply(x, one));
                worst = worst.max((found - exact).abs() - exact.abs() * 1e-4);
            }
            assert!(worst < 3.0, "{activation:?}: {worst} units");
        }
    }

    #[test]
    fn a_gate_saturates_at_both_extremes_and_is_odd_in_what_it_gates() {
        let (gate, _) = Gate::of(Activation::Silu, Range { active: 100.0, gated: 100.0 });
        assert_eq!([gate.apply(NARROW_MAX, NARROW_MAX), gate.apply(NARROW_MAX, -NARROW_MAX)], [NARROW_MAX, -NARROW_MAX]);
        assert_eq!([gate.apply(-NARROW_MAX, NARROW_MAX), gate.apply(0, NARROW_MAX)], [0, 0]);
    }

    #[test]
    fn unsound_gates_are_known() {
        let (sound, _) = Gate::of(Activation::Gelu, Range { active: 1.0, gated: 1.0 });
        let steep = Gate { entries: [-NARROW_MAX, NARROW_MAX].into_iter().cycle().take(257).collect(), ..sound.clone() };
        assert!(!steep.is_sound());
        assert!(!Gate { entries: vec![0; 256], ..sound.clone() }.is_sound());
        assert!(!Gate { step_bits: 10, ..sound }.is_sound());
    }
}
