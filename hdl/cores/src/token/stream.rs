//! The elementwise pipeline (stream): eight lanes from a word's read to where it goes.
//!
//! Function: a step `Pass` on a word of eight values: scale, rotate (RoPE), gate, add; golden model: `nda_spec::token::Machine`. Handshake: none, a
//! word may enter in every cycle. Latency, by stages:
//!
//! Stages are counted from the register that addresses the memories, one behind the feeder's: 2 constants and factor, 3 the
//! value, 8 the product, then (rotated: 3 and the pace, gated: 17 later) 9 what leaves its section, 10 what is
//! written or added, 14 `work`, 16 largest and squares. Cost: 48 DSP and 12 for gates.

use super::factor::factor;
use super::feeder::GROUPS;
use super::gate;
use super::lane::{NARROW, SHIFT, WIDE, half, lane, reduce_lane, take_half};
use super::memories::{Memories, address_bits};
use super::root::SQUARES;
use super::turn::{self, turn_lane};
use crate::netlist::{Bus, Memory, Module, Style, Value};
use nda_spec::token::{Sizes, WORD, limits};
use nda_spec::width::index_bits;

/// What comes to the pipe from other units.
pub(super) struct Sources<'m> {
    /// Cycles from a word of the array's to the next.
    pub pace: usize,
    /// Results of the array, 24 bits a row, in the word's stage 2.
    pub sums: Value<'m>,
    /// What was mixed: stage 2.
    pub mixed: Value<'m>,
    /// Its factor: stage 0.
    pub mixed_mantissa: Value<'m>,
    pub mixed_exponent: Value<'m>,
    /// The scale of the array's codes.
    pub codes_mantissa: Value<'m>,
    pub codes_exponent: Value<'m>,
    /// A root that was found: its group.
    pub root_found: Value<'m>,
    pub root_group: Value<'m>,
    pub root: Value<'m>,
    pub root_exponent: Value<'m>,
    /// First code of the token's row, in words of 8.
    pub row: Value<'m>,
    /// A cosine or a sine for the lanes' tables.
    pub set_cosine: Value<'m>,
    pub set_sine: Value<'m>,
    pub set_lane: Value<'m>,
    pub set_word: Value<'m>,
    pub set_data: Value<'m>,
}

/// The vectors that steps hand on.
pub(super) struct Vectors<'m> {
    pub wide: Memory<'m>,
    /// Bits of a wide word's number.
    wide_bits: usize,
    /// Even and odd words.
    pub work: [Memory<'m>; 2],
    /// Of each group of it.
    pub largest: Memory<'m>,
    pub squares: Memory<'m>,
}

impl<'m> Vectors<'m> {
    pub(super) fn new(m: &'m Module, sizes: &Sizes) -> Vectors<'m> {
        let lut_ram = |name: &str, words: usize, bits: usize| m.memory(name, Style::Distributed, words, bits);
        let bank = |odd: usize| lut_ram(&format!("work_{odd}"), 1 << (VECTOR_WORD - 1), WORD * NARROW);
        Vectors {
            wide: lut_ram("wide", sizes.wide_words.next_power_of_two().max(2), WORD * WIDE),
            wide_bits: address_bits(sizes.wide_words),
            work: [bank(0), bank(1)],
            largest: lut_ram("largest", GROUPS, NARROW - 1),
            squares: lut_ram("squares", GROUPS, SQUARES),
        }
    }
}

/// What comes out.
pub(super) struct Streamed<'m> {
    /// A word and where it goes: stage 9.
    pub out: Bus<'m>,
    /// The same in stage 10, where its values stand.
    pub late: Bus<'m>,
    /// Values of stage 10, 24 bits each.
    pub values: Vec<Value<'m>>,
    /// The word in stage 15.
    pub reduced: Bus<'m>,
}

/// Bits of a word of `work`'s or wide's number.
pub(super) const VECTOR_WORD: usize = index_bits(limits::VECTOR_WORDS);

/// A word that comes out of its section.
struct Section<'m> {
    leaves: Bus<'m>,
    values: Vec<Value<'m>>,
    /// The word that comes out a cycle later.
    coming: Bus<'m>,
}

