//! The array of bit planes: AND-popcounts of weight planes and activation planes.
//!
//! Function: [`crate::gemv_array`]'s, beat by beat. A popcount: two products are a number of two bits, a function of their four inputs
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
//! Handshake and shapes: [`crate::gemv_array`]'s. Latency: 7 cycles, one for every second level of a tree of `cols / 6` numbers, and one
//! for up to two planes, else the levels of their tree: 9 for 16 columns and one plane. Cost (yosys, `synth_ecp5`;
//! firmware/tests/lanes.rs): at most 12 LUT4 for
//! a further column of two weight and two activation planes.

use super::text::{Direction, Number, Part, Stages, instance, pipeline};
use nda_spec::config::Geometry;
use nda_spec::cycles::{LEAF_COLS, MEMORY_STAGES, PRODUCT_STAGES, leaf_numbers, plane_stages, tree_stages};
use nda_spec::width::{ACC_BITS, popcount_bits};

/// The array's body, and the modules that it is made of.
pub(super) fn array(g: &Geometry) -> (String, String) {
    let (rows, cols) = (g.array_rows, g.array_cols);
    let mut v = format!("// {rows} rows x {cols} columns x {} planes\n", g.planes);
    for row in 0..rows {
        v += &format!("wire [{}:0] sum_{row};\n", ACC_BITS - 1);
        let mut ports: Vec<(&str, String)> =
            ["issue", "is_first", "is_shift", "is_heavy", "is_last", "ternary", "a2", "init", "x"].map(|p| (p, p.into())).into();
        for (j, port) in ["w0", "w1"].into_iter().enumerate() {
            let at = (j * rows + row) * cols;
            ports.push((port, format!("w[{}:{at}]", at + cols - 1)));
        }
        ports.push(("sum", format!("sum_{row}")));
        // All rows are in step: the first one's word is the array's.
        ports.push(("sum_valid", if row == 0 { "result_valid".into() } else { String::new() }));
        v += &instance("gemv_array$row", &format!("row_{row}"), &ports);
    }
    let sums = (0..rows).rev().map(|r| format!("sum_{r}")).collect::<Vec<_>>().join(", ");
    v += &format!("assign result = {{{sums}}};\n");
    (v, row(g).verilog() + &popcount(cols).verilog())
}

/// One row: popcounts of every pair of planes, their weighted sum, the accumulator.
fn row(g: &Geometry) -> Part {
    let (cols, planes) = (g.array_cols, g.planes);
    let tree = tree_stages(cols);
    let counted = MEMORY_STAGES + PRODUCT_STAGES + tree;
    let weighed = counted + 1;
    let planed = weighed + plane_stages(planes);
    let summed = planed + 1;
    let mut part = Part::new("gemv_array$row")
        .inputs(&["issue", "is_first", "is_shift", "is_heavy", "is_last", "ternary", "a2"].map(|name| (name, 1)))
        .inputs(&[("init", ACC_BITS), ("w0", cols), ("w1", cols), ("x", cols * planes)])
        .port(Direction::Register, ACC_BITS, "sum")
        .port(Direction::Register, 1, "sum_valid");
    part.body = format!(
        "// Registers: products {PRODUCT_STAGES}, tree {tree}, weights 1, planes {}, accumulator 1, sum 1.\n",
        plane_stages(planes)
    );
    part.body += &pipeline("valid", "issue", 1, summed);
    for (flag, last) in [("is_heavy", weighed), ("is_first", planed), ("is_shift", planed), ("is_last", summed)] {
        part.body += &pipeline(&format!("d_{flag}"), flag, 1, last);
    }
    part.body += &format!("always @(posedge clock) sum_valid <= valid[{summed}] & d_is_last[{summed}];\n");
    let mut stages = Stages::default();
    for plane in 0..planes {
        for j in 0..2 {
            let name = format!("{plane}_{j}");
            part.body += &format!("wire [{}:0] count_{name};\n", popcount_bits(cols) - 1);
            let ports = [
                ("valid", format!("valid[{}:{MEMORY_STAGES}]", counted - 1)),
                ("w", format!("w{j}")),
                ("x", format!("x[{}:{}]", plane * cols + cols - 1, plane * cols)),
                ("count", format!("count_{name}")),
            ];
            part.body += &instance("gemv_array$row$popcount", &format!("popcount_{name}"), &ports);
        }
        weigh(&mut stages, plane, cols, counted);
    }
    combine_planes(&mut stages, cols, planes, weighed);
    accumulate(&mut stages, planes, planed, summed);
    part.body += &stages.verilog();
    part
}

