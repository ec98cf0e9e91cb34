//! 127 over each head's sum of exponentials, with the bits that its values lose.
//!
//! Function: `lost` is 4 from a sum of 2^18 on, else 0; `factor = inverse_sum(sum)`, its exponent less `lost`. The sum is
//! shifted until its highest bit is set, its nine highest bits are rounded by the tenth, and a table of 256 entries holds the
//! reciprocals: a carry out of the nine bits leaves the first entry's address behind.
//! Latency: the sums of all heads stand a cycle behind `start` and stay; head `h`'s factor stands `h + 5` cycles behind it.
//! Cost (yosys, `synth_ecp5`; held by firmware/tests/token.rs): 161 LUT4, 1 DP16KD for four heads.
//! Golden model: `inverse_sum`, `Attention::mix`.

use super::{EXPONENT_BITS, NARROW_BITS, Sizes};
use crate::netlist::{Module, Netlist, Style, Value};
use nda_spec::token::reciprocal;
use nda_spec::width::index_bits;
use std::sync::Arc;

/// Cycles from a start to the first head's factor.
pub const STAGES: usize = 5;
/// Bits of a mantissa.
const MANTISSA_BITS: usize = 9;
/// Bits behind the point of a reciprocal.
const RECIPROCAL_BITS: usize = 18;
/// Bits of a sum from which on four bits of the values are lost.
const COARSE_BIT: usize = 18;
/// How many.
pub const COARSE_BITS: usize = 4;
/// Bits of a count of zeros.
const COUNT_BITS: usize = 5;

/// Whether a sum is one for which bits are lost.
pub fn is_coarse(sum: Value<'_>) -> Value<'_> {
    sum.slice(COARSE_BIT, sum.bits - COARSE_BIT).any()
}

/// The core.
pub fn inverse_sum(name: &str, sizes: &Sizes) -> Arc<Netlist> {
    let m = Module::new(name);
    let (heads, bits) = (sizes.heads, sizes.sum_bits());
    let start = m.input("start", 1);
    let sums: Vec<_> = (0..heads).map(|head| m.input(&format!("sum_{head}"), bits)).collect();
    let steps = m.always("heads");
    let (busy, head) = (steps.declare("busy", 1, 0), steps.declare("head", index_bits(heads), 0));
    steps.take(busy, start | (busy & !head.is((heads - 1) as u64)));
    steps.take(head, busy.mux(head.next(), m.constant(0, head.bits)));
    let valids = m.delay_line("valids", busy, 1, 2);

    let sum = m.stage("a head's sum", busy).register("sum", m.select(head, &sums));
    let (normal, zeros) = sum.normalised(COUNT_BITS);
    let normal = normal.named("normal");
    let stage = m.stage("shifted up", valids.at(1));
    // A sum of nine bits at most has zeros below its mantissa.
    let wide = if bits > MANTISSA_BITS { normal } else { m.concat(&[normal, m.constant(0, MANTISSA_BITS + 1 - bits)]) };
    let highest = stage.register("highest", wide.slice(wide.bits - MANTISSA_BITS - 1, MANTISSA_BITS + 1));
    let exponent = m.constant((RECIPROCAL_BITS + bits - MANTISSA_BITS) as u64, EXPONENT_BITS).signed();
    let coarse = if bits > COARSE_BIT { is_coarse(sum) } else { m.constant(0, 1) };
    let lost = m.concat(&[m.constant(0, EXPONENT_BITS - 3), coarse, m.constant(0, 2)]).signed();
    let zeros = zeros.extend(EXPONENT_BITS).signed();
    let less = (exponent - zeros).low(EXPONENT_BITS).named("scaled").signed();
    let exponent = stage.register("exponent", (less - lost).low(EXPONENT_BITS).signed());

    let words: Vec<u64> = (256..512).map(|mantissa| reciprocal(mantissa) as u64).collect();
    let table = m.table("reciprocals", Style::Block, NARROW_BITS, &words);
    let rounded = (highest.slice(1, MANTISSA_BITS) + highest.bit(0)).named("rounded");
    let read = m.stage("table", valids.at(2));
    let mantissa = read.register("mantissa", table.at(rounded.slice(0, MANTISSA_BITS - 1)));
    let carry = m.concat(&[m.constant(0, EXPONENT_BITS - 1), rounded.bit(MANTISSA_BITS)]).signed();
    let exponent = read.register("exponent_late", (exponent + carry).low(EXPONENT_BITS).signed());

    let starts = m.delay_line("starts", start, 1, heads + STAGES - 1);
    for head in 0..heads {
        let keep = m.stage("a head's factor", starts.at(head + STAGES - 1));
        m.output(&format!("mantissa_{head}"), keep.register(&format!("mantissa_{head}"), mantissa));
        m.output(&format!("exponent_{head}"), keep.register(&format!("exponent_{head}"), exponent.unsigned()));
    }
    m.finish()
}