/// A word in the stages of the product.
struct Product<'m> {
    t: Vec<Bus<'m>>,
    values: Vec<Value<'m>>,
}

pub(super) fn stream<'m>(
    m: &'m Module,
    memories: &Memories<'m>,
    vectors: &Vectors<'m>,
    entered: &Bus<'m>,
    s: &Sources<'m>,
) -> Streamed<'m> {
    let (wide, wide_bits) = (vectors.wide, vectors.wide_bits);
    let product = products(m, memories, vectors, entered, s);
    let Section { leaves, values, coming } = sections(m, memories, &product, s);
    let out = leaves.later(m, "leaves_9");
    let late = out.later(m, "written");
    // What a word is added to is read before the word is there: its address in stage 8, itself in stage 9.
    let sum = (coming.get("into_at").slice(0, wide_bits) + coming.get("out_word").slice(0, wide_bits)).low(wide_bits);
    let at = m.always("8: the wide word's address").register("wide_at", sum);
    let nine = m.always("9: what leaves its section, what is there");
    let old = nine.register("wide_old", wide.at(at));
    let at = nine.register("wide_at_later", at);
    let ten = m.always("10: added to what is there");
    let adds = out.get("into").is(2);
    let final_value = |(k, value): (usize, &Value<'m>)| {
        let value = nine.register(&format!("chosen_{k}"), *value);
        let sum = value.signed() + old.slice(k * WIDE, WIDE).signed();
        ten.register(&format!("final_{k}"), adds.mux(sum.saturated(WIDE).unsigned(), value))
    };
    let finals: Vec<Value> = values.iter().enumerate().map(final_value).collect();
    let at = ten.register("wide_write_at", at);
    let writes = late.get("valid") & (late.get("into").is(1) | late.get("into").is(2));
    m.stage("wide values come", writes.named("wide_writes")).write(wide, at, joined(m, &finals));
    let reduced = reduce(m, memories, vectors, &out, &late, &finals);
    Streamed { out, late, values: finals, reduced }
}

/// Stands from the cycle behind a word's until it has certainly left every unit: what works on nothing stands still.
fn working<'m>(m: &'m Module, name: &str, comes: Value<'m>) -> Value<'m> {
    const BITS: usize = 5;
    let state = m.always(name);
    let (works, left) = (state.declare(name, 1, 0), state.declare(&format!("{name}_left"), BITS, 0));
    let less = (left - m.constant(1, BITS)).low(BITS).unsigned();
    state.take(left, comes.mux(m.constant((1 << BITS) - 1, BITS), left.any().mux(less, left)));
    state.take(works, comes | left.any());
    works
}

