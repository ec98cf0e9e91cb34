//! What sums are put together to: counts of ones, multiplication by a constant.

use super::Value;

impl<'m> Value<'m> {
    /// How many bits are set, in as many bits as the count of all of them takes. `name` names the count, and with `_bits` behind it
    /// what is counted.
    #[track_caller]
    pub fn popcount(self, name: &str) -> Value<'m> {
        let of = self.unsigned().named(&format!("{name}_bits"));
        let bits = self.bits.ilog2() as usize + 1;
        let ones = (1..self.bits).map(|k| of.bit(k).extend(bits));
        ones.fold(of.bit(0).extend(bits), |sum, one| (sum + one).low(bits)).named(name)
    }

    /// `factor` times this signed number as shifts and sums, in as many bits: no tool takes a multiplier for it. The factor's
    /// digits are -1, 0 and 1 with no two beside each other (Reitwiesner, 1960), which are the fewest terms.
    #[track_caller]
    pub fn times_constant(self, factor: i64) -> Value<'m> {
        assert!(self.is_signed(), "a plain number times {factor}");
        let zero = self.module.constant(0, self.bits).signed();
        let term = |sum: Option<Value<'m>>, (shift, digit): (usize, i64)| match (sum, digit > 0) {
            (None, true) => self << shift,
            (None, false) => (zero - (self << shift)).low(self.bits),
            (Some(sum), true) => (sum + (self << shift)).low(self.bits),
            (Some(sum), false) => (sum - (self << shift)).low(self.bits),
        };
        signed_digits(factor).into_iter().fold(None, |sum, digit| Some(term(sum, digit))).unwrap_or(zero)
    }
}

/// The digits that are not zero, lowest first: the power of two, and 1 or -1.
fn signed_digits(factor: i64) -> Vec<(usize, i64)> {
    let (mut rest, mut digits) = (i128::from(factor), Vec::new());
    for shift in 0.. {
        if rest == 0 {
            break;
        }
        if rest % 2 != 0 {
            let digit = 2 - rest.rem_euclid(4);
            digits.push((shift, digit as i64));
            rest -= digit;
        }
        rest /= 2;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_become_signed_digits() {
        assert_eq!(signed_digits(0), []);
        assert_eq!(signed_digits(3 << 14), [(14, -1), (16, 1)]);
        assert_eq!(signed_digits(-49_140), [(2, -1), (4, 1), (14, 1), (16, -1)]);
        assert_eq!([signed_digits(i64::MIN), signed_digits(i64::MAX)], [vec![(63, -1)], vec![(0, -1), (63, 1)]]);
    }
}
