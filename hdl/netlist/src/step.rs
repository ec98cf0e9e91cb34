//! The operators of an evaluation: what each does with words of 64 bits.

use super::{Bitwise, Sign};

/// Where a value stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub at: usize,
    pub bits: usize,
}

impl Slot {
    pub fn words(self) -> usize {
        self.bits.div_ceil(64)
    }

    pub fn range(self) -> std::ops::Range<usize> {
        self.at..self.at + self.words()
    }

    /// What its highest word may hold.
    pub fn top(self) -> u64 {
        u64::MAX >> (self.words() * 64 - self.bits)
    }
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Not(Slot),
    Bitwise(Bitwise, Slot, Slot),
    Reduce(Bitwise, Slot),
    /// The second number inverted by the mask, and one more if it is inverted.
    Add(Slot, Slot, u64),
    Multiply(Slot, Slot),
    Equal(Slot, Slot),
    Less(Slot, Slot, Sign),
    Mux(Slot, Slot, Slot),
    ShiftLeft(Slot, usize),
    /// Bits from there on, zeros above.
    Part(Slot, usize),
    Extend(Slot, Sign),
    Concat(Vec<Slot>),
    Read(usize, Slot),
}

#[derive(Clone, Debug)]
pub(super) struct Ram {
    pub words: Vec<u64>,
    pub depth: usize,
    /// Words of 64 bits that one of its words takes.
    pub stride: usize,
}

/// 64 bits of a value from bit `low` on, zeros above its words.
fn word_from(words: &[u64], low: usize) -> u64 {
    let (at, by) = (low / 64, low % 64);
    let of = |k: usize| words.get(k).copied().unwrap_or(0);
    if by == 0 { of(at) } else { of(at) >> by | of(at + 1) << (64 - by) }
}

/// A two's complement number of at most 64 bits.
fn signed(word: u64, bits: usize) -> i64 {
    (word << (64 - bits)) as i64 >> (64 - bits)
}

impl Step {
    /// What it reads, but for memories.
    pub fn operands(&self) -> Vec<Slot> {
        match self {
            Step::Not(a) | Step::Reduce(_, a) | Step::ShiftLeft(a, _) | Step::Part(a, _) | Step::Extend(a, _) | Step::Read(_, a) => {
                vec![*a]
            }
            Step::Bitwise(_, a, b) | Step::Add(a, b, _) | Step::Multiply(a, b) | Step::Equal(a, b) | Step::Less(a, b, _) => vec![*a, *b],
            Step::Mux(s, a, b) => vec![*s, *a, *b],
            Step::Concat(parts) => parts.clone(),
        }
    }

    pub fn run(&self, to: Slot, words: &mut [u64], rams: &[Ram]) {
        let count = to.words();
        match self {
            Step::Not(a) => (0..count).for_each(|k| words[to.at + k] = !words[a.at + k]),
            Step::Bitwise(operator, a, b) => {
                for k in 0..count {
                    let (x, y) = (words[a.at + k], words[b.at + k]);
                    words[to.at + k] = match operator {
                        Bitwise::And => x & y,
                        Bitwise::Or => x | y,
                        Bitwise::Xor => x ^ y,
                    };
                }
            }
            Step::Reduce(operator, a) => {
                let of = &words[a.range()];
                words[to.at] = match operator {
                    Bitwise::And => u64::from(of[..a.words() - 1].iter().all(|w| *w == u64::MAX) && of[a.words() - 1] == a.top()),
                    Bitwise::Or => u64::from(of.iter().any(|w| *w != 0)),
                    Bitwise::Xor => u64::from(of.iter().map(|w| w.count_ones()).sum::<u32>() % 2),
                };
            }
            Step::Add(a, b, flip) => {
                let mut carry = u128::from(flip & 1);
                for k in 0..count {
                    let sum = u128::from(words[a.at + k]) + u128::from(words[b.at + k] ^ flip) + carry;
                    words[to.at + k] = sum as u64;
                    carry = sum >> 64;
                }
            }
            Step::Multiply(a, b) => words[to.at] = words[a.at].wrapping_mul(words[b.at]),
            Step::Equal(a, b) => words[to.at] = u64::from(words[a.range()] == words[b.range()]),
            Step::Less(a, b, Sign::Plain) => words[to.at] = u64::from(words[a.range()].iter().rev().lt(words[b.range()].iter().rev())),
            Step::Less(a, b, Sign::Signed) => words[to.at] = u64::from(signed(words[a.at], a.bits) < signed(words[b.at], b.bits)),
            Step::Mux(s, a, b) => {
                let from = if words[s.at] != 0 { a } else { b };
                words.copy_within(from.range(), to.at);
            }
            wide => wide.run_wide(to, words, rams),
        }
        words[to.at + count - 1] &= to.top();
    }

    /// What moves bits between words.
    fn run_wide(&self, to: Slot, words: &mut [u64], rams: &[Ram]) {
        let count = to.words();
        match self {
            Step::ShiftLeft(a, by) => {
                for k in (0..count).rev() {
                    let low = (k * 64).checked_sub(*by);
                    words[to.at + k] = match low {
                        Some(low) => word_from(&words[a.range()], low),
                        None if (k + 1) * 64 <= *by => 0,
                        None => words[a.at] << (by - k * 64),
                    };
                }
            }
            Step::Part(a, low) => {
                for k in 0..count {
                    words[to.at + k] = word_from(&words[a.range()], low + k * 64);
                }
            }
            Step::Extend(a, sign) => {
                let last = a.words() - 1;
                let is_negative = *sign == Sign::Signed && words[a.at + last] > a.top() >> 1;
                let fill = if is_negative { u64::MAX } else { 0 };
                words.copy_within(a.range(), to.at);
                words[to.at + last] |= fill & !a.top();
                words[to.at + last + 1..to.at + count].fill(fill);
            }
            Step::Concat(parts) => {
                words[to.range()].fill(0);
                let mut low = 0;
                for part in parts {
                    for k in 0..part.words() {
                        let (word, at) = (words[part.at + k], low + k * 64);
                        words[to.at + at / 64] |= word << (at % 64);
                        if at % 64 != 0 && at / 64 + 1 < count {
                            words[to.at + at / 64 + 1] |= word >> (64 - at % 64);
                        }
                    }
                    low += part.bits;
                }
            }
            Step::Read(memory, address) => {
                let ram = &rams[*memory];
                let address = words[address.at] as usize;
                match address < ram.depth {
                    true => words[to.range()].copy_from_slice(&ram.words[address * ram.stride..][..ram.stride]),
                    false => words[to.range()].fill(0),
                }
            }
            _ => unreachable!("it stays within its words"),
        }
    }
}
