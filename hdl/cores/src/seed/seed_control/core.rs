//! The cores' side: what they see, and what comes out of the one that has something.

use super::asked::Asked;
use super::ruled;
use crate::netlist::{Module, Value};
use nda_spec::seed::Operation;
use nda_spec::wire::SEED_LANES;

/// What an element core gives: of all of them the one of the operation.
pub(super) struct Core<'m> {
    /// It takes what is offered.
    pub ready: Value<'m>,
    /// Its results stand.
    pub valid: Value<'m>,
    pub sign: Value<'m>,
    pub extra: Value<'m>,
    /// Of the quantizer, a code a float.
    pub one_sign: Value<'m>,
    pub one_extra: Value<'m>,
    /// The scale that is answered.
    pub scale: Value<'m>,
}

pub(super) fn core<'m>(m: &'m Module, asked: &Asked<'m>) -> Core<'m> {
    let stem = |operation: Operation| operation.name().strip_prefix("seed_").unwrap_or_default();
    let chosen = |port: &str, bits: usize, of: &[Operation]| {
        let gated = |o: &Operation| asked.of(*o).repeat(bits) & m.input(&format!("{}_{port}", stem(*o)), bits);
        of.iter().map(gated).reduce(|a, b| a | b).unwrap_or_else(|| m.constant(0, bits))
    };
    use Operation::*;
    let wide = [Add, AlignedAdd, Swiglu, Silu, RmsNorm, Compare];
    let log2 = chosen("log2", 8, &[Add, Swiglu]).signed().extend(32).unsigned();
    let is_true = chosen("is_true", 1, &[Truthy]).extend(32);
    Core {
        ready: chosen("ready", 1, &Operation::ALL).named("core_ready"),
        valid: chosen("valid", 1, &Operation::ALL).named("core_valid"),
        sign: chosen("sign", SEED_LANES, &wide),
        extra: chosen("extra", SEED_LANES, &wide),
        one_sign: m.input("quantize_sign", 1),
        one_extra: m.input("quantize_extra", 1),
        scale: log2 | is_true | chosen("scale", 32, &[Quantize]),
    }
}

/// A beat of results while it is gathered.
pub(super) struct Gathered<'m> {
    pub sign: Value<'m>,
    pub extra: Value<'m>,
    /// A quantizer's codes fill it.
    pub is_full: Value<'m>,
}

/// The beat and the scale. `takes`: the core's results are waited for; `begins`: nothing is gathered yet.
pub(super) fn results<'m>(
    m: &'m Module,
    core: &Core<'m>,
    is_quantize: Value<'m>,
    takes: Value<'m>,
    begins: Value<'m>,
) -> (Gathered<'m>, Value<'m>) {
    let taken = (takes & core.valid).named("taken");
    let always = m.always("gathered");
    let lane = always.declare("lane", 3, 0);
    always.take(lane, ruled(lane, &[(taken, lane.next()), (begins, m.constant(0, 3))]));
    let gather = |name: &str, wide: Value<'m>, one: Value<'m>| {
        m.stage(name, taken).feedback(name, SEED_LANES, |q| {
            // Lanes below stay as they were gathered; lanes above, which there may never be, are zero.
            let below = |at: usize| if at + 1 < SEED_LANES { m.constant(at as u64, 3).less(lane) } else { m.constant(0, 1) };
            let bit = |at: usize| lane.is(at as u64).mux(one, q.bit(at) & below(at));
            let codes: Vec<Value> = (0..SEED_LANES).rev().map(bit).collect();
            is_quantize.mux(m.concat(&codes), wide)
        })
    };
    let sign = gather("result_sign", core.sign, core.one_sign);
    let extra = gather("result_extra", core.extra, core.one_extra);
    let kept = m.always("scale");
    let scale = kept.declare("result_scale", 32, 0);
    kept.take(scale, ruled(scale, &[(taken, core.scale), (begins, m.constant(0, 32))]));
    (Gathered { sign, extra, is_full: lane.all() }, scale)
}

/// What the cores see.
pub(super) fn offers<'m>(m: &'m Module, asked: &Asked<'m>, is_offered: Value<'m>, beat: Value<'m>, keep: Value<'m>) {
    for (operation, is) in Operation::ALL.iter().zip(&asked.is) {
        let stem = operation.name().strip_prefix("seed_").unwrap_or_default();
        m.output(&format!("{stem}_offer"), is_offered & *is);
    }
    // The bytes of one vector's beat stand where a second vector's would.
    let of = |byte: usize| beat.slice(8 * byte, 8);
    m.output("x_sign", asked.is_two.mux(of(0), of(2)) & keep);
    m.output("x_extra", asked.is_two.mux(of(1), of(3)) & keep);
    m.output("y_sign", of(2) & keep);
    m.output("y_extra", of(3) & keep);
    m.output("float", beat);
    m.output("keep", keep);
    m.output("x_log2", asked.first);
    m.output("y_log2", asked.second);
    m.output("by", asked.first.low(3).unsigned());
}
