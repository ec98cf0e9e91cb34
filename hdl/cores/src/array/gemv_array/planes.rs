//! The array of bit planes: AND-popcounts of weight planes and activation planes.
//!
//! Function: [`crate::array::gemv_array`]'s, beat by beat. A popcount: two products are a number of two bits, a function of their four inputs
//! (2 LUT4); three of these are a
//! full adder of the ones and, with its carry, a count of the twos (4 LUT4): six columns give a number of three bits
//! for 10 LUT4 (the lane of docs/rust-hdl.md, section 3, c2). Then a tree of adders with a register after every
//! second level. Every stage has the valid bit as its enable: an idle array does not toggle.
//! The heaviest plane group comes first and the accumulator shifts by `planes` between groups (Horner), so no
//! barrel shifter is needed. Source: bit-serial arithmetic as in BISMO; identities in NUMBERS.md, section 2.
//!
//! Stage numbers: the words stand in stage 2, every register adds one. A row has its own copy of the flags, so that
//! none of them has to reach the whole array in one cycle.
//!
//! Handshake and shapes: [`crate::array::gemv_array`]'s. Latency: 7 cycles, one for every second level of a tree of `cols / 6` numbers, and one
//! for up to two planes, else the levels of their tree: 9 for 16 columns and one plane. Cost (yosys, `synth_ecp5`;
//! firmware/tests/lanes.rs): at most 12 LUT4 for
//! a further column of two weight and two activation planes.

use crate::netlist::{DelayLine, Module, Netlist, Outputs, Stage, Value};
use nda_spec::config::Geometry;
use nda_spec::cycles::{LEAF_COLS, MEMORY_STAGES, PRODUCT_STAGES, leaf_numbers, plane_stages, tree_stages};
use nda_spec::width::{ACC_BITS, popcount_bits};
use std::sync::Arc;

/// The array.
pub(super) fn array(g: &Geometry) -> Arc<Netlist> {
    let (rows, cols, netlist) = (g.array_rows, g.array_cols, row(g));
    let m = Module::new("gemv_array");
    m.comment(&format!("{rows} rows x {cols} columns x {} planes", g.planes));
    let flags = FLAGS.map(|flag| (flag, m.input(flag, 1)));
    let init = m.input("init", ACC_BITS);
    let (w, x) = (m.input("w", g.tile_word_bytes() * 8), m.input("x", g.act_word_bytes() * 8));
    let one = |row: usize| {
        let of_plane = |j: usize| w.slice((j * rows + row) * cols, cols);
        let words = [("init", init), ("w0", of_plane(0)), ("w1", of_plane(1)), ("x", x)];
        m.part(&format!("row_{row}"), &netlist, &[&flags[..], &words].concat())
    };
    let rows: Vec<Outputs> = (0..rows).map(one).collect();
    // All rows are in step: the first one's word is the array's.
    m.output("result_valid", rows[0].get("sum_valid"));
    m.output("result", m.concat(&rows.iter().rev().map(|row| row.get("sum")).collect::<Vec<_>>()));
    m.finish()
}

/// What an issue says.
const FLAGS: [&str; 7] = ["issue", "is_first", "is_shift", "is_heavy", "is_last", "ternary", "a2"];

/// One row: popcounts of every pair of planes, their weighted sum, the accumulator.
fn row(g: &Geometry) -> Arc<Netlist> {
    let (cols, planes) = (g.array_cols, g.planes);
    let tree = tree_stages(cols);
    let counted = MEMORY_STAGES + PRODUCT_STAGES + tree;
    let weighed = counted + 1;
    let planed = weighed + plane_stages(planes);
    let summed = planed + 1;
    let m = Module::new("row");
    let registers = plane_stages(planes);
    m.comment(&format!("Registers: products {PRODUCT_STAGES}, tree {tree}, weights 1, planes {registers}, accumulator 1, sum 1."));
    let [issue, is_first, is_shift, is_heavy, is_last, ternary, a2] = m.flags(FLAGS);
    let init = m.input("init", ACC_BITS);
    let w = [m.input("w0", cols), m.input("w1", cols)];
    let x = m.input("x", cols * planes);

    let valid = m.delay_line("valid", issue, 1, summed);
    let heavy = m.delay_line("d_is_heavy", is_heavy, 1, weighed).at(weighed);
    let first = m.delay_line("d_is_first", is_first, 1, planed).at(planed);
    let shift = m.delay_line("d_is_shift", is_shift, 1, planed).at(planed);
    let last = m.delay_line("d_is_last", is_last, 1, summed).at(summed);
    let stands = (valid.at(summed) & last).named("stands");
    m.output("sum_valid", m.always("the sum's flag").register("sum_valid", stands));

    let popcount = popcount(cols);
    let count = |plane: usize, j: usize| {
        let inputs = [("valid", valid.from(MEMORY_STAGES, counted - MEMORY_STAGES)), ("w", w[j]), ("x", x.slice(plane * cols, cols))];
        m.part(&format!("popcount_{plane}_{j}"), &popcount, &inputs).get("count")
    };
    let counts: Vec<[Value; 2]> = (0..planes).map(|plane| [count(plane, 0), count(plane, 1)]).collect();
    let weights = m.stage("the weights", valid.at(counted));
    let weighed_planes: Vec<Value> = counts.iter().enumerate().map(|(plane, c)| weigh(weights, plane, *c, ternary, cols)).collect();
    let combine = Combine { m: &m, valid, at: weighed, is_heavy: heavy, a2 };
    let s = combine.planes(&weighed_planes).extend(ACC_BITS);

    // With one plane a beat A2's second plane is another weight, not a lighter power of two: no shift.
    let shifts = if planes == 1 { shift & !a2 } else { shift };
    let acc = m.stage("the accumulator", valid.at(planed)).feedback("acc", ACC_BITS, |acc| {
        let old = first.mux(m.constant(0, ACC_BITS), shifts.mux(acc << planes, acc)).named("old");
        (old.signed() + s).low(ACC_BITS).unsigned()
    });
    m.output("sum", m.stage("the sum", stands).register("sum", (acc + init).low(ACC_BITS)));
    m.finish()
}

