//! Scalars as slots hold them: 64 bits, whatever they are.

use crate::value::Value;

/// A scalar as a slot holds it.
pub(super) trait Word: Copy + Send + Sync + 'static {
    fn from_bits(bits: u64) -> Self;
    fn to_bits(self) -> u64;
    fn of(value: Value) -> Self;
}

impl Word for i64 {
    fn from_bits(bits: u64) -> i64 {
        bits as i64
    }

    fn to_bits(self) -> u64 {
        self as u64
    }

    fn of(value: Value) -> i64 {
        Word::from_bits(value.bits())
    }
}

impl Word for f64 {
    fn from_bits(bits: u64) -> f64 {
        f64::from_bits(bits)
    }

    fn to_bits(self) -> u64 {
        f64::to_bits(self)
    }

    fn of(value: Value) -> f64 {
        f64::from_bits(value.bits())
    }
}

impl Word for bool {
    fn from_bits(bits: u64) -> bool {
        bits != 0
    }

    fn to_bits(self) -> u64 {
        u64::from(self)
    }

    fn of(value: Value) -> bool {
        value.bits() != 0
    }
}
