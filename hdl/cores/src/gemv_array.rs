//! The AND-popcount array: bit planes of weights against bit planes of activations.
//!
//! Function, for every row r of a group: `y[r] = init + sum_j sum_k a_j b_k popcount(W[r][j] & X[k])`, summed over
//! the beats of a row; `nda_spec::job::array_golden` by loops. Weights: quaternary (a = 3, 1) or ternary (-1, 2);
//! activations: two's complement of any number of plane groups, or A2 (b = 1, 3). One core, all codes.
//! Shapes: `w` = plane 0 of all rows, then plane 1, `array_cols` bits each; `x` = `planes` planes, lightest first.
//! Handshake: `w` and `x` stand two cycles after `issue` (the stores' latency), flags stand with `issue`;
//! `result_valid` for one cycle with `result`. Interval 1. Latency: `nda_spec::cycles::drain_cycles`.
//!
//! Structure, a popcount: products (1 LUT4 a bit), full adders on groups of three neighbouring products giving
//! two-bit numbers in three-bit fields, one carry chain that adds the lower half of the fields to the upper half
//! (a sum of two fields fits its field, so one adder does the work of many), then a tree of single adders with a
//! register after every second level. Every stage has the valid bit as its enable: an idle array does not toggle.
//! The heaviest plane group comes first and the accumulator shifts by `planes` between groups (Horner), so no
//! barrel shifter is needed. Source: bit-serial arithmetic as in BISMO; identities in NUMBERS.md, section 2.
//!
//! The datapath is generated as text from the geometry, not through `#[hdl_gen]`: its loops depend on one
//! another, which the macro cannot express, and its enables keep the wide registers still.

use nda_spec::cycles::{MEMORY_STAGES, leaf_numbers, tree_stages};
use nda_spec::width::{ACC_BITS, popcount_bits};
use rust_hdl_core::prelude::*;
use std::collections::BTreeMap;

/// `W`, `X`, `Y`: bits of a tile word, an activation word and a result word.
#[derive(LogicBlock)]
pub struct GemvArray<const W: usize, const X: usize, const Y: usize> {
    /// System clock.
    pub clock: Signal<In, Clock>,
    /// An issue of the sequencer.
    pub issue: Signal<In, Bit>,
    /// First of its rows.
    pub is_first: Signal<In, Bit>,
    /// First of a lighter plane group.
    pub is_shift: Signal<In, Bit>,
    /// Of the heaviest plane group.
    pub is_heavy: Signal<In, Bit>,
    /// Last of its rows.
    pub is_last: Signal<In, Bit>,
    /// Weights are ternary; stands for the whole job.
    pub ternary: Signal<In, Bit>,
    /// Activations are A2; stands for the whole job.
    pub a2: Signal<In, Bit>,
    /// Added to every sum; stands for the whole job.
    pub init: Signal<In, Bits<24>>,
    /// Tile word.
    pub w: Signal<In, Bits<W>>,
    /// Activation word.
    pub x: Signal<In, Bits<X>>,
    /// The sums of a row group stand.
    pub result_valid: Signal<Out, Bit>,
    /// The sums, row 0 lightest, 24 bits each.
    pub result: Signal<Out, Bits<Y>>,
    _rows: usize,
    _cols: usize,
    _planes: usize,
}

impl<const W: usize, const X: usize, const Y: usize> GemvArray<W, X, Y> {
    /// An array of `rows` rows and `cols` columns that takes `planes` activation planes a beat.
    pub fn new(rows: usize, cols: usize, planes: usize) -> Self {
        assert_eq!(W, rows * cols * 2, "a tile word holds two planes of {rows} x {cols} lanes");
        assert_eq!(X, cols * planes, "an activation word holds {planes} planes of {cols} columns");
        assert_eq!(Y, rows * ACC_BITS, "a result word holds {rows} sums");
        Self {
            clock: Default::default(),
            issue: Default::default(),
            is_first: Default::default(),
            is_shift: Default::default(),
            is_heavy: Default::default(),
            is_last: Default::default(),
            ternary: Default::default(),
            a2: Default::default(),
            init: Default::default(),
            w: Default::default(),
            x: Default::default(),
            result_valid: Default::default(),
            result: Default::default(),
            _rows: rows,
            _cols: cols,
            _planes: planes,
        }
    }
}