/// Lane 0 lightest.
pub(super) fn joined<'m>(m: &'m Module, lanes: &[Value<'m>]) -> Value<'m> {
    m.concat(&lanes.iter().rev().map(|v| v.unsigned()).collect::<Vec<_>>())
}

/// Stages 0 to 8.
fn products<'m>(m: &'m Module, memories: &Memories<'m>, vectors: &Vectors<'m>, entered: &Bus<'m>, s: &Sources<'m>) -> Product<'m> {
    let mut t = vec![entered.later(m, "t_0")];
    for k in 1..=8 {
        t.push(t[k - 1].later(m, &format!("t_{k}")));
    }
    let zero = m.always("0: addresses");
    let address = (entered.get("constants").slice(0, 10) + entered.get("read_word")).low(10);
    let constant_at = zero.register("constant_at", address);
    let constants: Vec<Value> = memories.constants.iter().map(|pair| pair.read(&memories.load, constant_at.fit(pair.address))).collect();
    let bits = vectors.wide_bits;
    let wide_word = (entered.get("at").slice(0, bits) + entered.get("read_word").slice(0, bits)).low(bits);
    let wide_word = zero.register("wide_word", wide_word);
    let wide_read = m.always("1: wide values").register("wide_read", vectors.wide.at(wide_word));
    let row_word = zero.register("row_word", (s.row + entered.get("read_word").fit(s.row.bits)).low(s.row.bits).unsigned());
    let unit = memories.codes.read(&memories.load, (row_word >> 1).fit(memories.codes.address));
    let is_upper = m.delayed("upper_half", row_word.bit(0), 2);
    let codes = is_upper.mux(unit.slice(32, 32), unit.slice(0, 32)).named("row_codes");
    let scale_word = memories.numbers.is_fine.mux(row_word, row_word >> 2);
    let pair = memories.scales.read(&memories.load, (scale_word >> 1).fit(memories.scales.address));
    let is_odd = m.delayed("odd_scale", scale_word.bit(0), 2);
    let scale_2 = is_odd.mux(pair.slice(NARROW, NARROW), pair.slice(0, NARROW));
    let scale = m.always("3: the row's scale").register("row_scale", scale_2);
    let (mantissa, shift) = factor(m, entered, &t, s, &memories.numbers);
    let shift_5 = m.always("5: how far").register("shift_5", shift);
    let halves = m.always("5: half of it").register("halves", half(m, shift, 36));
    let shift_6 = m.always("6: how far").register("shift_6", shift_5);
    let unit_lane = lane();
    let active = working(m, "lanes_work", t[0].get("valid"));
    let is = |k: usize, source: u64| t[k].get("source").is(source);
    let values = (0..WORD)
        .map(|k| {
            let ports = [
                ("wide", wide_read.slice(k * WIDE, WIDE)),
                ("take", t[0].get("take")),
                ("sum", s.sums.slice(k * 24, NARROW)),
                ("mixed", s.mixed.slice(k * NARROW, NARROW)),
                ("code", codes.slice(k * 4, 4)),
                ("is_wide", is(2, 1)),
                ("is_mixed", is(2, 2)),
                ("is_embed", is(2, 3)),
                ("constant", constants[k / 2].slice(k % 2 * NARROW, NARROW)),
                ("mantissa", mantissa),
                ("scale", scale),
                ("uses_scale", is(3, 3)),
                ("half", halves),
                ("shift", shift_6),
                ("narrow", t[6].get("turn").any() | t[6].get("gate").any()),
                ("active", active),
            ];
            m.part(&format!("lane_{k}"), &unit_lane, &ports).get("value")
        })
        .collect();
    Product { t, values }
}

/// Stage 8, turned or gated: the word that comes out.
fn sections<'m>(m: &'m Module, memories: &Memories<'m>, product: &Product<'m>, s: &Sources<'m>) -> Section<'m> {
    let eight = &product.t[8];
    let (is_turned, is_gated) = (eight.get("turn").any(), eight.get("gate").any());
    let is_slow = is_turned | eight.get("settles");
    let named = |name: &str, bus: &Bus<'m>, valid: Value<'m>| bus.with(m, name, "valid", valid);
    let direct = named("direct_out", eight, eight.get("valid") & !is_slow & !is_gated);
    let slow_stages = named("slow_in", eight, eight.get("valid") & is_slow).stages(m, "slow", turn::stages(s.pace));
    let gated_in = named("gated_in", eight, eight.get("valid") & is_gated & eight.get("second"));
    let gated_stages = gated_in.stages(m, "gated", gate::STAGES);
    let (slow, gated) = (&slow_stages[turn::stages(s.pace)], &gated_stages[gate::STAGES]);

    let half_words = memories.numbers.half_head;
    let set_word = eight.get("turn").bit(1).mux(half_words, m.constant(0, 4));
    let turn_word = (eight.get("turn_pair").slice(0, 4) + set_word).low(4);
    let unit = turn_lane(s.pace);
    let seven = &product.t[7];
    let turns = seven.get("valid") & (seven.get("turn").any() | seven.get("settles"));
    let active = working(m, "turns_work", turns);
    let turned: Vec<Value> = (0..WORD)
        .map(|k| {
            let is_it = s.set_lane.is(k as u64);
            let ports = [
                ("value", product.values[k]),
                ("is_second", eight.get("second")),
                ("is_turned", is_turned),
                ("active", active),
                ("comes", slow_stages[turn::stages(s.pace) - 1].get("valid")),
                ("word", turn_word),
                ("set_cosine", s.set_cosine & is_it),
                ("set_sine", s.set_sine & is_it),
                ("set_word", s.set_word),
                ("table_data", s.set_data),
            ];
            m.part(&format!("turn_{k}"), &unit, &ports).get("turned_value")
        })
        .collect();
    let gates = gates(m, memories, eight, &product.values);
    let wide = |value: &Value<'m>| value.signed().extend(WIDE).unsigned();
    let values = turned.iter().zip(&gates).map(|(turned, gate)| gated.get("valid").mux(wide(gate), *turned)).collect();
    let leaves = Bus::choose("leaves", gated.get("valid"), gated, &Bus::choose("fast_out", slow.get("valid"), slow, &direct));
    // The same a cycle before.
    let (slow, gated) = (&slow_stages[turn::stages(s.pace) - 1], &gated_stages[gate::STAGES - 1]);
    let coming = Bus::choose("coming", gated.get("valid"), gated, &Bus::choose("fast_coming", slow.get("valid"), slow, &product.t[7]));
    Section { leaves, values, coming }
}