/// A popcount of `cols` products, `PRODUCT_STAGES + tree_stages(cols)` cycles later; `valid` has a bit for each of them.
fn popcount(cols: usize) -> Arc<Netlist> {
    let m = Module::new("row$popcount");
    let valid = m.input("valid", PRODUCT_STAGES + tree_stages(cols));
    let (w, x) = (m.input("w", cols), m.input("x", cols));
    let every = |step: usize| m.bits_where(cols, |k| k % step == 0);
    // Two products are 0, 1 or 2: a function of four inputs each bit. Registered: Yosys would trade the sharing below for
    // a level less of logic.
    let pairs = m.stage("pairs of products", valid.bit(0));
    let p = (w & x).named("p");
    let odd = pairs.register("odd", (p ^ (p >> 1)) & every(2));
    let both = pairs.register("both", (p & (p >> 1)) & every(2));
    // Three such numbers: a full adder of the ones, and of its carry and the twos a sum that is 3 at most.
    let three = m.stage("three pairs to a number", valid.bit(1));
    let [odd_1, odd_2, both_1, both_2] = [odd >> 2, odd >> 4, both >> 2, both >> 4];
    let ones = ((odd ^ odd_1 ^ odd_2) & every(LEAF_COLS)).named("ones");
    let carry = (((odd & odd_1) | (odd_2 & (odd | odd_1))) & every(LEAF_COLS)).named("carry");
    let twos = ((carry ^ both ^ both_1 ^ both_2) & every(LEAF_COLS)).named("twos");
    let two_of_four = (carry & (both | both_1 | both_2)) | (both & (both_1 | both_2)) | (both_1 & both_2);
    let fours = (two_of_four & every(LEAF_COLS)).named("fours");
    let leaves = three.register("leaves", ones | (twos << 1) | (fours << 2));
    m.output("count", tree(&m, valid, leaves, cols));
    m.finish()
}

/// A number of a tree of adders.
struct Number<'m> {
    value: Value<'m>,
    /// How many products it counts.
    terms: usize,
}

/// The sum of the leaves, a register after every second level.
fn tree<'m>(m: &'m Module, valid: Value<'m>, leaves: Value<'m>, cols: usize) -> Value<'m> {
    // Level 1: one carry chain adds the lower half of the numbers to the upper half, in fields of four bits, because a
    // sum of two is 12 at most: a chain for each would cost its ends again and again.
    let half = leaf_numbers(cols).div_ceil(2);
    let terms = |i: usize| cols.saturating_sub(LEAF_COLS * i).min(LEAF_COLS);
    let field = |i: usize| match terms(i) {
        0 => m.constant(0, 4),
        terms => leaves.slice(LEAF_COLS * i, popcount_bits(terms)).extend(4),
    };
    let fields = |from: usize| m.concat(&(from..from + half).rev().map(field).collect::<Vec<_>>());
    let halves = (fields(0) + fields(half)).low(4 * half).named("halves");
    let number = |i: usize| Number { value: halves.slice(4 * i, 4), terms: terms(i) + terms(half + i) };
    let mut numbers: Vec<Number> = (0..half).map(number).collect();
    let stage = |level: usize| m.stage("two levels of the tree", valid.bit(PRODUCT_STAGES + (level - 1) / 2));
    let mut level = 1;
    while numbers.len() > 1 {
        level += 1;
        let sums = numbers.chunks(2).map(add);
        numbers = if level % 2 == 0 {
            let stage = stage(level);
            sums.enumerate().map(|(i, n)| Number { value: stage.register(&format!("t{level}_{i}"), n.value), ..n }).collect()
        } else {
            sums.enumerate().map(|(i, n)| Number { value: n.value.named(&format!("t{level}_{i}")), ..n }).collect()
        };
    }
    let count = numbers[0].value.fit(popcount_bits(cols));
    // An odd last level has not been registered yet.
    if level % 2 == 1 { stage(level).register("counted", count) } else { count }
}