impl<const W: usize, const X: usize, const Y: usize> Logic for GemvArray<W, X, Y> {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.result_valid.connect();
        self.result.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(datapath(self._rows, self._cols, self._planes))
    }
}

/// Verilog gathered by pipeline stage: one clocked block a stage, enabled by that stage's valid bit.
///
/// Intermediate values are blocking assignments inside the block that registers them, so that a simulator
/// skips the whole stage when it is idle, as the enabled registers of the fabric do.
#[derive(Default)]
struct Stages {
    declarations: String,
    blocks: BTreeMap<usize, String>,
}

impl Stages {
    /// A value inside `stage`.
    fn value(&mut self, stage: usize, name: &str, bits: usize, is_signed: bool, expression: &str) {
        let sign = if is_signed { "signed " } else { "" };
        self.declarations += &format!("reg {sign}[{}:0] {name};\n", bits - 1);
        *self.blocks.entry(stage).or_default() += &format!("    {name} = {expression};\n");
    }

    /// A register that takes the expression at the end of `stage`.
    fn register(&mut self, stage: usize, name: &str, bits: usize, is_signed: bool, expression: &str) {
        let sign = if is_signed { "signed " } else { "" };
        self.declarations += &format!("reg {sign}[{}:0] {name} = 0;\n", bits - 1);
        *self.blocks.entry(stage).or_default() += &format!("    {name} <= {expression};\n");
    }

    fn verilog(&self) -> String {
        let blocks = self.blocks.iter().map(|(stage, text)| format!("always @(posedge clock) if (valid[{stage}]) begin\n{text}end\n"));
        blocks.fold(self.declarations.clone(), |all, block| all + &block)
    }
}

/// The body of the module. Stage numbers: the words stand in stage 2, every register stage adds one.
fn datapath(rows: usize, cols: usize, planes: usize) -> String {
    let tree = tree_stages(cols);
    let counted = MEMORY_STAGES + 1 + tree;
    let (weighed, planed, summed) = (counted + 1, counted + 2, counted + 3);
    let mut stages = Stages::default();
    for row in 0..rows {
        for plane in 0..planes {
            for j in 0..2 {
                let w_at = (j * rows + row) * cols;
                let product = format!("w[{}:{}] & x[{}:{}]", w_at + cols - 1, w_at, plane * cols + cols - 1, plane * cols);
                popcount(&mut stages, &format!("{row}_{plane}_{j}"), cols, &product);
            }
            weigh(&mut stages, row, plane, cols, counted);
        }
        combine_planes(&mut stages, row, cols, planes, weighed);
        accumulate(&mut stages, row, planes, planed, summed);
    }
    let mut v = format!(
        "// {rows} rows x {cols} columns x {planes} planes; registers: products 1, tree {tree}, weights 1, planes 1, sum 1, result 1\n\
         reg [{summed}:1] valid = 0;\n\
         always @(posedge clock) valid <= {{valid[{}:1], issue}};\n",
        summed - 1
    );
    for (flag, depth) in [("is_heavy", weighed), ("is_first", planed), ("is_shift", planed), ("is_last", summed)] {
        v += &format!("reg [{depth}:1] d_{flag} = 0;\nalways @(posedge clock) d_{flag} <= {{d_{flag}[{}:1], {flag}}};\n", depth - 1);
    }
    v += "initial result_valid = 0;\ninitial result = 0;\n";
    v += &format!("always @(posedge clock) result_valid <= valid[{summed}] & d_is_last[{summed}];\n");
    let sums = (0..rows).rev().map(|r| format!("y_{r}")).collect::<Vec<_>>().join(", ");
    *stages.blocks.entry(summed).or_default() += &format!("    if (d_is_last[{summed}]) result <= {{{sums}}};\n");
    v + &stages.verilog()
}

