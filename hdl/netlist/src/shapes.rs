//! What the operators are put together to: shifts by a variable, choices of many, saturation, a leading one.

use super::{Module, Style, Value};

impl Module {
    /// The value whose number `index` is; the last one for all numbers above.
    #[track_caller]
    pub fn select<'m>(&'m self, index: Value<'m>, of: &[Value<'m>]) -> Value<'m> {
        assert!(!of.is_empty(), "a choice of nothing");
        let mut of = of.to_vec();
        for level in 0..index.bits {
            if of.len() == 1 {
                break;
            }
            let bit = index.bit(level);
            of = of.chunks(2).map(|pair| if let [a, b] = pair { bit.mux(*b, *a) } else { pair[0] }).collect();
        }
        of[0]
    }

    /// Whether all of them.
    pub fn every<'m>(&'m self, flags: &[Value<'m>]) -> Value<'m> {
        flags.iter().copied().reduce(|a, b| a & b).unwrap_or_else(|| self.constant(1, 1))
    }

    /// Whether one of them.
    pub fn either<'m>(&'m self, flags: &[Value<'m>]) -> Value<'m> {
        flags.iter().copied().reduce(|a, b| a | b).unwrap_or_else(|| self.constant(0, 1))
    }

    /// The largest of them, every pair compared at once: as deep as one comparison and a choice. `name` begins the wires' names.
    #[track_caller]
    pub fn largest<'m>(&'m self, name: &str, of: &[Value<'m>]) -> Value<'m> {
        assert!(!of.is_empty(), "the largest of nothing");
        let less = |a: usize, b: usize| of[a].less(of[b]).named(&format!("{name}_{a}_below_{b}"));
        let below: Vec<Vec<Value>> = (0..of.len()).map(|a| (a + 1..of.len()).map(|b| less(a, b)).collect()).collect();
        let wins = |k: usize| {
            let (before, behind) = ((0..k).map(|a| below[a][k - a - 1]), below[k].iter().map(|is_below| !*is_below));
            self.every(&before.chain(behind).collect::<Vec<_>>())
        };
        // Exactly one of them wins: the first of equals.
        let kept = of.iter().enumerate().map(|(k, value)| wins(k).repeat(value.bits) & value.unsigned());
        kept.reduce(|a, b| a | b).unwrap_or(of[0]).as_signed_as(of[0])
    }

    /// The value of that many cycles before.
    #[track_caller]
    pub fn delayed<'m>(&'m self, name: &str, value: Value<'m>, cycles: usize) -> Value<'m> {
        (1..=cycles).fold(value, |v, k| self.always(&format!("{name}, {k} later")).register(&format!("{name}_{k}"), v))
    }

    /// The same through LUT RAM, for wide values and 3 to 16 cycles.
    #[track_caller]
    pub fn delayed_in_ram<'m>(&'m self, name: &str, value: Value<'m>, cycles: usize) -> Value<'m> {
        assert!((3..=16).contains(&cycles), "{cycles} cycles of a delay in LUT RAM");
        let at = self.always(&format!("{name}, {cycles} later")).feedback(&format!("{name}_at"), 4, Value::next);
        let memory = self.memory(&format!("{name}_kept"), Style::Distributed, 16, value.bits);
        self.always(&format!("{name}, in")).write(memory, at, value);
        let from = (at - self.constant(cycles as u64 - 1, 4)).low(4).unsigned().named(&format!("{name}_from"));
        self.always(&format!("{name}, out")).register(&format!("{name}_later"), memory.at(from)).as_signed_as(value)
    }
}

impl<'m> Value<'m> {
    /// Shifted right by a variable: zeros from above, or copies of the sign. The widest step comes first, so that what a short
    /// result does not need is never moved.
    #[track_caller]
    pub fn shifted_right(self, by: Value<'m>) -> Value<'m> {
        (0..by.bits).rev().fold(self, |value, level| by.bit(level).mux(value.shifted_down(1 << level), value))
    }

    /// Shifted right by a number: zeros from above, or copies of the sign.
    #[track_caller]
    pub fn shifted_down(self, by: usize) -> Value<'m> {
        let (low, bits) = (by.min(self.bits - 1), self.bits);
        if self.is_signed() {
            return self.slice(low, bits - low).signed().extend(bits);
        }
        if by >= bits { self.module.constant(0, bits) } else { self.slice(by, bits - by).extend(bits) }
    }

    /// Shifted left by a variable, in as many bits.
    #[track_caller]
    pub fn shifted_left(self, by: Value<'m>) -> Value<'m> {
        let zero = self.module.constant(0, self.bits).as_signed_as(self);
        (0..by.bits).fold(self, |value, level| {
            let moved = if 1 << level < self.bits { value << (1 << level) } else { zero };
            by.bit(level).mux(moved, value)
        })
    }

    /// The nearest of `-(2^(bits - 1) - 1)` to `2^(bits - 1) - 1`: narrow and wide values of the token machine are so.
    #[track_caller]
    pub fn saturated(self, bits: usize) -> Value<'m> {
        assert!(self.is_signed() && self.bits > bits, "{} bits to {bits}", self.bits);
        let (m, top) = (self.module, self.bits - 1);
        let high = self.slice(bits - 1, self.bits - bits + 1);
        let inside = self.slice(0, bits);
        let is_negative = self.bit(top);
        let fits = high.all() | !high.any();
        // The one negative number too many ends in zeros. It is the only one of which the lowest bit alone is another: all
        // others need not wait until the zeros are seen.
        let is_least = is_negative & !inside.slice(0, bits - 1).any();
        let lowest = !fits | inside.bit(0) | is_least;
        let most = m.concat(&[is_negative, (!is_negative).repeat(bits - 2)]);
        m.concat(&[fits.mux(inside.slice(1, bits - 1), most), lowest]).signed()
    }

    /// `value` and how far it was shifted left until its highest bit is set; all bits of the count for 0.
    #[track_caller]
    pub fn normalised(self, count_bits: usize) -> (Value<'m>, Value<'m>) {
        let (m, mut value, mut count) = (self.module, self, Vec::new());
        for level in (0..count_bits).rev() {
            let by = 1 << level;
            let is_clear = if by < value.bits { !value.slice(value.bits - by, by).any() } else { m.constant(0, 1) };
            let moved = if by < value.bits { value << by } else { value };
            value = is_clear.mux(moved, value);
            count.push(is_clear);
        }
        (value, m.concat(&count))
    }

    /// In that many bits: extended, or its lowest ones.
    pub fn fit(self, bits: usize) -> Value<'m> {
        if self.bits > bits { self.low(bits) } else { self.extend(bits) }
    }

    /// Whether it is this number.
    #[track_caller]
    pub fn is(self, number: u64) -> Value<'m> {
        self.unsigned().equals(self.module.constant(number, self.bits))
    }

    /// One more, in as many bits.
    pub fn next(self) -> Value<'m> {
        (self.unsigned() + self.module.constant(1, 1)).low(self.bits)
    }

    /// Without its sign, in as many bits: of a number that is at least minus its largest.
    pub fn magnitude(self) -> Value<'m> {
        let sign = self.bit(self.bits - 1);
        ((self.unsigned() ^ sign.repeat(self.bits)) + sign).low(self.bits)
    }
}
