//! Circuits by port name, whatever runs them, and what goes in and out of their ports.

/// Whatever runs a circuit: ports by name, as words of 64 bits, lowest first.
pub trait Circuit {
    fn set(&mut self, name: &str, value: &[u64]);
    fn get(&mut self, name: &str) -> Vec<u64>;
    fn clock(&mut self);
}

/// The low bits of numbers, one after another.
pub fn pack(numbers: impl Iterator<Item = i64>, bits: usize) -> Vec<u64> {
    let mut words = Vec::new();
    for (at, number) in numbers.enumerate() {
        for bit in (0..bits).map(|k| (at * bits + k, number as u64 >> k & 1)) {
            words.resize(bit.0 / 64 + 1, 0);
            words[bit.0 / 64] |= bit.1 << (bit.0 % 64);
        }
    }
    words
}

/// Signed numbers of this many bits.
pub fn unpack(words: &[u64], bits: usize, count: usize) -> Vec<i64> {
    let bit = |at: usize| words[at / 64] >> (at % 64) & 1;
    let number = |n: usize| (0..bits).fold(0, |sum, k| sum | bit(n * bits + k) << k);
    (0..count).map(|n| (number(n) << (64 - bits)) as i64 >> (64 - bits)).collect()
}