/// A popcount of `cols` products: `count_NAME` in stage `2 + 1 + tree_stages(cols)`.
fn popcount(v: &mut Stages, name: &str, cols: usize, product: &str) {
    let mut stage = MEMORY_STAGES;
    // Bits 0, 3, 6, ... : the first product of each group of three.
    let mask = format!("{cols}'h{}", hex_mask(cols));
    v.value(stage, &format!("p_{name}"), cols, false, product);
    v.value(stage, &format!("q_{name}"), cols, false, &format!("p_{name} >> 1"));
    v.value(stage, &format!("r_{name}"), cols, false, &format!("p_{name} >> 2"));
    v.value(stage, &format!("s_{name}"), cols, false, &format!("(p_{name} ^ q_{name} ^ r_{name}) & {mask}"));
    v.value(stage, &format!("m_{name}"), cols, false, &format!("((p_{name} & q_{name}) | (r_{name} & (p_{name} | q_{name}))) & {mask}"));
    v.register(stage, &format!("f_{name}"), cols, false, &format!("s_{name} | (m_{name} << 1)"));
    stage += 1;
    // Level 1: the lower half of the fields plus the upper half; 3 + 3 fits three bits.
    let fields = leaf_numbers(cols);
    let half = fields.div_ceil(2);
    let bits = 3 * half;
    let low = if bits < cols { format!("f_{name}[{}:0]", bits - 1) } else { format!("f_{name}") };
    let high = if bits < cols { format!("f_{name}[{}:{bits}]", cols - 1) } else { "1'b0".into() };
    v.value(stage, &format!("h_{name}"), bits, false, &format!("{low} + {high}"));
    let products = |field: usize| if field < fields { 3.min(cols - 3 * field) } else { 0 };
    let mut numbers: Vec<(String, usize)> =
        (0..half).map(|i| (format!("h_{name}[{}:{}]", 3 * i + 2, 3 * i), products(i) + products(half + i))).collect();
    let mut levels = 1;
    while numbers.len() > 1 {
        levels += 1;
        numbers = tree_level(v, &format!("t{levels}_{name}"), &numbers, stage, levels % 2 == 0);
        stage += usize::from(levels % 2 == 0);
    }
    if levels % 2 == 1 {
        // An odd last level has not been registered yet.
        v.register(stage, &format!("count_{name}"), popcount_bits(cols), false, &numbers[0].0);
    } else {
        v.declarations += &format!("wire [{}:0] count_{name} = {};\n", popcount_bits(cols) - 1, numbers[0].0);
    }
}

/// One level of the tree: neighbours are added, an odd one out goes through; registered if asked.
fn tree_level(v: &mut Stages, name: &str, numbers: &[(String, usize)], stage: usize, registered: bool) -> Vec<(String, usize)> {
    let level = numbers.chunks(2).enumerate().map(|(i, pair)| {
        let max: usize = pair.iter().map(|n| n.1).sum();
        let sum = format!("{name}_{i}");
        let expression = pair.iter().map(|n| n.0.as_str()).collect::<Vec<_>>().join(" + ");
        match registered {
            true => v.register(stage, &sum, popcount_bits(max), false, &expression),
            false => v.value(stage, &sum, popcount_bits(max), false, &expression),
        }
        (sum, max)
    });
    level.collect()
}

/// `3 * count0 + count1` for quaternary, `2 * count1 - count0` for ternary weights, as `d_ROW_PLANE`.
fn weigh(v: &mut Stages, row: usize, plane: usize, cols: usize, stage: usize) {
    let name = format!("{row}_{plane}");
    let bits = weighed_bits(cols);
    for j in 0..2 {
        v.value(stage, &format!("c{j}_{name}"), bits, false, &format!("count_{name}_{j}"));
    }
    v.value(stage, &format!("twice_{name}"), bits, false, &format!("(ternary ? c1_{name} : c0_{name}) << 1"));
    v.value(stage, &format!("once_{name}"), bits, false, &format!("ternary ? ~c0_{name} + 1'b1 : c0_{name} + c1_{name}"));
    v.register(stage, &format!("d_{name}"), bits, true, &format!("twice_{name} + once_{name}"));
}