/// The sum of one number or two, as wide as its products need.
fn add<'m>(numbers: &[Number<'m>]) -> Number<'m> {
    let terms = numbers.iter().map(|n| n.terms).sum();
    let sum = if let [a, b] = numbers { a.value + b.value } else { numbers[0].value };
    Number { value: sum.fit(popcount_bits(terms)), terms }
}

/// `3 * count0 + count1` for quaternary, `2 * count1 - count0` for ternary weights, as `d_PLANE`.
fn weigh<'m>(stage: Stage<'m>, plane: usize, counts: [Value<'m>; 2], ternary: Value<'m>, cols: usize) -> Value<'m> {
    let bits = weighed_bits(cols);
    let [c0, c1] = [0, 1].map(|j| counts[j].extend(bits).named(&format!("c{j}_{plane}")));
    let twice = (ternary.mux(c1, c0) << 1).named(&format!("twice_{plane}"));
    let once = ternary.mux((!c0).next(), (c0 + c1).low(bits)).named(&format!("once_{plane}"));
    stage.register(&format!("d_{plane}"), (twice + once).low(bits)).signed()
}

/// Bits of a signed number up to `4 * cols` (quaternary) and down to `-cols` (ternary).
fn weighed_bits(cols: usize) -> usize {
    popcount_bits(4 * cols) + 1
}

/// What adds up the planes with their weights.
struct Combine<'m> {
    m: &'m Module,
    valid: DelayLine<'m>,
    /// Stage in which the planes stand.
    at: usize,
    is_heavy: Value<'m>,
    a2: Value<'m>,
}

impl<'m> Combine<'m> {
    /// The planes' sum, as `s`, `plane_stages(planes)` stages later: a tree with a register after each level, whose last one takes two
    /// adders.
    fn planes(&self, d: &[Value<'m>]) -> Value<'m> {
        // At most 3 + 1 times a plane for A2 and 2^planes times otherwise.
        let bits = d[0].bits + d.len().max(2) + 1;
        let e: Vec<Value> = d.iter().enumerate().map(|(plane, d)| d.extend(bits).named(&format!("e_{plane}"))).collect();
        match e.as_slice() {
            [e] => self.one_plane(*e),
            [e_0, e_1] => {
                let low = (*e_0 + self.more(*e_1)).low(bits).named("low");
                let s = self.with_heaviest(low, *e_1, 1);
                self.stage(self.at).register("s", s)
            }
            e => self.tree(e),
        }
    }

    fn stage(&self, at: usize) -> Stage<'m> {
        self.m.stage("the planes", self.valid.at(at))
    }

    /// One plane a beat: A2's sign plane comes first and weighs 3.
    fn one_plane(&self, e_0: Value<'m>) -> Value<'m> {
        let bits = e_0.bits;
        let three = ((e_0 << 1) + e_0).low(bits).named("e_3");
        let minus = (self.m.constant(0, bits).signed() - e_0).low(bits).named("e_m");
        self.stage(self.at).register("s", self.is_heavy.mux(self.a2.mux(three, minus), e_0))
    }

    /// A2's second plane weighs 3 instead of 2: this much more.
    fn more(&self, e_1: Value<'m>) -> Value<'m> {
        self.a2.mux(e_1, self.m.constant(0, e_1.bits).signed()).named("more_0")
    }

    /// A number and the heaviest plane, `2^last` times: in two's complement codes it is negative, and -n = ~n + 1: the 1 goes in
    /// below its adder.
    fn with_heaviest(&self, other: Value<'m>, e: Value<'m>, last: usize) -> Value<'m> {
        let bits = e.bits;
        let minus = (self.is_heavy & !self.a2).named("minus");
        let heaviest = ((e << last) ^ minus.repeat(bits)).named("heaviest");
        let below = [self.m.concat(&[other, self.m.constant(1, 1)]), self.m.concat(&[heaviest, minus])];
        (below[0] + below[1]).low(bits + 1).named("with_heaviest").slice(1, bits).signed()
    }

    /// Four planes or eight: pairs of planes, then the levels above, and what A2's second plane weighs more at the end.
    fn tree(&self, e: &[Value<'m>]) -> Value<'m> {
        let (bits, last) = (e[0].bits, e.len() - 1);
        let sum = |pair: &[Value<'m>]| if let [a, b] = pair { (*a + *b).low(bits) } else { pair[0] };
        let mut more = self.more(e[1]);
        let terms: Vec<Value> = e.iter().enumerate().map(|(k, e)| *e << k).collect();
        let beside = terms[last - 1].named("beside_heaviest");
        let mut sums: Vec<Value> = terms[..last - 1].chunks(2).map(sum).collect();
        sums.push(self.with_heaviest(beside, e[last], last));
        let (mut at, mut level) = (self.at, 0);
        while sums.len() > 1 {
            level += 1;
            let stage = self.stage(at);
            let kept: Vec<Value> = sums.iter().enumerate().map(|(i, sum)| stage.register(&format!("u{level}_{i}"), *sum)).collect();
            more = stage.register(&format!("more_{level}"), more);
            sums = kept.chunks(2).map(sum).collect();
            at += 1;
        }
        self.stage(at).register("s", (sums[0] + more).low(bits))
    }
}