/// A popcount of `cols` products, `PRODUCT_STAGES + tree_stages(cols)` cycles later; `valid` has a bit for each of them.
fn popcount(cols: usize) -> Part {
    let mut part = Part::new("gemv_array$row$popcount")
        .inputs(&[("valid", PRODUCT_STAGES + tree_stages(cols)), ("w", cols), ("x", cols)])
        .port(Direction::Wire, popcount_bits(cols), "count");
    let mut v = Stages::default();
    let every = |step: usize| format!("{cols}'h{}", hex_mask(cols, step));
    v.value(0, "p", cols, false, "w & x");
    // Two products are 0, 1 or 2: a function of four inputs each bit. Registered: Yosys would trade the sharing below for
    // a level less of logic.
    v.register(0, "odd", cols, false, &format!("(p ^ (p >> 1)) & {}", every(2)));
    v.register(0, "both", cols, false, &format!("(p & (p >> 1)) & {}", every(2)));
    // Three such numbers: a full adder of the ones, and of its carry and the twos a sum that is 3 at most.
    v.value(1, "ones", cols, false, &format!("(odd ^ (odd >> 2) ^ (odd >> 4)) & {}", every(LEAF_COLS)));
    v.value(1, "carry", cols, false, &format!("((odd & (odd >> 2)) | ((odd >> 4) & (odd | (odd >> 2)))) & {}", every(LEAF_COLS)));
    v.value(1, "twos", cols, false, &format!("(carry ^ both ^ (both >> 2) ^ (both >> 4)) & {}", every(LEAF_COLS)));
    let two_of_four = "(carry & (both | (both >> 2) | (both >> 4))) | (both & ((both >> 2) | (both >> 4))) | ((both >> 2) & (both >> 4))";
    v.value(1, "fours", cols, false, &format!("({two_of_four}) & {}", every(LEAF_COLS)));
    v.register(1, "leaves", cols, false, "ones | (twos << 1) | (fours << 2)");
    // Level 1: one carry chain adds the lower half of the numbers to the upper half, in fields of four bits, because a
    // sum of two is 12 at most: a chain for each would cost its ends again and again.
    let leaves = leaf_numbers(cols);
    let half = leaves.div_ceil(2);
    let terms = |i: usize| if i < leaves { LEAF_COLS.min(cols - LEAF_COLS * i) } else { 0 };
    let field = |i: usize| match terms(i) {
        0 => "4'd0".into(),
        1 => format!("3'd0, leaves[{}]", LEAF_COLS * i),
        2 => format!("2'd0, leaves[{}:{}]", LEAF_COLS * i + 1, LEAF_COLS * i),
        _ => format!("1'd0, leaves[{}:{}]", LEAF_COLS * i + 2, LEAF_COLS * i),
    };
    let fields = |from: usize| (from..from + half).rev().map(field).collect::<Vec<String>>().join(", ");
    v.value(PRODUCT_STAGES, "halves", 4 * half, false, &format!("{{{}}} + {{{}}}", fields(0), fields(half)));
    let number = |i: usize| {
        let terms = terms(i) + terms(half + i);
        Number { name: format!("halves[{}:{}]", 4 * i + 3, 4 * i), terms, width: popcount_bits }
    };
    let mut numbers: Vec<Number> = (0..half).map(number).collect();
    let (mut levels, mut stage) = (1, PRODUCT_STAGES);
    while numbers.len() > 1 {
        levels += 1;
        numbers = v.add_pairs(stage, &format!("t{levels}"), &numbers, false, levels % 2 == 0);
        stage += usize::from(levels % 2 == 0);
    }
    if levels % 2 == 1 {
        // An odd last level has not been registered yet.
        v.register(stage, "counted", popcount_bits(cols), false, &numbers[0].name);
        numbers[0].name = "counted".into();
    }
    part.body = v.verilog() + &format!("assign count = {};\n", numbers[0].name);
    part
}

/// `3 * count0 + count1` for quaternary, `2 * count1 - count0` for ternary weights, as `d_PLANE`.
fn weigh(v: &mut Stages, plane: usize, cols: usize, stage: usize) {
    let bits = weighed_bits(cols);
    for j in 0..2 {
        v.value(stage, &format!("c{j}_{plane}"), bits, false, &format!("count_{plane}_{j}"));
    }
    v.value(stage, &format!("twice_{plane}"), bits, false, &format!("(ternary ? c1_{plane} : c0_{plane}) << 1"));
    v.value(stage, &format!("once_{plane}"), bits, false, &format!("ternary ? ~c0_{plane} + 1'b1 : c0_{plane} + c1_{plane}"));
    v.register(stage, &format!("d_{plane}"), bits, true, &format!("twice_{plane} + once_{plane}"));
}

/// Bits of a signed number up to `4 * cols` (quaternary) and down to `-cols` (ternary).
fn weighed_bits(cols: usize) -> usize {
    popcount_bits(4 * cols) + 1
}