/// Bits of a signed number up to `4 * cols` (quaternary) and down to `-cols` (ternary).
fn weighed_bits(cols: usize) -> usize {
    popcount_bits(4 * cols) + 1
}

/// The planes' sum with their weights, as `s_ROW`.
fn combine_planes(v: &mut Stages, row: usize, cols: usize, planes: usize, stage: usize) {
    // At most 3 + 1 times a plane for A2 and 2^planes times otherwise.
    let bits = weighed_bits(cols) + planes.max(2) + 1;
    let heavy = format!("d_is_heavy[{stage}]");
    for plane in 0..planes {
        v.value(stage, &format!("e_{row}_{plane}"), bits, true, &format!("d_{row}_{plane}"));
    }
    let sum = if planes == 1 {
        // One plane a beat: A2's sign plane comes first and weighs 3.
        v.value(stage, &format!("e_{row}_3"), bits, true, &format!("(e_{row}_0 <<< 1) + e_{row}_0"));
        v.value(stage, &format!("e_{row}_m"), bits, true, &format!("-e_{row}_0"));
        format!("{heavy} ? (a2 ? e_{row}_3 : e_{row}_m) : e_{row}_0")
    } else {
        let last = planes - 1;
        // The heaviest plane of a two's complement code is negative; A2's second plane weighs 3 instead of 2.
        v.value(stage, &format!("e_{row}_h"), bits, true, &format!("e_{row}_{last} <<< {last}"));
        v.value(stage, &format!("e_{row}_t"), bits, true, &format!("({heavy} & ~a2) ? -e_{row}_h : e_{row}_h"));
        v.value(stage, &format!("e_{row}_x"), bits, true, &format!("a2 ? e_{row}_1 : {bits}'sd0"));
        let middle: String = (1..last).map(|k| format!(" + (e_{row}_{k} <<< {k})")).collect();
        format!("e_{row}_0 + e_{row}_x{middle} + e_{row}_t")
    };
    v.register(stage, &format!("s_{row}"), bits, true, &sum);
}

/// The accumulator `acc_ROW` and the sum `y_ROW` that is stored.
fn accumulate(v: &mut Stages, row: usize, planes: usize, stage: usize, summed: usize) {
    // With one plane a beat A2's second plane is another weight, not a lighter power of two: no shift.
    let shift = if planes == 1 { format!("d_is_shift[{stage}] & ~a2") } else { format!("d_is_shift[{stage}]") };
    let old = format!("d_is_first[{stage}] ? {ACC_BITS}'sd0 : ({shift}) ? acc_{row} <<< {planes} : acc_{row}");
    v.value(stage, &format!("old_{row}"), ACC_BITS, true, &old);
    v.register(stage, &format!("acc_{row}"), ACC_BITS, true, &format!("old_{row} + s_{row}"));
    v.value(summed, &format!("y_{row}"), ACC_BITS, false, &format!("acc_{row} + init"));
}

/// Hexadecimal digits of a mask with every third bit set.
fn hex_mask(bits: usize) -> String {
    (0..bits.div_ceil(4))
        .rev()
        .map(|digit| {
            let value = (0..4).filter(|k| digit * 4 + k < bits && (digit * 4 + k) % 3 == 0).map(|k| 1 << k).sum::<u32>();
            char::from_digit(value, 16).unwrap_or('0')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mask_selects_every_third_bit() {
        assert_eq!(hex_mask(8), "49");
        assert_eq!(hex_mask(16), "9249");
        assert_eq!(hex_mask(64), "9249249249249249");
    }
}
