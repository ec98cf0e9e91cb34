//! What a frame asks for, and whether it can be done.

use crate::netlist::{Module, Value};
use nda_spec::seed::{DEVICE_EPS_SHIFT, Operation};
use nda_spec::wire::{CRC_BYTES, HEADER_BYTES, Op, RESPONSE_BIT, SEED_LANES, Status};

/// The request, as it stands from [`super::CHECK`] on; what is compared stands from [`super::DECIDE`] on.
pub(super) struct Asked<'m> {
    pub is_seed: Value<'m>,
    /// A status if it is refused, else 0.
    pub refusal: Value<'m>,
    /// Of the response: operation, and the request's number.
    pub echo: Value<'m>,
    pub count: Value<'m>,
    pub first: Value<'m>,
    pub second: Value<'m>,
    /// One flag for each operation, in their order.
    pub is: Vec<Value<'m>>,
    /// Two vectors of codes.
    pub is_two: Value<'m>,
    /// The core wants the vector twice.
    pub is_twice: Value<'m>,
}

impl<'m> Asked<'m> {
    pub fn of(&self, operation: Operation) -> Value<'m> {
        self.is[operation as usize - 1]
    }
}

pub(super) fn asked<'m>(m: &'m Module, head: Value<'m>, frame_bytes: Value<'m>) -> Asked<'m> {
    let always = m.always("asked");
    let (op, number, count) = (head.slice(0, 8), head.slice(8, 8), head.slice(32, 16));
    let (first, second) = (head.slice(48, 8), head.slice(56, 8));
    let is: Vec<Value> = Operation::ALL.iter().map(|o| always.register(&format!("is_{}", o.name()), number.is(*o as u64))).collect();
    let any = |which: fn(Operation) -> bool| {
        let all: Vec<Value> = Operation::ALL.iter().zip(&is).filter(|(operation, _)| which(**operation)).map(|(_, flag)| *flag).collect();
        m.either(&all)
    };
    let is_two = any(Operation::is_of_two).named("is_two");
    let is_twice = any(|o| matches!(o, Operation::RmsNorm | Operation::Quantize)).named("is_twice");
    let is_quantize = is[Operation::Quantize as usize - 1];
    // Bytes of the payload that the operation and the count make.
    let beats = (count + m.constant(SEED_LANES as u64 - 1, 16)).slice(3, 14);
    let (two, four) = (beats.extend(18) << 1, beats.extend(18) << 2);
    let wanted = always.register("wanted", is_quantize.mux(count.extend(18) << 2, is_two.mux(four, two)));
    let less = m.constant((HEADER_BYTES + CRC_BYTES) as u64, 13);
    let payload = always.register("payload", (frame_bytes - less).low(13).unsigned());
    let is_bad_comparison = is[Operation::Compare as usize - 1] & (first.slice(3, 5).any() | first.slice(0, 2).all());
    let is_bad_eps = is[Operation::RmsNorm as usize - 1] & first.less(m.constant(DEVICE_EPS_SHIFT.into(), 8));
    let is_range = always.register("is_range", !m.either(&is) | !count.any() | is_bad_comparison | is_bad_eps);
    let is_length = !payload.extend(18).equals(wanted);
    let status = |status: Status| m.constant(status as u64, 8);
    let refusal = is_range.mux(status(Status::Range), is_length.mux(status(Status::BadLen), status(Status::Ok)));
    Asked {
        is_seed: always.register("is_seed", op.is(Op::Seed as u64)),
        refusal: always.register("refusal", refusal),
        echo: m.concat(&[head.slice(16, 16), op | m.constant(RESPONSE_BIT.into(), 8)]),
        count,
        first,
        second,
        is,
        is_two,
        is_twice,
    }
}
