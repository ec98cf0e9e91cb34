//! What the control and the array's job ask of a step, decoded as the step comes out of its memory.
//!
//! Function: flags over the fields of [`nda_spec::token::wired`], in registers beside those of the step, so that the cycle in which a
//! step is issued has nothing to decode. Latency: none beyond the step's own two cycles. Cost: it is a part of the machine's netlist
//! and counted there ([`super::machine`]).

use super::field;
use crate::netlist::{Module, Value};
use nda_spec::token::wired as w;

/// Bits of a job's words, of a gated pass too.
const GROUPS: usize = 11;

/// The step that stands, decoded.
#[derive(Clone, Copy)]
pub(super) struct Decoded<'m> {
    pub is_pass: Value<'m>,
    pub is_codes: Value<'m>,
    pub is_scores: Value<'m>,
    pub is_mix: Value<'m>,
    /// A pass that takes the array's results.
    pub is_product: Value<'m>,
    pub from_mixed: Value<'m>,
    pub from_roots: Value<'m>,
    /// Waits until no pass is in flight: it reduces, takes roots, or is of another class than those in flight.
    pub waits_for_passes: Value<'m>,
    /// Waits until no codes are made.
    pub waits_for_codes: Value<'m>,
    pub turns: Value<'m>,
    /// Reads or writes a wide word.
    pub touches_wide: Value<'m>,
    pub into_wide: Value<'m>,
    pub into_keys: Value<'m>,
    pub into_values: Value<'m>,
    /// Product or not, turned or as slow, gated: passes of one class do not overtake one another.
    pub class: Value<'m>,
    /// Row groups of a product.
    pub groups: Value<'m>,
    pub is_one_group: Value<'m>,
    /// A product has more than one beat of columns.
    pub has_beats: Value<'m>,
}

impl<'m> Decoded<'m> {
    /// `fetched` is the step a cycle before it stands, `in_flight` the class of the passes before it; the array sums a word in
    /// `pace` beats.
    pub(super) fn new(m: &'m Module, fetched: Value<'m>, in_flight: Value<'m>, pace: usize) -> Decoded<'m> {
        let always = m.always("the step, decoded");
        let get = |f: w::Field| field(fetched, f);
        let is = |f: w::Field, number: u64| get(f).is(number);
        let flag = |name: &str, value: Value<'m>| always.register(&format!("step_{name}"), value);
        let is_product = is(w::SOURCE, 0);
        let into_wide = is(w::INTO, 1) | is(w::INTO, 2);
        let is_slow = get(w::TURN).any() | (get(w::SETTLES) & is_product);
        // Of a gated pass there are twice as many words as come out; a word has as many row groups as beats.
        let halves = pace.ilog2() as usize;
        let bits = group_bits(pace);
        let count = get(w::COUNT).extend(bits);
        let groups = (get(w::GATE).any().mux(count << 1, count) << halves).low(bits).unsigned();
        let class = m.concat(&[is_product, is_slow, get(w::GATE).any()]);
        let rests = get(w::REDUCES) | is(w::FACTOR, 2);
        Decoded {
            is_pass: flag("is_pass", is(w::OP, 2)),
            is_codes: flag("is_codes", is(w::OP, 3)),
            is_scores: flag("is_scores", is(w::OP, 4)),
            is_mix: flag("is_mix", is(w::OP, 5)),
            is_product: flag("is_product", is_product),
            from_mixed: flag("from_mixed", is(w::SOURCE, 2)),
            from_roots: flag("from_roots", is(w::FACTOR, 2)),
            turns: flag("turns", get(w::TURN).any()),
            touches_wide: flag("touches_wide", is(w::SOURCE, 1) | into_wide),
            into_wide: flag("into_wide", into_wide),
            into_keys: flag("into_keys", is(w::INTO, 3)),
            into_values: flag("into_values", is(w::INTO, 4)),
            waits_for_passes: flag("waits_for_passes", rests | !class.equals(in_flight)),
            waits_for_codes: flag("waits_for_codes", rests),
            class: flag("class", class),
            groups: flag("groups", groups),
            is_one_group: flag("is_one_group", groups.is(1)),
            has_beats: flag("has_beats", get(w::BEATS).any()),
        }
    }
}

/// Bits of a number of row groups.
pub(super) const fn group_bits(pace: usize) -> usize {
    GROUPS + pace.ilog2() as usize
}