/// Words of a gated pass: eight values from two turns of four lanes.
fn gates<'m>(m: &'m Module, memories: &Memories<'m>, eight: &Bus<'m>, values: &[Value<'m>]) -> Vec<Value<'m>> {
    let is_second = eight.get("second");
    let hold = |name: &str, enable: Value<'m>, k: usize| {
        m.stage(&format!("{name} {k} waits"), enable).register(&format!("{name}_{k}"), values[k].slice(0, NARROW))
    };
    let gate: Vec<Value> = (0..WORD).map(|k| hold("gate", !is_second, k)).collect();
    let up: Vec<Value> = (0..WORD).map(|k| hold("up", is_second, k)).collect();
    // The word that gates stands in the cycle that the second word is in stage 8, and in the one behind it.
    let upper = m.always("which half").register("upper", eight.get("valid") & is_second);
    let upper_up = m.always("which half of what is gated").register("upper_up", upper);
    let number = m.stage("which gate", eight.get("valid") & eight.get("gate").any()).register("gate_number", eight.get("gate"));
    let is_other = number.bit(1);
    let part = memories.gates;
    let gate_units = nda_spec::token::GATE_UNITS as u64;
    let shifts = |other: u64| {
        let is_it = part.write & part.at.is(other * gate_units);
        m.stage(&format!("shifts of gate {other}"), is_it).register(&format!("gate_shifts_{other}"), memories.load.data.slice(0, 24))
    };
    let shifts = is_other.mux(shifts(1), shifts(0)).named("gate_shifts");
    let base = is_other.mux(m.constant(gate_units + 1, 9), m.constant(1, 9));
    let unit = gate::gate_pair();
    let active = working(m, "gates_work", eight.get("valid") & eight.get("gate").any()) | memories.load.peek;
    let pairs: Vec<_> = (0..WORD / 4)
        .map(|pair| {
            let of = |from: &[Value<'m>], upper: Value<'m>, k: usize| upper.mux(from[2 * pair + k + 4], from[2 * pair + k]);
            let ports = [
                ("gate_0", of(&gate, upper, 0)),
                ("gate_1", of(&gate, upper, 1)),
                ("up_0", of(&up, upper_up, 0)),
                ("up_1", of(&up, upper_up, 1)),
                ("active", active),
                ("base", base),
                ("step_bits", shifts.slice(0, 4)),
                ("factor_shift", shifts.slice(8, SHIFT)),
                ("gated_shift", shifts.slice(16, SHIFT)),
                ("write_enable", part.write),
                ("write_address", part.at.fit(9)),
                ("write_data", memories.load.data.slice(0, 2 * NARROW)),
                ("peek", memories.load.peek),
                ("peek_address", part.peek_at.fit(9)),
            ];
            m.part(&format!("gate_pair_{pair}"), &unit, &ports)
        })
        .collect();
    let now: Vec<Value> = pairs.iter().flat_map(|pair| [pair.get("gated_0"), pair.get("gated_1")]).collect();
    let lower = now.iter().enumerate().map(|(k, v)| m.always(&format!("gated {k}, lower")).register(&format!("lower_{k}"), *v));
    memories.load.show("gates", part, 0, pairs[0].get("peek_data"));
    lower.chain(now.iter().copied()).collect()
}

/// The weights of a word in stage 10, in stage 12: two lanes of each memory.
fn weights_of<'m>(m: &'m Module, memories: &Memories<'m>, ten: &Bus<'m>) -> Vec<Value<'m>> {
    let bits = memories.weights[0].address;
    let field = ten.get("weights");
    let first = m.constant(1 + memories.first_weight as u64, field.bits);
    let base = (field - first).low(field.bits).unsigned().fit(bits);
    let weight_at = (base + ten.get("out_word").fit(bits)).low(bits).named("weight_at");
    memories.weights.iter().map(|pair| pair.read(&memories.load, weight_at)).collect()
}

