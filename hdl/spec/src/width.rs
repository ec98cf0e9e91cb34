//! Widths of the fabric's numbers, each with the bound that makes it enough.

/// Bits of an accumulator, of a job's initial value and of a result on the wire.
///
/// A job's dot product is at most `2 * 128 * cols` in magnitude, and the initial value is at
/// most as much again; 24 bits hold both up to [`MAX_JOB_COLS`] columns.
pub const ACC_BITS: usize = 24;

/// Bytes of a result on the wire.
pub const RESULT_BYTES: usize = ACC_BITS / 8;

/// Columns of one job above which 24 bits could overflow: `2 * 2 * 128 * 16383 < 2^23`.
/// Wider matrices are split into several jobs by the driver, whose sums are 32 bits wide.
pub const MAX_JOB_COLS: usize = 16_383;

/// Columns above which a 32-bit result could overflow at the extremes: `2 * 128 * cols < 2^31`.
pub const MAX_COLS: usize = (1 << 23) - 1;

/// Bits that hold a popcount of `n` bits, which can be `n` itself: 7, not 6, for 64.
pub const fn popcount_bits(n: usize) -> usize {
    (usize::BITS - n.leading_zeros()) as usize
}

/// Bits of an unsigned counter or address that takes the values `0..n`; at least 1.
pub const fn index_bits(n: usize) -> usize {
    let bits = (usize::BITS - n.saturating_sub(1).leading_zeros()) as usize;
    if bits == 0 { 1 } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_hold_their_largest_value_and_no_bit_more() {
        assert_eq!([popcount_bits(1), popcount_bits(3), popcount_bits(4), popcount_bits(63), popcount_bits(64)], [1, 2, 3, 6, 7]);
        assert_eq!([index_bits(1), index_bits(2), index_bits(3), index_bits(512), index_bits(513)], [1, 1, 2, 9, 10]);
        const { assert!(2 * 2 * 128 * MAX_JOB_COLS < 1 << (ACC_BITS - 1)) };
        const { assert!(2 * 128 * MAX_COLS < 1 << 31) };
    }
}