/// The planes' sum with their weights, as `s`, `plane_stages(planes)` stages later: a tree with a register after each
/// level, whose last one takes two adders.
fn combine_planes(v: &mut Stages, cols: usize, planes: usize, mut stage: usize) {
    // At most 3 + 1 times a plane for A2 and 2^planes times otherwise.
    let bits = weighed_bits(cols) + planes.max(2) + 1;
    let heavy = format!("d_is_heavy[{stage}]");
    for plane in 0..planes {
        v.value(stage, &format!("e_{plane}"), bits, true, &format!("d_{plane}"));
    }
    if planes == 1 {
        // One plane a beat: A2's sign plane comes first and weighs 3.
        v.value(stage, "e_3", bits, true, "(e_0 <<< 1) + e_0");
        v.value(stage, "e_m", bits, true, "-e_0");
        v.register(stage, "s", bits, true, &format!("{heavy} ? (a2 ? e_3 : e_m) : e_0"));
        return;
    }
    let last = planes - 1;
    // The heaviest plane of a two's complement code is negative, and -n = ~n + 1: the 1 goes in below its adder.
    v.value(stage, "minus", 1, false, &format!("{heavy} & ~a2"));
    v.value(stage, "heaviest", bits, true, &format!("(e_{last} <<< {last}) ^ {{{bits}{{minus}}}}"));
    let add_heaviest = |v: &mut Stages, stage: usize, other: &str| {
        v.value(stage, "with_heaviest", bits + 1, false, &format!("{{{other}, 1'b1}} + {{heaviest, minus}}"));
        format!("with_heaviest[{bits}:1]")
    };
    // A2's second plane weighs 3 instead of 2.
    v.value(stage, "more_0", bits, true, &format!("a2 ? e_1 : {bits}'sd0"));
    let mut terms: Vec<String> = (0..last).map(|k| if k == 0 { "e_0".into() } else { format!("(e_{k} <<< {k})") }).collect();
    let mut level = 0;
    if planes == 2 {
        v.value(stage, "low", bits, true, "e_0 + more_0");
        let sum = add_heaviest(v, stage, "low");
        v.register(stage, "s", bits, true, &sum);
        return;
    }
    v.value(stage, "beside_heaviest", bits, true, &terms[last - 1]);
    terms[last - 1] = add_heaviest(v, stage, "beside_heaviest");
    // What is left: pairs of planes, the last of which has been added already.
    let mut sums: Vec<String> = terms[..last - 1].chunks(2).map(|pair| pair.join(" + ")).chain([terms[last - 1].clone()]).collect();
    while sums.len() > 1 {
        level += 1;
        for (i, sum) in sums.iter().enumerate() {
            v.register(stage, &format!("u{level}_{i}"), bits, true, sum);
        }
        v.register(stage, &format!("more_{level}"), bits, true, &format!("more_{}", level - 1));
        stage += 1;
        let names: Vec<String> = (0..sums.len()).map(|i| format!("u{level}_{i}")).collect();
        sums = names.chunks(2).map(|pair| pair.join(" + ")).collect();
    }
    v.register(stage, "s", bits, true, &format!("{} + more_{level}", sums[0]));
}

/// The accumulator `acc`, and the sum that is stored.
fn accumulate(v: &mut Stages, planes: usize, stage: usize, summed: usize) {
    // With one plane a beat A2's second plane is another weight, not a lighter power of two: no shift.
    let shift = if planes == 1 { format!("d_is_shift[{stage}] & ~a2") } else { format!("d_is_shift[{stage}]") };
    let old = format!("d_is_first[{stage}] ? {ACC_BITS}'sd0 : ({shift}) ? acc <<< {planes} : acc");
    v.value(stage, "old", ACC_BITS, true, &old);
    v.register(stage, "acc", ACC_BITS, true, "old + s");
    v.statement(summed, &format!("if (d_is_last[{summed}]) sum <= acc + init;"));
}

/// Hexadecimal digits of a mask with every `step`-th bit set, from bit 0 on.
fn hex_mask(bits: usize, step: usize) -> String {
    (0..bits.div_ceil(4))
        .rev()
        .map(|digit| {
            let value = (0..4).filter(|k| digit * 4 + k < bits && (digit * 4 + k) % step == 0).map(|k| 1 << k).sum::<u32>();
            char::from_digit(value, 16).unwrap_or('0')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_select_every_second_and_sixth_bit() {
        assert_eq!([hex_mask(8, 2), hex_mask(8, 6)], ["55", "41"]);
        assert_eq!([hex_mask(16, 6), hex_mask(10, 2)], ["1041", "155"]);
        assert_eq!(hex_mask(64, 6), "1041041041041041");
    }
}