/// Stages 10 to 16: `work`, its largest magnitude and its squares.
fn reduce<'m>(
    m: &'m Module,
    memories: &Memories<'m>,
    vectors: &Vectors<'m>,
    nine: &Bus<'m>,
    ten: &Bus<'m>,
    finals: &[Value<'m>],
) -> Bus<'m> {
    // r[k] is the word in stage 10 + k.
    let r = ten.stages(m, "r", 6);
    let weights = weights_of(m, memories, ten);
    let unit = reduce_lane();
    let halves_10 = m.always("10: half of what is cut off").register("reduce_half", take_half(m, nine.get("reduce_take")));
    let active = working(m, "sums_work", nine.get("valid") & nine.get("reduces"));
    let lanes: Vec<_> = (0..WORD)
        .map(|k| {
            let ports = [
                ("value", finals[k]),
                ("active", active),
                ("take", ten.get("reduce_take")),
                ("take_half", halves_10),
                ("weight", weights[k / 2].slice(k % 2 * NARROW, NARROW)),
                ("is_weighted", r[3].get("weights").any()),
            ];
            m.part(&format!("reduce_{k}"), &unit, &ports)
        })
        .collect();
    let each = |port: &str| lanes.iter().map(|lane| lane.get(port)).collect::<Vec<_>>();
    let written = joined(m, &each("work_value")).named("work_written");
    let at = r[4].get("order").named("work_write_word");
    for odd in 0..2 {
        let is_it = (r[4].get("valid") & r[4].get("reduces") & at.bit(0).is(odd as u64)).named(&format!("work_writes_{odd}"));
        m.stage(&format!("14: work {odd}"), is_it).write(vectors.work[odd], at.slice(1, VECTOR_WORD - 1), written);
    }
    let sums = tree(m, "squares", &each("square_value"), 3, |a, b| a + b);
    let sixteen = m.always("16: half of the vector's lanes");
    let magnitudes = each("magnitude_value");
    let halves = [0, 1].map(|h| {
        let most = m.largest(&format!("magnitudes_{h}"), &magnitudes[h * 4..][..4]);
        sixteen.register(&format!("most_{h}"), most)
    });
    let word = r[6].clone();
    let enable = (word.get("valid") & word.get("reduces")).named("reduces_16");
    let (starts, ends) = (word.get("starts_group"), word.get("ends_group"));
    let acc = m.stage("16: over the group", enable);
    let largest = acc.declare("largest_so_far", NARROW - 1, 0);
    let so_far = starts.mux(m.constant(0, NARROW - 1), largest).named("largest_before");
    let next = m.largest("group", &[so_far, halves[0], halves[1]]).named("largest_next");
    acc.take(largest, next);
    let squares = acc.declare("squares_so_far", SQUARES, 0);
    let next_squares = (starts.mux(m.constant(0, SQUARES), squares) + sums).low(SQUARES).named("squares_next");
    acc.take(squares, next_squares);
    let keep = m.stage("16: the group's", (enable & ends).named("ends_group_16"));
    keep.write(vectors.largest, word.get("group"), next);
    keep.write(vectors.squares, word.get("group"), next_squares);
    r[5].clone()
}

/// A tree of operators with a register behind each level.
fn tree<'m>(m: &'m Module, name: &str, of: &[Value<'m>], levels: usize, with: impl Fn(Value<'m>, Value<'m>) -> Value<'m>) -> Value<'m> {
    let mut of = of.to_vec();
    for level in 0..levels {
        let stage = m.always(&format!("{name}: level {level}"));
        of = of.chunks(2).enumerate().map(|(k, pair)| stage.register(&format!("{name}_{level}_{k}"), with(pair[0], pair[1]))).collect();
    }
    of[0]
}
